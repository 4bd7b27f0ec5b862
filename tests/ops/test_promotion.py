"""Result dtypes and values of all pairs of dtypes: tensors, 0-dim tensors and Python numbers."""

import itertools

import numpy as np
import pytest

import airi

torch = pytest.importorskip("torch")

DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
OPS = ("add", "mul", "div", "eq", "lt", "maximum", "pow", "atan2", "where")
SHAPES = {"tensor": (2, 3), "row": (3,), "0-dim": ()}
SCALARS = (True, 2, -1, 300, 2.5)


def values(dtype: str, shape: tuple[int, ...], start: int) -> np.ndarray:
    count = int(np.prod(shape))
    return (np.arange(start, start + count) % 5 + 1).reshape(shape).astype(dtype)


def calls(op):
    """The op in both, as functions of two operands."""
    if op == "where":
        condition = np.array([[True, False, True]])
        return (
            lambda a, b: airi.where(airi.tensor(condition), a, b),
            lambda a, b: torch.where(torch.tensor(condition), a, b),
        )
    return getattr(airi, op), getattr(torch, op)


def assert_same(op, ours, theirs):
    """Both are called; result dtype and values agree, or both refuse."""
    mine, reference = calls(op)
    try:
        wanted = reference(*theirs)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            mine(*ours)
        return
    got = mine(*ours)
    assert str(got.dtype).split(".")[1] == str(wanted.dtype).split(".")[1]
    assert tuple(got.shape) == tuple(wanted.shape)
    rtol = 2e-3 if got.dtype == airi.float16 else 1e-6
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=rtol)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("kinds", list(itertools.product(SHAPES, SHAPES)), ids="-".join)
def test_two_tensors(op, kinds):
    for first, second in itertools.product(DTYPES, DTYPES):
        arrays = values(first, SHAPES[kinds[0]], 0), values(second, SHAPES[kinds[1]], 2)
        assert_same(op, [airi.tensor(a) for a in arrays], [torch.tensor(a) for a in arrays])


@pytest.mark.parametrize("op", [op for op in OPS if op not in ("maximum", "atan2")])
@pytest.mark.parametrize("kind", SHAPES)
def test_tensor_and_number(op, kind):
    for dtype, scalar in itertools.product(DTYPES, SCALARS):
        if op in ("pow", "where") and (scalar == 300 or (dtype == "bool" and scalar is True)):
            continue  # PyTorch refuses to narrow 300 in these two alone, and allows bool ** True
        array = values(dtype, SHAPES[kind], 0)
        assert_same(op, (airi.tensor(array), scalar), (torch.tensor(array), scalar))
