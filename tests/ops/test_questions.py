"""Questions about tensors and dtypes: the answers are PyTorch's."""

import itertools

import numpy as np
import pytest

import airi

NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


def test_shapes_broadcast_together():
    assert airi.broadcast_shapes((2, 1), 3, (1, 1, 1)) == (1, 2, 3)
    assert isinstance(airi.broadcast_shapes(3), airi.Size)
    assert airi.broadcast_shapes() == ()
    with pytest.raises(RuntimeError, match="cannot be broadcast together"):
        airi.broadcast_shapes((2,), (3,))
    with pytest.raises(RuntimeError, match="negative"):
        airi.broadcast_shapes((-1,))


def test_questions():
    assert airi.is_tensor(airi.ones(1))
    assert not airi.is_tensor(np.ones(1))
    assert airi.is_floating_point(airi.ones(1))
    assert not airi.is_floating_point(airi.ones(1, dtype=airi.int64))
    assert airi.numel(airi.ones(2, 3)) == 6
    assert airi.is_same_size(airi.ones(2), airi.zeros(2))
    assert not airi.ones(2).is_same_size(airi.ones(2, 1))
    assert airi.is_nonzero(airi.tensor([2.0]))
    with pytest.raises(RuntimeError, match="shape"):
        airi.is_nonzero(airi.ones(2))


@pytest.mark.parametrize(("first", "second"), list(itertools.product(NAMES, NAMES)))
def test_promotion_is_pytorchs(first, second):
    torch = pytest.importorskip("torch")

    def name(dtype):
        return str(dtype).split(".")[-1]

    ours, theirs = ([getattr(t, each) for each in (first, second)] for t in (airi, torch))
    assert name(airi.promote_types(*ours)) == name(torch.promote_types(*theirs))
    assert airi.can_cast(*ours) == torch.can_cast(*theirs)
    for shapes in itertools.product([(), (2,)], [(), (2,)]):
        result = airi.result_type(*(airi.ones(s, dtype=d) for s, d in zip(shapes, ours)))
        expected = torch.result_type(*(torch.ones(s, dtype=d) for s, d in zip(shapes, theirs)))
        assert name(result) == name(expected)
    for number in (True, 3, 2.5):
        result = airi.result_type(airi.ones(2, dtype=ours[0]), number)
        assert name(result) == name(torch.result_type(torch.ones(2, dtype=theirs[0]), number))


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_finfo(name):
    torch = pytest.importorskip("torch")
    ours, theirs = airi.finfo(getattr(airi, name)), torch.finfo(getattr(torch, name))
    for each in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "dtype"):
        assert getattr(ours, each) == getattr(theirs, each)
    assert ours.resolution == pytest.approx(theirs.resolution)
    assert repr(ours) == repr(theirs)
    assert airi.finfo().dtype == "float32"
    with pytest.raises(TypeError, match="iinfo"):
        airi.finfo(airi.int8)


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8"])
def test_iinfo(name):
    torch = pytest.importorskip("torch")
    ours, theirs = airi.iinfo(getattr(airi, name)), torch.iinfo(getattr(torch, name))
    for each in ("bits", "max", "min", "dtype"):
        assert getattr(ours, each) == getattr(theirs, each)
    with pytest.raises(TypeError, match="integer"):
        airi.iinfo(airi.float32)
