"""The ops of layers in ONNX: products, convolution, pooling, padding, normalization, attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airi.onnx.graph import Graph, Tensor, Use, translates
from airi.onnx.shapes import reduced, reshaped
from airi.onnx.tracing import Dim


@translates("MatMul")
def matmul(graph: Graph, use: Use) -> Any:
    return graph.node("MatMul", *use.inputs)


@translates("Linear")
def linear(graph: Graph, use: Use) -> Any:
    x, weight, bias = use.inputs
    if x.ndim == 2:
        return graph.node("Gemm", x, weight, bias, transB=1)
    out = graph.node("MatMul", x, graph.node("Transpose", weight, perm=[1, 0]))
    return out if bias is None else graph.node("Add", out, bias)


@translates("Addmm")
def addmm(graph: Graph, use: Use) -> Any:
    term, x, y = use.inputs
    if x.ndim == 2:
        return graph.node("Gemm", x, y, term, alpha=float(use["alpha"]), beta=float(use["beta"]))
    product = graph.node("MatMul", x, y)
    product = graph.node("Mul", product, graph.constant(use["alpha"], use.dtype))
    return graph.node(
        "Add", graph.node("Mul", term, graph.constant(use["beta"], use.dtype)), product
    )


@translates("Softmax", "LogSoftmax")
def softmax(graph: Graph, use: Use) -> Any:
    return graph.node(use.rule, use.inputs[0], axis=int(use["dim"]))


# Convolution and pooling of images (N, C, H, W)


def _fixed(use: Use, sizes: Any, what: str) -> list[int]:
    """Sizes as ints; RuntimeError where they depend on a dynamic axis."""
    if any(isinstance(each, Dim) for each in sizes):
        raise RuntimeError(f"onnx.export: {use.rule} with {what} of a dynamic axis")
    return [int(each) for each in sizes]


def _window(use: Use) -> dict[str, Any]:
    top, left = use["padding"]
    return {"strides": list(use["stride"]), "pads": [top, left, top, left]}


@translates("Conv2d")
def conv(graph: Graph, use: Use) -> Any:
    return graph.node(
        "Conv",
        *use.inputs,
        kernel_shape=list(use.inputs[1].shape[2:]),
        dilations=list(use["dilation"]),
        group=int(use["groups"]),
        **_window(use),
    )


@translates("Conv2dInputGrad")
def conv_transpose(graph: Graph, use: Use) -> Any:
    y, weight = use.inputs
    kernel = weight.shape[2:]
    wanted = _fixed(use, use.shape[2:], "the image size")
    extra = []
    for n, out, k, step, pad, gap in zip(
        _fixed(use, y.shape[2:], "the image size"),
        wanted,
        kernel,
        use["stride"],
        use["padding"],
        use["dilation"],
        strict=True,
    ):
        extra.append(out - ((n - 1) * step - 2 * pad + gap * (k - 1) + 1))
    return graph.node(
        "ConvTranspose",
        y,
        weight,
        kernel_shape=list(kernel),
        dilations=list(use["dilation"]),
        group=int(use["groups"]),
        output_padding=extra,
        **_window(use),
    )


def _rounds_up(use: Use, dilation: Any) -> int:
    """ceil_mode: whether the output is larger than whole windows make it."""
    sizes = zip(
        _fixed(use, use.inputs[0].shape[2:], "the image size"),
        _fixed(use, use.shape[2:], "the image size"),
        use["kernel"],
        use["stride"],
        use["padding"],
        dilation,
        strict=True,
    )
    return int(
        any(
            out > (n + 2 * pad - gap * (k - 1) - 1) // step + 1
            for n, out, k, step, pad, gap in sizes
        )
    )


@translates("MaxPool2d")
def max_pool(graph: Graph, use: Use) -> Any:
    return graph.node(
        "MaxPool",
        use.inputs[0],
        kernel_shape=list(use["kernel"]),
        dilations=list(use["dilation"]),
        ceil_mode=_rounds_up(use, use["dilation"]),
        **_window(use),
    )


@translates("AvgPool2d")
def avg_pool(graph: Graph, use: Use) -> Any:
    if use["divisor_override"] is not None:
        raise RuntimeError("onnx.export: avg_pool2d with divisor_override has no translation")
    return graph.node(
        "AveragePool",
        use.inputs[0],
        kernel_shape=list(use["kernel"]),
        ceil_mode=_rounds_up(use, (1, 1)),
        count_include_pad=int(use["count_include_pad"]),
        **_window(use),
    )


@translates("AdaptiveAvgPool2d", "AdaptiveMaxPool2d")
def adaptive_pool(graph: Graph, use: Use) -> Any:
    kind = "Average" if use.rule == "AdaptiveAvgPool2d" else "Max"
    x, wanted = use.inputs[0], tuple(use.shape[2:])
    if wanted == (1, 1):
        return graph.node(f"Global{kind}Pool", x)
    sizes = _fixed(use, x.shape[2:], "the image size")
    if any(n % out for n, out in zip(sizes, wanted, strict=True)):
        raise RuntimeError(
            f"onnx.export: adaptive pooling from {tuple(sizes)} to {wanted} has windows of "
            "different sizes, which ONNX has not"
        )
    window = [n // out for n, out in zip(sizes, wanted, strict=True)]
    return graph.node(f"{kind}Pool", x, kernel_shape=window, strides=window)


@translates("PadConstant")
def pad(graph: Graph, use: Use) -> Any:
    pads = list(use["pads"])
    both = graph.shape_tensor([each[0] for each in pads] + [each[1] for each in pads])
    return graph.node("Pad", use.inputs[0], both, graph.constant(use["value"], use.dtype))


@translates("PadFrom")
def pad_from(graph: Graph, use: Use) -> Any:
    modes = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    x, dim, mode = use.inputs[0], use["dim"] % use.inputs[0].ndim, modes[use["mode"]]
    if mode == "wrap" and graph.opset < 19:
        raise RuntimeError("onnx.export: circular padding needs opset_version=19")
    pads = [0] * (2 * x.ndim)
    pads[dim], pads[dim + x.ndim] = use["before"], use["after"]
    return graph.node("Pad", x, graph.ints(pads), mode=mode)


@translates("Resample")
def resample(graph: Graph, use: Use) -> Any:
    """A weighted sum of elements along a dimension, as interpolation takes them"""
    x, out = use.inputs[0], None
    for places, weights in zip(use["places"], use["weights"], strict=True):
        part = graph.node("Gather", x, graph.constant(places, np.int64), axis=use["dim"] % x.ndim)
        if weights is not None:
            part = graph.node("Mul", part, graph.constant(weights, x.dtype))
        out = part if out is None else graph.node("Add", out, part)
    return out


# Normalization


@translates("Normalize", "BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm")
def normalize(graph: Graph, use: Use) -> Any:
    x, weight, bias = use.inputs
    rows = weight is not None and weight.ndim == 1 and weight.shape[0] == x.shape[-1]
    if use.rule == "LayerNorm" and rows:
        return graph.node("LayerNormalization", x, weight, bias, axis=-1, epsilon=float(use["eps"]))
    seen = Tensor(reshaped(graph, x, use["view"]), use["view"], x.dtype)
    dims = list(use["dims"])
    centered = graph.node("Sub", seen, reduced(graph, "ReduceMean", seen, dims, True))
    var = reduced(graph, "ReduceMean", graph.node("Mul", centered, centered), dims, True)
    deviation = graph.node("Sqrt", graph.node("Add", var, graph.constant(use["eps"], x.dtype)))
    out = graph.node("Div", centered, deviation)
    for op_type, each in (("Mul", weight), ("Add", bias)):
        if each is not None:
            out = graph.node(op_type, out, reshaped(graph, each, use["affine"]))
    return reshaped(graph, out, use.shape)


@translates("RMSNorm")
def rms_norm(graph: Graph, use: Use) -> Any:
    x, weight = use.inputs
    seen = reshaped(graph, x, use["view"])
    square = reduced(graph, "ReduceMean", graph.node("Mul", seen, seen), [1], True)
    root = graph.node("Sqrt", graph.node("Add", square, graph.constant(use["eps"], x.dtype)))
    out = graph.node("Div", seen, root)
    if weight is not None:
        out = graph.node("Mul", out, reshaped(graph, weight, [math.prod(weight.shape)]))
    return reshaped(graph, out, use.shape)


@translates("ScaleAndShift")
def scale_and_shift(graph: Graph, use: Use) -> Any:
    x, scale, shift = use.inputs
    return graph.node("Add", graph.node("Mul", x, scale), shift)


# Attention


@translates("Attention")
def attention(graph: Graph, use: Use) -> Any:
    """softmax(scale * q k' + mask) v; a query that sees nothing gives NaN in ONNX, 0 in airi."""
    q, k, v, mask = use.inputs
    order = [*range(k.ndim - 2), k.ndim - 1, k.ndim - 2]
    scaled = graph.node("Mul", q, graph.constant(use["scale"], q.dtype))
    scores = graph.node("MatMul", scaled, graph.node("Transpose", k, perm=order))
    hidden = graph.constant(-np.inf, q.dtype)
    if mask is not None and mask.dtype.kind == "b":
        scores = graph.node("Where", mask, scores, hidden)
    elif mask is not None:
        scores = graph.node("Add", scores, graph.cast(mask, q.dtype))
    if use["is_causal"]:
        seen = _not_later(graph, q.shape[-2], k.shape[-2])
        scores = graph.node("Where", seen, scores, hidden)
    return graph.node("MatMul", graph.node("Softmax", scores, axis=-1), v)


def _not_later(graph: Graph, queries: Any, keys: Any) -> Any:
    """True where the key does not come after the query."""
    if not isinstance(queries, Dim) and not isinstance(keys, Dim):
        return graph.constant(np.tri(queries, keys, dtype=np.bool_))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)

    def positions(size: Any) -> Any:
        length = graph.node("Squeeze", graph.shape_tensor([size]), graph.ints([0]))
        return graph.node("Range", zero, length, one)

    rows = graph.node("Unsqueeze", positions(queries), graph.ints([1]))
    return graph.node("LessOrEqual", positions(keys), rows)
