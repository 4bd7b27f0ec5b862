"""Beyond the rows of the op table, products: the operator, errors, dtypes, beta = 0, linear."""

import math

import numpy as np
import pytest

import airi
from airi.ops.matmul import linear


def leaf(array):
    return airi.tensor(np.asarray(array, np.float64), requires_grad=True)


def test_operator_with_arrays_on_either_side():
    x = leaf(np.arange(6.0).reshape(2, 3))
    array = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal((x @ array).detach(), x.detach().numpy() @ array)
    np.testing.assert_array_equal((array @ x).detach(), array @ x.detach().numpy())
    assert (array @ x).requires_grad
    with pytest.raises(TypeError):
        x @ 3.0
    with pytest.raises(TypeError):
        x @ [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ((2, 3), (4, 5), r"shapes \(2, 3\) and \(4, 5\).*3 columns times 4 rows"),
        ((2, 3), (2,), r"\(2, 3\) and \(2,\)"),
        ((2,), (3,), r"\(2,\) and \(3,\)"),
        ((), (2,), "one dimension at least"),
        ((2, 2, 3), (3, 3, 4), r"x: float32 \(2, 2, 3\), y: float32 \(3, 3, 4\)"),
    ],
)
def test_shapes_that_do_not_fit(x, y, message):
    with pytest.raises(RuntimeError, match=message):
        airi.ones(x) @ airi.ones(y)


@pytest.mark.parametrize(
    "call",
    [
        lambda one: airi.mm(one(2, 3), one(3)),
        lambda one: airi.mm(one(2, 3), one(4, 2)),
        lambda one: airi.bmm(one(2, 3, 4), one(3, 4, 2)),
        lambda one: airi.bmm(one(2, 3), one(3, 4, 2)),
        lambda one: airi.mv(one(2, 3), one(2)),
        lambda one: airi.dot(one(2), one(3)),
        lambda one: airi.dot(one(2, 1), one(2)),
        lambda one: airi.outer(one(2, 2), one(2)),
        lambda one: airi.inner(one(2, 3), one(4, 2)),
        lambda one: airi.addmm(one(5), one(3, 4), one(4, 2)),
        lambda one: airi.addmv(one(3), one(2, 3), one(2)),
        lambda one: airi.addr(one(2, 2), one(2), one(3)),
        lambda one: airi.baddbmm(one(2), one(2, 3, 4), one(3, 4, 2)),
        lambda one: airi.addbmm(one(2), one(2, 3), one(2, 3)),
        lambda one: one(2, 3).addmm_(one(3, 4), one(4, 3)),
        lambda one: airi.mm(one(2, 3), one(3, 2).to(airi.float64)),
        lambda one: airi.addmm(one(2).to(airi.float64), one(3, 4), one(4, 2)),
        lambda one: one(2, 3).to(airi.bool) @ one(3, 2).to(airi.bool),
    ],
)
def test_refusals(call):
    with pytest.raises(RuntimeError):
        call(airi.ones)


def test_a_float_factor_of_integers_is_truncated():
    start, x, y = (airi.ones(*shape).long() for shape in ((2,), (3, 4), (4, 2)))
    assert airi.addmm(start, x, y, alpha=1.5).tolist() == [[5, 5]] * 3
    assert airi.addmm(start, x, y, alpha=0.5).tolist() == [[1, 1]] * 3


def test_beta_0_ignores_even_nan():
    nan = airi.tensor([math.nan, math.nan])
    assert airi.addmm(nan, airi.ones(2, 3), airi.ones(3, 2), beta=0).tolist() == [[3, 3]] * 2
    x = airi.tensor([[math.nan]])
    assert x.addmm_(airi.ones(1, 2), airi.ones(2, 1), beta=0).tolist() == [[2]]


def test_in_place_with_itself_as_a_factor():
    x = airi.tensor([[1.0, 2.0], [3.0, 4.0]])
    x.addmm_(x, x)
    assert x.tolist() == [[8, 12], [18, 26]]


def test_large_batches_times_one_matrix_agree_with_single_products():
    rng = np.random.default_rng(0)
    x, y = leaf(rng.random((4, 5, 6))), leaf(rng.random((6, 3)))
    out = airi.matmul(x.transpose(0, 1), y)
    np.testing.assert_allclose(out.detach(), x.detach().numpy().transpose(1, 0, 2) @ y.detach())
    out.sum().backward()
    np.testing.assert_allclose(y.grad, x.detach().numpy().sum((0, 1))[:, None].repeat(3, 1))


def test_gradients_are_computed_only_where_wanted():
    x, y = airi.ones(2, 3), leaf(np.ones((3, 2)))
    with pytest.raises(RuntimeError, match="dtype"):
        x @ y
    node = (x.to(airi.float64) @ y).grad_fn
    assert node.next_functions[0] == (None, 0)
    saved = dict(zip(node.rule._wanted(), node.saved, strict=True))
    assert saved["y"] is None  # only x's gradient would need it
    assert saved["x"] is not None


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("with_bias", [False, True])
def test_linear(shape, with_bias):
    rng = np.random.default_rng(1)
    x, weight, bias = leaf(rng.random(shape)), leaf(rng.random((5, 4))), leaf(rng.random(5))
    inputs = [x, weight, *[bias] * with_bias]
    out = linear(*inputs)
    wanted = airi.matmul(x, weight.T) + (bias if with_bias else 0.0)
    np.testing.assert_allclose(out.detach(), wanted.detach())
    weights = airi.tensor(rng.random(out.shape))
    mine = airi.autograd.grad((out * weights).sum(), inputs)
    theirs = airi.autograd.grad((wanted * weights).sum(), inputs)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b)


def test_derivatives_of_linear():
    rng = np.random.default_rng(2)
    inputs = [leaf(rng.random(each)) for each in ((2, 3, 4), (5, 4), (5,))]
    assert airi.autograd.gradcheck(linear, inputs)
    assert airi.autograd.gradgradcheck(linear, inputs)
    assert airi.autograd.gradgradcheck(linear, inputs[:2])


def test_linear_says_what_shapes_it_wants():
    for shapes in (((2, 3), (4, 2)), ((2, 3), (4, 3), (3,)), ((), (4, 3)), ((3,), (3,))):
        with pytest.raises(RuntimeError, match=r"expected shapes \(\.\.\., in\) of input"):
            linear(*[airi.ones(each) for each in shapes])
