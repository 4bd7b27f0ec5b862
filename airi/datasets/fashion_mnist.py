"""Fashion-MNIST, from its four idx files, and a sample of it that comes with airi."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from airi.datasets.download import download as fetch
from airi.datasets.download import with_mirrors
from airi.datasets.files import (
    HOW_TO_GET,
    DatasetError,
    data_home,
    find_files,
    not_found,
    wrong_sha256,
)
from airi.datasets.image_dataset import ImageDataset
from airi.ops.creation import from_numpy
from airi.tensor import Tensor

FOLDER = Path("FashionMNIST", "raw")  # torchvision's: its downloads serve airi, and the reverse
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")  # of package dataset-fashion-mnist
BASE_URLS = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
)
# Of the idx files themselves: Debian compresses them anew.
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


class _FashionImages(ImageDataset):
    """Grey images of 28 x 28 in the ten classes of Fashion-MNIST."""

    MEAN = (0.2860,)
    STD = (0.3530,)
    classes = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]
    data: Tensor
    targets: Tensor

    def _hold(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.data = from_numpy(images)
        self.targets = from_numpy(labels.astype(np.int64))

    def _label(self, index: int) -> int:
        return int(self.targets.numpy()[index])

    def _pixels(self) -> np.ndarray:
        return self.data.numpy()[:, None]

    def _picture(self, index: int) -> np.ndarray:
        return self.data.numpy()[index]


class FashionMNIST(_FashionImages):
    """70,000 grey images of 28 x 28, articles of clothing in ten classes; 10,000 are for testing.

    `root` is searched, with the folders below it, for the idx files, compressed or not, wherever
    they came from; without `root` it is the folder of ``airi.datasets.data_home()``. Debian's
    package ``dataset-fashion-mnist`` is found too. With `download`, what is missing is fetched,
    from the addresses in ``AIRI_MIRRORS`` first. Every file must have its known SHA-256. Items
    are described at ImageDataset; `data` is a uint8 Tensor (N, 28, 28), `targets` an int64 Tensor.

    Raises DatasetError (a RuntimeError) that tells every place that was tried.

    Example: ``test = FashionMNIST(train=False, download=True); test[0][0].shape`` is (1, 28, 28).
    Source: H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST*, 2017, arXiv:1708.07747;
    ``torchvision.datasets.FashionMNIST``.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        folder = data_home() if root is None else Path(root).expanduser()
        super().__init__(folder, train, transform, target_transform)
        prefix = "train" if train else "t10k"
        images, labels = (
            _load(folder, f"{prefix}-{kind}-ubyte", download)
            for kind in ("images-idx3", "labels-idx1")
        )
        self._hold(images, labels)


class FashionMNISTSample(_FashionImages):
    """5,000 training and 1,000 test images of Fashion-MNIST that are part of airi.

    They are the first 500 (100) images of each class, in the order of the original files:
    enough for an example or a test that learns something without a download. Otherwise like
    FashionMNIST. ``tools/make_sample.py`` made the file. Copyright 2017 Zalando SE, MIT licence.

    Example: ``FashionMNISTSample().images().shape`` is (5000, 1, 28, 28).
    """

    def __init__(
        self,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(None, train, transform, target_transform)
        split = "train" if train else "test"
        file = resources.files("airi.datasets") / "sample" / "fashion_mnist_sample.npz"
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            self._hold(arrays[f"{split}_images"], arrays[f"{split}_labels"])


def read_idx(content: bytes) -> np.ndarray:
    """The uint8 array in an idx file: a magic number, big-endian sizes, then the values.

    Raises ValueError where the content is not that, or is cut off.
    """
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"read_idx: not an idx file of bytes (it begins with {content[:4]!r})")
    ndim = content[3]
    start = 4 + 4 * ndim
    shape = np.frombuffer(content[4:start], ">u4").tolist()
    values = np.frombuffer(content[start:], np.uint8)
    if len(shape) != ndim or values.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"read_idx: {values.size} values for shape {tuple(shape)}")
    return values.reshape(shape).copy()


def _load(root: Path, name: str, may_download: bool) -> np.ndarray:
    wrong: list[str] = []
    folders = [root, DEBIAN_FOLDER]
    for path in find_files(folders, [f"{name}.gz", name]):
        content, problem = _read_checked(path, SHA256[name])
        if problem is None:
            return read_idx(content)
        wrong.append(f"{path}: {problem}")
    missing = not_found("FashionMNIST", folders, [f"{name}.gz", name], wrong)
    if not may_download:
        raise DatasetError(f"{missing}\n{HOW_TO_GET}")
    path = root / FOLDER / f"{name}.gz"
    urls = with_mirrors([f"{base}/{name}.gz" for base in BASE_URLS])
    try:
        fetch(urls, path, check=lambda file: _read_checked(file, SHA256[name])[1])
    except DatasetError as error:
        raise DatasetError(f"{missing}\n{error}") from None
    return read_idx(_read_checked(path, SHA256[name])[0])


def _read_checked(path: Path, sha256: str) -> tuple[bytes, str | None]:
    """The content of a file, decompressed where need be, and what is wrong with it, or None."""
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            return b"", f"cannot be decompressed: {error}"
    return content, wrong_sha256(hashlib.sha256(content).hexdigest(), sha256, path)
