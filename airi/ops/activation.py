"""Activation functions of neural networks, element by element.

GELU is in `gelu.py`, `sigmoid` in `transcendental.py`, `tanh` in `trigonometry.py`, softmax in
`softmax.py`. Rules use the output where that is enough: it is mostly kept anyway, as the input of
the layer that follows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import draws, fused
from airi.ops.elementwise import Where, div, mul, sub, where
from airi.ops.joining import cat
from airi.ops.names import normal_dim, numpy_names
from airi.ops.out import written
from airi.ops.promotion import Elementwise
from airi.ops.transcendental import Sigmoid, expm1, sigmoid
from airi.ops.trigonometry import tanh
from airi.ops.views import narrow, reshape, shape_of
from airi.random import generator_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

    Number = int | float

# What PyTorch has at its top level; the others are reached as nn.functional's.
__all__ = [
    "celu",
    "hardshrink",
    "prelu",
    "relu",
    "rrelu",
    "selu",
    "threshold",
]

SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805, "input_scale": 1.0}
_FLOAT64 = np.dtype(np.float64)


class Activation(Elementwise):
    """A function of floating-point numbers: integers are refused, as in PyTorch."""

    @classmethod
    def prepare(cls, arrays: list[Any]) -> list[Any]:
        for each in arrays:
            if isinstance(each, np.ndarray) and each.dtype.kind != "f":
                raise ValueError(f"expected floating-point tensors, got {each.dtype}")
        return super().prepare(arrays)


def _positive_part(x: Any) -> Any:
    return x.clip(0, math.inf)  # three times as fast as np.maximum(x, 0)


def _negative_part(x: Any) -> Any:
    return x.clip(-math.inf, 0)


class Relu(Elementwise):
    """out = max(x, 0);  dx = g where out > 0"""

    small = fused.kernel("relu", "relu_grad")

    @staticmethod
    def forward(x):
        if x.dtype.kind == "b":
            raise ValueError("bool tensors are not supported")
        return _positive_part(x) if x.dtype.kind == "f" else np.maximum(x, 0)

    @staticmethod
    def backward(g, out):
        return where(out != 0, g, 0.0)  # NaN counts as positive


def relu(input: Tensor) -> Tensor:
    """out = max(input, 0); its gradient at 0 is 0.

    Raises RuntimeError for bool tensors. Example: ``airi.relu(airi.tensor([-1.0, 2.0]))`` is
    ``[0., 2.]``. Source: ``torch.relu``.
    """
    return Relu.apply(input)


class Hardtanh(Elementwise):
    """out = x between low and high, else the bound;  dx = g strictly between them"""

    small = fused.kernel("clamp", "between_grad", "low", "high")

    @staticmethod
    def forward(x, *, low, high):
        if x.dtype.kind == "f":
            return np.clip(x, low, high)
        if x.dtype.kind == "b":
            raise ValueError("bool tensors are not supported")
        if x.dtype.kind == "u" and low < 0:
            raise ValueError(f"{x.dtype} cannot be limited below by a negative {low}")
        return np.clip(x, int(low), int(high))

    @staticmethod
    def backward(g, out, low, high):
        return where((out > low) & (out < high), g, 0.0)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """out = input limited to [min_val, max_val]; no gradient at the bounds and beyond.

    Raises ValueError where min_val exceeds max_val. Source: ``torch.nn.functional.hardtanh``.
    """
    return Hardtanh.apply(input, **hardtanh_bounds("hardtanh", min_val, max_val))


def hardtanh_bounds(function: str, min_val: float, max_val: float) -> dict[str, float]:
    """The attributes of `Hardtanh`."""
    if min_val > max_val:
        raise ValueError(f"{function}: min_val {min_val} is greater than max_val {max_val}")
    return {"low": min_val, "high": max_val}


def relu6(input: Tensor) -> Tensor:
    """out = min(max(input, 0), 6). Source: ``torch.nn.functional.relu6``."""
    return Hardtanh.apply(input, low=0.0, high=6.0)


class LeakyRelu(Activation):
    """out = x where x > 0, else slope * x, with slope >= 0;  dx = g or slope * g by out's sign"""

    small = fused.kernel("leaky_relu", "leaky_relu_grad", "slope")

    @staticmethod
    def forward(x, *, slope):
        with np.errstate(invalid="ignore", over="ignore"):
            return (np.maximum if slope <= 1 else np.minimum)(x, x * slope)

    @staticmethod
    def backward(g, out, slope):
        return where(out > 0, g, g * slope)


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """out = input where it is positive, else negative_slope * input.

    Example: ``leaky_relu(airi.tensor([-1.0]), 0.1)`` is ``[-0.1]``.
    Source: ``torch.nn.functional.leaky_relu``.
    """
    if negative_slope < 0:  # the sign of the output does not tell the side then
        return where(input > 0, input, mul(input, negative_slope))
    return LeakyRelu.apply(input, slope=negative_slope)


class Prelu(Activation):
    """out = x where x > 0, else w * x;  dx = g or g * w, dw = g * x where x <= 0"""

    @staticmethod
    def forward(x, w):
        fast = fused.prelu(x, w)
        if fast is not None:
            return fast
        return Where.forward(x > 0, x, w * x)

    @staticmethod
    def backward(g, x, w, needs):
        fast = fused.prelu_grad(g, x, w)
        if fast is not None:
            return fast
        above = x > 0
        dx = where(above, g, g * w) if needs[0] else None
        return dx, where(above, 0.0, g * x) if needs[1] else None


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """out = input where it is positive, else weight * input.

    `weight` has one element, or one for each channel (dimension 1 of the input). Raises
    RuntimeError for another size. Example: ``airi.prelu(x, airi.tensor([0.25]))``.
    Source: ``torch.prelu``.
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    size = weight.numel()
    if weight.ndim > 1 or size not in (1, channels):
        raise RuntimeError(
            f"prelu: weight must have 1 element or one for each of the {channels} channels of an "
            f"input of shape {shape_of(input)}, got shape {shape_of(weight)}"
        )
    per_channel = (size, *[1] * (input.ndim - 2)) if input.ndim > 1 else (1,) * input.ndim
    return Prelu.apply(input, reshape(weight, per_channel))


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False
) -> Tensor:
    """Leaky ReLU whose slope is drawn anew for each element, uniformly from [lower, upper).

    Without `training` the slope is their mean. Raises RuntimeError where lower exceeds upper.
    Source: ``torch.rrelu``; B. Xu et al., "Empirical evaluation of rectified activations" (2015).
    """
    if lower > upper:
        raise RuntimeError(f"rrelu: lower {lower} is greater than upper {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    return mul(input, _rrelu_factors(input, lower, upper))


def _rrelu_factors(input: Any, lower: float, upper: float) -> Any:
    """1 where the input is positive, else a random slope."""
    factors = np.ones_like(input._array)
    negative = input._array <= 0
    shape = (int(np.count_nonzero(negative)),)
    factors[negative] = draws.uniform(generator_of(None), shape, _FLOAT64, lower, upper)
    return factors


class Elu(Activation):
    """out = scale * x where x > 0, else scale * alpha * (e**(input_scale * x) - 1), alpha >= 0

    dx = g * scale, or g * input_scale * (out + scale * alpha), by the sign of out
    """

    small = fused.kernel("elu", "elu_grad", "alpha", "scale", "input_scale")

    @staticmethod
    def forward(x, *, alpha, scale, input_scale):
        out = np.asarray(_negative_part(x))
        if input_scale != 1:
            out *= input_scale
        np.expm1(out, out=out)
        out *= alpha * scale
        out += _positive_part(x) if scale == 1 else scale * _positive_part(x)
        return out

    @staticmethod
    def backward(g, out, alpha, scale, input_scale):
        return g * where(out > 0, scale, input_scale * (out + scale * alpha))


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """out = input where it is positive, else alpha * (e ** input - 1).

    Source: ``torch.nn.functional.elu``; D.-A. Clevert et al. (2015).
    """
    if alpha < 0:  # the sign of the output does not tell the side then
        return where(input > 0, input, mul(expm1(-relu(-input)), alpha))
    return Elu.apply(input, alpha=alpha, scale=1.0, input_scale=1.0)


def selu(input: Tensor) -> Tensor:
    """ELU with the scale and alpha that keep mean 0 and variance 1 from layer to layer.

    Source: ``torch.selu``; G. Klambauer et al., "Self-normalizing neural networks" (2017).
    """
    return Elu.apply(input, **SELU)


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """out = max(0, input) + min(0, alpha * (e ** (input / alpha) - 1)): smooth for every alpha.

    Raises RuntimeError where alpha is 0. Source: ``torch.celu``; J. T. Barron (2017).
    """
    return Elu.apply(input, **celu_attributes(alpha))


def celu_attributes(alpha: float) -> dict[str, float]:
    """CELU as a case of `Elu`."""
    if alpha == 0:
        raise RuntimeError("celu: alpha must not be 0")
    return {"alpha": alpha, "scale": 1.0, "input_scale": 1 / alpha}


class Silu(Activation):
    """out = x * s with s = sigmoid(x);  dx = g * s * (1 + x * (1 - s))"""

    small = fused.kernel("silu", "silu_grad")

    @staticmethod
    def forward(x):
        out = Sigmoid.forward(x)
        with np.errstate(invalid="ignore"):
            out *= x
        return out

    @staticmethod
    def backward(g, x):
        return g * SiluSlope.apply(x)


class SiluSlope(Elementwise):
    """out = s * (1 + x * (1 - s)), the derivative of SiLU

    dx = g * s * (1 - s) * (2 + x * (1 - 2 * s))
    """

    @staticmethod
    def forward(x):
        s = Sigmoid.forward(x)
        out = np.subtract(1, s, out=np.empty_like(s))
        out *= x
        out += 1
        out *= s
        return out

    @staticmethod
    def backward(g, x):
        s = sigmoid(x)
        return g * s * (1 - s) * (2 + x * (1 - 2 * s))


def silu(input: Tensor) -> Tensor:
    """out = input * sigmoid(input), also called swish. Source: ``torch.nn.functional.silu``."""
    return Silu.apply(input)


class Mish(Activation):
    """out = x * t with t = tanh(softplus(x));  dx = g * (t + x * (1 - t**2) * sigmoid(x))"""

    @staticmethod
    def forward(x):
        out = np.tanh(Softplus.forward(x, beta=1.0, threshold=20.0), out=np.empty_like(x))
        with np.errstate(invalid="ignore"):
            out *= x
        return out

    @staticmethod
    def backward(g, x):
        t = tanh(softplus(x))
        return g * (t + x * (1 - t * t) * sigmoid(x))


def mish(input: Tensor) -> Tensor:
    """out = input * tanh(log(1 + e ** input)). Source: ``torch.nn.functional.mish``."""
    return Mish.apply(input)


class Softplus(Activation):
    """out = log(1 + e**(beta * x)) / beta, and x where beta * x > threshold

    dx = g * sigmoid(beta * x), and g above the threshold
    """

    small = fused.kernel("softplus", "softplus_grad", "beta", "threshold")

    @staticmethod
    def forward(x, *, beta, threshold):
        out = np.abs(x, out=np.empty_like(x))
        out *= -beta
        np.exp(out, out=out)
        np.log1p(out, out=out)
        if beta != 1:
            out /= beta
        out += _positive_part(x)
        np.copyto(out, x, where=np.greater(x * beta, threshold))
        return out

    @staticmethod
    def backward(g, x, beta, threshold):
        return g * where(beta * x > threshold, 1.0, sigmoid(beta * x))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """out = log(1 + e ** (beta * input)) / beta: smooth and positive.

    Where beta * input exceeds `threshold` it is the input itself.
    Source: ``torch.nn.functional.softplus``.
    """
    return Softplus.apply(input, beta=beta, threshold=threshold)


class LogSigmoid(Activation):
    """out = -log(1 + e**-x);  dx = g * sigmoid(-x)"""

    small = fused.kernel("log_sigmoid", "log_sigmoid_grad")

    @staticmethod
    def forward(x):
        out = np.abs(x, out=np.empty_like(x))
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.log1p(out, out=out)
        return np.subtract(_negative_part(x), out, out=out)

    @staticmethod
    def backward(g, x):
        return g * sigmoid(-x)


def logsigmoid(input: Tensor) -> Tensor:
    """out = log(sigmoid(input)) without overflow. Source: ``torch.nn.functional.logsigmoid``."""
    return LogSigmoid.apply(input)


class Softsign(Elementwise):
    """out = x / (1 + |x|);  dx = g / (1 + |x|)**2"""

    floating = True

    @staticmethod
    def forward(x):
        with np.errstate(invalid="ignore"):
            return x / (1 + np.abs(x))

    @staticmethod
    def backward(g, x):
        scale = 1 + abs(x)
        return div(g, scale * scale)


def softsign(input: Tensor) -> Tensor:
    """out = input / (1 + |input|). Source: ``torch.nn.functional.softsign``."""
    return Softsign.apply(input)


class Hardsigmoid(Activation):
    """out = x / 6 + 1/2, limited to [0, 1];  dx = g / 6 where -3 < x < 3"""

    small = fused.kernel("hardsigmoid", "hardsigmoid_grad")

    @staticmethod
    def forward(x):
        out = np.divide(x, 6, out=np.empty_like(x))
        out += 0.5
        return np.clip(out, 0, 1, out=out)

    @staticmethod
    def backward(g, x):
        return where((x > -3) & (x < 3), g * (1 / 6), 0.0)


def hardsigmoid(input: Tensor) -> Tensor:
    """out = input / 6 + 1/2, limited to [0, 1]. Source: ``torch.nn.functional.hardsigmoid``."""
    return Hardsigmoid.apply(input)


class Hardswish(Activation):
    """out = x * min(max(x + 3, 0), 6) / 6;  dx = 0 up to -3, g from 3, between g * (x / 3 + 1/2)"""

    small = fused.kernel("hardswish", "hardswish_grad")

    @staticmethod
    def forward(x):
        out = Hardsigmoid.forward(x)
        with np.errstate(invalid="ignore"):
            out *= x
        return out

    @staticmethod
    def backward(g, x):
        return where(x <= -3, 0.0, g * where(x >= 3, 1.0, x * (1 / 3) + 0.5))


def hardswish(input: Tensor) -> Tensor:
    """out = input * hardsigmoid(input). Source: ``torch.nn.functional.hardswish``."""
    return Hardswish.apply(input)


def tanhshrink(input: Tensor) -> Tensor:
    """out = input - tanh(input). Source: ``torch.nn.functional.tanhshrink``."""
    return sub(input, tanh(input))


class Softshrink(Activation):
    """out = x moved towards 0 by lambd, at most to 0;  dx = g where out is not 0"""

    small = fused.kernel("softshrink", "nonzero_grad", "lambd")

    @staticmethod
    def forward(x, *, lambd):
        with np.errstate(invalid="ignore"):
            return x - np.clip(x, -lambd, lambd)

    @staticmethod
    def backward(g, out):
        return where(out != 0, g, 0.0)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """out = input - lambd above lambd, input + lambd below -lambd, else 0.

    Raises RuntimeError where lambd is negative. Source: ``torch.nn.functional.softshrink``.
    """
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must not be negative, got {lambd}")
    return Softshrink.apply(input, lambd=lambd)


class Hardshrink(Activation):
    """out = x where |x| > lambd, else 0;  dx = g where out is not 0"""

    small = fused.kernel("hardshrink", "nonzero_grad", "lambd")

    @staticmethod
    def forward(x, *, lambd):
        return Where.forward(np.abs(x) <= lambd, 0.0, x)

    @staticmethod
    def backward(g, out):
        return where(out != 0, g, 0.0)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """out = input where its size exceeds lambd, else 0. Source: ``torch.hardshrink``."""
    return Hardshrink.apply(input, lambd=lambd)


class Threshold(Elementwise):
    """out = x where x > threshold, else value;  dx = g there"""

    small = fused.kernel("threshold", "threshold_grad", "threshold", "value")

    @staticmethod
    def forward(x, *, threshold, value):
        return np.where(x <= threshold, x.dtype.type(value), x)

    @staticmethod
    def backward(g, x, threshold):
        return where(x <= threshold, 0.0, g)


def threshold(
    input: Tensor, threshold: Number, value: Number, *, out: Tensor | None = None
) -> Tensor:
    """out = input where it exceeds `threshold`, else `value`. Source: ``torch.threshold``."""
    result = Threshold.apply(input, threshold=threshold, value=value)
    return result if out is None else written("threshold", out, result)


class Glu(Rule):
    """out = p * s with s = sigmoid(q), p and q the halves of x

    dp = g * s, dq = g * p * s * (1 - s)

    `halves` is x's shape as (before, 2, after): what lies before the dimension that is halved,
    the halves, and one of them with what lies behind.
    """

    @staticmethod
    def forward(x, *, halves, shape):
        out = fused.glu(x, halves)
        if out is None:
            x = x.reshape(halves)
            out = Sigmoid.forward(x[:, 1])
            out *= x[:, 0]
        return out.reshape(shape)

    @staticmethod
    def backward(g, x, halves, x_shape):
        fast = fused.glu_grad(g, x, halves)
        if fast is not None:
            return fast
        x, g = reshape(x, halves), reshape(g, (halves[0], 1, halves[2]))
        s = sigmoid(narrow(x, 1, 1, 1))
        dp = g * s
        dq = dp * narrow(x, 1, 0, 1) * (1 - s)
        return reshape(cat([dp, dq], 1), x_shape)


@numpy_names
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """out = a * sigmoid(b), where a and b are the two halves of input along `dim`.

    Raises RuntimeError where that size is odd. Example: ``glu(airi.zeros(2, 6)).shape`` is (2, 3).
    Source: ``torch.nn.functional.glu``; Y. N. Dauphin et al. (2016).
    """
    at = normal_dim("glu", dim, input.ndim)
    if input.ndim == 0 or input.shape[at] % 2:
        raise RuntimeError(
            f"glu: dimension {dim} of an input of shape {shape_of(input)} cannot be halved"
        )
    have = shape_of(input)
    half = have[at] // 2
    halves = (math.prod(have[:at]), 2, half * math.prod(have[at + 1 :]))
    return Glu.apply(input, halves=halves, shape=(*have[:at], half, *have[at + 1 :]))
