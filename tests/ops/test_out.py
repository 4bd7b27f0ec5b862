"""``out=``: where the result goes, and what is refused."""

import pytest

import airi


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (airi.add, (1.0,)),
        (airi.div, (2.0,)),
        (airi.exp, ()),
        (airi.maximum, (0.5 * airi.ones(2, 2),)),
        (airi.clamp, (0.0, 0.5)),
        (airi.matmul, (airi.ones(2, 2),)),
        (airi.mm, (airi.ones(2, 2),)),
        (airi.cumsum, (0,)),
        (airi.mean, (1,)),
        (airi.softmax, (0,)),
        (airi.gather, (0, airi.zeros(1, 2, dtype=airi.int64))),
        (airi.index_select, (0, airi.tensor([1]))),
        (airi.eq, (1.0,)),
        (airi.argmax, (0,)),
    ],
)
def test_the_result_goes_into_out(function, args):
    x = airi.tensor([[1.0, -2.0], [3.0, 0.5]])
    wanted = function(x, *args)
    out = airi.empty(0, dtype=wanted.dtype)
    assert function(x, *args, out=out) is out
    assert airi.equal(out, wanted)
    base = airi.zeros(*wanted.shape, 2, dtype=wanted.dtype)
    function(x, *args, out=base[..., 0])  # into a view
    assert airi.equal(base[..., 0], wanted)


def test_several_results_sequences_and_new_tensors():
    x = airi.tensor([[1.0, 4.0], [3.0, 2.0]])
    values, indices = airi.empty(0), airi.empty(0, dtype=airi.int64)
    result = airi.max(x, 1, out=(values, indices))
    assert result.values is values
    assert values.tolist() == [4.0, 3.0]
    assert indices.tolist() == [1, 0]
    assert airi.cat([x, x], out=airi.empty(4, 2)).shape == (4, 2)
    zeros = airi.ones(3, dtype=airi.int64)
    assert airi.zeros(3, out=zeros) is zeros
    assert zeros.tolist() == [0, 0, 0]
    drawn = airi.empty(0)
    airi.randn(5, out=drawn)
    assert drawn.shape == (5,)


def test_an_operand_may_be_out():
    x = airi.arange(4.0)
    airi.cumsum(x, 0, out=x)
    assert x.tolist() == [0.0, 1.0, 3.0, 6.0]


def test_dtypes():
    x = airi.ones(2)
    assert airi.add(x, x, out=airi.empty(2, dtype=airi.float64)).tolist() == [2.0, 2.0]
    assert airi.eq(x, x, out=airi.empty(2, dtype=airi.uint8)).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match=r"add: .*float32, which cannot be cast to .*int64"):
        airi.add(x, x, out=airi.empty(2, dtype=airi.int64))


def test_what_is_refused():
    x = airi.ones(2)
    leaf = airi.ones(2, requires_grad=True)
    for call in (lambda: airi.exp(leaf, out=airi.ones(2)), lambda: airi.exp(x, out=leaf)):
        with pytest.raises(RuntimeError, match="exp: no gradient"):
            call()
    with airi.no_grad():
        assert airi.exp(leaf, out=airi.ones(2)).shape == (2,)
    with pytest.raises(TypeError, match="out must be a Tensor, got list"):
        airi.exp(x, out=[1.0, 2.0])
    with pytest.raises(TypeError, match="tuple of 2"):
        airi.max(x, 0, out=airi.empty(0))
    with pytest.raises(RuntimeError, match="read-only or shared"):
        airi.exp(x, out=airi.ones(1).expand(2))


def test_another_shape_is_resized_with_a_warning():
    out = airi.ones(3)
    with pytest.warns(UserWarning, match=r"shape \(3,\) and is resized to \(2,\)"):
        airi.exp(airi.zeros(2), out=out)
    assert out.tolist() == [1.0, 1.0]


def test_backward_notices_what_is_overwritten():
    x = airi.ones(2, requires_grad=True)
    y = airi.ones(2)
    z = x * y
    airi.exp(airi.zeros(2), out=y)
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()
