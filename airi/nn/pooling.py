"""Pooling: windows of one to three dimensions reduced to their maximum or mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from airi.nn import functional as F
from airi.nn.module import Module
from airi.nn.sizes import per_dimension
from airi.ops.spatial import Sizes
from airi.tensor import Tensor


class _MaxPoolNd(Module):
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


class MaxPool1d(_MaxPoolNd):
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


class MaxPool2d(_MaxPoolNd):
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


class MaxPool3d(_MaxPoolNd):
    """The largest of each box of (N, C, D, H, W) or (C, D, H, W); see `MaxPool2d`.

    Source: ``torch.nn.MaxPool3d``.
    """

    def forward(self, input: Tensor) -> Any:
        return F.max_pool3d(
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


class _AvgPoolNd(_Windows):
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


class AvgPool2d(_AvgPoolNd):
    """The mean of each window of (N, C, H, W) or (C, H, W).

    `stride` defaults to `kernel_size`; padding counts as zeros unless ``count_include_pad=False``;
    `divisor_override` divides the sums by another number.
    Example: ``nn.AvgPool2d(2)``. Source: ``torch.nn.AvgPool2d``.
    """

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


class AvgPool3d(_AvgPoolNd):
    """The mean of each box of (N, C, D, H, W) or (C, D, H, W); see `AvgPool2d`.

    Source: ``torch.nn.AvgPool3d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool3d(
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


class AdaptiveAvgPool3d(_AdaptivePool):
    """Means of boxes such that the output has the given size.

    Source: ``torch.nn.AdaptiveAvgPool3d``.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


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


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Maxima of boxes such that the output has the given size.

    Source: ``torch.nn.AdaptiveMaxPool3d``.
    """

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _FractionalMaxPool(Module):
    dimensions: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Sizes,
        output_size: Sizes | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name, dims = type(self).__name__, self.dimensions
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{name}: give one of output_size and output_ratio")
        self.kernel_size = per_dimension(name, "kernel_size", kernel_size, dims)
        self.output_size: Any = output_size
        if output_size is not None:
            self.output_size = per_dimension(name, "output_size", output_size, dims)
        self.output_ratio: Any = None
        if output_ratio is not None:
            one = isinstance(output_ratio, float)
            self.output_ratio = (output_ratio,) * dims if one else tuple(output_ratio)  # type: ignore[arg-type]
            if not all(0 < each < 1 for each in self.output_ratio):
                raise ValueError(
                    f"{name}: output_ratio must lie between 0 and 1, got {output_ratio}"
                )
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        return type(self).function(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest of windows at random places, so many that the output has the given size.

    Either `output_size` or `output_ratio`, a fraction of the input's size, is given.
    Example: ``nn.FractionalMaxPool2d(3, output_ratio=0.5)``.
    Source: Graham 2014, "Fractional max-pooling"; ``torch.nn.FractionalMaxPool2d``.
    """

    dimensions = 2
    function = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPool):
    """`FractionalMaxPool2d` of volumes. Source: ``torch.nn.FractionalMaxPool3d``."""

    dimensions = 3
    function = staticmethod(F.fractional_max_pool3d)


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


class MaxUnpool3d(_MaxUnpool):
    """The maxima of `MaxPool3d` back in their places, zeros elsewhere.

    Source: ``torch.nn.MaxUnpool3d``.
    """

    dimensions = 3

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        return F.max_unpool3d(
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


class LPPool3d(_LPPool):
    """The p-norm of each box of (N, C, D, H, W). Source: ``torch.nn.LPPool3d``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool3d(input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)
