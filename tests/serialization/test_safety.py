"""Files that are damaged, or made to do harm."""

import io
import os
import pickle
import random
import zipfile

import numpy as np
import pytest

import airi
from airi import serialization

OBJECT = {
    "w": airi.tensor(np.arange(12.0).reshape(3, 4)),
    "p": airi.nn.Parameter(airi.ones(2)),
    "numpy": np.arange(3),
    "scalar": np.float32(1.5),
    "more": [1, "text", (2.5, None), {3}, b"bytes", airi.float32, airi.Size([1])],
}


def file_of(obj, as_zip=True):
    buffer = io.BytesIO()
    airi.save(obj, buffer, _use_new_zipfile_serialization=as_zip)
    return buffer.getvalue()


def zip_of(pickled):
    """An archive like PyTorch's with this pickle in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/data/0", bytes(16))
        archive.writestr("archive/version", "3\n")
    return buffer.getvalue()


class Evil:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


HOSTILE = [
    ((os.system, "echo hacked > hacked"), f"{os.system.__module__}.system"),
    ((eval, "1 + 1"), "builtins.eval"),
    ((getattr, "x", "upper"), "builtins.getattr"),
    ((__import__, "os"), "builtins.__import__"),
    ((np.load, "x"), "numpy.load"),
    ((pickle.loads, b"x"), "pickle.loads"),
]


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(("call", "named"), HOSTILE)
def test_hostile_file_is_refused_by_name(call, named, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps({"weights": Evil(*call)}, protocol)
    for content in (zip_of(pickled), pickled):
        with pytest.raises(pickle.UnpicklingError, match=named):
            airi.load(io.BytesIO(content))
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x04\x8c\x0bairi.tensor\x8c\x1eTensor.numpy.__globals__.clear\x93.",
        b"\x80\x02ctorch\nTensor.numpy.__globals__\n.",
        b"\x80\x02ctorch.serialization\nload\n.",
        b"\x80\x02cairi.serialization\nload\n.",
        b"\x80\x02cairi.nn.module\nimportlib\n.",
        b"\x80\x02cnumpy\nfromfile\n.",
    ],
)
def test_names_do_not_reach_around_the_list(pickled):
    with pytest.raises(pickle.UnpicklingError, match="not on the list"):
        airi.load(io.BytesIO(zip_of(pickled)))


@pytest.mark.parametrize(
    "pickled",
    [
        # set(range(10**12)) and Size(range(10**12)) would take all memory there is
        b"\x80\x02c__builtin__\nset\nc__builtin__\nxrange\n\x8a\x06\x00\x10\xa5\xd4\xe8\x00\x85R\x85R.",
        b"\x80\x02ctorch\nSize\nc__builtin__\nxrange\n\x8a\x06\x00\x10\xa5\xd4\xe8\x00\x85R\x85R.",
        # numpy.ndarray((2**40,)), and tuple((...)) as a call
        b"\x80\x02cnumpy\nndarray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85\x85R.",
        # a dtype with fields that lie outside of its items
        pickle.dumps(np.dtype([("a", "i4"), ("b", "f8")]), 2),
        pickle.dumps(np.array([object], dtype=object), 2),
        # a class, a function and a number that get a state
        b"\x80\x02ctorch\nTensor\n}X\x01\x00\x00\x00xK\x01sb.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00xK\x01sb.",
        b"\x80\x02K\x05}b.",
        # a call of what is no name of the file's own: a list
        b"\x80\x02])R.",
    ],
)
def test_names_on_the_list_are_not_abused(pickled):
    with pytest.raises((pickle.UnpicklingError, RuntimeError), match="load: "):
        airi.load(io.BytesIO(zip_of(pickled)))


def tensor_pickle(offset, size, stride):
    """A tensor at these places of a storage of two float64."""

    class Named:
        def __init__(self, module, name):
            self.module, self.name = module, name

        def __call__(self):
            pass

    class Storage:
        pass

    class Pickler(pickle._Pickler):
        dispatch = dict(pickle._Pickler.dispatch)

        def save_named(self, each):
            self.write(f"c{each.module}\n{each.name}\n".encode())

        def persistent_id(self, obj):
            if isinstance(obj, Storage):
                return "storage", Named("torch", "DoubleStorage"), "0", "cpu", 2
            return None

        def reducer_override(self, obj):
            if isinstance(obj, Evil):
                return obj.call[0], obj.call[1:]
            return NotImplemented

        dispatch[Named] = save_named

    out = io.BytesIO()
    rebuild = Named("torch._utils", "_rebuild_tensor_v2")
    Pickler(out, 2).dump(Evil(rebuild, Storage(), offset, size, stride, False, None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (3,), (1,)),
        (2, (1,), (1,)),
        (-1, (1,), (1,)),
        (0, (2,), (-1,)),
        (0, (2**62, 2**62), (1, 1)),
        (0, (2,), (2**62,)),
        (0, (2,), (1, 1)),
        (0, (1,) * 100, (1,) * 100),
        (0, (1.5,), (1,)),
    ],
)
def test_tensors_outside_of_their_storage(offset, size, stride):
    assert airi.load(io.BytesIO(zip_of(tensor_pickle(0, (2,), (1,))))).tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="damaged"):
        airi.load(io.BytesIO(zip_of(tensor_pickle(offset, size, stride))))


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "stream"])
def test_truncated_at_any_place(as_zip):
    content = file_of(OBJECT, as_zip)
    for length in range(0, len(content), 13):
        with pytest.raises((RuntimeError, pickle.UnpicklingError), match="load: "):
            airi.load(io.BytesIO(content[:length]))


def is_refused(content):
    """Whether load raises; other errors than those of damaged files come through."""
    try:
        airi.load(io.BytesIO(content))
    except (RuntimeError, pickle.UnpicklingError) as error:
        message = str(error)
    else:
        return False
    assert message.startswith("load: ")
    return True


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "stream"])
def test_flipped_bytes_never_run_or_crash(as_zip):
    content = file_of(OBJECT, as_zip)
    generator = random.Random(0)
    failed = 0
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(generator.choice((1, 1, 2, 8))):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        failed += is_refused(damaged)
    assert failed > 50


def test_flipped_bytes_of_the_pickle_alone():
    with zipfile.ZipFile(io.BytesIO(file_of(OBJECT))) as archive:
        pickled = archive.read("archive/data.pkl")
    generator = random.Random(1)
    for _ in range(600):
        damaged = bytearray(pickled)
        damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        is_refused(zip_of(bytes(damaged)))


def test_a_length_beyond_all_memory_is_damage():
    with pytest.raises(RuntimeError, match="damaged"):
        airi.load(io.BytesIO(b"\x80\x05\x96" + b"\xff" * 8 + b"."))


class Mine:
    def __init__(self):
        self.value = 3


class WithState(Mine):
    def __setstate__(self, state):
        self.value = state["value"] + 1


@pytest.mark.parametrize(("kind", "value"), [(Mine, 3), (WithState, 4)])
def test_own_classes_after_asking(kind, value):
    content = file_of(kind())
    with pytest.raises(pickle.UnpicklingError, match="add_safe_globals"):
        airi.load(io.BytesIO(content))
    with serialization.safe_globals([kind]):
        assert serialization.get_safe_globals() == [kind]
        assert airi.load(io.BytesIO(content)).value == value
    assert serialization.get_safe_globals() == []
    assert airi.load(io.BytesIO(content), weights_only=False).value == value


def test_other_files_are_named_as_such(tmp_path):
    path = tmp_path / "x.pt"
    for content in (b"hello", b"<html>", pickle.dumps([1, 2])):
        path.write_bytes(content)
        with pytest.raises(RuntimeError, match=r"x\.pt is truncated, damaged or no file of save"):
            airi.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(RuntimeError, match=r"without the data\.pkl"):
        airi.load(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10000))
    with pytest.raises(RuntimeError, match="compressed"):
        airi.load(path)


def test_arguments(tmp_path):
    with pytest.raises(TypeError, match="save: f must be"):
        airi.save(1, 3)
    with pytest.raises(TypeError, match="load: f must be"):
        airi.load(3)
    with pytest.raises(TypeError, match="binary"):
        airi.load(io.StringIO("text"))
    path = tmp_path / "x.pt"
    airi.save(airi.ones(2), path)
    with pytest.raises(TypeError, match="map_location"):
        airi.load(path, map_location=3)
    with pytest.raises(RuntimeError, match="cuda"):
        airi.load(path, map_location={"cpu": "cuda:0"})
    with pytest.raises(RuntimeError, match="must return a storage"):
        airi.load(path, map_location=lambda storage, location: "cpu")
    seen = []
    for place in (
        "cpu",
        airi.device("cpu"),
        {"cuda:0": "cpu"},
        lambda storage, location: seen.append(location),
        lambda storage, location: storage.cpu(),
    ):
        assert airi.load(path, map_location=place).tolist() == [1, 1]
    assert seen == ["cpu"]
    with pytest.raises(FileNotFoundError):
        airi.load(tmp_path / "nothing.pt")
