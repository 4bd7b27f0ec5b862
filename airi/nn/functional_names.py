"""The other names of functions in `functional.py`: older ones, and those that return indices.

Source: ``torch.nn.functional``.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from airi.ops.adaptive_pool import adaptive_max_pool1d, adaptive_max_pool2d
from airi.ops.fractional_pool import fractional_max_pool2d, fractional_max_pool3d
from airi.ops.pool import max_pool1d, max_pool2d
from airi.ops.pool3d import adaptive_max_pool3d, max_pool3d
from airi.ops.resize import channel_shuffle, interpolate

if TYPE_CHECKING:
    from airi.ops.spatial import Sizes
    from airi.tensor import Tensor


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d` with ``return_indices=True``.

    Source: ``torch.nn.functional.max_pool1d_with_indices``.
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with ``return_indices=True``.

    Source: ``torch.nn.functional.adaptive_max_pool1d_with_indices``.
    """
    return adaptive_max_pool1d(input, output_size, True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` with ``return_indices=True``.

    Source: ``torch.nn.functional.max_pool2d_with_indices``.
    """
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` with ``return_indices=True``.

    Source: ``torch.nn.functional.adaptive_max_pool2d_with_indices``.
    """
    return adaptive_max_pool2d(input, output_size, True)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool3d` with ``return_indices=True``.

    Source: ``torch.nn.functional.max_pool3d_with_indices``.
    """
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` with ``return_indices=True``.

    Source: ``torch.nn.functional.adaptive_max_pool3d_with_indices``.
    """
    return adaptive_max_pool3d(input, output_size, True)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` with ``return_indices=True``.

    Source: ``torch.nn.functional.fractional_max_pool2d_with_indices``.
    """
    return fractional_max_pool2d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    output_size: Sizes | None = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d` with ``return_indices=True``.

    Source: ``torch.nn.functional.fractional_max_pool3d_with_indices``.
    """
    return fractional_max_pool3d(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Another name of `channel_shuffle`. Source: ``torch.nn.functional.native_channel_shuffle``."""
    return channel_shuffle(input, groups)


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The older name of `interpolate`. Source: ``torch.nn.functional.upsample``."""
    warnings.warn("upsample is deprecated; call interpolate", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` of mode "nearest". Source: ``torch.nn.functional.upsample_nearest``."""
    warnings.warn("upsample_nearest is deprecated; call interpolate", stacklevel=2)
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` of mode "bilinear" with the corners aligned.

    Source: ``torch.nn.functional.upsample_bilinear``.
    """
    warnings.warn("upsample_bilinear is deprecated; call interpolate", stacklevel=2)
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
