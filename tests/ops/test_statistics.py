"""Histograms, covariances, integrals and other small ops beyond their rows: edges and errors."""

import numpy as np
import pytest

import airi


def test_histogram_edges_belong_to_the_bin_above_but_the_last():
    x = airi.tensor([0.0, 1.0, 2.0, 3.0, -1.0, 4.0])
    hist, edges = airi.histogram(x, 3, range=(0, 3))
    assert hist.tolist() == [1, 1, 2]
    assert edges.tolist() == [0, 1, 2, 3]
    assert airi.histogram(airi.ones(4), 2).bin_edges.tolist() == [0.5, 1.0, 1.5]
    assert airi.histogram(x, density=True).hist.shape == x.histogram().hist.shape == (100,)
    assert airi.histogram(airi.zeros(0), 2).hist.tolist() == [0, 0]
    x[0] = float("nan")
    assert airi.histogram(x, 3, range=(0, 3)).hist.sum() == 3


def test_correlation_of_a_vector_and_of_a_constant():
    assert airi.corrcoef(airi.tensor([1.0, 2.0, 4.0])).item() == 1
    assert airi.corrcoef(airi.ones(2, 3)).isnan().all()


def test_derivative_of_a_parabola_is_exact():
    x = airi.tensor([0.0, 0.5, 2.0, 3.0, 7.0], dtype=airi.float64)
    (slope,) = airi.gradient(x * x, spacing=[x], edge_order=2)
    np.testing.assert_allclose(slope, 2 * x.numpy(), atol=1e-12)


def test_scatter_into_a_view_leaves_the_input():
    x = airi.zeros(2, 3)
    out = airi.select_scatter(x, airi.ones(3), 0, 1)
    assert out.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert x.sum() == 0


def test_copies_are_copies():
    x = airi.zeros(2, 3)
    airi.transpose_copy(x, 0, 1).fill_(1)
    airi.unbind_copy(x)[0].fill_(1)
    assert x.sum() == 0


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: airi.cov(airi.ones(1, 2, 3)), RuntimeError, "at most 2 dimensions"),
        (lambda: airi.cov(airi.ones(3), fweights=airi.ones(3)), RuntimeError, "fweights"),
        (lambda: airi.cov(airi.ones(3), aweights=airi.ones(2)), RuntimeError, "aweights"),
        (lambda: airi.histogram(airi.ones(3), 0), RuntimeError, "positive int"),
        (lambda: airi.histogram(airi.ones(3), 2, range=(1, 0)), RuntimeError, "decreasing"),
        (lambda: airi.histogram(airi.ones(3).long(), 2), RuntimeError, "floating-point"),
        (lambda: airi.histogramdd(airi.ones(3), 2), RuntimeError, "at least 2 dimensions"),
        (lambda: airi.gradient(airi.ones(1)), RuntimeError, "more than edge_order"),
        (lambda: airi.gradient(airi.ones(3), edge_order=3), RuntimeError, "edge_order"),
        (lambda: airi.trapezoid(airi.ones(3), airi.ones(2)), RuntimeError, "one x for each y"),
        (lambda: airi.trapezoid(airi.ones(3), airi.ones(3), dx=1), TypeError, "x or dx"),
        (lambda: airi.gcd(airi.ones(2), airi.ones(2)), RuntimeError, "expected integers"),
        (lambda: airi.gcd(airi.ones(2).long(), 2), TypeError, "expected Tensors"),
        (lambda: airi.frexp(airi.ones(2).long()), RuntimeError, "floating-point"),
        (lambda: airi.renorm(airi.ones(3), 2, 0, 1.0), RuntimeError, "at least 2 dimensions"),
        (lambda: airi.renorm(airi.ones(3, 3), 0, 0, 1.0), RuntimeError, "p must be positive"),
        (lambda: airi.isin(1, 2), TypeError, "must be a Tensor"),
        (lambda: airi.unravel_index(airi.tensor([6]), (2, 3)), ValueError, "out of range"),
        (lambda: airi.unravel_index(airi.ones(1), (2, 3)), TypeError, "integers"),
        (lambda: airi.select_scatter(airi.ones(2, 3), airi.ones(2), 0, 0), RuntimeError, "shape"),
        (
            lambda: airi.index_reduce(airi.ones(2), 0, airi.tensor([0]), airi.ones(1), "sum"),
            RuntimeError,
            "reduce must be",
        ),
    ],
)
def test_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_nextafters_derivative():
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    y = airi.tensor([2.0, 2.0], requires_grad=True)
    airi.nextafter(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([1, 0], [0, 0])


@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 5), (7, 3), (3, 3, 3)])
@pytest.mark.parametrize("wrap", [False, True])
def test_filled_diagonals_are_pytorchs(shape, wrap):
    torch = pytest.importorskip("torch")
    got = airi.zeros(*shape).fill_diagonal_(4, wrap)
    np.testing.assert_array_equal(got, torch.zeros(*shape).fill_diagonal_(4, wrap).numpy())


def test_no_gradient_passes_a_filled_diagonal():
    x = airi.ones(2, 2, requires_grad=True)
    (x * 2).fill_diagonal_(0).sum().backward()
    assert x.grad.tolist() == [[0, 2], [2, 0]]
    with pytest.raises(RuntimeError, match="must be equal"):
        airi.ones(2, 2, 3).fill_diagonal_(0)


def test_range_includes_its_end():
    assert airi.range(1, 3).tolist() == [1, 2, 3]
    assert airi.range(1, 3).dtype == airi.float32
    assert airi.range(0, 1, 0.5, dtype=airi.float64).tolist() == [0, 0.5, 1]
    assert airi.range(3, 1, -1, dtype=airi.int64).tolist() == [3, 2, 1]
    for bounds in ((0, 1, 0), (0, 1, -1), (0, float("inf"))):
        with pytest.raises(RuntimeError, match="range:"):
            airi.range(*bounds)
