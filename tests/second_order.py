"""One function under airi and under PyTorch: values, first and second derivatives in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import airi


def assert_agrees_with_pytorch(
    function: Callable[..., Any], *arrays: np.ndarray, atol: float = 1e-9, second: bool = True
) -> None:
    """``function(torch_or_airi, functional, *tensors)`` gives the same under both.

    float64 arrays become tensors that require grad, others constants. The ordinary backward and
    the recorded one (create_graph) of airi must agree too.
    """
    torch = pytest.importorskip("torch")
    results = [_Derivatives(airi, function, arrays, second)]
    results.append(_Derivatives(torch, function, arrays, second))
    for name in ("value", "first", "second"):
        for ours, theirs in zip(getattr(results[0], name), getattr(results[1], name), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=atol, err_msg=name)
    for plain, recorded in zip(results[0].plain_first, results[0].first, strict=True):
        np.testing.assert_allclose(plain, recorded, atol=1e-12, err_msg="first, not recorded")


class _Derivatives:
    """The value, and the gradients of two random sums: of the value, and of the gradients."""

    def __init__(self, library: Any, function: Any, arrays: Any, second: bool) -> None:
        rng = np.random.default_rng(0)
        tensors = [library.tensor(each) for each in arrays]
        leaves = [each.requires_grad_() for each in tensors if each.dtype == library.float64]
        out = function(library, library.nn.functional, *tensors)
        seed = library.tensor(rng.standard_normal(tuple(out.shape)))
        grad = library.autograd.grad
        options = {"retain_graph": True, "allow_unused": True}
        plain = grad(out, leaves, seed, **options)
        recorded = grad(out, leaves, seed, create_graph=True, **options)
        self.value = [_array(out)]
        self.plain_first = [_or_zeros(*pair) for pair in zip(plain, leaves, strict=True)]
        self.first = [_or_zeros(*pair) for pair in zip(recorded, leaves, strict=True)]
        self.second: list[np.ndarray] = []
        if not second:
            return
        seeds = [library.tensor(rng.standard_normal(tuple(each.shape))) for each in leaves]
        pairs = [
            (g, s)
            for g, s in zip(recorded, seeds, strict=True)
            if g is not None and g.requires_grad
        ]
        if pairs:
            gradients, starts = zip(*pairs, strict=True)
            gained = grad(gradients, leaves, starts, allow_unused=True)
        else:
            gained = [None] * len(leaves)
        self.second = [_or_zeros(*pair) for pair in zip(gained, leaves, strict=True)]


def _array(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy(force=True)


def _or_zeros(gradient: Any, leaf: Any) -> np.ndarray:
    return np.zeros(tuple(leaf.shape)) if gradient is None else _array(gradient)
