"""Beyond the rows of the op table, linear algebra: errors, singular matrices, equal points."""

import numpy as np
import pytest

import airi


def leaf(array):
    return airi.tensor(np.asarray(array, np.float64), requires_grad=True)


def test_matrices_that_are_not_square_or_not_matrices():
    for call in (
        lambda: airi.inverse(airi.ones(2, 3)),
        lambda: airi.matrix_power(airi.ones(2, 3), 2),
        lambda: airi.trace(airi.ones(2)),
        lambda: airi.inverse(airi.ones(3)),
        lambda: airi.inverse(airi.tensor([[1, 0], [0, 1]])),
    ):
        with pytest.raises(RuntimeError):
            call()


def test_arguments_that_are_no_matrices_or_numbers():
    square = airi.eye(2)
    for error, message, call in (
        (TypeError, "n must be an int, got 1.5", lambda: airi.matrix_power(square, 1.5)),
        (TypeError, "B must be a Tensor, got list", lambda: airi.linalg.solve(square, [1.0, 2.0])),
        (RuntimeError, "svd: not for float16", lambda: airi.linalg.svd(square.half())),
        (RuntimeError, "lu_factor: not for float16", lambda: airi.linalg.lu_factor(square.half())),
    ):
        with pytest.raises(error, match=message):
            call()
    assert airi.linalg.matrix_norm(square.half(), 1).item() == 1


def test_singular_matrix():
    with pytest.raises(RuntimeError, match="singular"):
        airi.inverse(airi.ones(2, 2))


def test_powers_0_and_of_integers():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    out = airi.matrix_power(x, 0)
    assert out.tolist() == [[1, 0], [0, 1]]
    out.sum().backward()
    assert x.grad.tolist() == [[0, 0], [0, 0]]
    fibonacci = airi.matrix_power(airi.tensor([[1, 1], [1, 0]]), 50)
    assert fibonacci[0, 1].item() == 12586269025


def test_cross_needs_a_dimension_of_3():
    with pytest.raises(RuntimeError, match="dimension of size 3"):
        airi.cross(airi.ones(2, 2), airi.ones(2, 2))
    with pytest.raises(RuntimeError, match="dim=0"):
        airi.cross(airi.ones(2, 3), airi.ones(2, 3), dim=0)
    with pytest.raises(RuntimeError, match="as many dimensions"):
        airi.cross(airi.ones(3), airi.ones(2, 3))
    assert airi.cross(airi.ones(3, 2), airi.ones(3, 2)).shape == (3, 2)


def test_gradient_of_the_distance_of_equal_points_is_0():
    for mode in ("use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"):
        x, y = leaf([[1.0, 2.0], [0.0, 0.0]]), leaf([[1.0, 2.0]])
        out = airi.cdist(x, y, compute_mode=mode)
        np.testing.assert_allclose(out.detach(), [[0], [np.sqrt(5)]], atol=1e-7)
        out.sum().backward()
        np.testing.assert_allclose(x.grad, [[0, 0], [-1 / np.sqrt(5), -2 / np.sqrt(5)]])


def test_distances_of_many_points_come_from_a_product():
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 40, 5)), rng.random((30, 5))
    out = airi.cdist(airi.tensor(x), airi.tensor(y))
    wanted = np.linalg.norm(x[:, :, None] - y[None, None], axis=-1)
    np.testing.assert_allclose(out, wanted, rtol=1e-10)
    assert airi.cdist(airi.tensor(x), airi.tensor(y), p=0).unique().tolist() == [5]


def test_cdist_refuses():
    with pytest.raises(RuntimeError, match="negative"):
        airi.cdist(airi.ones(2, 3), airi.ones(4, 3), p=-1)
    for x, y in ((airi.ones(2, 3), airi.ones(4, 2)), (airi.ones(3), airi.ones(4, 3))):
        with pytest.raises(RuntimeError, match="expected shapes"):
            airi.cdist(x, y)
    with pytest.raises(RuntimeError, match="floating-point"):
        airi.cdist(airi.tensor([[1]]), airi.tensor([[1]]))
    with pytest.raises(ValueError, match="compute_mode"):
        airi.cdist(airi.ones(2, 3), airi.ones(4, 3), compute_mode="fast")
