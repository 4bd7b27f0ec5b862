"""`airi.linalg` beyond the rows of the op table: sizes above the blocks, failures, edge cases."""

import numpy as np
import pytest

import airi
from airi import linalg


def tensor(*shape, seed=0):
    return airi.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def leaf(array):
    return airi.tensor(np.asarray(array, np.float64), requires_grad=True)


def test_lu_of_matrices_larger_than_a_panel():
    for shape in ((100, 100), (2, 90, 70), (70, 90)):
        A = tensor(*shape)
        P, L, U = linalg.lu(A)
        np.testing.assert_allclose(P @ L @ U, A, atol=1e-12)
        assert np.abs(L.numpy()).max() <= 1  # which partial pivoting is for
        assert (L.triu(1) == 0).all()
        assert (U.tril(-1) == 0).all()


def test_lu_without_pivoting():
    A = tensor(5, 5) + 10 * airi.eye(5, dtype=airi.float64)
    P, L, U = linalg.lu(A, pivot=False)
    assert P.numel() == 0
    np.testing.assert_allclose(L @ U, A, atol=1e-12)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular_systems_larger_than_a_block(upper, unit):
    A = tensor(2, 101, 101) / 50 + 3 * airi.eye(101, dtype=airi.float64)
    B = tensor(101, 3, seed=1)
    X = linalg.solve_triangular(A, B, upper=upper, unitriangular=unit)
    triangle = (A.triu(int(unit)) if upper else A.tril(-int(unit))).clone()
    if unit:
        triangle += airi.eye(101, dtype=airi.float64)
    np.testing.assert_allclose(triangle @ X, B.expand(2, 101, 3), atol=1e-12)


def test_a_triangular_system_with_a_zero_on_the_diagonal_is_infinite():
    A = airi.tensor([[1.0, 0.0], [1.0, 0.0]])
    X = linalg.solve_triangular(A, airi.tensor([[1.0], [3.0]]), upper=False)
    assert X.tolist() == [[1.0], [float("inf")]]


def test_indefinite_systems():
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 40):
        A = rng.standard_normal((3, n, n))
        A = A + A.swapaxes(-1, -2)
        A[0] -= np.diag(np.diag(A[0])) if n > 1 else 0  # which forces blocks of 2 x 2
        B = rng.standard_normal((n, 2))
        LD, pivots = linalg.ldl_factor(airi.from_numpy(A))
        X = linalg.ldl_solve(LD, pivots, airi.from_numpy(B))
        np.testing.assert_allclose(A @ X.numpy(), np.broadcast_to(B, (3, n, 2)), atol=1e-9)
    with pytest.raises(linalg.LinAlgError, match="zero block at 1"):
        linalg.ldl_factor(airi.zeros(2, 2))
    assert linalg.ldl_factor_ex(airi.zeros(2, 2)).info.item() == 1
    factor = linalg.ldl_factor(airi.eye(2), hermitian=True).LD
    assert factor.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(RuntimeError, match="complex"):
        linalg.ldl_factor(airi.eye(2) * 1j, hermitian=True)


def test_failures_name_function_element_and_place():
    indefinite = airi.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]])
    with pytest.raises(linalg.LinAlgError, match=r"cholesky.*Batch element 1.*order 2"):
        linalg.cholesky(indefinite)
    singular = airi.ones(2, 2)
    with pytest.raises(linalg.LinAlgError, match=r"linalg.inv: The diagonal element 2 is zero"):
        linalg.inv(singular)
    with pytest.raises(linalg.LinAlgError, match=r"linalg.solve: .*singular"):
        linalg.solve(singular, airi.ones(2))
    with pytest.raises(linalg.LinAlgError, match=r"U\[2,2\] is zero"):
        linalg.lu_factor(singular)
    assert issubclass(linalg.LinAlgError, RuntimeError)


def test_forms_that_count_instead_of_raising():
    both = airi.stack([airi.eye(2), airi.ones(2, 2)])
    inverse, info = linalg.inv_ex(both)
    assert info.tolist() == [0, 2]
    assert inverse[0].tolist() == [[1, 0], [0, 1]]
    assert inverse[1].isnan().all()
    result = linalg.solve_ex(both, airi.ones(2, 2, 1))
    assert result.info.tolist() == [0, 2]
    assert result.result[0].tolist() == [[1], [1]]
    _, info = linalg.cholesky_ex(airi.tensor([[1.0, 2.0], [2.0, 1.0]]))
    assert info.item() == 2
    assert linalg.lu_factor_ex(airi.zeros(2, 2)).info.item() == 1
    for failing in (linalg.inv_ex, linalg.lu_factor_ex):
        with pytest.raises(linalg.LinAlgError):
            failing(airi.ones(2, 2), check_errors=True)


def test_gradient_of_the_determinant_of_a_singular_matrix_is_the_cofactors():
    x = leaf([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0 + 0.0]])
    airi.det(x).backward()
    np.testing.assert_allclose(x.grad, [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]], atol=1e-9)
    zero = leaf(np.zeros((3, 3)))
    airi.det(zero).backward()
    assert (zero.grad == 0).all()


def test_logdet_of_a_negative_and_a_zero_determinant():
    assert airi.logdet(airi.tensor([[-1.0]])).isnan()
    assert airi.logdet(airi.zeros(2, 2)) == -float("inf")
    assert airi.slogdet(airi.tensor([[-2.0]])).sign == -1


def test_condition_number_of_a_singular_matrix_is_infinite():
    both = airi.stack([airi.eye(2), airi.ones(2, 2)])
    assert linalg.cond(both, 1).tolist() == [1, float("inf")]
    assert linalg.cond(airi.zeros(2, 2), "fro") == float("inf")


def test_exponential_of_large_and_nilpotent_matrices():
    nilpotent = airi.tensor([[0.0, 1.0], [0.0, 0.0]])
    assert airi.matrix_exp(nilpotent).tolist() == [[1, 1], [0, 1]]
    rotation = airi.tensor([[0.0, -200.0], [200.0, 0.0]], dtype=airi.float64)
    wanted = [[np.cos(200), -np.sin(200)], [np.sin(200), np.cos(200)]]
    np.testing.assert_allclose(airi.matrix_exp(rotation), wanted, atol=1e-11)
    assert airi.matrix_exp(airi.tensor([[float("nan")]])).isnan().all()


def test_least_squares_as_numpy_finds_them():
    A, B = tensor(6, 3), tensor(6, 2, seed=1)
    found = linalg.lstsq(A, B, driver="gelsd")
    solution, residuals, rank, values = np.linalg.lstsq(A.numpy(), B.numpy())
    np.testing.assert_allclose(found.solution, solution, atol=1e-12)
    np.testing.assert_allclose(found.residuals, residuals, atol=1e-12)
    np.testing.assert_allclose(found.singular_values, values)
    assert found.rank.item() == rank


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linalg.solve(airi.ones(2, 3), airi.ones(2)), "linalg.solve: A must be batches of"),
        (lambda: linalg.solve(airi.eye(2), airi.ones(3)), "incompatible shapes"),
        (lambda: linalg.solve(airi.eye(2), airi.eye(2).double()), "one dtype"),
        (lambda: linalg.cholesky(airi.ones(3)), "at least 2 dimensions"),
        (lambda: linalg.qr(airi.eye(2), mode="full"), "mode must be"),
        (lambda: linalg.eigh(airi.eye(2), "X"), "UPLO"),
        (lambda: linalg.svd(airi.eye(2).long()), "floating-point"),
        (lambda: linalg.matrix_norm(airi.eye(2), 3), "ord must be one of"),
        (lambda: linalg.vector_norm(airi.zeros(0), -1), "no elements"),
        (lambda: linalg.multi_dot([airi.eye(2)]), "at least 2 tensors"),
        (lambda: linalg.multi_dot([airi.eye(2), airi.ones(3, 2)]), "cannot be multiplied"),
        (lambda: linalg.tensorinv(airi.ones(2, 3), ind=1), "same number of elements"),
        (lambda: linalg.cross(airi.ones(2), airi.ones(2)), "size 3"),
        (lambda: linalg.lstsq(airi.ones(2, 2), airi.ones(3)), "as many rows"),
        (lambda: linalg.vander(airi.ones(3), N=1), "N must be greater than 1"),
    ],
)
def test_refused(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_something_other_than_a_tensor():
    with pytest.raises(TypeError, match="A must be a Tensor, got list"):
        linalg.inv([[1.0]])


def test_fields_are_pytorchs():
    A = tensor(3, 3)
    assert linalg.qr(A)._fields == ("Q", "R")
    assert linalg.svd(A)._fields == ("U", "S", "Vh")
    assert A.svd()._fields == ("U", "S", "V")
    assert linalg.eigh(A)._fields == ("eigenvalues", "eigenvectors")
    assert linalg.slogdet(A)._fields == ("sign", "logabsdet")
    assert linalg.lu_factor(A)._fields == ("LU", "pivots")
    assert linalg.lstsq(A, A)._fields == ("solution", "residuals", "rank", "singular_values")
