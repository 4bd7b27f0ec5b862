"""Convolutions and transposed convolutions over one to three dimensions. Source: ``torch.nn``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from airi.nn import functional as F
from airi.nn import init
from airi.nn.module import Module
from airi.nn.parameter import new_parameter
from airi.nn.sizes import per_dimension
from airi.ops.spatial import Sizes
from airi.tensor import Tensor

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all of them have: arguments, parameters, repr."""

    dimensions: ClassVar[int]
    transposed: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: str | Sizes,
        dilation: Sizes,
        output_padding: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if groups <= 0 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups must divide both in_channels={in_channels} and "
                f"out_channels={out_channels}, got groups={groups}"
            )
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"{name}: padding_mode must be one of {_PADDING_MODES}, got {padding_mode!r}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.stride = self._sizes("stride", stride)
        self.padding: Any = padding if isinstance(padding, str) else self._sizes("padding", padding)
        self.dilation = self._sizes("dilation", dilation)
        self.output_padding = self._sizes("output_padding", output_padding)
        self.groups = groups
        self.padding_mode = padding_mode
        if isinstance(padding, str):
            self._check_named_padding(padding)
        ends = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (ends[0], ends[1] // groups, *self.kernel_size)
        self.weight = new_parameter(*shape, device=device, dtype=dtype)
        self.register_parameter(
            "bias", new_parameter(out_channels, device=device, dtype=dtype) if bias else None
        )
        self.reset_parameters()

    def _sizes(self, argument: str, value: Sizes) -> tuple[int, ...]:
        if argument != "kernel_size" and isinstance(value, (tuple, list)) and len(value) == 1:
            value = value[0]  # one in a list counts for all dimensions, as in PyTorch's functions
        return per_dimension(type(self).__name__, argument, value, self.dimensions)

    def _check_named_padding(self, padding: str) -> None:
        name = type(self).__name__
        if padding not in ("same", "valid"):
            raise ValueError(
                f"{name}: padding must be 'same', 'valid' or a number of elements, got {padding!r}"
            )
        if padding == "same" and any(each != 1 for each in self.stride):
            raise ValueError(f"{name}: padding='same' needs stride 1, got stride {self.stride}")

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.fan_in_uniform_(self.weight, self.bias)

    def extra_repr(self) -> str:
        none, one = (0,) * self.dimensions, (1,) * self.dimensions
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        ]
        if self.padding != none:
            parts.append(f"padding={self.padding}")
        if self.dilation != one:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != none:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Convolution(_ConvNd):
    """A convolution: pads in its mode, then calls the functional form."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
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
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._pad_widths(), mode=self.padding_mode)
            padding = 0
        return type(self).function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def _pad_widths(self) -> list[int]:
        """What `F.pad` takes: before and after, the last dimension first."""
        widths: list[int] = []
        for at in reversed(range(self.dimensions)):
            if self.padding == "valid":
                widths += [0, 0]
            elif self.padding == "same":
                total = self.dilation[at] * (self.kernel_size[at] - 1)
                widths += [total // 2, total - total // 2]
            else:
                widths += [self.padding[at]] * 2
        return widths


class Conv1d(_Convolution):
    """Cross-correlation over one dimension: out[n, o, t] = bias[o] + sum weight[o] * window.

    Shapes: input (N, C_in, L) or (C_in, L), weight (C_out, C_in / groups, kernel_size), out
    (N, C_out, L_out), L_out = (L + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1.
    Weight and bias begin uniform in +-1/sqrt(C_in / groups * kernel_size). `padding` may be
    "same" or "valid"; `padding_mode` zeros, reflect, replicate or circular.
    Example: ``nn.Conv1d(16, 33, 3, stride=2)``. Source: ``torch.nn.Conv1d``.
    """

    dimensions = 1
    function = staticmethod(F.conv1d)


class Conv2d(_Convolution):
    """Cross-correlation over images: out[n, o, y, x] = bias[o] + sum weight[o] * window.

    Shapes: input (N, C_in, H, W) or (C_in, H, W), weight (C_out, C_in / groups, *kernel_size), out
    (N, C_out, H_out, W_out), H_out = (H + 2 padding - dilation (kernel_size - 1) - 1) // stride
    + 1. Weight and bias begin uniform in +-1/sqrt(C_in / groups * kernel area). `padding` may be
    "same" or "valid"; `padding_mode` zeros, reflect, replicate or circular.
    Example: ``nn.Conv2d(3, 16, 5, padding=2)``. Source: ``torch.nn.Conv2d``.
    """

    dimensions = 2
    function = staticmethod(F.conv2d)


class Conv3d(_Convolution):
    """Cross-correlation over volumes: `Conv2d` with a depth.

    Shapes: input (N, C_in, D, H, W) or (C_in, D, H, W), weight (C_out, C_in / groups,
    *kernel_size), out (N, C_out, D_out, H_out, W_out), each size as in `Conv2d`.
    Example: ``nn.Conv3d(1, 8, 3, padding=1)``. Source: ``torch.nn.Conv3d``.
    """

    dimensions = 3
    function = staticmethod(F.conv3d)


class _TransposedConvolution(_ConvNd):
    """A transposed convolution, whose output size may be asked for."""

    transposed = True
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
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
        if padding_mode != "zeros":
            raise ValueError(
                f"{type(self).__name__}: padding_mode must be 'zeros', got {padding_mode!r}"
            )
        if isinstance(padding, str):
            raise TypeError(f"{type(self).__name__}: padding must be a number, got {padding!r}")
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        output_padding = self.output_padding
        if output_size is not None:
            output_padding = self._padding_for(input, output_size)
        return type(self).function(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            output_padding,
            self.groups,
            self.dilation,
        )

    def _padding_for(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output padding that gives an output of the wanted size."""
        wanted = tuple(output_size)[-self.dimensions :]
        smallest = [
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for size, stride, padding, dilation, kernel in zip(
                input.shape[-self.dimensions :],
                self.stride,
                self.padding,
                self.dilation,
                self.kernel_size,
            )
        ]
        extra = tuple(want - least for want, least in zip(wanted, smallest))
        lengths = (self.dimensions, input.ndim)
        if len(output_size) not in lengths or any(
            not 0 <= each < stride for each, stride in zip(extra, self.stride)
        ):
            largest = [least + stride - 1 for least, stride in zip(smallest, self.stride)]
            raise ValueError(
                f"{type(self).__name__}: output_size {tuple(output_size)} is not possible for an "
                f"input of shape {tuple(input.shape)}: the sizes may be {smallest} to {largest}"
            )
        return extra


class ConvTranspose1d(_TransposedConvolution):
    """The gradient of Conv1d to its input, as a layer: it enlarges.

    Shapes: input (N, C_in, L), weight (C_in, C_out / groups, kernel_size), out (N, C_out, L_out),
    L_out = (L - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.
    ``forward(input, output_size=...)`` chooses the output padding.
    Example: ``nn.ConvTranspose1d(8, 4, 4, stride=2)``. Source: ``torch.nn.ConvTranspose1d``.
    """

    dimensions = 1
    function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_TransposedConvolution):
    """The gradient of Conv2d to its input, as a layer: it enlarges images.

    Shapes: input (N, C_in, H, W), weight (C_in, C_out / groups, *kernel_size), out (N, C_out,
    H_out, W_out), H_out = (H - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding
    + 1. ``forward(input, output_size=...)`` chooses the output padding.
    Example: ``nn.ConvTranspose2d(8, 4, 4, stride=2)``. Source: ``torch.nn.ConvTranspose2d``.
    """

    dimensions = 2
    function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_TransposedConvolution):
    """The gradient of Conv3d to its input, as a layer: it enlarges volumes.

    Shapes: input (N, C_in, D, H, W), weight (C_in, C_out / groups, *kernel_size), out (N, C_out,
    D_out, H_out, W_out), each size as in `ConvTranspose2d`.
    Example: ``nn.ConvTranspose3d(8, 4, 4, stride=2)``. Source: ``torch.nn.ConvTranspose3d``.
    """

    dimensions = 3
    function = staticmethod(F.conv_transpose3d)
