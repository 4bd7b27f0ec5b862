from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import airi
from airi.utils.data import default_collate, default_convert

Point = namedtuple("Point", "x y")

BATCHES = {
    "ints": [1, 2, 3],
    "floats": [1.5, 2.5],
    "bools": [True, False],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "arrays": [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
    "bytes in arrays": [np.arange(4, dtype=np.uint8)] * 3,
    "array scalars": [np.float32(1), np.float32(2)],
    "zero-dimensional arrays": [np.array(1), np.array(2)],
    "tuples": [(1, 2.0, "a"), (3, 4.0, "b")],
    "lists": [[1, np.ones(2)], [2, np.zeros(2)]],
    "dictionaries": [{"a": 1, "b": "x"}, {"b": "y", "a": 2}],
    "ordered dictionaries": [OrderedDict(b=1, a=2.0)] * 2,
    "named tuples": [Point(1, 2.0), Point(3, 4.0)],
    "nested": [({"a": (1, [2, 3])}, "s")] * 2,
}


def plain(batch):
    """A batch of either framework in plain Python, with the types of its parts."""
    if hasattr(batch, "detach"):
        return "tensor", str(batch.dtype).split(".")[1], tuple(batch.shape), batch.tolist()
    if isinstance(batch, dict):
        return type(batch), {key: plain(value) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        return type(batch), [plain(each) for each in batch]
    return batch


@pytest.mark.parametrize("items", BATCHES.values(), ids=BATCHES)
def test_batches_are_pytorchs(items):
    torch = pytest.importorskip("torch")
    expected = torch.utils.data.default_collate(items)
    assert plain(default_collate(items)) == plain(expected)


@pytest.mark.parametrize("items", BATCHES.values(), ids=BATCHES)
def test_conversion_of_single_items_is_pytorchs(items):
    torch = pytest.importorskip("torch")
    for item in items:
        assert plain(default_convert(item)) == plain(torch.utils.data.default_convert(item))


def test_tensors_are_stacked():
    batch = default_collate([airi.tensor([1.0, 2.0]), airi.tensor([3.0, 4.0])])
    assert batch.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"image": np.ones(2)}, {"image": np.ones(3)}], r"item\['image'\].*\(2,\), \(3,\)"),
        ([(1, airi.tensor([1.0])), (1, airi.tensor(1.0))], r"item\[1\].*\(1,\), \(\)"),
        ([(1, [1, 2]), (1, [1])], r"item\[1\] has items of lengths \[1, 2\]"),
    ],
    ids=["dictionary", "tuple", "lengths"],
)
def test_what_does_not_fit_together_is_named(items, message):
    with pytest.raises(RuntimeError, match=message):
        default_collate(items)


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="empty batch"):
        default_collate([])


def test_unknown_types_are_named():
    with pytest.raises(TypeError, match=r"item\[0\]\['a'\] of type object"):
        default_collate([({"a": object()},)])
