"""Running one program under airi and under PyTorch and comparing what it returns."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import airi


def plain(value: Any) -> Any:
    """Tensors as nested lists, shapes as tuples, dicts and sequences gone through."""
    if hasattr(value, "detach"):
        return value.detach().tolist()
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def assert_same(program: Callable[[Any], Any]) -> None:
    """`program(airi)` and `program(torch)` must return the same plain data."""
    torch = pytest.importorskip("torch")
    assert plain(program(airi)) == plain(program(torch))


def assert_close(ours: Any, theirs: Any, what: str, rtol: float = 1e-10) -> None:
    """A Tensor of airi and one of PyTorch, or two tuples of them, in float64."""
    if isinstance(ours, tuple):
        assert len(ours) == len(theirs), what
        for number, (one, other) in enumerate(zip(ours, theirs)):
            assert_close(one, other, f"{what}[{number}]", rtol)
        return
    if theirs is None:
        assert ours is None, what
        return
    expected = theirs.detach().numpy()
    assert tuple(ours.shape) == expected.shape, what
    assert ours.detach().numpy().dtype == expected.dtype, what
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=rtol, atol=1e-11, err_msg=what)
