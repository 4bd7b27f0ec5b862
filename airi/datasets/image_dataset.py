"""What the image data sets have in common: items and whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from airi.ops.creation import from_numpy
from airi.utils.data.collate import default_collate
from airi.utils.data.dataset import Dataset


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Images with labels, held in memory as bytes.

    An item is ``(image, label)``. Without `transform` the image is a float32 Tensor (C, H, W) in
    [0, 1], as ``ToTensor`` makes it; with `transform`, that is given the uint8 array (H, W, C), or
    (H, W) where there is one channel, as it would get a picture in torchvision. The label is an
    int, which `target_transform` may change.

    ``images()`` and ``labels()`` give everything at once as arrays, and a DataLoader takes whole
    batches out of a data set without transforms: both are far faster than item by item.
    """

    MEAN: ClassVar[tuple[float, ...]]  # of each channel over the training images, in [0, 1]
    STD: ClassVar[tuple[float, ...]]
    classes: ClassVar[list[str]]

    data: Any  # images as bytes
    targets: Any  # labels

    def __init__(
        self,
        root: Path | None,
        train: bool,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
    ) -> None:
        self.root = root
        self.train = train
        self.transform = transform
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if self.transform is None:
            image = from_numpy(_in_unit_range(self._pixels()[index]))
        else:
            image = self.transform(self._picture(index))
        label = self._label(index)
        return image, label if self.target_transform is None else self.target_transform(label)

    def get_batch(self, indices: Sequence[int]) -> list[Any]:
        """The batch that ``default_collate`` makes of these items, in one go without transforms."""
        if self.transform is not None or self.target_transform is not None:
            return default_collate([self[index] for index in indices])
        images = _in_unit_range(self._pixels()[np.asarray(indices)])
        labels = np.array([self._label(index) for index in indices], dtype=np.int64)
        return [from_numpy(images), from_numpy(labels)]

    def images(self, normalize: bool = True) -> np.ndarray:
        """All images as a float32 array (N, C, H, W), without transforms.

        With `normalize`, ``(pixel / 255 - MEAN) / STD`` for each channel, which ``ToTensor`` and
        ``Normalize(MEAN, STD)`` give too; without, ``pixel / 255``.

        Example: ``TensorDataset(data.images(), data.labels())``.
        """
        images = _in_unit_range(self._pixels())
        if normalize:
            images -= np.asarray(self.MEAN, np.float32)[:, None, None]
            images /= np.asarray(self.STD, np.float32)[:, None, None]
        return images

    def labels(self) -> np.ndarray:
        """All labels as an int64 array (N,)."""
        return np.asarray(self.targets, dtype=np.int64)

    def _label(self, index: int) -> int:
        return self.targets[index]

    def _pixels(self) -> np.ndarray:
        """The images as a uint8 array (N, C, H, W), without copying."""
        raise NotImplementedError

    def _picture(self, index: int) -> np.ndarray:
        """One image as a transform gets it: uint8, (H, W, C) or (H, W)."""
        raise NotImplementedError

    def __repr__(self) -> str:
        lines = [
            f"Dataset {type(self).__name__}",
            f"Number of datapoints: {len(self)}",
            f"Root location: {self.root}" if self.root else "Root location: part of airi",
            f"Split: {'Train' if self.train else 'Test'}",
        ]
        if self.transform is not None:
            lines.append(f"Transform: {self.transform!r}")
        if self.target_transform is not None:
            lines.append(f"Target transform: {self.target_transform!r}")
        return "\n    ".join(lines)


def _in_unit_range(pixels: np.ndarray) -> np.ndarray:
    return np.divide(pixels, np.float32(255), dtype=np.float32, order="C")
