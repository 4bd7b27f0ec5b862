"""Writing in place: the one part of airi that changes the memory of a tensor.

`write` computes an op, puts the result into its first operand and, where a gradient wants to pass,
makes the operand the output of that op. What backward had saved notices by the version.

A write to a view is a write to part of its base: the base becomes the output of `WriteView`, and
every view of it derives its place in the graph anew, by its own steps, when next asked.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from airi import dtypes
from airi.autograd.bfloat16 import is_bfloat16, widened
from airi.autograd.graph import Rule, edge_of, move_retained, record, replay_view, tell, wrap
from airi.autograd.mode import current, observing
from airi.autograd.quiet import restore, silence
from airi.ops import cumulative, elementwise, fused
from airi.ops.conversion import in_dtype
from airi.ops.names import normal_dim
from airi.ops.promotion import RANK, result_dtype

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor


class WriteView(Rule):
    """out = base with the part that `steps` lead to replaced by value

    dbase = g with 0 in that part, dvalue = that part of g
    """

    complex = True

    @staticmethod
    def forward(base, value, *, steps):
        out = np.array(base, order="C")  # an array also of a NumPy scalar
        part = replay_view(steps, out)
        if np.may_share_memory(part, out):
            _is_writable(part, out)
            part[...] = value
        else:  # the steps copied, since `base` was laid out otherwise: go by positions
            positions = np.arange(out.size).reshape(out.shape)
            out.reshape(-1)[replay_view(steps, positions)] = value
        return out

    @staticmethod
    def backward(g, steps, needs):
        part = replay_view(steps, g)
        rest = WriteView.apply(g, elementwise.Zeros.apply(part), steps=steps) if needs[0] else None
        return rest, part if needs[1] else None


class Overwrite(Rule):
    """A rule that puts values into places of its first input and keeps that input's dtype.

    ``into`` is forward without the copy: it writes into the first input itself.
    """

    into: ClassVar[Callable[..., None]]


def write(target: Tensor, name: str, rule: type[Rule], *others: Any, **attributes: Any) -> Tensor:
    """``target[...] = rule(target, *others)``, recorded; returns target."""
    array = target._array
    _refuse_unwritable(target, name)
    recorded = current().grad and (target.requires_grad or any(_wants_grad(x) for x in others))
    if recorded:
        refuse_in_graph(target, name)
        for each in others:
            edge_of(each)  # raises before anything is written
    # What is read must not change under way, nor what backward needs of it afterwards.
    others = tuple([_snapshot(x, recorded) if _overlaps(x, array) else x for x in others])
    values = [array, *(x if not hasattr(x, "_array") else x._array for x in others)]
    _refuse_cast(name, rule, values, array.dtype)
    begun = perf_counter() if observing and current().observers else 0.0
    inputs = (target, *others)
    if begun or (recorded and _saves_target(rule, others)):
        inputs = (_snapshot(target, recorded), *others)
    base = target._base
    is_view = recorded and base is not None
    if base is not None and is_view and begun:
        base = _snapshot(base, True)
    warnings = silence()
    try:
        out = _compute(name, rule, values, attributes, None if is_view else array)
        if is_view:
            out = np.array(out).astype(array.dtype, copy=False)
        if out is not array:
            overwrite(array, out)
    finally:
        restore(warnings)
    if target._counter is not None:  # inside inference_mode there is nobody to warn
        target._counter.value += 1
    if is_view:
        _record_on_base(target, rule, inputs, attributes, out, base, begun)
    elif recorded:
        before = target._edge
        record(rule, inputs, attributes, (target,), begun)
        move_retained(target, before)
    elif begun:
        tell(rule, None, inputs, (target,), begun, attributes)
    return target


def follow(running: Tensor, values: np.ndarray, momentum: float) -> None:
    """running = (1 - momentum) * running + momentum * values, a statistic: it is not recorded."""
    array = running._array
    if is_bfloat16(array):
        overwrite(array, (1 - momentum) * widened([array])[0] + momentum * values)
    else:
        array *= 1 - momentum
        array += momentum * values
    if running._counter is not None:
        running._counter.value += 1


def count_up(counter: Tensor) -> None:
    """counter += 1, of integers; it is not recorded."""
    counter._array[...] += 1
    if counter._counter is not None:
        counter._counter.value += 1


def overwrite(array: np.ndarray, values: Any, where: np.ndarray | None = None) -> None:
    """``array[where] = values``, cast as in C."""
    if type(values) is not np.ndarray or values.dtype is not array.dtype:
        values = in_dtype(np.asarray(values), array.dtype)  # before it is spread, not after
    if where is None:
        np.copyto(array, values)  # a mask of True would be several times slower
    else:
        np.copyto(array, values, where=where)


def _overlaps(value: Any, array: np.ndarray) -> bool:
    return hasattr(value, "_array") and np.may_share_memory(value._array, array)


def _saves_target(rule: type[Rule], others: tuple[Any, ...]) -> bool:
    """Whether backward needs the values that are about to be overwritten."""
    name = rule.inputs[0]
    if name not in rule._wanted():
        return False
    only_for = rule.only_for.get(name)
    return only_for is None or _wants_grad(others[rule.inputs.index(only_for) - 1])


def _compute(
    name: str, rule: type[Rule], values: list[Any], attributes: Any, into: np.ndarray | None
) -> Any:
    """The result of the rule, computed straight into the array where that is possible."""
    shape, dtype = values[0].shape, values[0].dtype
    if is_bfloat16(values[0]) and not issubclass(rule, Overwrite):
        values, into = widened(values), None
    prepared = rule.prepare(list(values))
    ufunc = getattr(rule, "ufunc", None)
    one_dtype = all(not isinstance(x, np.ndarray) or x.dtype == dtype for x in prepared)
    try:
        if ufunc is not None and into is not None and one_dtype:
            return ufunc(*prepared, out=into)
        if into is not None and len(values) == 1 and fused.each_in_place(rule, into, attributes):
            return into
        if into is not None and issubclass(rule, Overwrite):
            rule.into(into, *values[1:], **attributes)
            return into
        out = np.asarray(rule.forward(*prepared, **attributes))
    except ValueError as error:
        shapes = ", ".join(str(np.shape(each)) for each in values)
        raise RuntimeError(f"{name}: shapes {shapes}: {error}") from error
    if out.shape != shape:
        raise RuntimeError(
            f"{name}: the result has shape {out.shape}, which does not fit into the tensor of "
            f"shape {shape} that is written in place"
        )
    return out


def _wants_grad(value: Any) -> bool:
    return hasattr(value, "_array") and value.requires_grad


def _snapshot(tensor: Tensor, recorded: bool) -> Tensor:
    """A copy at the same place in the graph."""
    copy = wrap(tensor._array.copy())
    if recorded:
        copy._edge = edge_of(tensor)
    return copy


def _record_on_base(
    target: Tensor,
    rule: type[Rule],
    inputs: tuple[Any, ...],
    attributes: Any,
    out: np.ndarray,
    base_before: Any,
    begun: float,
) -> None:
    value = wrap(out)
    record(rule, inputs, attributes, (value,), begun)
    base = target._base
    assert base is not None
    assert target._steps is not None
    before = base._edge
    steps = (*base._back, *target._steps)
    record(WriteView, (base_before, value), {"steps": steps}, (base,), begun)
    move_retained(base, before)
    if target._edge is not None and target._edge[0].retained:
        target._follow_base()


def _refuse_unwritable(target: Any, name: str) -> None:
    if not hasattr(target, "_array"):
        raise TypeError(f"{name}: expected a Tensor, got {type(target).__name__}")
    if target._counter is None and not current().inference:
        raise RuntimeError(
            f"{name}: this tensor was made in inference_mode and may not be written outside it; "
            "clone() it"
        )
    root = target if target._base is None else target._base
    if not _is_writable(target._array, root._array):
        raise RuntimeError(
            f"{name}: this tensor of shape {tuple(target.shape)} may not be written in place: "
            "several of its elements share one place in memory (expand) or its array is read-only; "
            "clone() it first"
        )


def _is_writable(array: np.ndarray, root: np.ndarray) -> bool:
    """Whether writing is safe: NumPy also forbids it to parts of a broadcast array that are."""
    if array.flags.writeable:
        return True
    repeats = any(step == 0 and n > 1 for n, step in zip(array.shape, array.strides, strict=True))
    if repeats or not root.flags.writeable:
        return False
    array.flags.writeable = True
    return True


def refuse_in_graph(target: Any, name: str) -> None:
    if target._requires_grad and target._edge is None:
        raise RuntimeError(
            f"{name}: a leaf tensor that requires grad may not be written in place; do it under "
            "no_grad(), or write to a clone()"
        )
    if target._base is None:
        return
    if target._base._requires_grad and target._base._edge is None:
        raise RuntimeError(
            f"{name}: this is a view of a leaf tensor that requires grad, which may not be written "
            "in place; do it under no_grad(), or write to a clone()"
        )
    if target._made_without_grad:
        raise RuntimeError(
            f"{name}: this view was made under no_grad() and is written with grad enabled, "
            "which would leave its base's gradient undefined; do both in the same mode"
        )
    if target._steps is None:
        raise RuntimeError(
            f"{name}: this view is one of several made by one op (unbind, split, chunk), which may "
            "not be written in place; index the base instead, or clone() the part"
        )


def _refuse_cast(name: str, rule: type[Rule], values: list[Any], dtype: np.dtype) -> None:
    if issubclass(rule, Overwrite):
        if dtype.kind != "c" and any(isinstance(each, complex) for each in values):
            raise RuntimeError(f"{name}: a complex number cannot be written into {dtype}")
        return
    values = [each.item() if isinstance(each, np.generic) else each for each in values]
    result = result_dtype([x for x in values if isinstance(x, (np.ndarray, int, float, complex))])
    if getattr(rule, "floating", False) and result.kind in "biu":
        result = dtypes.default_numpy()
    if RANK[result.kind] > RANK[dtype.kind]:
        raise RuntimeError(f"{name}: the result, {result}, cannot be written into {dtype} in place")


class Copy(Overwrite):
    """out = y, broadcast to x;  dx = 0, dy = g"""

    complex = True
    broadcasts = True

    @staticmethod
    def forward(x, y):
        return np.broadcast_to(y, x.shape)

    @staticmethod
    def into(x, y):
        overwrite(x, y)

    @staticmethod
    def backward(g, needs):
        return elementwise.Zeros.apply(g) if needs[0] else None, g


class MaskedFill(Overwrite):
    """out = value where mask, else x;  dx = g where not mask, dvalue = sum of g where mask"""

    complex = True
    broadcasts = True

    @staticmethod
    def forward(x, mask, value):
        if x.dtype.kind == "f" and type(value) is float:
            return elementwise.Where.forward(mask, value, x)
        shape = np.broadcast_shapes(x.shape, mask.shape)
        out = np.array(np.broadcast_to(x, shape))
        MaskedFill.into(out, mask, value)
        return out

    @staticmethod
    def into(x, mask, value):
        overwrite(x, value, where=mask)

    @staticmethod
    def backward(g, mask, needs):
        dvalue = MaskedFill.apply(g, _Not.apply(mask), 0.0) if needs[2] else None
        return MaskedFill.apply(g, mask, 0.0) if needs[0] else None, None, dvalue


class _Not(Rule):
    """out = not x, for masks"""

    complex = True

    @staticmethod
    def forward(x):
        return np.logical_not(x)


def copy_(input: Tensor, src: Tensor | Number, non_blocking: bool = False) -> Tensor:
    """input[...] = src, broadcast and cast to input's dtype. Source: ``torch.Tensor.copy_``."""
    return write(input, "copy_", Copy, src)


def fill_(input: Tensor, value: Tensor | Number) -> Tensor:
    """Every element = value. Source: ``torch.Tensor.fill_``."""
    return write(input, "fill_", Copy, value)


def zero_(input: Tensor) -> Tensor:
    """Every element = 0. Source: ``torch.Tensor.zero_``."""
    return write(input, "zero_", Copy, 0)


def cumsum_(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """input = cumsum(input, dim), in place; a `dtype` must be input's own.

    Source: ``torch.Tensor.cumsum_``.
    """
    return _along("cumsum_", cumulative.Cumsum, input, dim, dtype)


def cumprod_(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """input = cumprod(input, dim), in place; a `dtype` must be input's own.

    Source: ``torch.Tensor.cumprod_``.
    """
    return _along("cumprod_", cumulative.Cumprod, input, dim, dtype)


def _along(name: str, rule: type[Rule], input: Tensor, dim: int, dtype: Any) -> Tensor:
    if dtype is not None and dtypes.to_numpy(dtype) != input._array.dtype:
        raise RuntimeError(f"{name}: dtype must be the tensor's {input.dtype}, got {dtype}")
    at = normal_dim(name, dim, input.ndim)
    return write(input, name, rule, dim=at) if input.ndim else input
