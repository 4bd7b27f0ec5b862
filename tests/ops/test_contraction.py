"""Beyond the rows of the op table, einsum's notation and errors, tensordot."""

import numpy as np
import pytest

import airi


def leaf(array):
    return airi.tensor(np.asarray(array, np.float64), requires_grad=True)


def random(*shape):
    return leaf(np.random.default_rng(0).random(shape))


def test_lists_of_ints_and_a_list_of_operands():
    x, y = random(2, 3), random(3, 4)
    wanted = (x @ y).detach().numpy()
    np.testing.assert_allclose(airi.einsum(x, [0, 1], y, [1, 2], [0, 2]).detach(), wanted)
    np.testing.assert_allclose(airi.einsum(x, [0, 1], y, [1, 2]).detach(), wanted)
    np.testing.assert_allclose(airi.einsum("ij,jk->ik", [x, y]).detach(), wanted)
    batched = airi.einsum(x, [..., 1], y, [1, 2], [..., 2])
    np.testing.assert_allclose(batched.detach(), wanted)


def test_sizes_of_1_are_broadcast():
    x, y = random(2, 3), random(1, 4)
    out = airi.einsum("ij,jk->k", x, y)
    np.testing.assert_allclose(
        out.detach(), x.detach().numpy().sum() * y.detach().numpy()[0], rtol=1e-12
    )
    assert airi.autograd.gradcheck(lambda x, y: airi.einsum("ij,jk->ik", x, y), (x, y))


def test_nothing_but_numbers():
    assert airi.einsum("", airi.tensor(2.0)).item() == 2
    assert airi.einsum(",", airi.tensor(2.0), airi.tensor(3.0)).item() == 6


def test_long_chains_agree_with_numpy():
    rng = np.random.default_rng(1)
    arrays = [rng.random(shape) for shape in ((3, 8), (8, 2, 5), (5, 4), (4, 2, 6), (6,), (3,))]
    equation = "ab,bcd,de,ecf,f,a->ac"
    got = airi.einsum(equation, *[airi.tensor(each) for each in arrays])
    np.testing.assert_allclose(got, np.einsum(equation, *arrays))


def test_result_is_contiguous_whichever_operand_comes_first():
    x, y = airi.ones(2, 3), airi.ones(3, 4)
    assert airi.einsum("ij,jk->ki", x, y).is_contiguous()
    assert airi.einsum("ij,jk->ik", x, y).is_contiguous()


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk->k", [(2, 3), (4, 4)], "'j' has size 4 in operand 1 but 3"),
        ("ij,jk->x", [(2, 3), (3, 4)], "'x' is in the output"),
        ("ij->ii", [(2, 3)], "'i' is twice in the output"),
        ("ij", [(2, 3, 4)], r"'ij'.*operand 0 of shape \(2, 3, 4\)"),
        ("ij,jk", [(2, 3)], "2 operands, got 1"),
        ("i.j->ij", [(2, 3)], "expected letters"),
        ("i1->i", [(2, 3)], "'1'"),
        ("ii->i", [(2, 3)], "different sizes, 2 and 3"),
        ("...i...->i", [(2, 3)], "'.'"),
        ("i->i->i", [(2,)], "'-'"),
    ],
)
def test_equations_that_do_not_fit(equation, shapes, message):
    with pytest.raises(RuntimeError, match=message):
        airi.einsum(equation, *[airi.ones(each) for each in shapes])


def test_dtypes_are_not_mixed():
    with pytest.raises(RuntimeError, match="float32 and float64"):
        airi.einsum("i,i->", airi.ones(2), airi.ones(2, dtype=airi.float64))
    with pytest.raises(RuntimeError, match="at least one operand"):
        airi.einsum("i")


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        (([1], [1]), "must be equal"),
        (3, "dims must be 0 to 2"),
        (([1], [0, 1]), "differ in length"),
        (([0, 0], [0, 1]), "twice"),
        ("ab", "dims|int"),
    ],
)
def test_tensordot_refuses(dims, message):
    with pytest.raises((RuntimeError, TypeError), match=message):
        airi.tensordot(airi.ones(2, 3), airi.ones(3, 4), dims)


def test_tensordot_takes_a_size_of_1_for_any():
    a = airi.tensor([[2.0]])
    b = airi.arange(6.0).reshape(3, 2)
    assert airi.tensordot(a, b, 1).tolist() == [[12.0, 18.0]]
    assert airi.tensordot(b, a, ([0], [1])).tolist() == [[12.0], [18.0]]
    whole = airi.tensor([[3]], dtype=airi.uint8)
    assert airi.tensordot(whole, whole.expand(2, 1), 1).dtype == airi.uint8
