"""Rows of `airi/ops/matmul.py`."""

import numpy as np

from .row import Row, call, real


def _pairs(*shapes):
    """Calls with two tensors of these shapes."""
    return lambda rng: [call(real(rng, *x), real(rng, *y)) for x, y in shapes]


def _sums(*shapes):
    """Calls of input, x and y of these shapes, with and without beta and alpha."""

    def samples(rng):
        calls = []
        for input, x, y in shapes:
            tensors = [real(rng, *shape) for shape in (input, x, y)]
            calls += [call(*tensors), call(*tensors, beta=0.5, alpha=-2.0)]
        return [*calls, call(*tensors, beta=0)]

    return samples


def _sum(product):
    def add(input, x, y, *, beta=1, alpha=1):
        return beta * input + alpha * product(x, y)

    return add


def _linear(x, weight, bias=None):
    return x @ weight.T + (0 if bias is None else bias)


ROWS = [
    Row(
        "matmul",
        _pairs(
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 4)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
            ((5, 2, 3), (5, 3, 4)),
            ((5, 2, 3), (3,)),
            ((3,), (5, 3, 4)),
            ((2, 1, 2, 3), (4, 3, 2)),
            ((1, 2, 3), (4, 3, 2)),
        ),
        np.matmul,
        integers=True,
        empty=lambda: [
            call(np.zeros((0, 3)), np.ones((3, 2))),
            call(np.zeros((2, 0)), np.zeros((0, 3))),
            call(np.zeros((4, 0, 3)), np.ones((3, 2))),
            call(np.zeros((0, 2, 3)), np.ones((3,))),
        ],
        complex=True,
    ),
    Row(
        "nn.functional.linear",
        lambda rng: [
            call(real(rng, 3, 4), real(rng, 2, 4), real(rng, 2)),
            call(real(rng, 2, 3, 4), real(rng, 2, 4)),
            call(real(rng, 4), real(rng, 2, 4), bias=real(rng, 2)),
        ],
        _linear,
        method=False,
        empty=lambda: [call(np.zeros((0, 4)), np.ones((2, 4)), np.ones(2))],
        complex=True,
    ),
    Row("mm", _pairs(((2, 3), (3, 4))), np.matmul, integers=True, complex=True),
    Row("bmm", _pairs(((2, 3, 4), (2, 4, 5))), np.matmul, integers=True, complex=True),
    Row("mv", _pairs(((2, 3), (3,))), np.matmul, integers=True, complex=True),
    Row(
        "dot",
        _pairs(((3,), (3,))),
        np.dot,
        integers=True,
        empty=lambda: [call(np.zeros(0), np.zeros(0))],
        complex=True,
    ),
    Row("vdot", _pairs(((3,), (3,))), np.dot, integers=True, complex=True),
    Row(
        "inner",
        _pairs(((2, 4), (3, 4)), ((4,), (4,)), ((2, 3, 4), (5, 4)), ((2, 4), (4,)), ((), (3,))),
        np.inner,
        integers=True,
        complex=True,
    ),
    Row("outer", _pairs(((2,), (3,))), np.outer, integers=True, complex=True),
    Row(
        "addmm",
        _sums(((3, 4), (3, 2), (2, 4)), ((4,), (3, 2), (2, 4)), ((3, 4), (3, 2), (2, 4))),
        _sum(np.matmul),
        in_place=True,
        complex=True,
    ),
    Row(
        "addmv",
        _sums(((3,), (3, 2), (2,)), ((), (3, 2), (2,))),
        _sum(np.matmul),
        in_place=True,
        complex=True,
    ),
    Row(
        "addr",
        _sums(((3, 2), (3,), (2,)), ((2,), (3,), (2,))),
        _sum(np.outer),
        in_place=True,
        complex=True,
    ),
    Row(
        "baddbmm",
        _sums(((5, 3, 4), (5, 3, 2), (5, 2, 4)), ((3, 1), (5, 3, 2), (5, 2, 4))),
        _sum(np.matmul),
        in_place=True,
        complex=True,
    ),
    Row(
        "addbmm",
        _sums(((3, 4), (5, 3, 2), (5, 2, 4)), ((4,), (5, 3, 2), (5, 2, 4))),
        _sum(lambda x, y: np.sum(x @ y, axis=0)),
        in_place=True,
        complex=True,
    ),
]
