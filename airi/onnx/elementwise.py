"""Elementwise ops in ONNX: arithmetic, comparisons, functions, activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airi.onnx.graph import Graph, Use, translates

# Rules that are one node each: ONNX's name, and whether the inputs have to be of one dtype.
_SAME = {
    "Abs": "Abs", "Acos": "Acos", "Acosh": "Acosh", "Add": "Add", "Asin": "Asin", "Asinh": "Asinh",
    "Atan": "Atan", "Atanh": "Atanh", "Ceil": "Ceil", "Cos": "Cos", "Cosh": "Cosh", "Div": "Div",
    "Eq": "Equal", "Erf": "Erf", "Exp": "Exp", "Floor": "Floor", "Ge": "GreaterOrEqual",
    "Gt": "Greater", "IsInf": "IsInf", "IsNan": "IsNaN", "Le": "LessOrEqual", "Log": "Log",
    "LogicalAnd": "And", "LogicalNot": "Not", "LogicalOr": "Or", "LogicalXor": "Xor", "Lt": "Less",
    "Maximum": "Max", "Minimum": "Min", "Mul": "Mul", "Neg": "Neg", "Pow": "Pow",
    "Reciprocal": "Reciprocal", "Relu": "Relu", "Sgn": "Sign", "Sigmoid": "Sigmoid", "Sign": "Sign",
    "Sin": "Sin",
    "Sinh": "Sinh", "Softsign": "Softsign", "Sqrt": "Sqrt", "Sub": "Sub", "Tan": "Tan",
    "Tanh": "Tanh",
}  # fmt: skip
_LOGICAL = ("LogicalAnd", "LogicalNot", "LogicalOr", "LogicalXor")


def operands(graph: Graph, use: Use) -> list[Any]:
    """The inputs of an elementwise op in the dtype that it computes in."""
    dtype = use.common or use.dtype
    return [None if each is None else graph.cast(each, dtype) for each in use.inputs]


@translates(*_SAME)
def one_node(graph: Graph, use: Use) -> Any:
    if use.rule in _LOGICAL:
        inputs = [graph.cast(each, np.bool_) for each in use.inputs]
    else:
        inputs = operands(graph, use)
    return graph.node(_SAME[use.rule], *inputs)


@translates("BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor")
def bitwise(graph: Graph, use: Use) -> Any:
    of_bools = use.dtype.kind == "b"
    return graph.node(
        use.rule.removeprefix("Bitwise") if of_bools else use.rule, *operands(graph, use)
    )


@translates("Ne")
def not_equal(graph: Graph, use: Use) -> Any:
    return graph.node("Not", graph.node("Equal", *operands(graph, use)))


@translates("Square")
def square(graph: Graph, use: Use) -> Any:
    (x,) = operands(graph, use)
    return graph.node("Mul", x, x)


@translates("Rsqrt")
def rsqrt(graph: Graph, use: Use) -> Any:
    return graph.node("Reciprocal", graph.node("Sqrt", *operands(graph, use)))


@translates("Exp2", "Expm1", "Log2", "Log10", "Log1p")
def of_exp_and_log(graph: Graph, use: Use) -> Any:
    (x,) = operands(graph, use)

    def number(value: float) -> Any:
        return graph.constant(value, x.dtype)

    if use.rule == "Exp2":
        return graph.node("Exp", graph.node("Mul", x, number(math.log(2))))
    if use.rule == "Expm1":
        return graph.node("Sub", graph.node("Exp", x), number(1))
    if use.rule == "Log1p":
        return graph.node("Log", graph.node("Add", x, number(1)))
    base = 2 if use.rule == "Log2" else 10
    return graph.node("Div", graph.node("Log", x), number(math.log(base)))


@translates("Remainder")
def remainder(graph: Graph, use: Use) -> Any:
    x, y = operands(graph, use)
    if x.dtype.kind != "f":
        return graph.node("Mod", x, y)
    quotient = graph.node("Floor", graph.node("Div", x, y))
    return graph.node("Sub", x, graph.node("Mul", quotient, y))


@translates("Fmod")
def fmod(graph: Graph, use: Use) -> Any:
    return graph.node("Mod", *operands(graph, use), fmod=1)


@translates("Trunc", "Frac")
def towards_zero(graph: Graph, use: Use) -> Any:
    (x,) = operands(graph, use)
    size = graph.node("Floor", graph.node("Abs", x))
    whole = graph.node("Mul", graph.node("Sign", x), size)
    return whole if use.rule == "Trunc" else graph.node("Sub", x, whole)


@translates("Erfc")
def erfc(graph: Graph, use: Use) -> Any:
    (x,) = operands(graph, use)
    return graph.node("Sub", graph.constant(1, x.dtype), graph.node("Erf", x))


@translates("LogAddExp")
def log_add_exp(graph: Graph, use: Use) -> Any:
    """The larger plus log(1 + e**-(distance)): softplus of minus the distance"""
    x, y = operands(graph, use)
    distance = graph.node("Abs", graph.node("Sub", x, y))
    return graph.node(
        "Add", graph.node("Max", x, y), graph.node("Softplus", graph.node("Neg", distance))
    )


@translates("FloorDivide")
def floor_divide(graph: Graph, use: Use) -> Any:
    x, y = operands(graph, use)
    if x.dtype.kind == "f":
        return graph.node("Floor", graph.node("Div", x, y))
    # ONNX's division of integers rounds to 0: (x - x mod y) / y is exact.
    return graph.node("Div", graph.node("Sub", x, graph.node("Mod", x, y)), y)


@translates("Round")
def rounded(graph: Graph, use: Use) -> Any:
    (x,) = operands(graph, use)
    if use.attributes.get("decimals"):
        raise RuntimeError("onnx.export: round to decimals has no translation")
    return graph.node("Round", x)


@translates("Where")
def where(graph: Graph, use: Use) -> Any:
    condition, x, y = use.inputs
    values = [graph.cast(each, use.dtype) for each in (x, y)]
    return graph.node("Where", graph.cast(condition, np.bool_), *values)


@translates("MaskedFill")
def masked_fill(graph: Graph, use: Use) -> Any:
    x, mask, value = use.inputs
    return graph.node("Where", mask, graph.cast(value, x.dtype), x)


@translates("Clamp")
def clamp(graph: Graph, use: Use) -> Any:
    x, low, high = operands(graph, use)
    if low is not None:
        x = graph.node("Max", x, low)
    return x if high is None else graph.node("Min", x, high)


@translates("Lerp", "Addcmul", "Addcdiv")
def of_three(graph: Graph, use: Use) -> Any:
    x, y, z = operands(graph, use)
    if use.rule == "Lerp":
        return graph.node("Add", x, graph.node("Mul", graph.node("Sub", y, x), z))
    part = graph.node("Mul" if use.rule == "Addcmul" else "Div", y, z)
    return graph.node("Add", x, graph.node("Mul", part, graph.constant(use["value"], x.dtype)))


@translates("Cast")
def cast(graph: Graph, use: Use) -> Any:
    x = graph.cast(use.inputs[0], use.dtype)
    return x if x is not use.inputs[0] else graph.node("Identity", x)


@translates("Clone")
def clone(graph: Graph, use: Use) -> Any:
    return graph.node("Identity", use.inputs[0])


@translates("Copy")
def copied(graph: Graph, use: Use) -> Any:
    """``x.copy_(y)``"""
    y = graph.cast(use.inputs[1], use.dtype)
    return graph.node("Expand", y, graph.shape_tensor(use.shape))


@translates("Zeros")
def zeros(graph: Graph, use: Use) -> Any:
    return graph.node("Expand", graph.constant(0, use.dtype), graph.shape_tensor(use.shape))


# Activations


@translates("Hardtanh")
def hardtanh(graph: Graph, use: Use) -> Any:
    x = use.inputs[0]
    low, high = (graph.constant(use[each], x.dtype) for each in ("low", "high"))
    return graph.node("Clip", x, low, high)


@translates("LeakyRelu")
def leaky_relu(graph: Graph, use: Use) -> Any:
    return graph.node("LeakyRelu", use.inputs[0], alpha=float(use["slope"]))


@translates("Prelu")
def prelu(graph: Graph, use: Use) -> Any:
    return graph.node("PRelu", *use.inputs)


@translates("Elu")
def elu(graph: Graph, use: Use) -> Any:
    x = use.inputs[0]
    alpha, scale, steepness = (use[each] for each in ("alpha", "scale", "input_scale"))
    if steepness == 1:
        out = graph.node("Elu", x, alpha=float(alpha))
    else:
        inner = graph.node("Exp", graph.node("Mul", x, graph.constant(steepness, x.dtype)))
        below = graph.node("Sub", inner, graph.constant(1, x.dtype))
        below = graph.node("Mul", below, graph.constant(alpha, x.dtype))
        above = graph.node("Greater", x, graph.constant(0, x.dtype))
        out = graph.node("Where", above, x, below)
    return out if scale == 1 else graph.node("Mul", out, graph.constant(scale, x.dtype))


@translates("Gelu", "GeluTanh")
def gelu(graph: Graph, use: Use) -> Any:
    x = use.inputs[0]

    def times(each: Any, number: float) -> Any:
        return graph.node("Mul", each, graph.constant(number, x.dtype))

    if use.rule == "Gelu":
        inner = graph.node("Erf", times(x, math.sqrt(0.5)))
    else:
        cube = graph.node("Mul", graph.node("Mul", x, x), x)
        sum_ = graph.node("Add", x, times(cube, 0.044715))
        inner = graph.node("Tanh", times(sum_, math.sqrt(2 / math.pi)))
    share = graph.node("Add", inner, graph.constant(1, x.dtype))
    return graph.node("Mul", times(x, 0.5), share)


@translates("Silu", "Mish")
def gated(graph: Graph, use: Use) -> Any:
    x = use.inputs[0]
    if use.rule == "Silu":
        return graph.node("Mul", x, graph.node("Sigmoid", x))
    return graph.node("Mul", x, graph.node("Tanh", graph.node("Softplus", x)))


@translates("Softplus")
def softplus(graph: Graph, use: Use) -> Any:
    x = use.inputs[0]
    beta = graph.constant(use["beta"], x.dtype)
    return graph.node("Div", graph.node("Softplus", graph.node("Mul", x, beta)), beta)


@translates("LogSigmoid")
def log_sigmoid(graph: Graph, use: Use) -> Any:
    return graph.node("Neg", graph.node("Softplus", graph.node("Neg", use.inputs[0])))


@translates("Hardsigmoid", "Hardswish")
def hardsigmoid(graph: Graph, use: Use) -> Any:
    x = use.inputs[0]
    out = graph.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)
    return out if use.rule == "Hardsigmoid" else graph.node("Mul", x, out)


@translates("Softshrink", "Hardshrink")
def shrink(graph: Graph, use: Use) -> Any:
    edge = float(use["lambd"])
    bias = edge if use.rule == "Softshrink" else 0.0
    return graph.node("Shrink", use.inputs[0], bias=bias, lambd=edge)


@translates("Threshold")
def threshold(graph: Graph, use: Use) -> Any:
    x = use.inputs[0]
    above = graph.node("Greater", x, graph.constant(use["threshold"], x.dtype))
    return graph.node("Where", above, x, graph.constant(use["value"], x.dtype))
