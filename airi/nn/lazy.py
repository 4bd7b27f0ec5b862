"""Lazy layers: the first input says how many channels or features they have."""

from __future__ import annotations

from typing import Any, ClassVar

from airi.nn.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from airi.nn.linear import Linear
from airi.nn.module import Module
from airi.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from airi.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from airi.ops.creation import tensor
from airi.ops.spatial import Sizes
from airi.tensor import Tensor


class LazyModuleMixin:
    """For modules with parameters whose shapes the first input says; goes before Module.

    Such parameters are `UninitializedParameter`. The first call gives its arguments to
    ``initialize_parameters``, which has to materialize them; then the module is of the class
    `cls_to_become`, where there is one. Loading a state dict initializes them too.
    Example: ``class LazyScale(LazyModuleMixin, Module)``.
    Source: ``torch.nn.modules.lazy.LazyModuleMixin``.
    """

    cls_to_become: ClassVar[type[Module] | None] = None

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize the parameters for the arguments of forward. Each subclass says how."""
        raise NotImplementedError(
            f"{type(self).__name__} is lazy and has to define initialize_parameters"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether parameters or buffers of the module itself are still uninitialized."""
        members = [*self._parameters.values(), *self._buffers.values()]  # type: ignore[attr-defined]
        return any(is_lazy(each) for each in members)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise RuntimeError(
                f"{type(self).__name__}: initialize_parameters has left parameters uninitialized"
            )
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become  # type: ignore[assignment]
            return self(*args, **kwargs)
        return super().__call__(*args, **kwargs)  # type: ignore[misc]


def _require_tensor(module: Any, input: Any) -> None:
    if not isinstance(input, Tensor):
        kind = type(input).__name__
        raise TypeError(f"{type(module).__name__}: input must be a Tensor, got {kind}")


class LazyLinear(LazyModuleMixin, Linear):
    """A `Linear` whose in_features is the last size of the first input.

    Example: ``nn.LazyLinear(10)``. Source: ``torch.nn.LazyLinear``.
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.bias = UninitializedParameter(device=device, dtype=dtype) if bias else None

    def reset_parameters(self) -> None:
        """Draw new initial values, once there are any."""
        if self.in_features and not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take in_features from the input."""
        _require_tensor(self, input)
        fresh = self.has_uninitialized_params()
        self.in_features = input.shape[-1]
        if not fresh:
            return
        self.weight.materialize((self.out_features, self.in_features))  # type: ignore[attr-defined]
        if self.bias is not None:
            self.bias.materialize((self.out_features,))
        self.reset_parameters()


class _LazyConv(LazyModuleMixin):
    """A convolution or transposed one whose in_channels the first input says."""

    def _make_lazy(self: Any, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        for name in ("weight", "bias") if bias else ("weight",):
            self.register_parameter(name, UninitializedParameter(device=device, dtype=dtype))

    def reset_parameters(self: Any) -> None:
        """Draw new initial values, once there are any."""
        if self.in_channels and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self: Any, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take in_channels from the input."""
        _require_tensor(self, input)
        name, dims = type(self).__name__, self.dimensions
        if input.ndim not in (dims + 1, dims + 2):
            raise RuntimeError(
                f"{name}: expected an input of {dims + 1} (unbatched) or {dims + 2} (batched) "
                f"dimensions, got shape {tuple(input.shape)}"
            )
        fresh = self.has_uninitialized_params()
        self.in_channels = input.shape[-dims - 1]
        if not fresh:
            return
        if self.in_channels % self.groups:
            raise ValueError(
                f"{name}: groups={self.groups} must divide the {self.in_channels} channels of the "
                "input"
            )
        ends = (self.out_channels, self.in_channels)
        if self.transposed:
            ends = ends[::-1]
        self.weight.materialize((ends[0], ends[1] // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConvolution(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: str | Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode
        )
        self._make_lazy(out_channels, bias, device, dtype)


class _LazyTransposedConvolution(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(  # type: ignore[call-arg]
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode,
        )  # fmt: skip
        self._make_lazy(out_channels, bias, device, dtype)


class _LazyNorm(LazyModuleMixin):
    """A norm whose num_features is the second size of the first input."""

    def __init__(
        self: Any,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False)  # type: ignore[call-arg]
        options = {"device": device, "dtype": dtype}
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            for name in ("weight", "bias") if bias else ("weight",):
                self.register_parameter(name, UninitializedParameter(**options))
        if track_running_stats:
            for name in ("running_mean", "running_var"):
                self.register_buffer(name, UninitializedBuffer(**options))
            self.register_buffer("num_batches_tracked", tensor(0))

    def reset_parameters(self: Any) -> None:
        """Set the initial values, once there are any."""
        if self.num_features and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self: Any, input: Tensor) -> None:
        """Take num_features from the input."""
        _require_tensor(self, input)
        if input.ndim < 2:
            raise ValueError(
                f"{type(self).__name__}: expected an input (batch, features, ...), got shape "
                f"{tuple(input.shape)}"
            )
        fresh = self.has_uninitialized_params()
        self.num_features = input.shape[1]
        if not fresh:
            return
        for each in (self.weight, self.bias, self.running_mean, self.running_var):
            if each is not None:
                each.materialize((self.num_features,))
        self.reset_parameters()


class LazyConv1d(_LazyConvolution, Conv1d):
    """A `Conv1d` whose in_channels the first input says.

    Source: ``torch.nn.LazyConv1d``.
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConvolution, Conv2d):
    """A `Conv2d` whose in_channels the first input says.

    Source: ``torch.nn.LazyConv2d``.
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConvolution, Conv3d):
    """A `Conv3d` whose in_channels the first input says.

    Source: ``torch.nn.LazyConv3d``.
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyTransposedConvolution, ConvTranspose1d):
    """A `ConvTranspose1d` whose in_channels the first input says.

    Source: ``torch.nn.LazyConvTranspose1d``.
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposedConvolution, ConvTranspose2d):
    """A `ConvTranspose2d` whose in_channels the first input says.

    Source: ``torch.nn.LazyConvTranspose2d``.
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposedConvolution, ConvTranspose3d):
    """A `ConvTranspose3d` whose in_channels the first input says.

    Source: ``torch.nn.LazyConvTranspose3d``.
    """

    cls_to_become = ConvTranspose3d


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A `BatchNorm1d` whose num_features the first input says.

    Source: ``torch.nn.LazyBatchNorm1d``.
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A `BatchNorm2d` whose num_features the first input says.

    Source: ``torch.nn.LazyBatchNorm2d``.
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A `BatchNorm3d` whose num_features the first input says.

    Source: ``torch.nn.LazyBatchNorm3d``.
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An `InstanceNorm1d` whose num_features the first input says.

    Source: ``torch.nn.LazyInstanceNorm1d``.
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An `InstanceNorm2d` whose num_features the first input says.

    Source: ``torch.nn.LazyInstanceNorm2d``.
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An `InstanceNorm3d` whose num_features the first input says.

    Source: ``torch.nn.LazyInstanceNorm3d``.
    """

    cls_to_become = InstanceNorm3d
