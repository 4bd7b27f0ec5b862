import hashlib
import io
import multiprocessing
import tarfile

import numpy as np
import pytest

from airi.datasets import CIFAR10, DatasetError, cifar

RECORDS = 20  # in a file; the real ones have 10,000


@pytest.fixture
def files(monkeypatch):
    """Six small files of the right form, which take the place of the real ones."""
    random = np.random.default_rng(0)
    contents = {}
    for name in cifar.SHA256:
        records = random.integers(0, 256, (RECORDS, cifar.RECORD), np.uint8)
        records[:, 0] = random.permutation(np.arange(RECORDS) % 10)
        contents[name] = records.tobytes()
        monkeypatch.setitem(cifar.SHA256, name, hashlib.sha256(contents[name]).hexdigest())
    return contents


def put(folder, files):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def make_archive(files, extra=()):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for info, content in extra:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for name, content in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return target.getvalue()


@pytest.fixture
def archive(files, monkeypatch):
    content = make_archive({"readme.html": b"<html>", **files})
    monkeypatch.setattr(cifar, "ARCHIVE_SHA256", hashlib.sha256(content).hexdigest())
    return content


def test_pixels_and_labels_are_where_the_format_has_them(files, tmp_path):
    put(tmp_path / "data", files)
    train, test = CIFAR10(tmp_path), CIFAR10(tmp_path, train=False)
    assert train.data.shape == (5 * RECORDS, 32, 32, 3)
    assert train.data.dtype == np.uint8
    assert len(test) == RECORDS
    record = files["data_batch_2.bin"][7 * cifar.RECORD :]
    index = RECORDS + 7
    assert train.targets[index] == record[0]
    row, column = 3, 5
    pixel = [record[1 + channel * 1024 + row * 32 + column] for channel in range(3)]
    assert train.data[index, row, column].tolist() == pixel

    image, label = train[index]
    assert image.shape == (3, 32, 32)
    assert label == record[0]
    assert type(label) is int
    np.testing.assert_array_equal(image.numpy()[:, row, column], np.float32(pixel) / 255)


def test_whole_arrays_equal_the_items(files, tmp_path):
    put(tmp_path / "data", files)
    data = CIFAR10(tmp_path, train=False)
    plain, normal = data.images(normalize=False), data.images()
    assert plain.dtype == normal.dtype == np.float32
    assert normal.flags.c_contiguous
    for index in (0, -1):
        np.testing.assert_array_equal(plain[index], data[index][0].numpy())
    expected = (plain.transpose(0, 2, 3, 1) - data.MEAN) / data.STD
    np.testing.assert_allclose(normal.transpose(0, 2, 3, 1), expected, atol=1e-5)
    assert data.labels().dtype == np.int64
    assert data.labels().tolist() == data.targets
    with pytest.raises(IndexError):
        data[len(data)]


def test_transforms_get_a_picture_and_an_int(files, tmp_path):
    put(tmp_path / "data", files)
    data = CIFAR10(
        tmp_path,
        transform=lambda picture: (picture.shape, picture.dtype),
        target_transform=lambda label: CIFAR10.classes[label],
    )
    assert data[0] == (((32, 32, 3), np.uint8), CIFAR10.classes[data.targets[0]])
    assert data.class_to_idx["truck"] == 9


def test_needs_only_the_files_of_its_split(files, tmp_path):
    put(tmp_path / "data", {"test_batch.bin": files["test_batch.bin"]})
    assert len(CIFAR10(tmp_path, train=False)) == RECORDS
    with pytest.raises(DatasetError, match=r"data_batch_1\.bin"):
        CIFAR10(tmp_path)


def test_an_archive_put_there_by_hand_is_unpacked(files, archive, tmp_path):
    (tmp_path / "from a friend").mkdir()
    by_hand = tmp_path / "from a friend" / cifar.ARCHIVE
    by_hand.write_bytes(archive)
    assert len(CIFAR10(tmp_path)) == 5 * RECORDS
    assert by_hand.exists()
    unpacked = tmp_path / cifar.FOLDER
    assert sorted(each.name for each in unpacked.iterdir()) == sorted(files)
    by_hand.unlink()
    assert len(CIFAR10(tmp_path, train=False)) == RECORDS


def test_nothing_in_an_archive_leads_outside(files, tmp_path, monkeypatch):
    link = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    extra = [
        (tarfile.TarInfo("../../evil.bin"), b"evil"),
        (tarfile.TarInfo(str(tmp_path / "evil.bin")), b"evil"),
        (link, b""),
    ]
    content = make_archive(files, extra)
    monkeypatch.setattr(cifar, "ARCHIVE_SHA256", hashlib.sha256(content).hexdigest())
    root = tmp_path / "a" / "b" / "c"
    root.mkdir(parents=True)
    (root / cifar.ARCHIVE).write_bytes(content)
    assert len(CIFAR10(root, train=False)) == RECORDS
    assert not list(tmp_path.rglob("evil*"))
    assert not any(each.is_symlink() for each in tmp_path.rglob("*"))


def test_download_unpacks_and_tidies_up(server, archive, tmp_path, monkeypatch):
    server.files[f"/data/{cifar.ARCHIVE}"] = archive
    monkeypatch.setenv("AIRI_MIRRORS", server.url("/data"))
    assert len(CIFAR10(download=True)) == 5 * RECORDS
    home = tmp_path / "home"  # AIRI_DATA
    assert {each.name for each in home.iterdir() if each.is_dir()} == {cifar.FOLDER}
    assert not (home / cifar.ARCHIVE).exists()
    assert len(CIFAR10(train=False)) == RECORDS
    CIFAR10(download=True)
    assert len(server.requests) == 1


def test_damaged_files_are_refused_and_replaced(server, files, archive, tmp_path, monkeypatch):
    put(tmp_path / cifar.FOLDER, {**files, "test_batch.bin": b"\0" * cifar.RECORD})
    with pytest.raises(DatasetError) as raised:
        CIFAR10(tmp_path, train=False)
    assert "test_batch.bin: 3,073 bytes with sha256 " in str(raised.value)
    monkeypatch.setattr(cifar, "URLS", (server.url(f"/{cifar.ARCHIVE}"),))
    server.files[f"/{cifar.ARCHIVE}"] = archive
    assert len(CIFAR10(tmp_path, train=False, download=True)) == RECORDS


def test_what_cannot_be_had_is_told_with_every_place(server, files, tmp_path, monkeypatch):
    with pytest.raises(RuntimeError) as raised:
        CIFAR10(tmp_path / "nowhere")
    message = str(raised.value)
    assert str(tmp_path / "nowhere") in message
    assert cifar.ARCHIVE in message
    assert "download=True" in message
    assert "AIRI_DATA" in message
    assert not (tmp_path / "nowhere").exists()

    urls = tuple(server.url(f"/{each}/{cifar.ARCHIVE}") for each in "ab")
    monkeypatch.setattr(cifar, "URLS", urls)
    with pytest.raises(DatasetError) as raised:
        CIFAR10(tmp_path, download=True)
    for place in (tmp_path, *urls):
        assert str(place) in str(raised.value)


def _load(root, sums, archive_sum, queue):
    cifar.SHA256.update(sums)
    cifar.ARCHIVE_SHA256 = archive_sum
    queue.put(len(CIFAR10(root)))


def test_two_processes_may_unpack_at_once(files, archive, tmp_path):
    (tmp_path / cifar.ARCHIVE).write_bytes(archive)
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    arguments = (tmp_path, dict(cifar.SHA256), cifar.ARCHIVE_SHA256, queue)
    processes = [context.Process(target=_load, args=arguments) for _ in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(20)
    assert [process.exitcode for process in processes] == [0, 0]
    assert [queue.get(), queue.get()] == [5 * RECORDS] * 2
