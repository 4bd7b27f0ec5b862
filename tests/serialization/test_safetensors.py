import json
import os

import numpy as np
import pytest

import airi
from airi.serialization import safetensors

theirs = pytest.importorskip("safetensors.numpy")
NAMES = [name for name in safetensors._NAMES if name != "bfloat16"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


def test_both_ways(path):
    tensors = {name: airi.ones(2, 3).to(getattr(airi, name)) for name in NAMES}
    tensors["t"] = airi.tensor(np.arange(6.0).reshape(2, 3)).t()
    tensors["e"] = airi.zeros(0, 3)
    tensors["s"] = airi.tensor(2.5)
    airi.save(tensors, path)
    read = theirs.load_file(path)
    assert read.keys() == tensors.keys()
    for name, array in read.items():
        np.testing.assert_array_equal(array, tensors[name].numpy())
        assert array.dtype == tensors[name].numpy().dtype

    theirs.save_file(read, path, metadata={"format": "pt"})
    again = airi.load(path)
    assert again.keys() == tensors.keys()
    for name, tensor in again.items():
        np.testing.assert_array_equal(tensor.numpy(), tensors[name].numpy())
        assert tensor.dtype == tensors[name].dtype
    again["float32"].mul_(2)  # the memory is its own


def test_with_pytorchs_package(path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("ml_dtypes")
    from safetensors.torch import load_file, save_file

    save_file({"b": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}, path)
    read = safetensors.load_file(path)
    assert read["b"].dtype is airi.bfloat16
    safetensors.save_file(read, path)
    assert load_file(path)["b"].tolist() == [1.5, -2.0]


def test_metadata_and_single_tensors(path):
    safetensors.save_file({"a": airi.ones(2), "b": airi.zeros(3)}, path, {"epoch": "3"})
    with safetensors.safe_open(path, framework="pt") as file:
        assert file.keys() == ["a", "b"]
        assert file.metadata() == {"epoch": "3"}
        assert file.get_tensor("b").tolist() == [0, 0, 0]
        with pytest.raises(KeyError, match="'c'"):
            file.get_tensor("c")
    with pytest.raises(ValueError, match="framework"):
        safetensors.safe_open(path, framework="tf")
    with pytest.raises(TypeError, match="strings"):
        safetensors.save_file({"a": airi.ones(2)}, path, {"epoch": 3})


def test_what_cannot_be_saved(path):
    with pytest.raises(TypeError, match=r"dict of tensors.*int under 'a'"):
        airi.save({"a": 1}, path)
    with pytest.raises(TypeError, match=r"dict of tensors.*got list"):
        airi.save([airi.ones(1)], path)
    assert os.listdir(path.parent) == []


def with_header(header, data=b""):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "content",
    [
        b"abc",
        b"\xff" * 8,
        (2**40).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        with_header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
        with_header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
        with_header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}),
        with_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
        with_header({"a": {"dtype": "F32", "shape": "2"}}, bytes(8)),
        with_header({"a": 3}),
        with_header({}, bytes(3)),
        with_header(
            {
                "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            },
            bytes(4),
        ),
    ],
)
def test_damaged_files(content, path):
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match="truncated or is no safetensors file"):
        airi.load(path)


def test_a_dtype_that_airi_has_not(path):
    entry = {"dtype": "F8_E5M2", "shape": [1], "data_offsets": [0, 1]}
    path.write_bytes(with_header({"a": entry}, bytes(1)))
    with pytest.raises(RuntimeError, match="F8_E5M2, which airi has not"):
        airi.load(path)
