"""repr of tensors, character by character."""

import re

import numpy as np
import pytest

import airi


@pytest.fixture(autouse=True)
def _options():
    """The options are global: each test leaves them as they were."""
    yield
    airi.set_printoptions(profile="default")


def test_floats_that_are_integral_have_a_bare_point():
    assert repr(airi.tensor([1.0, 2.0, -30.0])) == "tensor([  1.,   2., -30.])"


def test_scientific_form_when_values_are_far_apart():
    assert repr(airi.tensor([1e-5, 1.0])) == "tensor([1.0000e-05, 1.0000e+00])"


def test_zero_dimensional():
    assert repr(airi.tensor(1.5)) == "tensor(1.5000)"
    assert repr(airi.tensor(3)) == "tensor(3)"
    assert repr(airi.tensor(True)) == "tensor(True)"


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (airi.zeros(0, 3), "tensor([], size=(0, 3))"),
        (airi.tensor([]), "tensor([])"),
        (airi.tensor([], dtype=airi.int64), "tensor([], dtype=airi.int64)"),
        (airi.ones(2, dtype=airi.float64), "tensor([1., 1.], dtype=airi.float64)"),
        (airi.ones(2, dtype=airi.int32), "tensor([1, 1], dtype=airi.int32)"),
        (airi.ones(2, requires_grad=True), "tensor([1., 1.], requires_grad=True)"),
        (airi.ones(2, requires_grad=True) * 2, "tensor([2., 2.], grad_fn=<MulBackward>)"),
        (airi.tensor([True, False]), "tensor([ True, False])"),
        (airi.tensor([np.nan, np.inf, -np.inf, 1.5]), "tensor([   nan,    inf,   -inf, 1.5000])"),
    ],
)
def test_notes_and_special_values(tensor, text):
    assert repr(tensor) == text
    assert str(tensor) == text


def test_a_long_note_goes_to_a_line_of_its_own():
    tensor = airi.full((9,), 1 / 3, dtype=airi.float64)
    assert repr(tensor).endswith("0.3333],\n       dtype=airi.float64)")


def test_the_default_dtype_is_not_noted():
    airi.set_default_dtype(airi.float64)
    try:
        assert repr(airi.ones(1)) == "tensor([1.])"
        assert repr(airi.ones(1, dtype=airi.float32)) == "tensor([1.], dtype=airi.float32)"
    finally:
        airi.set_default_dtype(airi.float32)


def test_options():
    x = airi.tensor([1 / 3, 2 / 3])
    airi.set_printoptions(precision=2)
    assert repr(x) == "tensor([0.33, 0.67])"
    airi.set_printoptions(sci_mode=True)
    assert repr(x) == "tensor([3.33e-01, 6.67e-01])"
    airi.set_printoptions(profile="default", threshold=3, edgeitems=1)
    assert repr(airi.arange(9)) == "tensor([0,  ..., 8])"
    airi.set_printoptions(profile="full")
    assert "..." not in repr(airi.arange(2000))
    with pytest.raises(ValueError, match="wide"):
        airi.set_printoptions(profile="wide")


SHAPES = [(), (1,), (7,), (40,), (2, 3), (3, 1, 2), (2, 2, 2, 3), (1001,), (8, 200), (30, 2, 40)]


def _samples(shape):
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(shape)
    yield normal.astype(np.float32)
    yield (normal * 1e4).round()
    yield normal * 1e9
    yield normal * 1e-6
    yield normal * 10.0 ** rng.integers(-4, 4, shape)
    yield np.where(
        rng.random(shape) < 0.3, rng.choice([np.nan, np.inf, -np.inf, 0.0], shape), normal
    )
    yield np.where(rng.random(shape) < 0.3, np.nan, (10 * normal).round())
    yield np.zeros(shape)
    yield (normal * 5).astype(np.float16)
    yield (normal * 1e6).astype(np.int64)
    yield (normal * 50).astype(np.int8)
    yield normal > 0


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_character_is_as_in_pytorch(shape):
    torch = pytest.importorskip("torch")
    for options in ({}, {"profile": "short"}, {"linewidth": 50}, {"sci_mode": True}):
        torch.set_printoptions(profile="default")
        torch.set_printoptions(**options)
        airi.set_printoptions(profile="default")
        airi.set_printoptions(**options)
        for array in _samples(shape):
            array = np.asarray(array)
            theirs = repr(torch.from_numpy(array)).replace("torch.", "airi.")
            assert _joined(repr(airi.from_numpy(array))) == _joined(theirs)
    torch.set_printoptions(profile="default")


def _joined(text):
    """Whether the dtype needs a new line depends on the length of "torch": leave that out."""
    return re.sub(r",\s+dtype", ", dtype", text)
