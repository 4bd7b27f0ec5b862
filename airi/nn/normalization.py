"""Normalisation: activations shifted and scaled to mean 0 and variance 1. Source: ``torch.nn``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airi import dtypes
from airi.nn import functional as F
from airi.nn import init
from airi.nn.module import Module
from airi.nn.parameter import Parameter, new_parameter
from airi.ops.creation import ones, tensor, zeros
from airi.ops.inplace import count_up
from airi.tensor import Tensor


class _Norm(Module):
    """A scale `weight` that begins as 1 and a shift `bias` that begins as 0, where wanted."""

    weight: Parameter | None
    bias: Parameter | None

    def _set_affine(
        self, shape: tuple[int, ...], affine: bool, bias: bool, device: Any, dtype: Any
    ) -> None:
        weight = new_parameter(*shape, device=device, dtype=dtype) if affine else None
        self.register_parameter("weight", weight)
        shift = new_parameter(*shape, device=device, dtype=dtype) if affine and bias else None
        self.register_parameter("bias", shift)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class _NormBase(_Norm):
    """Per channel, with running averages of the mean and variance as buffers."""

    _version = 2  # since num_batches_tracked is part of the state
    allowed: ClassVar[tuple[int, ...]]  # the numbers of dimensions of an input
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        buffers: list[Tensor | None] = [None] * 3
        if track_running_stats:
            buffers = [
                zeros(num_features, device=device, dtype=dtype),
                ones(num_features, device=device, dtype=dtype),
                tensor(0, dtype=dtypes.int64),
            ]
        names = ("running_mean", "running_var", "num_batches_tracked")
        for name, buffer in zip(names, buffers):
            self.register_buffer(name, buffer)
        self._set_affine((num_features,), affine, bias, device, dtype)

    def reset_running_stats(self) -> None:
        """Forget the running averages."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the running averages; set the scale to 1 and the shift to 0."""
        self.reset_running_stats()
        super().reset_parameters()

    def _load_from_state_dict(self, *args: Any) -> None:
        state_dict, prefix, metadata = args[:3]
        if metadata.get("version", 1) < 2 and self.num_batches_tracked is not None:
            state_dict.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(*args)

    def _check_dimensions(self, input: Tensor) -> None:
        if input.ndim not in self.allowed:
            counts = " or ".join(map(str, self.allowed))
            raise ValueError(
                f"{type(self).__name__}: expected an input of {counts} dimensions, got shape "
                f"{tuple(input.shape)}"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check_dimensions(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        updates = self.training and self.track_running_stats
        if updates and self.num_batches_tracked is not None:
            count_up(self.num_batches_tracked)
            if self.momentum is None:  # the plain average over all batches so far
                momentum = 1 / self.num_batches_tracked.item()
        uses_averages = updates or not self.training
        return F.batch_norm(
            input,
            self.running_mean if uses_averages else None,
            self.running_var if uses_averages else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """As `BatchNorm2d`, for (N, C) or (N, C, L). Source: ``torch.nn.BatchNorm1d``."""

    allowed = (2, 3)


class BatchNorm2d(_BatchNorm):
    """out = (x - mean) / sqrt(var + eps) * weight + bias, per channel of (N, C, H, W).

    In training, mean and variance are those of the batch, and running averages follow them:
    ``running = (1 - momentum) * running + momentum * batch`` (the variance unbiased; with
    ``momentum=None`` the plain average). In evaluation mode the running averages are used.
    Raises ValueError for another number of dimensions. Example: ``nn.BatchNorm2d(16)``.
    Source: Ioffe & Szegedy 2015, "Batch normalization"; ``torch.nn.BatchNorm2d``.
    """

    allowed = (4,)


class BatchNorm3d(_BatchNorm):
    """As `BatchNorm2d`, for (N, C, D, H, W). Source: ``torch.nn.BatchNorm3d``."""

    allowed = (5,)


class _InstanceNorm(_NormBase):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check_dimensions(input)
        batched = input.ndim == self.allowed[1]
        channels = input.shape[1 if batched else 0]
        if self.affine and channels != self.num_features:
            raise ValueError(
                f"{type(self).__name__}: expected {self.num_features} channels, got an input of "
                f"shape {tuple(input.shape)}"
            )
        out = F.instance_norm(
            input if batched else input.unsqueeze(0),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return out if batched else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """As `InstanceNorm2d`, for (N, C, L) or (C, L). Source: ``torch.nn.InstanceNorm1d``."""

    allowed = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """out = (x - mean) / sqrt(var + eps), per channel of each image of (N, C, H, W) or (C, H, W).

    With `affine` times weight plus bias; with `track_running_stats` evaluation mode uses running
    averages. Example: ``nn.InstanceNorm2d(16)``.
    Source: Ulyanov et al. 2016, "Instance normalization"; ``torch.nn.InstanceNorm2d``.
    """

    allowed = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """As `InstanceNorm2d`, for (N, C, D, H, W) or (C, D, H, W).

    Source: ``torch.nn.InstanceNorm3d``.
    """

    allowed = (4, 5)


def _as_shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(normalized_shape, int):
        return (normalized_shape,)
    return tuple(normalized_shape)


class LayerNorm(_Norm):
    """out = (x - mean) / sqrt(var + eps) * weight + bias, over the last dimensions.

    `normalized_shape` is the size of those dimensions, and of weight and bias.
    Example: ``nn.LayerNorm(10)(airi.randn(20, 5, 10))``.
    Source: Ba, Kiros & Hinton 2016, "Layer normalization"; ``torch.nn.LayerNorm``.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._set_affine(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """out = x / sqrt(mean(x**2) + eps) * weight, over the last dimensions.

    `eps` None is the resolution of the dtype. Example: ``nn.RMSNorm(10)``.
    Source: Zhang & Sennrich 2019, "Root mean square layer normalization"; ``torch.nn.RMSNorm``.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = None
        if elementwise_affine:
            weight = new_parameter(*self.normalized_shape, device=device, dtype=dtype)
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(_Norm):
    """out = (x - mean) / sqrt(var + eps) * weight + bias, over groups of channels of (N, C, *).

    Mean and variance are those of `num_groups` groups in each sample; weight and bias are per
    channel. Raises ValueError where the groups do not divide the channels.
    Example: ``nn.GroupNorm(4, 16)``.
    Source: Wu & He 2018, "Group normalization"; ``torch.nn.GroupNorm``.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups <= 0 or num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_groups={num_groups} must divide num_channels={num_channels}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._set_affine((num_channels,), affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """out = x / (k + alpha * mean of x**2 over `size` neighbouring channels) ** beta

    Example: ``nn.LocalResponseNorm(5)``.
    Source: Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural
    networks"; ``torch.nn.LocalResponseNorm``.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
