import collections
import os
import pickle

import numpy as np
import pytest

import airi
from airi import serialization


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.airi"


def roundtrip(obj, path, **options):
    airi.save(obj, path)
    return airi.load(path, **options)


def test_tensors_keep_values_dtype_and_flag(path):
    tensors = {
        "w": airi.tensor([[1.5, float("nan")]], requires_grad=True),
        "i": airi.tensor([1, 2]),
        "b": airi.tensor(True),
        "e": airi.tensor(np.zeros((0, 3))),
        "t": airi.tensor(np.arange(6.0).reshape(2, 3)).t(),
    }
    back = roundtrip(tensors, path)
    for key, tensor in tensors.items():
        np.testing.assert_array_equal(back[key].detach().numpy(), tensor.detach().numpy())
        assert back[key].dtype == tensor.dtype
        assert back[key].requires_grad == tensor.requires_grad


def test_plain_data_and_containers(path):
    data = {
        "epoch": 3,
        "lr": 0.1,
        "names": ("a", None, True),
        "ordered": collections.OrderedDict(x=[1, 2]),
        "bytes": b"\x00\xff",
        "dtype": airi.float64,
        "size": airi.Size([2, 3]),
        "numpy": np.arange(4, dtype=np.int16),
        "scalar": np.float64(2.5),
        "set": {1, 2},
    }
    back = roundtrip(data, path)
    np.testing.assert_array_equal(back.pop("numpy"), data.pop("numpy"))
    assert back == data


def test_one_tensor_in_two_places_stays_one(path):
    tensor = airi.tensor([1.0])
    back = roundtrip([tensor, tensor], path)
    assert back[0] is back[1]


def test_module_and_state_dict(path):
    nn = pytest.importorskip("airi.nn")
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    back = roundtrip(model, path)
    x = airi.tensor([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(back(x).detach().numpy(), model(x).detach().numpy())
    state = roundtrip(model.state_dict(), path)
    assert list(state) == list(model.state_dict())
    model.load_state_dict(state)


class Evil:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ((os.system, "echo hacked > hacked"), f"{os.system.__module__}.system"),
        ((eval, "1 + 1"), "builtins.eval"),
        ((getattr, "x", "upper"), "builtins.getattr"),
        ((__import__, "os"), "builtins.__import__"),
        ((np.load, "x"), "numpy.load"),
        ((pickle.loads, b"x"), "_pickle.loads"),
    ],
)
def test_hostile_file_is_refused_by_name(path, call, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path.write_bytes(pickle.dumps({"weights": Evil(*call)}))
    with pytest.raises(pickle.UnpicklingError, match=named):
        airi.load(path)
    assert not (tmp_path / "hacked").exists()


def test_dotted_names_do_not_reach_around_the_list(path):
    # Protocol 4 lets a name have dots: airi.tensor, "Tensor.__init__.__globals__".
    content = b"\x80\x04\x8c\x0bairi.tensor\x8c\x1eTensor.numpy.__globals__.clear\x93."
    path.write_bytes(content)
    with pytest.raises(pickle.UnpicklingError, match="__globals__"):
        airi.load(path)


class Mine:
    def __init__(self):
        self.value = 3


def test_own_classes_after_asking(path):
    airi.save(Mine(), path)
    with pytest.raises(pickle.UnpicklingError, match="add_safe_globals"):
        airi.load(path)
    serialization.add_safe_globals([Mine])
    try:
        assert airi.load(path).value == 3
    finally:
        serialization.clear_safe_globals()
    assert airi.load(path, weights_only=False).value == 3


def test_truncated_at_any_place(path):
    airi.save({"w": airi.tensor(np.arange(100.0)), "n": "text"}, path)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(RuntimeError, match=r"truncated|damaged|empty"):
            airi.load(path)


def test_a_length_beyond_all_memory_is_damage(path):
    path.write_bytes(b"\x80\x05\x96" + b"\xff" * 8 + b".")  # a bytearray of 2**64 - 1 bytes
    with pytest.raises(RuntimeError, match="damaged"):
        airi.load(path)


def test_failed_save_leaves_the_old_file(path):
    airi.save([1], path)
    with pytest.raises(TypeError, match="save"):
        airi.save(lambda: 0, path)
    assert airi.load(path) == [1]
    assert os.listdir(path.parent) == [path.name]


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        airi.save([1], tmp_path / "nowhere" / "x.airi")


def test_open_files(path):
    with open(path, "wb") as file:
        airi.save([1, 2], file)
    with open(path, "rb") as file:
        assert airi.load(file) == [1, 2]


def test_only_the_cpu(path):
    airi.save([1], path)
    assert airi.load(path, map_location="cpu") == [1]
    with pytest.raises(RuntimeError, match="cuda"):
        airi.load(path, map_location="cuda")
