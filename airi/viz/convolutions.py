"""A convolution in slow motion: the window, the products that are summed, the way back."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from airi.autograd.mode import enable_grad
from airi.nn import Conv2d
from airi.nn import functional as F
from airi.tensor import Tensor
from airi.viz.arguments import file_path, whole

SOBEL: dict[str, list[list[float]]] = {
    "Sobel x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "Sobel y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
}
BLUR: dict[str, list[list[float]]] = {"Blur": [[1 / 9] * 3] * 3}

_LARGEST = 256  # pixels of an image that can be shown
_MOST = 200_000  # numbers of any tensor that a page holds

Pair = int | tuple[int, int]


@dataclass(frozen=True)
class Pixel:
    """One pixel of the result: what it is made of, and what its gradient adds to.

    ``rows`` and ``columns`` are the receptive field in the image, below 0 or past the end where it
    is padding; ``patch``, ``kernel`` and ``products`` (C / groups, KH, KW); ``value`` is the sum of
    the products and the bias, ``gradient`` dL/dvalue. ``to_input`` and ``to_weight`` are what
    backward adds to the patch of dL/dinput and to the filter's dL/dweight. ``column`` is the
    pixel's place among the columns of `Convolution.columns`.
    """

    rows: list[int]
    columns: list[int]
    patch: np.ndarray
    kernel: np.ndarray
    products: np.ndarray
    bias: float
    value: float
    gradient: float
    to_input: np.ndarray
    to_weight: np.ndarray
    column: int


class Convolution:
    """What `convolution` gives: arrays for scripts, a page, a GIF.

    ``image`` (C, H, W), ``padded`` the same with its padding, ``weight`` (F, C / groups, KH, KW),
    ``bias`` (F,) or None, ``output`` (F, OH, OW); ``grad_output``, ``grad_input``, ``grad_padded``
    and ``grad_weight`` as backward gave them; ``names`` of the filters. ``at(filter, row, column)``
    is one pixel, ``columns()`` the matrix of the column form. Saves as ``.html`` and ``.gif``.
    """

    def __init__(
        self,
        image: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        names: list[str],
        geometry: _Geometry,
        gradient: Any,
    ) -> None:
        self.names = names
        self.stride, self.dilation = geometry.stride, geometry.dilation
        self.groups, self.pads = geometry.groups, geometry.pads
        with enable_grad():
            x = image.detach().clone().requires_grad_(True)
            w = weight.detach().clone().requires_grad_(True)
            b = None if bias is None else bias.detach()
            padded = geometry.padded(x)
            padded.retain_grad()
            out = F.conv2d(padded, w, b, self.stride, 0, self.dilation, self.groups)
            g = _gradient(gradient, out)
            out.backward(g)
        assert x.grad is not None
        assert padded.grad is not None
        assert w.grad is not None
        self.image, self.padded = x.detach().numpy()[0], padded.detach().numpy()[0]
        self.output = out.detach().numpy()[0]
        self.weight = weight.detach().numpy()
        self.bias = None if b is None else b.numpy()
        self.grad_output = g.numpy()[0]
        self.grad_input, self.grad_padded = x.grad.numpy()[0], padded.grad.numpy()[0]
        self.grad_weight = w.grad.numpy()
        self.own_gradient = gradient is not None

    def at(self, filter: int, row: int, column: int) -> Pixel:
        """Everything about ``output[filter, row, column]``; IndexError where there is none."""
        filters, height, width = self.output.shape
        for name, each in (("filter", filter), ("row", row), ("column", column)):
            whole("at", name, each, least=-(2**31))
        if not (0 <= filter < filters and 0 <= row < height and 0 <= column < width):
            raise IndexError(
                f"at: [{filter}, {row}, {column}] is not in the output of shape {self.output.shape}"
            )
        down, across = self._field(row, column)
        kernel = self.weight[filter]
        taken = kernel.shape[0]
        first = filter // (filters // self.groups) * taken
        patch = self.padded[first : first + taken][:, down[:, None], across]
        gradient = self.grad_output[filter, row, column]
        bias = 0.0 if self.bias is None else float(self.bias[filter])
        return Pixel(
            rows=(down - self.pads[0]).tolist(),
            columns=(across - self.pads[2]).tolist(),
            patch=patch,
            kernel=kernel,
            products=patch * kernel,
            bias=bias,
            value=float(self.output[filter, row, column]),
            gradient=float(gradient),
            to_input=gradient * kernel,
            to_weight=gradient * patch,
            column=row * width + column,
        )

    def _field(self, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
        height, width = self.weight.shape[2:]
        down = row * self.stride[0] + self.dilation[0] * np.arange(height)
        return down, column * self.stride[1] + self.dilation[1] * np.arange(width)

    def columns(self, group: int = 0) -> np.ndarray:
        """The column form of a group: (C / groups * KH * KW, OH * OW), one column for each pixel.

        The filters as rows times this matrix are the output: that is how it is computed fast.
        """
        group = whole("columns", "group", group)
        if group >= self.groups:
            raise IndexError(f"columns: there is no group {group} of {self.groups}")
        _, taken, height, width = self.weight.shape
        out_height, out_width = self.output.shape[1:]
        channels = self.padded[group * taken : (group + 1) * taken]
        down = self.dilation[0] * np.arange(height)[:, None] + self.stride[0] * np.arange(
            out_height
        )
        across = self.dilation[1] * np.arange(width)[:, None] + self.stride[1] * np.arange(
            out_width
        )
        taps = channels[:, down[:, None, :, None], across[None, :, None, :]]
        return taps.reshape(taken * height * width, out_height * out_width)

    def html(self) -> str:
        """The page as text: step, play, click a pixel; forward and backward."""
        from airi.viz.convolution_page import page

        return page(self)

    def save(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the page (``.html``) or an animation (``.gif``, which needs airi[plot]).

        A GIF takes ``filter``, ``channel``, ``backward`` (gradients in place of values), ``frames``
        (at most so many, 60) and ``fps`` (8).
        Raises ValueError for another ending.
        """
        from airi.utils.files import replacing

        target = file_path("convolution", path)
        ending = target.suffix.lower()
        if ending == ".gif":
            from airi.viz.convolution_gif import save

            save(self, target, **options)
            return target
        if ending not in (".html", ".htm"):
            raise ValueError(
                f"convolution: cannot save {target.name!r}: the ending must be .html or .gif"
            )
        if options:
            raise TypeError(f"convolution: {', '.join(options)} is for .gif only")
        content = self.html()
        with replacing(target) as file:
            file.write(content.encode())
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the page in a frame of its own."""
        from airi.viz.pages import framed

        return {
            "text/plain": repr(self),
            "text/html": framed(self.html(), "airi: a convolution, pixel by pixel"),
        }

    def __repr__(self) -> str:
        shapes = ["×".join(map(str, each.shape)) for each in (self.image, self.weight, self.output)]
        return (
            f"<airi.viz.Convolution of {shapes[0]} with {shapes[1]}: {shapes[2]}; "
            "save('convolution.html') or save('convolution.gif')>"
        )


def convolution(
    conv_or_kernel: Any,
    image: Any,
    *,
    gradient: Any = None,
    stride: Pair = 1,
    padding: Pair | str = "same",
    dilation: Pair = 1,
) -> Convolution:
    """A convolution of one image, to be stepped through: forward, column form and backward.

    `conv_or_kernel` is your ``nn.Conv2d``, or a kernel: a matrix such as Sobel's, which is applied
    to each channel on its own, several of them (F, KH, KW) or as a dict with their names
    (``airi.viz.SOBEL``, ``airi.viz.BLUR``), or a weight (F, C, KH, KW). `stride`, `padding` and
    `dilation` are those of a kernel; a layer has its own. `image` is (H, W), (C, H, W) or
    (N, C, H, W), of which the first is taken; bytes become numbers from 0 to 1. `gradient` is
    dL/doutput for backward; without it L is half the sum of the output's squares, so dL/doutput is
    the output. Raises TypeError and ValueError for what fits not. Example::

        airi.viz.convolution(airi.viz.SOBEL, picture).save("sobel.html")
        airi.viz.convolution(net.conv1, images[0]).save("conv1.gif")
    """
    x = _image(image)
    if isinstance(conv_or_kernel, Conv2d):
        if (stride, padding, dilation) != (1, "same", 1):
            raise ValueError("convolution: a Conv2d has its own stride, padding and dilation")
        return _of_layer(conv_or_kernel, x, gradient)
    weight, names, groups = _kernels(conv_or_kernel, x.shape[1])
    weight = weight.to(x.dtype)
    sizes = tuple(weight.shape[2:])
    steps, gaps = _pair("stride", stride), _pair("dilation", dilation)
    geometry = _Geometry(steps, gaps, groups, _pads(padding, sizes, gaps), "zeros")
    _check_fits(x, weight, geometry)
    return Convolution(x, weight, None, names, geometry, gradient)


@dataclass(frozen=True)
class _Geometry:
    stride: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    pads: tuple[int, int, int, int]  # top, bottom, left, right
    mode: str

    def padded(self, x: Tensor) -> Tensor:
        top, bottom, left, right = self.pads
        if not any(self.pads):
            return x * 1.0  # a tensor of its own, whose gradient is kept
        mode = "constant" if self.mode == "zeros" else self.mode
        return F.pad(x, (left, right, top, bottom), mode=mode)


def _of_layer(layer: Conv2d, x: Tensor, gradient: Any) -> Convolution:
    if x.shape[1] != layer.in_channels:
        raise ValueError(
            f"convolution: the layer takes {layer.in_channels} channels, but the image has "
            f"{x.shape[1]} (shape {tuple(x.shape[1:])})"
        )
    gaps, sizes = _pair("dilation", layer.dilation), _pair("kernel_size", layer.kernel_size)
    geometry = _Geometry(
        _pair("stride", layer.stride),
        gaps,
        layer.groups,
        _pads(layer.padding, sizes, gaps),
        layer.padding_mode,
    )
    _check_fits(x, layer.weight, geometry)
    names = [f"{number}" for number in range(layer.out_channels)]
    x = x.to(layer.weight.dtype)
    return Convolution(x, layer.weight, layer.bias, names, geometry, gradient)


def _array(name: str, given: Any) -> np.ndarray:
    try:
        return given.detach().numpy() if isinstance(given, Tensor) else np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"convolution: {name} must be a Tensor or an array, got {type(given).__name__}: {error}"
        ) from error


def _image(image: Any) -> Tensor:
    array = _array("image", image)
    if array.dtype == np.uint8:
        array = array.astype(np.float32) / 255
    if array.dtype.kind == "V":  # bfloat16
        array = array.astype(np.float32)
    if array.dtype.kind not in "fiu":
        got = type(image).__name__ if array.dtype.kind in "OSU" else array.dtype
        raise TypeError(f"convolution: expected an image of real numbers, got {got}")
    if not 2 <= array.ndim <= 4 or array.size == 0:
        raise ValueError(
            "convolution: expected an image (H, W), (C, H, W) or (N, C, H, W), got shape "
            f"{array.shape}"
        )
    if array.dtype.kind != "f":
        array = array.astype(np.float32)
    array = array[0] if array.ndim == 4 else array
    array = array[None] if array.ndim == 2 else array
    if max(array.shape[1:]) > _LARGEST or array.size > _MOST:
        raise ValueError(
            f"convolution: the image of shape {array.shape} is too large to be looked at pixel by "
            f"pixel: at most {_LARGEST} × {_LARGEST}; cut out a part of it or scale it down"
        )
    return Tensor(np.array(array[None]))


def _kernels(given: Any, channels: int) -> tuple[Tensor, list[str], int]:
    """The weight, the names of its filters and the number of groups."""
    names = list(given) if isinstance(given, Mapping) else None
    if names is not None:
        given = np.stack([np.asarray(each, dtype=np.float64) for each in given.values()])
    elif isinstance(given, Tensor):
        given = given.detach().numpy()
    try:
        array = None if given is None else np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        array = None
    if array is None:
        raise TypeError(
            "convolution: expected an nn.Conv2d, a kernel of numbers or a dict of kernels, got "
            f"{type(given).__name__}"
        )
    if not 2 <= array.ndim <= 4 or array.size == 0:
        raise ValueError(
            "convolution: expected a kernel (KH, KW), (F, KH, KW) or (F, C, KH, KW), got shape "
            f"{array.shape}"
        )
    if array.ndim == 4:
        if array.shape[1] != channels:
            raise ValueError(
                f"convolution: the kernel of shape {array.shape} takes {array.shape[1]} channels, "
                f"but the image has {channels}"
            )
        return Tensor(array), names or [str(i) for i in range(len(array))], 1
    array = array[None] if array.ndim == 2 else array
    names = names or [str(i) for i in range(len(array))]
    if channels > 1:  # each kernel for each channel on its own
        names = [f"{name} ({channel})" for channel in range(channels) for name in names]
        array = np.concatenate([array] * channels)
    return Tensor(array[:, None]), names, channels


def _pair(name: str, value: Any) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"convolution: {name} must be one or two integers, got {value!r}")
    pair = whole("convolution", name, pair[0]), whole("convolution", name, pair[1])
    if name != "padding" and 0 in pair:
        raise ValueError(f"convolution: {name} must be at least 1, got {value!r}")
    return pair


def _pads(padding: Any, sizes: tuple[int, int], gaps: tuple[int, int]) -> Any:
    if not isinstance(padding, str | int | tuple | list):
        kind = type(padding).__name__
        raise TypeError(f"convolution: padding must be 'same', 'valid' or integers, got {kind}")
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding == "same":  # the odd one at the end, as in conv2d
        spare = [gap * (size - 1) for gap, size in zip(gaps, sizes, strict=True)]
        return (spare[0] // 2, spare[0] - spare[0] // 2, spare[1] // 2, spare[1] - spare[1] // 2)
    if isinstance(padding, str):
        raise ValueError(
            f"convolution: padding must be 'same', 'valid' or integers, got {padding!r}"
        )
    down, across = _pair("padding", padding)
    return (down, down, across, across)


def _check_fits(x: Tensor, weight: Tensor, geometry: _Geometry) -> None:
    top, bottom, left, right = geometry.pads
    room = (x.shape[2] + top + bottom, x.shape[3] + left + right)
    for have, size, gap in zip(room, weight.shape[2:], geometry.dilation, strict=True):
        if gap * (size - 1) + 1 > have:
            raise ValueError(
                f"convolution: the kernel {tuple(weight.shape[2:])} with dilation "
                f"{geometry.dilation} is larger than the padded image {room}"
            )
    rows, columns = (
        (have - gap * (size - 1) - 1) // step + 1
        for have, size, gap, step in zip(
            room, weight.shape[2:], geometry.dilation, geometry.stride, strict=True
        )
    )
    if max(weight.shape[0] * rows * columns, math.prod(weight.shape)) > 8 * _MOST:
        raise ValueError(
            f"convolution: {weight.shape[0]} filters of {rows} × {columns} pixels are too many to "
            "be looked at; take a smaller image or fewer filters"
        )


def _gradient(given: Any, out: Tensor) -> Tensor:
    if given is None:
        return out.detach().clone()
    array = _array("gradient", given)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"convolution: gradient must be real numbers, got {array.dtype}")
    if array.shape not in (tuple(out.shape), tuple(out.shape[1:])):
        raise ValueError(
            f"convolution: gradient must have the output's shape {tuple(out.shape[1:])}, got "
            f"{array.shape}"
        )
    return Tensor(array.reshape(out.shape).astype(out.detach().numpy().dtype))
