"""The in-place forms of the elementwise ops: ``add_``, ``relu_``, ...

How a write in place works, and what it refuses, is in `inplace.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.ops import (
    activation,
    bessel,
    bounds,
    comparison,
    elementwise,
    erf,
    gamma,
    number_parts,
    rounding,
    ternary,
    transcendental,
    trigonometry,
)
from airi.ops.conversion import clone
from airi.ops.inplace import Copy, write
from airi.ops.promotion import refuse_complex
from airi.ops.views import array_of

if TYPE_CHECKING:
    from airi.autograd.graph import Rule
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

    Unary = Callable[[Tensor], Tensor]
    Binary = Callable[[Tensor, Tensor | Number], Tensor]


def _unary(name: str, rule: type[Rule]) -> Unary:
    """The in-place form of an op of one tensor."""

    def in_place(input: Tensor) -> Tensor:
        return write(input, name, rule)

    return _named(in_place, name, f"input = {name[:-1]}(input)")


def _binary(name: str, rule: type[Rule]) -> Binary:
    """The in-place form of an op of two tensors, or of a tensor and a number."""

    def in_place(input: Tensor, other: Tensor | Number) -> Tensor:
        return write(input, name, rule, other)

    return _named(in_place, name, f"input = {name[:-1]}(input, other)")


def _judged(name: str, function: Callable[..., Tensor]) -> Binary:
    """The in-place form of an op that gives bools: the input's dtype takes them as 0 and 1."""

    def in_place(input: Tensor, other: Tensor | Number) -> Tensor:
        return write(input, name, Copy, function(input, other))

    return _named(in_place, name, f"input = {name[:-1]}(input, other) as 0 or 1")


def _named(function: Any, name: str, does: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{does}, in place. Source: ``torch.Tensor.{name}``."
    return function


# Arithmetic


def add_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input += alpha * other. Source: ``torch.Tensor.add_``."""
    other = other if alpha == 1 else elementwise.scaled("add_", input, other, alpha)
    return write(input, "add_", elementwise.Add, other)


def sub_(input: Tensor, other: Tensor | Number, *, alpha: Number = 1) -> Tensor:
    """input -= alpha * other. Source: ``torch.Tensor.sub_``."""
    other = other if alpha == 1 else elementwise.scaled("sub_", input, other, alpha)
    return write(input, "sub_", elementwise.Sub, other)


mul_ = _binary("mul_", elementwise.Mul)


def div_(input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None) -> Tensor:
    """input /= other, see `div`. Source: ``torch.Tensor.div_``."""
    rules: dict[str | None, type[Rule]] = {
        None: elementwise.Div,
        "floor": elementwise.FloorDivide,
        "trunc": elementwise.TruncDivide,
    }
    if rounding_mode not in rules:
        raise ValueError(f"div_: rounding_mode must be one of {list(rules)}, got {rounding_mode!r}")
    return write(input, "div_", rules[rounding_mode], other)


floor_divide_ = _binary("floor_divide_", elementwise.FloorDivide)
remainder_ = _binary("remainder_", elementwise.Remainder)
fmod_ = _binary("fmod_", elementwise.Fmod)
gcd_ = _binary("gcd_", number_parts.Gcd)
lcm_ = _binary("lcm_", number_parts.Lcm)
nextafter_ = _binary("nextafter_", number_parts.Nextafter)
neg_ = _unary("neg_", elementwise.Neg)


def abs_(input: Tensor) -> Tensor:
    """`abs`, in place. Raises RuntimeError for complex tensors. Source: ``torch.Tensor.abs_``."""
    refuse_complex("abs_", input)
    return write(input, "abs_", elementwise.Abs)


sgn_ = _unary("sgn_", elementwise.Sgn)
sign_ = _unary("sign_", elementwise.Sign)


def square_(input: Tensor) -> Tensor:
    """`square`, in place. Raises RuntimeError for bool. Source: ``torch.Tensor.square_``."""
    if input._array.dtype.kind == "b":
        raise RuntimeError("square_: the result, int64, cannot be written into bool in place")
    return write(input, "square_", elementwise.Square)


reciprocal_ = _unary("reciprocal_", elementwise.Reciprocal)


def clamp_(
    input: Tensor, min: Tensor | Number | None = None, max: Tensor | Number | None = None
) -> Tensor:
    """input = clamp(input, min, max). Source: ``torch.Tensor.clamp_``."""
    if min is None and max is None:
        raise RuntimeError("clamp_: at least one of min and max must be given")
    return write(input, "clamp_", bounds.Clamp, min, max)


def clamp_min_(input: Tensor, min: Tensor | Number) -> Tensor:
    """input = max(input, min). Source: ``torch.Tensor.clamp_min_``."""
    return write(input, "clamp_min_", bounds.Clamp, min, None)


def clamp_max_(input: Tensor, max: Tensor | Number) -> Tensor:
    """input = min(input, max). Source: ``torch.Tensor.clamp_max_``."""
    return write(input, "clamp_max_", bounds.Clamp, None, max)


def lerp_(input: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """input += weight * (end - input). Source: ``torch.Tensor.lerp_``."""
    ternary.require_same_float("lerp_", input, end)
    return write(input, "lerp_", ternary.Lerp, end, weight)


def addcmul_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input += value * tensor1 * tensor2. Source: ``torch.Tensor.addcmul_``."""
    return write(input, "addcmul_", ternary.Addcmul, tensor1, tensor2, value=value)


def addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input += value * tensor1 / tensor2. Source: ``torch.Tensor.addcdiv_``."""
    return write(input, "addcdiv_", ternary.Addcdiv, tensor1, tensor2, value=value)


# Rounding, signs and special values

floor_ = _unary("floor_", rounding.Floor)
ceil_ = _unary("ceil_", rounding.Ceil)
trunc_ = _unary("trunc_", rounding.Trunc)
frac_ = _unary("frac_", rounding.Frac)
copysign_ = _binary("copysign_", rounding.Copysign)


def round_(input: Tensor, *, decimals: int = 0) -> Tensor:
    """input = round(input), in place. Source: ``torch.Tensor.round_``."""
    return write(input, "round_", rounding.Round, decimals=decimals)


def heaviside_(input: Tensor, values: Tensor) -> Tensor:
    """input = heaviside(input, values), in place. Source: ``torch.Tensor.heaviside_``."""
    return write(input, "heaviside_", Copy, rounding.heaviside(input, values))


def nan_to_num_(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """input = nan_to_num(input, ...), in place. Source: ``torch.Tensor.nan_to_num_``."""
    values = {"nan": 0.0 if nan is None else nan, "posinf": posinf, "neginf": neginf}
    return write(input, "nan_to_num_", rounding.NanToNum, **values)


# Powers, exponentials, logarithms


def pow_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """input **= exponent. Source: ``torch.Tensor.pow_``."""
    transcendental.refuse_negative_power("pow_", input, exponent)
    return write(input, "pow_", transcendental.Pow, exponent)


def float_power_(input: Tensor, exponent: Tensor | Number) -> Tensor:
    """input **= exponent, float64 or complex128. Source: ``torch.Tensor.float_power_``."""
    is_complex = "c" in (input._array.dtype.kind, np.asarray(array_of(exponent)).dtype.kind)
    wanted = np.complex128 if is_complex else np.float64
    if input._array.dtype != wanted:
        raise RuntimeError(
            f"float_power_: the result is {np.dtype(wanted)}, the tensor {input.dtype}"
        )
    return write(input, "float_power_", transcendental.Pow, exponent)


def ldexp_(input: Tensor, other: Tensor) -> Tensor:
    """input *= 2 ** other. Source: ``torch.Tensor.ldexp_``."""
    return write(input, "ldexp_", elementwise.Mul, transcendental.Pow.apply(2.0, other))


def logit_(input: Tensor, eps: float | None = None) -> Tensor:
    """input = logit(input, eps), in place. Source: ``torch.Tensor.logit_``."""
    return write(input, "logit_", transcendental.Logit, eps=eps)


sqrt_ = _unary("sqrt_", transcendental.Sqrt)
rsqrt_ = _unary("rsqrt_", transcendental.Rsqrt)
exp_ = _unary("exp_", transcendental.Exp)
exp2_ = _unary("exp2_", transcendental.Exp2)
expm1_ = _unary("expm1_", transcendental.Expm1)
log_ = _unary("log_", transcendental.Log)
log2_ = _unary("log2_", transcendental.Log2)
log10_ = _unary("log10_", transcendental.Log10)
log1p_ = _unary("log1p_", transcendental.Log1p)
sigmoid_ = _unary("sigmoid_", transcendental.Sigmoid)
xlogy_ = _binary("xlogy_", transcendental.Xlogy)
erf_ = _unary("erf_", erf.Erf)
erfc_ = _unary("erfc_", erf.Erfc)
erfinv_ = _unary("erfinv_", erf.Erfinv)
digamma_ = _unary("digamma_", gamma.Digamma)
i0_ = _unary("i0_", bessel.I0)
igamma_ = _binary("igamma_", gamma.Igamma)
igammac_ = _binary("igammac_", gamma.Igammac)
lgamma_ = _unary("lgamma_", gamma.Lgamma)


def mvlgamma_(input: Tensor, p: int) -> Tensor:
    """input = mvlgamma(input, p), in place. Source: ``torch.Tensor.mvlgamma_``."""
    if not input.is_floating_point():
        raise RuntimeError(f"mvlgamma_: the result cannot be written into {input.dtype}")
    return write(input, "mvlgamma_", Copy, gamma.mvlgamma(clone(input), p))


def polygamma_(input: Tensor, n: int) -> Tensor:
    """input = polygamma(n, input), in place. Source: ``torch.Tensor.polygamma_``."""
    if n < 0:
        raise RuntimeError(f"polygamma_: n must not be negative, got {n}")
    return write(input, "polygamma_", gamma.Polygamma, n=n)


# Trigonometry

sin_ = _unary("sin_", trigonometry.Sin)
cos_ = _unary("cos_", trigonometry.Cos)
tan_ = _unary("tan_", trigonometry.Tan)
asin_ = _unary("asin_", trigonometry.Asin)
acos_ = _unary("acos_", trigonometry.Acos)
atan_ = _unary("atan_", trigonometry.Atan)
atan2_ = _binary("atan2_", trigonometry.Atan2)
hypot_ = _binary("hypot_", trigonometry.Hypot)
sinh_ = _unary("sinh_", trigonometry.Sinh)
cosh_ = _unary("cosh_", trigonometry.Cosh)
tanh_ = _unary("tanh_", trigonometry.Tanh)
asinh_ = _unary("asinh_", trigonometry.Asinh)
acosh_ = _unary("acosh_", trigonometry.Acosh)
atanh_ = _unary("atanh_", trigonometry.Atanh)
sinc_ = _unary("sinc_", trigonometry.Sinc)


def deg2rad_(input: Tensor) -> Tensor:
    """input *= pi / 180. Source: ``torch.Tensor.deg2rad_``."""
    return write(input, "deg2rad_", elementwise.Mul, trigonometry.RADIANS_PER_DEGREE)


def rad2deg_(input: Tensor) -> Tensor:
    """input *= 180 / pi. Source: ``torch.Tensor.rad2deg_``."""
    return write(input, "rad2deg_", elementwise.Mul, 1 / trigonometry.RADIANS_PER_DEGREE)


# Comparisons, logic and bits

eq_ = _judged("eq_", comparison.eq)
ne_ = _judged("ne_", comparison.ne)
lt_ = _judged("lt_", comparison.lt)
le_ = _judged("le_", comparison.le)
gt_ = _judged("gt_", comparison.gt)
ge_ = _judged("ge_", comparison.ge)
logical_and_ = _judged("logical_and_", comparison.logical_and)
logical_or_ = _judged("logical_or_", comparison.logical_or)
logical_xor_ = _judged("logical_xor_", comparison.logical_xor)


def logical_not_(input: Tensor) -> Tensor:
    """input = 1 where input is 0, else 0, in place. Source: ``torch.Tensor.logical_not_``."""
    return write(input, "logical_not_", Copy, comparison.logical_not(input))


bitwise_and_ = _binary("bitwise_and_", comparison.BitwiseAnd)
bitwise_or_ = _binary("bitwise_or_", comparison.BitwiseOr)
bitwise_xor_ = _binary("bitwise_xor_", comparison.BitwiseXor)
bitwise_not_ = _unary("bitwise_not_", comparison.BitwiseNot)
bitwise_left_shift_ = _binary("bitwise_left_shift_", comparison.LeftShift)
bitwise_right_shift_ = _binary("bitwise_right_shift_", comparison.RightShift)

# Activation functions, for nn.functional's ``inplace=True``

relu_ = _unary("relu_", activation.Relu)
silu_ = _unary("silu_", activation.Silu)
mish_ = _unary("mish_", activation.Mish)
hardsigmoid_ = _unary("hardsigmoid_", activation.Hardsigmoid)
hardswish_ = _unary("hardswish_", activation.Hardswish)


def relu6_(input: Tensor) -> Tensor:
    """input = relu6(input), in place."""
    return write(input, "relu6_", activation.Hardtanh, low=0.0, high=6.0)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """input = hardtanh(input, ...), in place. Source: ``torch.nn.functional.hardtanh_``."""
    bounds = activation.hardtanh_bounds("hardtanh_", min_val, max_val)
    return write(input, "hardtanh_", activation.Hardtanh, **bounds)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """input = leaky_relu(input, ...), in place. Source: ``torch.nn.functional.leaky_relu_``."""
    if negative_slope < 0:
        return write(input, "leaky_relu_", Copy, activation.leaky_relu(input, negative_slope))
    return write(input, "leaky_relu_", activation.LeakyRelu, slope=negative_slope)


def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False
) -> Tensor:
    """input = rrelu(input, ...), in place. Source: ``torch.nn.functional.rrelu_``."""
    return write(input, "rrelu_", Copy, activation.rrelu(input, lower, upper, training))


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """input = elu(input, alpha), in place. Source: ``torch.nn.functional.elu_``."""
    if alpha < 0:
        return write(input, "elu_", Copy, activation.elu(input, alpha))
    return write(input, "elu_", activation.Elu, alpha=alpha, scale=1.0, input_scale=1.0)


def selu_(input: Tensor) -> Tensor:
    """input = selu(input), in place. Source: ``torch.nn.functional.selu_``."""
    return write(input, "selu_", activation.Elu, **activation.SELU)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """input = celu(input, alpha), in place. Source: ``torch.nn.functional.celu_``."""
    return write(input, "celu_", activation.Elu, **activation.celu_attributes(alpha))


def threshold_(input: Tensor, threshold: Number, value: Number) -> Tensor:
    """input = threshold(input, ...), in place. Source: ``torch.nn.functional.threshold_``."""
    return write(input, "threshold_", activation.Threshold, threshold=threshold, value=value)
