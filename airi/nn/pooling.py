"""Pooling: windows of one or two dimensions reduced to their maximum or mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airi.nn import functional as F
from airi.nn.module import Module
from airi.nn.sizes import per_dimension
from airi.ops.spatial import Sizes
from airi.tensor import Tensor


class _MaxPool(Module):
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest of each window of (N, C, L) or (C, L).

    `stride` defaults to `kernel_size`; `return_indices` also returns where each maximum was.
    Example: ``nn.MaxPool1d(2)``. Source: ``torch.nn.MaxPool1d``.
    """

    def forward(self, input: Tensor) -> Any:
        return F.max_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class MaxPool2d(_MaxPool):
    """The largest of each window of (N, C, H, W) or (C, H, W).

    H_out = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1, rounded up instead with
    `ceil_mode`; padding counts as -inf. `stride` defaults to `kernel_size`; `return_indices` also
    returns where each maximum was. Example: ``nn.MaxPool2d(2)``. Source: ``torch.nn.MaxPool2d``.
    """

    def forward(self, input: Tensor) -> Any:
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )


class _Windows(Module):
    kernel_size: Sizes
    stride: Sizes
    padding: Sizes

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_Windows):
    """The mean of each window of (N, C, L) or (C, L).

    `stride` defaults to `kernel_size`; padding counts as zeros unless ``count_include_pad=False``.
    Example: ``nn.AvgPool1d(3, stride=2)``. Source: ``torch.nn.AvgPool1d``.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = per_dimension("AvgPool1d", "kernel_size", kernel_size, 1)
        stride = kernel_size if stride is None else stride
        self.stride = per_dimension("AvgPool1d", "stride", stride, 1)
        self.padding = per_dimension("AvgPool1d", "padding", padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )


class AvgPool2d(_Windows):
    """The mean of each window of (N, C, H, W) or (C, H, W).

    `stride` defaults to `kernel_size`; padding counts as zeros unless ``count_include_pad=False``;
    `divisor_override` divides the sums by another number.
    Example: ``nn.AvgPool2d(2)``. Source: ``torch.nn.AvgPool2d``.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class _AdaptivePool(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means of windows such that the output has the given length.

    Source: ``torch.nn.AdaptiveAvgPool1d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means of windows such that the output has the given size, for inputs of any size.

    None keeps a dimension's size. Example: ``nn.AdaptiveAvgPool2d(1)`` is the mean of each image.
    Source: ``torch.nn.AdaptiveAvgPool2d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maxima of windows such that the output has the given length.

    Source: ``torch.nn.AdaptiveMaxPool1d``.
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maxima of windows such that the output has the given size.

    Source: ``torch.nn.AdaptiveMaxPool2d``.
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class _MaxUnpool(_Windows):
    dimensions: ClassVar[int]

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.stride = self._sizes("stride", stride)
        self.padding = self._sizes("padding", padding)

    def _sizes(self, argument: str, value: Sizes) -> tuple[int, ...]:
        return per_dimension(type(self).__name__, argument, value, self.dimensions)


class MaxUnpool1d(_MaxUnpool):
    """The maxima of `MaxPool1d` back in their places, zeros elsewhere.

    Source: ``torch.nn.MaxUnpool1d``.
    """

    dimensions = 1

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        return F.max_unpool1d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool2d(_MaxUnpool):
    """The maxima of `MaxPool2d` back in their places, zeros elsewhere.

    `indices` are those of ``MaxPool2d(..., return_indices=True)``; ``output_size`` settles what
    pooling had rounded off. Source: ``torch.nn.MaxUnpool2d``.
    """

    dimensions = 2

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        return F.max_unpool2d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class _LPPool(Module):
    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window of (N, C, L) or (C, L). Source: ``torch.nn.LPPool1d``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool1d(input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """The p-norm of each window of (N, C, H, W): p = 1 sums, large p comes near the maximum.

    Source: ``torch.nn.LPPool2d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool2d(input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)
