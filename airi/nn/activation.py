"""Activation functions as modules; the formulas in full are on the functions of `functional`."""

from __future__ import annotations

from typing import Any

from airi.nn import functional as F
from airi.nn import init
from airi.nn.module import Module
from airi.nn.parameter import new_parameter
from airi.tensor import Tensor


class _Activation(Module):
    """One that can write its result over its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""

    def _arguments(self, *arguments: str) -> str:
        """For repr: the arguments, and `inplace` where it is set."""
        return ", ".join([*arguments, *(["inplace=True"] if self.inplace else [])])


class ReLU(_Activation):
    """out = max(x, 0). Source: ``torch.nn.ReLU``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


class ReLU6(_Activation):
    """out = min(max(x, 0), 6). Source: ``torch.nn.ReLU6``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu6(input, self.inplace)


class LeakyReLU(_Activation):
    """out = x where x > 0, else negative_slope * x. Source: ``torch.nn.LeakyReLU``."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return self._arguments(f"negative_slope={self.negative_slope}")


class PReLU(Module):
    """out = x where x > 0, else weight * x, with a learned slope, one or one per channel.

    Channels are dimension 1. Example: ``nn.PReLU(16)``.
    Source: He et al. 2015, "Delving deep into rectifiers"; ``torch.nn.PReLU``.
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = new_parameter(num_parameters, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to their initial value."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(_Activation):
    """LeakyReLU whose slope is drawn from [lower, upper] in training, else their mean.

    Source: Xu et al. 2015, "Empirical evaluation of rectified activations in convolutional
    network"; ``torch.nn.RReLU``.
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return self._arguments(f"lower={self.lower}", f"upper={self.upper}")


class ELU(_Activation):
    """out = x where x > 0, else alpha * (e**x - 1). Source: ``torch.nn.ELU``."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return self._arguments(f"alpha={self.alpha}")


class CELU(ELU):
    """out = x where x > 0, else alpha * (e**(x / alpha) - 1). Source: ``torch.nn.CELU``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


class SELU(_Activation):
    """ELU scaled such that activations keep mean 0 and variance 1. Source: ``torch.nn.SELU``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class GELU(Module):
    """out = x * Phi(x), Phi the normal distribution's; with "tanh" its approximation.

    Source: Hendrycks & Gimpel 2016, "Gaussian error linear units"; ``torch.nn.GELU``.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(_Activation):
    """out = x * sigmoid(x), also called swish. Source: ``torch.nn.SiLU``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


class Mish(_Activation):
    """out = x * tanh(log(1 + e**x)). Source: ``torch.nn.Mish``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


class Sigmoid(Module):
    """out = 1 / (1 + e**-x). Source: ``torch.nn.Sigmoid``."""

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class LogSigmoid(Module):
    """out = log(1 / (1 + e**-x)). Source: ``torch.nn.LogSigmoid``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Hardsigmoid(_Activation):
    """out = min(max(x / 6 + 1/2, 0), 1). Source: ``torch.nn.Hardsigmoid``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Hardswish(_Activation):
    """out = x * min(max(x / 6 + 1/2, 0), 1). Source: ``torch.nn.Hardswish``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Tanh(Module):
    """out = tanh(x). Source: ``torch.nn.Tanh``."""

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class Hardtanh(_Activation):
    """out = min(max(x, min_val), max_val). Source: ``torch.nn.Hardtanh``."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: needs min_val < max_val, got {min_val} and {max_val}")
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return self._arguments(f"min_val={self.min_val}", f"max_val={self.max_val}")


class Tanhshrink(Module):
    """out = x - tanh(x). Source: ``torch.nn.Tanhshrink``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class Softshrink(Module):
    """out = x moved towards 0 by lambd, 0 within it. Source: ``torch.nn.Softshrink``."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Hardshrink(Softshrink):
    """out = x where abs(x) > lambd, else 0. Source: ``torch.nn.Hardshrink``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)


class Threshold(_Activation):
    """out = x where x > threshold, else value. Source: ``torch.nn.Threshold``."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return self._arguments(f"threshold={self.threshold}", f"value={self.value}")


class Softplus(Module):
    """out = log(1 + e**(beta x)) / beta, and x itself where beta x > threshold.

    Source: ``torch.nn.Softplus``.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """out = x / (1 + abs(x)). Source: ``torch.nn.Softsign``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class GLU(Module):
    """out = a * sigmoid(b), a and b the halves of x along `dim`.

    Source: Dauphin et al. 2016, "Language modeling with gated convolutional networks";
    ``torch.nn.GLU``.
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class _AlongDim(Module):
    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """out = e**x / sum(e**x) along `dim`. Source: ``torch.nn.Softmax``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim)


class LogSoftmax(_AlongDim):
    """out = x - log(sum(e**x)) along `dim`. Source: ``torch.nn.LogSoftmax``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim)


class Softmin(_AlongDim):
    """out = e**-x / sum(e**-x) along `dim`. Source: ``torch.nn.Softmin``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W). Source: ``torch.nn.Softmax2d``."""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected an input of 3 or 4 dimensions, got shape {tuple(input.shape)}"
            )
        return F.softmax(input, -3)
