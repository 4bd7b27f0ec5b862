import gzip
import hashlib
import struct

import numpy as np
import pytest

from airi.datasets import DatasetError, FashionMNIST, FashionMNISTSample, fashion_mnist
from airi.datasets.fashion_mnist import read_idx


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def files(monkeypatch, tmp_path):
    """Four small idx files, which take the place of the real ones."""
    random = np.random.default_rng(0)
    contents = {}
    for name in fashion_mnist.SHA256:
        count = 30 if name.startswith("train") else 10
        high, shape = (256, (count, 28, 28)) if "images" in name else (10, (count,))
        contents[name] = idx(random.integers(0, high, shape, np.uint8))
        digest = hashlib.sha256(contents[name]).hexdigest()
        monkeypatch.setitem(fashion_mnist.SHA256, name, digest)
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    return contents


def put(folder, files, compress=gzip.compress, suffix=".gz"):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}{suffix}").write_bytes(compress(content))


@pytest.mark.parametrize("compressed", [True, False])
def test_reads_the_files_wherever_they_lie(files, tmp_path, compressed):
    how = {} if compressed else {"compress": bytes, "suffix": ""}
    put(tmp_path / "torchvision" / "FashionMNIST" / "raw", files, **how)
    data = FashionMNIST(tmp_path)
    assert tuple(data.data.shape) == (30, 28, 28)
    content = files["train-images-idx3-ubyte"]
    assert data.data.numpy().tobytes() == content[16:]
    assert bytes(data.targets.numpy().astype(np.uint8)) == files["train-labels-idx1-ubyte"][8:]
    image, label = data[4]
    assert tuple(image.shape) == (1, 28, 28)
    assert image.numpy()[0, 2, 3] == np.float32(content[16 + 4 * 784 + 2 * 28 + 3]) / 255
    assert label == files["train-labels-idx1-ubyte"][8 + 4]
    assert data.images().shape == (30, 1, 28, 28)
    assert len(FashionMNIST(tmp_path, train=False)) == 10


def test_transforms_get_a_picture_without_channels(files, tmp_path):
    put(tmp_path / "data", files)
    data = FashionMNIST(tmp_path, transform=lambda picture: picture)
    assert data[0][0].shape == (28, 28)
    assert data[0][0].dtype == np.uint8


def test_files_of_the_same_name_from_mnist_are_passed_over(files, tmp_path):
    digits = {name: content[:-1] + b"\1" for name, content in files.items()}
    put(tmp_path / "A-MNIST" / "raw", digits)
    with pytest.raises(DatasetError, match=r"A-MNIST.*expected sha256"):
        FashionMNIST(tmp_path)
    put(tmp_path / "FashionMNIST" / "raw", files)
    data = FashionMNIST(tmp_path)
    assert data.data.numpy().tobytes() == files["train-images-idx3-ubyte"][16:]


def test_debians_package_is_found_without_a_root(files):
    put(fashion_mnist.DEBIAN_FOLDER, files)
    assert len(FashionMNIST()) == 30


def test_downloads_what_is_missing(server, files, tmp_path, monkeypatch):
    for name, content in files.items():
        server.files[f"/good/{name}.gz"] = gzip.compress(content)
        server.files[f"/cut off/{name}.gz"] = gzip.compress(content)[:-20]
    bases = tuple(server.url(each) for each in ("/none", "/cut%20off", "/good"))
    server.files |= {path.replace(" ", "%20"): content for path, content in server.files.items()}
    monkeypatch.setattr(fashion_mnist, "BASE_URLS", bases)
    assert len(FashionMNIST(tmp_path, train=False, download=True)) == 10
    folder = tmp_path / fashion_mnist.FOLDER
    assert {each.name for each in folder.glob("*.gz")} == {
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    }
    server.files.clear()
    assert len(FashionMNIST(tmp_path, train=False, download=True)) == 10
    with pytest.raises(DatasetError) as raised:
        FashionMNIST(tmp_path, train=True, download=True)
    for place in (*bases, tmp_path, fashion_mnist.DEBIAN_FOLDER):
        assert str(place) in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        b"\0\0\x0d\1\0\0\0\1\0",
        b"\0\0\x08\2\0\0\0\1",
        idx(np.ones(4, np.uint8))[:-1],
    ],
    ids=["empty", "short", "float", "no sizes", "cut off"],
)
def test_read_idx_refuses_what_is_not_idx(content):
    with pytest.raises(ValueError, match="read_idx"):
        read_idx(content)


@pytest.mark.parametrize(("train", "per_class"), [(True, 500), (False, 100)])
def test_the_sample_has_as_many_of_each_class(train, per_class):
    sample = FashionMNISTSample(train)
    assert np.bincount(sample.labels()).tolist() == [per_class] * 10
    assert sample.images().shape == (10 * per_class, 1, 28, 28)
    # Well mixed, so that any slice of it holds all classes.
    assert set(sample.labels()[:100]) == set(range(10))


def test_the_sample_is_like_the_whole(monkeypatch):
    images = FashionMNISTSample().images()
    assert abs(images.mean()) < 0.02
    assert abs(images.std() - 1) < 0.02


def test_the_samples_licence_comes_with_it():
    from importlib import resources

    licence = resources.files("airi.datasets") / "sample" / "LICENSE"
    assert "2017 Zalando SE" in licence.read_text(encoding="utf-8")
