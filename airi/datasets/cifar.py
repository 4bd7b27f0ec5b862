"""CIFAR-10, from the files of its *binary version*."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from airi.datasets.download import download, lock, with_mirrors
from airi.datasets.files import (
    HOW_TO_GET,
    DatasetError,
    data_home,
    find_files,
    not_found,
    wrong_sha256,
)
from airi.datasets.image_dataset import ImageDataset
from airi.utils.files import replacing

FOLDER = "cifar-10-batches-bin"
ARCHIVE = "cifar-10-binary.tar.gz"
ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
# The official address, then copies that frameworks keep for their own tutorials. Whatever
# delivers, the SHA-256 decides.
URLS = (
    f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",
    f"https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/{ARCHIVE}",
    f"https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/{ARCHIVE}",
)
SHA256 = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}
TRAIN_FILES = tuple(SHA256)[:5]
TEST_FILES = tuple(SHA256)[5:]

# A file is 10,000 records of one label byte and 1,024 red, 1,024 green and 1,024 blue bytes.
RECORD = 1 + 3 * 32 * 32


class CIFAR10(ImageDataset):
    """60,000 colour images of 32 x 32 in ten classes: 50,000 to train with, 10,000 to test.

    `root` is searched, with the folders below it, for the ``.bin`` files of the binary version or
    for ``cifar-10-binary.tar.gz``, wherever they came from; without `root` it is the folder of
    ``airi.datasets.data_home()``. With `download`, what is missing is fetched, from the
    addresses in ``AIRI_MIRRORS`` first. Every file must have its known SHA-256; nothing is
    unpickled. Items are described at ImageDataset; `data` is uint8 (N, 32, 32, 3), `targets` a
    list of ints.

    Raises DatasetError (a RuntimeError) that tells every place that was tried.

    Example: ``train = CIFAR10(download=True); images, labels = train.images(), train.labels()``.
    Source: A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009;
    ``torchvision.datasets.CIFAR10``.
    """

    MEAN = (0.4914, 0.4822, 0.4465)
    STD = (0.2470, 0.2435, 0.2616)
    classes = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    data: np.ndarray
    targets: list[int]

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
        records = _load(folder, TRAIN_FILES if train else TEST_FILES, download)
        self.targets = records[:, 0].tolist()
        # In memory the colours stay apart, as networks want them; `data` is a view with the
        # colours last, as torchvision has it.
        images = np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32)
        self.data = images.transpose(0, 2, 3, 1)

    def _pixels(self) -> np.ndarray:
        return self.data.transpose(0, 3, 1, 2)

    def _picture(self, index: int) -> np.ndarray:
        return self.data[index]


def _load(root: Path, names: tuple[str, ...], may_download: bool) -> np.ndarray:
    """The records of the files `names`, found below `root`, unpacked there or downloaded."""
    wrong: list[str] = []
    records = _read(root, names, wrong)
    if records is not None:
        return records
    archive = _find_archive(root, wrong)
    missing = not_found(
        "CIFAR10", [root], [*names, ARCHIVE], wrong, "(its pickled version is not read)"
    )
    if archive is None and not may_download:
        raise DatasetError(f"{missing}\n{HOW_TO_GET}")
    with lock(root / f".{FOLDER}.lock"):
        records = _read(root, names, [])  # another process may have been faster
        if records is None:
            _unpack(archive or _download_archive(root, missing), root / FOLDER)
            if archive is None:
                (root / ARCHIVE).unlink()
            records = _read(root, names, wrong)
    if records is None:
        raise DatasetError(f"CIFAR10: the unpacked files are damaged: {'; '.join(wrong)}")
    return records


def _read(root: Path, names: tuple[str, ...], wrong: list[str]) -> np.ndarray | None:
    """The records of all files `names` below `root`, or None where one of them is missing."""
    contents = []
    for name in names:
        for path in find_files([root], [name]):
            content = np.fromfile(path, np.uint8)
            problem = wrong_sha256(hashlib.sha256(content.data).hexdigest(), SHA256[name], path)
            if problem is None:
                contents.append(content.reshape(-1, RECORD))
                break
            wrong.append(f"{path}: {problem}")
        else:
            return None
    return np.concatenate(contents)


def _find_archive(root: Path, wrong: list[str]) -> Path | None:
    for path in find_files([root], [ARCHIVE]):
        problem = _check_archive(path)
        if problem is None:
            return path
        wrong.append(f"{path}: {problem}")
    return None


def _check_archive(path: Path) -> str | None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return wrong_sha256(digest, ARCHIVE_SHA256, path)


def _download_archive(root: Path, missing: str) -> Path:
    archive = root / ARCHIVE
    try:
        download(with_mirrors(URLS), archive, check=_check_archive)
    except DatasetError as error:
        raise DatasetError(f"{missing}\n{error}") from None
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    """Write the data files of `archive` to `folder`, each of them whole or not at all.

    Only plain files of the known names are read, and written under those names: nothing in an
    archive can lead elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = member.name.rsplit("/", 1)[-1]
            if name not in SHA256 or not member.isreg():
                continue
            source = tar.extractfile(member)
            assert source is not None  # None is for what is no regular file
            with source, replacing(folder / name) as target:
                shutil.copyfileobj(source, target, 1 << 20)
