"""Linear layers: y = x W' + b, and the bilinear one. Source: ``torch.nn``."""

from __future__ import annotations

import math
from typing import Any

from airi.nn import functional as F
from airi.nn import init
from airi.nn.module import Module
from airi.nn.parameter import new_parameter
from airi.tensor import Tensor


class Identity(Module):
    """The input itself; takes and ignores any arguments. Source: ``torch.nn.Identity``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """out = input @ weight.T + bias, on the last dimension.

    Shapes: input (*, in_features), out (*, out_features), weight (out_features, in_features), bias
    (out_features). Both begin uniform in +-1/sqrt(in_features).
    Example: ``nn.Linear(20, 30)(airi.randn(128, 20))``. Source: ``torch.nn.Linear``.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if not hasattr(size, "__index__"):
                raise TypeError(f"Linear: {name} must be an int, got {size!r}")
            if size < 0:
                raise RuntimeError(f"Linear: {name} must not be negative, got {size}")
        self.in_features = in_features
        self.out_features = out_features
        self.weight = new_parameter(out_features, in_features, device=device, dtype=dtype)
        self.register_parameter(
            "bias", new_parameter(out_features, device=device, dtype=dtype) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.fan_in_uniform_(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Bilinear(Module):
    """out_k = input1 @ weight_k @ input2 + bias_k, on the last dimensions.

    Shapes: input1 (*, in1_features), input2 (*, in2_features), out (*, out_features), weight
    (out_features, in1_features, in2_features). All begin uniform in +-1/sqrt(in1_features).
    Example: ``nn.Bilinear(20, 30, 40)(x, y)``. Source: ``torch.nn.Bilinear``.
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"Bilinear: in1_features must be positive, got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = new_parameter(
            out_features, in1_features, in2_features, device=device, dtype=dtype
        )
        self.register_parameter(
            "bias", new_parameter(out_features, device=device, dtype=dtype) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
