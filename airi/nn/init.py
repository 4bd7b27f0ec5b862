"""Initial values of parameters, written in place and never recorded.

Source: ``torch.nn.init``.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import wrap
from airi.autograd.mode import no_grad
from airi.compat.names import refusing
from airi.ops.creation import empty, empty_like
from airi.ops.random import randperm
from airi.tensor import Tensor

if TYPE_CHECKING:
    from airi.random import Generator

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

__getattr__ = refusing("airi.nn.init", "torch.nn.init", __all__)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights before that nonlinearity keep the variance of activations.

    linear, conv and sigmoid 1; tanh 5/3; relu sqrt(2); leaky_relu sqrt(2 / (1 + slope**2)) with
    the slope `param` (default 0.01); selu 3/4. Raises ValueError for another name.
    Example: ``calculate_gain("leaky_relu", 0.2)``. Source: ``torch.nn.init.calculate_gain``.
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1.0
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "selu":
        return 3 / 4
    if nonlinearity != "leaky_relu":
        raise ValueError(f"calculate_gain: unknown nonlinearity {nonlinearity!r}")
    slope = 0.01 if param is None else param
    if isinstance(slope, bool) or not isinstance(slope, (int, float)):
        raise ValueError(f"calculate_gain: the slope of leaky_relu must be a number, got {param!r}")
    return math.sqrt(2 / (1 + slope**2))


_LINEAR = {
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
}


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output of a weight (out, in, *kernel) sees, and the reverse."""
    if tensor.ndim < 2:
        raise ValueError(
            "fan in and fan out are those of a weight with at least 2 dimensions, not of shape "
            f"{tuple(tensor.shape)}"
        )
    receptive_field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    fans = {"fan_in": fan_in, "fan_out": fan_out}
    if mode.lower() not in fans:
        raise ValueError(f"mode must be one of {list(fans)}, got {mode!r}")
    return fans[mode.lower()]


@no_grad()
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with draws from the uniform distribution on [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with draws from the normal distribution N(mean, std**2)."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws from N(mean, std**2), those outside of [a, b] drawn again.

    The bounds are values, not multiples of `std`. Exact for any bounds, by rejection (C. P. Robert,
    "Simulation of truncated normal variables", 1995). Raises ValueError unless std > 0 and a < b.
    Example: ``trunc_normal_(weight, std=0.02)``. Source: ``torch.nn.init.trunc_normal_``.
    """
    if not (std > 0 and a < b):
        raise ValueError(f"trunc_normal_: needs std > 0 and a < b, got {std=}, {a=}, {b=}")
    # Few normal draws would fall between far bounds: then uniform ones are proposed there.
    low, high = ((bound - mean) / std / math.sqrt(2) for bound in (a, b))
    share = (math.erf(high) - math.erf(low)) / 2
    propose = _normal_proposals if share > 0.3 else _uniform_proposals
    values, rejected = propose(tensor, mean, std, a, b, generator)
    while rejected.any():
        # All are drawn again, so that the same seed gives the numbers that it gives in PyTorch.
        more, outside = propose(tensor, mean, std, a, b, generator)
        values = np.where(rejected, more, values)
        rejected &= outside
    return tensor.copy_(wrap(np.asarray(values)))


def _normal_proposals(
    like: Tensor, mean: float, std: float, a: float, b: float, generator: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Draws, and which of them lie outside [a, b]."""
    values = empty_like(like).normal_(mean, std, generator=generator).numpy()
    return values, (values < a) | (values > b)


def _uniform_proposals(
    like: Tensor, mean: float, std: float, a: float, b: float, generator: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Draws, each rejected unless a coin of its density relative to the highest accepts it."""
    mode = max(a, min(mean, b))
    if mode != mean:  # beyond this reach the density is less than e**-40 of the highest
        reach = 40 * std**2 / abs(mode - mean)
        a, b = max(a, mode - reach), min(b, mode + reach)
    values = empty_like(like).uniform_(a, b, generator=generator).numpy()
    log_density = -0.5 * ((values - mean) / std) ** 2 + 0.5 * ((mode - mean) / std) ** 2
    coins = empty_like(like).uniform_(generator=generator).numpy()
    with np.errstate(divide="ignore"):
        return values, np.log(coins) > log_density


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    return tensor.fill_(val)


@no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return tensor.fill_(1)


@no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return tensor.zero_()


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity: a linear layer then keeps as many inputs as it can."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: expected 2 dimensions, got shape {tuple(tensor.shape)}")
    return tensor.copy_(wrap(np.eye(*tensor.shape)))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weight pass its input on: 1 at the centre of kernel (i, i).

    Each of the `groups` does so by itself. Raises ValueError unless the weight has 3 to 5
    dimensions and `groups` divides its output channels.
    Example: ``dirac_(conv.weight)``. Source: ``torch.nn.init.dirac_``.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: expected 3 to 5 dimensions, got shape {tuple(tensor.shape)}")
    channels, inputs, *kernel = tensor.shape
    if channels % groups:
        raise ValueError(f"dirac_: groups={groups} does not divide the {channels} output channels")
    values = np.zeros(tensor.shape)
    within = np.arange(min(channels // groups, inputs))
    centre = [size // 2 for size in kernel]
    for group in range(groups):
        at: Any = (group * (channels // groups) + within, within, *centre)
        values[at] = 1
    return tensor.copy_(wrap(values))


@no_grad()
def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill from U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out)).

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks"; ``torch.nn.init.xavier_uniform_``.
    """
    bound = math.sqrt(3) * _xavier_std(tensor, gain)
    return tensor.uniform_(-bound, bound, generator=generator)


@no_grad()
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from N(0, std**2), std = gain * sqrt(2 / (fan_in + fan_out)).

    Source: as `xavier_uniform_`; ``torch.nn.init.xavier_normal_``.
    """
    return tensor.normal_(0.0, _xavier_std(tensor, gain), generator=generator)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2 / max(1, sum(_calculate_fan_in_and_fan_out(tensor))))


@no_grad()
def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from U(-b, b), b = gain * sqrt(3 / fan), the fan being that of `mode`.

    `a` is the slope of a leaky ReLU, for the gain. Raises ValueError for an unknown mode or fewer
    than 2 dimensions. Example: ``kaiming_uniform_(weight, nonlinearity="relu")``.
    Source: He et al. 2015, "Delving deep into rectifiers"; ``torch.nn.init.kaiming_uniform_``.
    """
    if tensor.numel() == 0:
        return tensor
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor.uniform_(-bound, bound, generator=generator)


@no_grad()
def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from N(0, std**2), std = gain / sqrt(fan), as `kaiming_uniform_`."""
    if tensor.numel() == 0:
        return tensor
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor.normal_(0.0, std, generator=generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with orthonormal rows or columns, whichever are fewer, times gain.

    Dimensions after the first are flattened. Raises ValueError for fewer than 2.
    Source: Saxe et al. 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks"; ``torch.nn.init.orthogonal_``.
    """
    if tensor.ndim < 2:
        raise ValueError(
            f"orthogonal_: needs at least 2 dimensions, got shape {tuple(tensor.shape)}"
        )
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    draws = empty((rows, columns), dtype=tensor.dtype).normal_(generator=generator).numpy()
    q, r = np.linalg.qr(draws if rows >= columns else draws.T)
    q = q * np.sign(np.diag(r))  # else q would not be uniform over the orthogonal matrices
    if rows < columns:
        q = q.T
    return tensor.copy_(wrap(gain * q.reshape(tensor.shape)))


@no_grad()
def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill a matrix from N(0, std**2), with that fraction of each column, rounded up, set to 0.

    Raises ValueError unless there are 2 dimensions. Example: ``sparse_(weight, sparsity=0.9)``.
    Source: Martens 2010, "Deep learning via Hessian-free optimization";
    ``torch.nn.init.sparse_``.
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: expected 2 dimensions, got shape {tuple(tensor.shape)}")
    tensor.normal_(0.0, std, generator=generator)
    zeros = math.ceil(sparsity * tensor.shape[0])
    for column in range(tensor.shape[1]):
        order = randperm(tensor.shape[0], generator=generator)
        tensor[order[:zeros], column] = 0
    return tensor


def fan_in_uniform_(weight: Tensor, bias: Tensor | None) -> None:
    """What linear layers and convolutions begin with: U(-b, b), b = 1 / sqrt(fan_in), for both."""
    kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        fan_in, _ = _calculate_fan_in_and_fan_out(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
        uniform_(bias, -bound, bound)


def _older(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The name that the function has in old scripts, without the underscore."""
    name = function.__name__.rstrip("_")

    @functools.wraps(function)
    def older(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"nn.init.{name} is deprecated; call nn.init.{name}_", FutureWarning, stacklevel=2
        )
        return function(*args, **kwargs)

    older.__name__ = older.__qualname__ = name
    return older


uniform = _older(uniform_)
normal = _older(normal_)
constant = _older(constant_)
eye = _older(eye_)
dirac = _older(dirac_)
xavier_uniform = _older(xavier_uniform_)
xavier_normal = _older(xavier_normal_)
kaiming_uniform = _older(kaiming_uniform_)
kaiming_normal = _older(kaiming_normal_)
orthogonal = _older(orthogonal_)
sparse = _older(sparse_)
