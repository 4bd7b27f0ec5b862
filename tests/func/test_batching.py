"""vmap: the loop over examples, with PyTorch's arguments and errors."""

import pytest

import airi
from airi import func


def test_in_dims_and_out_dims():
    x, y = airi.arange(6.0).reshape(2, 3), airi.arange(6.0).reshape(3, 2)
    assert func.vmap(airi.dot, in_dims=(0, 1))(x, y).tolist() == (x * y.T).sum(1).tolist()
    assert func.vmap(lambda a: a * 2, in_dims=-1, out_dims=-1)(x).tolist() == (x * 2).tolist()
    assert func.vmap(lambda a: a * 2, out_dims=1)(x).tolist() == (x * 2).T.tolist()
    shared = func.vmap(lambda a, b: a @ b, in_dims=(0, None))
    assert shared(x, y).tolist() == (x @ y).tolist()
    out, constant = func.vmap(lambda a: (a, 7), out_dims=(0, None))(x)
    assert out.tolist() == x.tolist()
    assert constant == 7
    assert func.vmap(lambda a, b=None: a * b)(x, b=x).tolist() == (x * x).tolist()


def test_trees_in_and_out():
    x = airi.arange(6.0).reshape(3, 2)
    data = {"a": x, "b": (x, 3)}
    mapped = func.vmap(
        lambda d: {"s": d["a"].sum() * d["b"][1]}, in_dims=({"a": 0, "b": (0, None)},)
    )
    assert mapped(data)["s"].tolist() == (x.sum(1) * 3).tolist()


def test_it_nests_and_gradients_pass():
    x = airi.arange(4.0).reshape(2, 2).requires_grad_()
    outer = func.vmap(func.vmap(lambda a, b: a * b, (None, 0)), (0, None))
    product = outer(x[0], x[1])
    assert product.tolist() == airi.outer(x[0], x[1]).tolist()
    product.sum().backward()
    assert x.grad.tolist() == [[5.0, 5.0], [1.0, 1.0]]


def test_gradients_per_example():
    w, x, y = airi.ones(2), airi.tensor([[1.0, 2.0], [3.0, 4.0]]), airi.tensor([0.0, 1.0])
    loss = func.grad(lambda w, x, y: (w @ x - y) ** 2)
    each = func.vmap(loss, in_dims=(None, 0, 0))(w, x, y)
    assert each.tolist() == (2 * (x @ w - y)[:, None] * x).tolist()


def test_an_empty_batch_has_the_shape_of_its_outputs():
    out = func.vmap(lambda a: a.sum()[None].expand(5))(airi.ones(0, 3))
    assert tuple(out.shape) == (0, 5)


def test_randomness():
    x = airi.zeros(3, 4)
    draw = lambda a: a + airi.rand(4)  # noqa: E731
    with pytest.raises(RuntimeError, match="randomness"):
        func.vmap(draw)(x)
    airi.rand(1)  # allowed again
    same = func.vmap(draw, randomness="same")(x)
    assert airi.equal(same[0], same[1])
    different = func.vmap(draw, randomness="different")(x)
    assert not airi.equal(different[0], different[1])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: func.vmap(airi.sin)(3), "for a int"),
        (lambda x: func.vmap(airi.sin, in_dims=(0, 1))(x), "does not fit"),
        (lambda x: func.vmap(airi.sin, in_dims=None)(x), "in_dims must be"),
        (lambda x: func.vmap(airi.sin, in_dims=(None,))(x), "at least one"),
        (lambda x: func.vmap(airi.sin, in_dims=2)(x), "out of range"),
        (lambda x: func.vmap(airi.add)(x, airi.ones(5)), r"sizes \[2, 5\]"),
        (lambda x: func.vmap(airi.sin)(), "no inputs"),
        (lambda x: func.vmap(lambda a: 3)(x), "must return Tensors"),
        (lambda x: func.vmap(airi.sin, out_dims=(0, 1))(x), "out_dims"),
        (lambda x: func.vmap(airi.sin, chunk_size=0), "chunk_size"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call(airi.ones(2, 3))
