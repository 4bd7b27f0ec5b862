"""Transforms of single images, under torchvision's names.

An image is, as in torchvision, either a NumPy array (H, W, C) or (H, W), which is what the data
sets hand over, or a Tensor (..., C, H, W), which ``ToTensor`` makes of it. Tensors are treated as
data: no gradient goes through a transform. Random choices come from airi's own generator
(``airi.manual_seed``), which every DataLoader worker seeds differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from airi.ops.creation import from_numpy
from airi.ops.random import rand, randint
from airi.tensor import Tensor

Image = Any  # np.ndarray | Tensor

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")  # numpy.pad has the same names


class Compose:
    """Several transforms, one after the other. Source: ``torchvision.transforms.Compose``.

    Example: ``Compose([RandomCrop(32, padding=4), RandomHorizontalFlip(), ToTensor()])``.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        steps = "".join(f"\n    {transform!r}" for transform in self.transforms)
        return f"Compose({steps}\n)"


class ToTensor:
    """An array (H, W, C) or (H, W) as a Tensor (C, H, W); bytes become float32 in [0, 1].

    Arrays of other types keep their values and type. Raises TypeError for what is no array and
    ValueError for other numbers of dimensions. Source: ``torchvision.transforms.ToTensor``.
    """

    def __call__(self, pic: np.ndarray) -> Tensor:
        if not isinstance(pic, np.ndarray):
            raise TypeError(f"ToTensor: expected a NumPy array, got {type(pic).__name__}")
        if pic.ndim not in (2, 3):
            raise ValueError(f"ToTensor: expected shape (H, W) or (H, W, C), got {pic.shape}")
        channels = pic[None] if pic.ndim == 2 else pic.transpose(2, 0, 1)
        if pic.dtype == np.uint8:
            return from_numpy(np.divide(channels, np.float32(255), order="C"))
        return from_numpy(channels.copy(order="C"))

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """``(image - mean) / std`` for each channel of a floating-point Tensor (..., C, H, W).

    Raises TypeError for integers (ToTensor goes first) and ValueError where a std is zero or the
    numbers of channels differ. Source: ``torchvision.transforms.Normalize``.

    Example: ``Normalize(CIFAR10.MEAN, CIFAR10.STD)``.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        if any(each == 0 for each in std):
            raise ValueError(f"Normalize: std must not be zero, got {std}")
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        if not isinstance(tensor, Tensor) or not tensor.dtype.is_floating_point:
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise TypeError(f"Normalize: expected a floating-point Tensor, got {kind}")
        array = tensor.detach().numpy()
        if array.ndim < 3:
            raise ValueError(f"Normalize: expected shape (..., C, H, W), got {array.shape}")
        out = array if self.inplace else array.copy()
        out -= self._for_channels(self.mean, array)
        out /= self._for_channels(self.std, array)
        return tensor if self.inplace else from_numpy(out)

    def _for_channels(self, values: Sequence[float], image: np.ndarray) -> np.ndarray:
        column = np.asarray(values, image.dtype).reshape(-1, 1, 1)
        if len(column) not in (1, image.shape[-3]):
            raise ValueError(
                f"Normalize: {len(column)} values for an image of shape {image.shape}, "
                f"which has {image.shape[-3]} channels"
            )
        return column

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class RandomHorizontalFlip:
    """Left and right exchanged with probability `p`.

    Source: ``torchvision.transforms.RandomHorizontalFlip``.
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"RandomHorizontalFlip: p must be between 0 and 1, got {p}")
        self.p = p

    def __call__(self, img: Image) -> Image:
        if rand(()).item() >= self.p:
            return img
        return _on_array(img, lambda array, height, width: np.flip(array, width))

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


class RandomCrop:
    """A part of `size` at a random place of the image, which is padded first.

    `size` is one number or (height, width). `padding` is one number, (left and right, top and
    bottom) or (left, top, right, bottom); `pad_if_needed` adds what a small image lacks. The
    padding is `fill`, or made from the image by `padding_mode` ``"edge"``, ``"reflect"`` or
    ``"symmetric"``. Raises ValueError where the image is smaller than `size`.

    Example: ``RandomCrop(32, padding=4)``, the usual augmentation for CIFAR-10.
    Source: ``torchvision.transforms.RandomCrop``.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = _height_and_width(size)
        self.padding = padding
        self._sides = _left_top_right_bottom(padding)
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        if padding_mode not in PADDING_MODES:
            raise ValueError(
                f"RandomCrop: padding_mode must be one of {', '.join(PADDING_MODES)}, "
                f"got {padding_mode!r}"
            )
        self.padding_mode = padding_mode

    def __call__(self, img: Image) -> Image:
        return _on_array(img, self._crop)

    def _crop(self, array: np.ndarray, height: int, width: int) -> np.ndarray:
        left, top, right, bottom = self._sides
        array = self._padded(array, {height: (top, bottom), width: (left, right)})
        if self.pad_if_needed:
            lacking = {
                axis: max(0, wanted - array.shape[axis])
                for axis, wanted in zip((height, width), self.size, strict=True)
            }
            array = self._padded(array, {axis: (n, n) for axis, n in lacking.items()})
        part = [slice(None)] * array.ndim
        for axis, wanted in zip((height, width), self.size, strict=True):
            room = array.shape[axis] - wanted
            if room < 0:
                raise ValueError(
                    f"RandomCrop: cannot take {self.size} out of an image of "
                    f"{array.shape[height], array.shape[width]}"
                )
            start = int(randint(room + 1, ()).item())
            part[axis] = slice(start, start + wanted)
        return array[tuple(part)]

    def _padded(self, array: np.ndarray, sides: dict[int, tuple[int, int]]) -> np.ndarray:
        if not any(any(pair) for pair in sides.values()):
            return array
        widths = [sides.get(axis, (0, 0)) for axis in range(array.ndim)]
        if self.padding_mode != "constant":
            # NumPy's stubs want the mode as a literal.
            return np.pad(array, widths, mode=self.padding_mode)  # type: ignore[call-overload]
        # By hand, since np.pad takes longer than all the rest of an augmentation.
        sizes = [size + sum(pair) for size, pair in zip(array.shape, widths, strict=True)]
        padded = np.full(sizes, self.fill, array.dtype)
        within = [slice(a, a + size) for size, (a, _) in zip(array.shape, widths, strict=True)]
        padded[tuple(within)] = array
        return padded

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


def _on_array(img: Image, function: Callable[[np.ndarray, int, int], np.ndarray]) -> Image:
    """``function(array, height axis, width axis)`` of an image of either kind."""
    if isinstance(img, Tensor):
        array = img.detach().numpy()
        return from_numpy(np.ascontiguousarray(function(array, array.ndim - 2, array.ndim - 1)))
    if isinstance(img, np.ndarray) and img.ndim in (2, 3):
        return function(img, 0, 1)
    raise TypeError(
        "transforms: expected an array (H, W, C) or (H, W), or a Tensor (..., C, H, W), "
        f"got {type(img).__name__} of shape {getattr(img, 'shape', None)}"
    )


def _height_and_width(size: int | Sequence[int]) -> tuple[int, int]:
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or min(sides) <= 0:
        raise ValueError(f"RandomCrop: size must be one or two positive numbers, got {size}")
    return sides[0], sides[1]


def _left_top_right_bottom(padding: int | Sequence[int] | None) -> tuple[int, int, int, int]:
    if padding is None:
        return 0, 0, 0, 0
    sides = (padding,) if isinstance(padding, int) else tuple(padding)
    if len(sides) not in (1, 2, 4) or min(sides) < 0:
        raise ValueError(
            f"RandomCrop: padding must be 1, 2 or 4 numbers that are not negative, got {padding}"
        )
    left, top, right, bottom = sides * (4 // len(sides))
    return left, top, right, bottom
