"""Ops that move elements in ONNX: views, joining, indexing, reductions over dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from airi.onnx.graph import Graph, Use, onnx_dtype, translates
from airi.onnx.tracing import Dim

_LAST = np.iinfo(np.int64).max


@translates("Reshape")
def reshape(graph: Graph, use: Use) -> Any:
    return reshaped(graph, use.inputs[0], use.shape)


def reshaped(graph: Graph, x: Any, shape: Sequence[Any]) -> Any:
    """x in that shape; one size that depends on a dynamic axis is left for ONNX to find."""
    depends = [isinstance(each, Dim) for each in shape]
    if sum(depends) == 1 and all(each for each in shape):
        sizes = graph.ints([-1 if isinstance(each, Dim) else each for each in shape])
    else:
        sizes = graph.shape_tensor(shape)
    return graph.node("Reshape", x, sizes)


@translates("Permute")
def permute(graph: Graph, use: Use) -> Any:
    x = use.inputs[0]
    return graph.node("Transpose", x, perm=[dim % max(x.ndim, 1) for dim in use["dims"]])


@translates("Expand")
def expand(graph: Graph, use: Use) -> Any:
    return graph.node("Expand", use.inputs[0], graph.shape_tensor(use.shape))


@translates("Slice")
def sliced(graph: Graph, use: Use) -> Any:
    """An index of ints, slices, None and Ellipsis"""
    x = use.inputs[0]
    index = use["index"] if isinstance(use["index"], tuple) else (use["index"],)
    taken = sum(each is not None and each is not Ellipsis for each in index)
    dim = 0
    starts: list[Any] = []
    ends: list[Any] = []
    steps: list[int] = []
    dims: list[int] = []
    removed: list[int] = []
    for each in index:
        if each is None:
            continue
        if each is Ellipsis:
            dim += x.ndim - taken
            continue
        if isinstance(each, slice):
            if each != slice(None):
                start, end, step = _bounds(each)
                starts, ends, steps = [*starts, start], [*ends, end], [*steps, step]
                dims.append(dim)
        else:
            starts, ends, steps = [*starts, each], [*ends, _after(each)], [*steps, 1]
            dims.append(dim)
            removed.append(dim)
        dim += 1
    out: Any = x
    if dims:
        limits = graph.shape_tensor(starts), graph.shape_tensor(ends)
        out = graph.node("Slice", out, *limits, graph.ints(dims), graph.ints(steps))
    if removed:
        out = graph.node("Squeeze", out, graph.ints(removed))
    added = _places_of_none(index, len(use.shape))
    if added:
        out = graph.node("Unsqueeze", out, graph.ints(added))
    return out if out is not x else graph.node("Identity", x)


def _bounds(each: slice) -> tuple[Any, Any, int]:
    step = 1 if each.step is None else int(each.step)
    start = (0 if step > 0 else _LAST) if each.start is None else each.start
    end = (_LAST if step > 0 else -_LAST) if each.stop is None else each.stop
    return start, end, step


def _after(index: Any) -> Any:
    if isinstance(index, Dim):
        return index._replace(plus=index.plus + 1)
    return _LAST if index == -1 else index + 1


def _places_of_none(index: tuple[Any, ...], ndim: int) -> list[int]:
    """The dimensions of the result that None made."""
    made = [each is None for each in index if each is None or isinstance(each, slice | type(...))]
    places, dim = [], 0
    rest = ndim - sum(each is None or isinstance(each, slice) for each in index)
    for each in index:
        if each is None:
            places.append(dim)
            dim += 1
        elif each is Ellipsis:
            dim += rest
        elif isinstance(each, slice):
            dim += 1
    return places if any(made) else []


@translates("Unbind")
def unbind(graph: Graph, use: Use) -> Any:
    dim = use["dim"] % use.inputs[0].ndim
    numbers = range(len(use.shapes))
    return [
        graph.node("Gather", use.inputs[0], graph.constant(i, np.int64), axis=dim) for i in numbers
    ]


@translates("Split")
def split(graph: Graph, use: Use) -> Any:
    x, dim = use.inputs[0], use["dim"] % use.inputs[0].ndim
    out = graph.node(
        "Split", x, graph.shape_tensor(use["sizes"]), outputs=len(use.shapes), axis=dim
    )
    return out


@translates("Cat")
def cat(graph: Graph, use: Use) -> Any:
    parts = [graph.cast(each, use.dtype) for each in use.inputs]
    dim = use["dim"] % max(len(use.shape), 1)
    # PyTorch lets empty tensors of one dimension stand among others.
    parts = [each for each in parts if each.ndim == len(use.shape)]
    return graph.node("Concat", *parts, axis=dim)


@translates("Stack")
def stack(graph: Graph, use: Use) -> Any:
    dim = use["dim"] % len(use.shape)
    parts = [
        graph.node("Unsqueeze", graph.cast(each, use.dtype), graph.ints([dim]))
        for each in use.inputs
    ]
    return graph.node("Concat", *parts, axis=dim)


@translates("Repeat")
def repeat(graph: Graph, use: Use) -> Any:
    x, repeats = use.inputs[0], list(use["repeats"])
    out: Any = x
    if len(repeats) > x.ndim:
        out = graph.node("Unsqueeze", x, graph.ints(range(len(repeats) - x.ndim)))
    return graph.node("Tile", out, graph.shape_tensor([1] * (x.ndim - len(repeats)) + repeats))


@translates("Flip")
def flip(graph: Graph, use: Use) -> Any:
    dims = [dim % use.inputs[0].ndim for dim in use["dims"]]
    count = len(dims)
    starts, ends, steps = [_LAST] * count, [-_LAST] * count, [-1] * count
    limits = (graph.ints(each) for each in (starts, ends, dims, steps))
    return graph.node("Slice", use.inputs[0], *limits) if dims else _same(graph, use)


def _same(graph: Graph, use: Use) -> Any:
    return graph.node("Identity", use.inputs[0])


@translates("Roll")
def roll(graph: Graph, use: Use) -> Any:
    x, dims, shifts = use.inputs[0], use["dims"], use["shifts"]
    if dims is None:
        raise RuntimeError("onnx.export: roll without dims has no translation")
    pairs = [(dims, shifts)] if isinstance(dims, int) else zip(dims, shifts, strict=True)
    out: Any = x
    for dim, shift in pairs:
        dim %= x.ndim
        size = x.shape[dim]
        cut = -shift if isinstance(size, Dim) else -shift % max(size, 1)
        dims_of_slice, step = graph.ints([dim]), graph.ints([1])
        limits = (graph.ints([0]), graph.ints([cut]), graph.ints([_LAST]))
        head = graph.node("Slice", out, limits[0], limits[1], dims_of_slice, step)
        tail = graph.node("Slice", out, limits[1], limits[2], dims_of_slice, step)
        out = graph.node("Concat", tail, head, axis=dim)
    return out if out is not x else _same(graph, use)


@translates("Unfold")
def windows(graph: Graph, use: Use) -> Any:
    """Windows along a dimension, as a last one"""
    x, dim, size = use.inputs[0], use["dim"] % use.inputs[0].ndim, use["size"]
    count = use.shape[dim]
    if isinstance(count, Dim):
        raise RuntimeError("onnx.export: unfold along a dynamic axis has no translation")
    places = use["step"] * np.arange(count)[:, None] + np.arange(size)
    taken = graph.node("Gather", x, graph.constant(places, np.int64), axis=dim)
    order = [*range(dim + 1), *range(dim + 2, x.ndim + 1), dim + 1]
    return graph.node("Transpose", taken, perm=order)


@translates("Unslice")
def unslice(graph: Graph, use: Use) -> Any:
    """Zeros with x at the places of an index: only of slices without steps, which is padding"""
    x, index = use.inputs[0], use["index"]
    index = index if isinstance(index, tuple) else (index,)
    if Ellipsis in index:
        at = index.index(Ellipsis)
        rest = (slice(None),) * (x.ndim - len(index) + 1)
        index = index[:at] + rest + index[at + 1 :]
    slices = all(isinstance(each, slice) and each.step in (None, 1) for each in index)
    if not slices or len(index) > x.ndim:
        raise RuntimeError(f"onnx.export: zeros around {index} have no translation")
    before, after = [0] * x.ndim, [0] * x.ndim
    for dim, each in enumerate(index):
        if each == slice(None):
            continue
        size = use.shape[dim]
        if isinstance(size, Dim):
            raise RuntimeError("onnx.export: zeros along a dynamic axis have no translation")
        start, stop, _ = each.indices(size)
        before[dim], after[dim] = start, size - stop
    return graph.node("Pad", x, graph.ints(before + after))


@translates("Triu", "Tril")
def triangle(graph: Graph, use: Use) -> Any:
    diagonal = graph.constant(use["diagonal"], np.int64)
    return graph.node("Trilu", use.inputs[0], diagonal, upper=int(use.rule == "Triu"))


@translates("Index")
def index(graph: Graph, use: Use) -> Any:
    x, *indices = use.inputs
    dims = list(use["dims"])
    if any(each.dtype.kind == "b" for each in indices):
        raise RuntimeError("onnx.export: x[mask] gives a size that depends on values; use where()")
    if len(indices) == 1:
        return graph.node("Gather", x, graph.cast(indices[0], np.int64), axis=dims[0])
    if dims != list(range(len(dims))):
        raise RuntimeError(f"onnx.export: indices at dimensions {dims} have no translation")
    shape = graph.shape_tensor(use.shape[: len(use.shape) - (x.ndim - len(dims))])
    last = graph.ints([-1])
    parts = []
    for each in indices:
        spread = graph.node("Expand", graph.cast(each, np.int64), shape)
        parts.append(graph.node("Unsqueeze", spread, last))
    return graph.node("GatherND", x, graph.node("Concat", *parts, axis=-1))


@translates("TakeAlong")
def take_along(graph: Graph, use: Use) -> Any:
    x, indices = use.inputs
    return graph.node("GatherElements", x, graph.cast(indices, np.int64), axis=use["dim"])


@translates("Scatter", "ScatterAdd")
def scatter(graph: Graph, use: Use) -> Any:
    x, indices, source = use.inputs
    source = graph.cast(source, x.dtype)
    if source.ndim == 0:
        source = graph.node("Expand", source, graph.shape_tensor(indices.shape))
    elif source.shape != indices.shape:
        raise RuntimeError("onnx.export: scatter of more values than indices has no translation")
    reduction = "add" if use.rule == "ScatterAdd" else "none"
    places = graph.cast(indices, np.int64)
    return graph.node(
        "ScatterElements", x, places, source, axis=int(use["dim"]), reduction=reduction
    )


@translates("Sort", "Topk")
def sorted_along(graph: Graph, use: Use) -> Any:
    x, dim = use.inputs[0], int(use["dim"])
    largest = use["largest"] if use.rule == "Topk" else use["descending"]
    count = graph.shape_tensor([use.shape[dim]])
    return graph.node("TopK", x, count, outputs=2, axis=dim, largest=int(bool(largest)))


@translates("Embedding")
def embedding(graph: Graph, use: Use) -> Any:
    weight, indices = use.inputs[:2]
    return graph.node("Gather", weight, graph.cast(indices, np.int64), axis=0)


# Reductions

_REDUCTIONS = {
    "Sum": "ReduceSum",
    "Mean": "ReduceMean",
    "Prod": "ReduceProd",
    "Amax": "ReduceMax",
    "Amin": "ReduceMin",
    "Logsumexp": "ReduceLogSumExp",
}


def reduced(graph: Graph, op_type: str, x: Any, dim: Any, keepdim: bool) -> Any:
    """A reduction over some dimensions, all for None."""
    if dim is None:
        return graph.node(op_type, x, keepdims=int(keepdim))
    dims = [dim] if isinstance(dim, int) else list(dim)
    if not dims:
        return graph.node(op_type, x, keepdims=int(keepdim), noop_with_empty_axes=1)
    return graph.node(op_type, x, graph.ints(dims), keepdims=int(keepdim))


@translates(*_REDUCTIONS)
def reduction(graph: Graph, use: Use) -> Any:
    x = graph.cast(use.inputs[0], use.dtype)
    return reduced(graph, _REDUCTIONS[use.rule], x, use["dim"], bool(use["keepdim"]))


@translates("AllTrue", "AnyTrue")
def truth(graph: Graph, use: Use) -> Any:
    x = graph.cast(graph.cast(use.inputs[0], np.bool_), np.int32)
    kind = "ReduceMin" if use.rule == "AllTrue" else "ReduceMax"
    name = reduced(graph, kind, x, use["dim"], bool(use["keepdim"]))
    return graph.node("Cast", name, to=onnx_dtype(use.dtype))


@translates("Norm")
def norm(graph: Graph, use: Use) -> Any:
    kinds = {1: "ReduceL1", 2: "ReduceL2"}
    if use["p"] not in kinds:
        raise RuntimeError(f"onnx.export: the norm of p={use['p']} has no translation")
    return reduced(graph, kinds[use["p"]], use.inputs[0], use["dim"], bool(use["keepdim"]))


@translates("Var", "Std")
def variance(graph: Graph, use: Use) -> Any:
    x, dim = use.inputs[0], use["dim"]
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    sizes = [x.shape[each] for each in dims]
    if any(isinstance(each, Dim) for each in sizes):
        raise RuntimeError(f"onnx.export: {use.rule} over a dynamic axis has no translation")
    count = int(np.prod(sizes))
    centered = graph.node("Sub", x, reduced(graph, "ReduceMean", x, dim, True))
    total = reduced(graph, "ReduceSumSquare", centered, dim, bool(use["keepdim"]))
    out = graph.node("Div", total, graph.constant(max(count - use["correction"], 0), x.dtype))
    return out if use.rule == "Var" else graph.node("Sqrt", out)


@translates("Argmax", "Argmin")
def argmax(graph: Graph, use: Use) -> Any:
    name = "ArgMax" if use.rule == "Argmax" else "ArgMin"
    x, dim = use.inputs[0], use["dim"]
    if dim is not None:
        return graph.node(name, x, axis=int(dim), keepdims=int(use["keepdim"]))
    row = graph.node("Reshape", x, graph.ints([-1]))
    found = graph.node(name, row, axis=0, keepdims=0)
    return graph.node("Reshape", found, graph.ints([1] * x.ndim)) if use["keepdim"] else found


@translates("Max", "Min")
def extreme(graph: Graph, use: Use) -> Any:
    x, dim, keepdim = use.inputs[0], int(use["dim"]), int(use["keepdim"])
    values = graph.node(f"Reduce{use.rule}", x, graph.ints([dim]), keepdims=keepdim)
    indices = graph.node("ArgMax" if use.rule == "Max" else "ArgMin", x, axis=dim, keepdims=keepdim)
    return values, indices


@translates("Cumsum")
def cumsum(graph: Graph, use: Use) -> Any:
    x = graph.cast(use.inputs[0], use.dtype)
    dim = graph.constant(use["dim"], np.int64)
    return graph.node("CumSum", x, dim, reverse=int(use.attributes.get("reverse") or 0))


@translates("Einsum")
def einsum(graph: Graph, use: Use) -> Any:
    return graph.node("Einsum", *use.inputs, equation=use["equation"])
