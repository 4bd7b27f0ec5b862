"""grad, vjp, jvp, jacrev, jacfwd and hessian as transforms of functions."""

import numpy as np
import pytest

import airi
from airi import func


def _tensor(*values):
    return airi.tensor(values, dtype=airi.float64)


def test_grad_nests_to_any_depth():
    f = airi.sin
    x = airi.tensor(0.3, dtype=airi.float64)
    for expected in (airi.cos(x), -airi.sin(x), -airi.cos(x), airi.sin(x)):
        f = func.grad(f)
        got = f(x)
        assert airi.allclose(got, expected)
        assert not got.requires_grad
        assert got.grad_fn is None


def test_inner_and_outer_variables_are_kept_apart():
    x = airi.tensor(3.0)
    outer = func.grad(lambda a: a * func.grad(lambda b: a * b)(airi.tensor(2.0)))
    assert outer(x).item() == 6.0  # d/da of a * a
    outer = func.grad(lambda a: a * func.grad(lambda b: a + b)(airi.tensor(2.0)))
    assert outer(x).item() == 1.0


def test_grad_takes_trees_argnums_and_aux():
    params = {"w": _tensor(1.0, 2.0), "b": _tensor(3.0)}

    def loss(p, x, scale=1.0):
        y = (p["w"] * x).sum() + p["b"].sum()
        return scale * y * y, {"y": y}

    x = _tensor(1.0, -1.0)
    gradient, aux = func.grad(loss, has_aux=True)(params, x, scale=0.5)
    assert gradient["w"].tolist() == [2.0, -2.0]
    assert gradient["b"].tolist() == [2.0]
    assert aux["y"].item() == 2.0
    assert not aux["y"].requires_grad
    (of_p, of_x), (value, _) = func.grad_and_value(loss, argnums=(0, -1), has_aux=True)(params, x)
    assert of_p["b"].tolist() == [4.0]
    assert of_x.tolist() == [4.0, 8.0]
    assert value.item() == 4.0


def test_what_the_function_closes_over_stays_differentiable():
    w = _tensor(2.0).requires_grad_()
    g = func.grad(lambda x: (w * x**3).sum())(_tensor(3.0))
    g.sum().backward()
    assert w.grad.tolist() == [27.0]
    with airi.no_grad():
        assert not func.grad(lambda x: (w * x**3).sum())(_tensor(3.0)).requires_grad


def _pair(lib):
    return lambda x, w: {"a": lib.tanh(x @ w), "b": (x.sum() * w,)}


@pytest.mark.parametrize("transform", ["jacrev", "jacfwd"])
def test_jacobians_agree_with_pytorch(transform):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((3, 2)), rng.standard_normal(2)
    ours = getattr(func, transform)(_pair(airi), (0, 1))(airi.tensor(x), airi.tensor(w))
    theirs = torch.func.jacrev(_pair(torch), (0, 1))(torch.tensor(x), torch.tensor(w))
    for got, want in ((ours["a"], theirs["a"]), (ours["b"][0], theirs["b"][0])):
        for i in range(2):
            assert tuple(got[i].shape) == tuple(want[i].shape)
            np.testing.assert_allclose(got[i].numpy(), want[i].numpy(), rtol=1e-10)


def test_the_four_ways_to_a_hessian_agree():
    def f(x):
        return (airi.sin(x).sum() ** 3) + (x**4).sum()

    x = _tensor(0.2, -0.5, 1.1)
    expected = func.hessian(f)(x)
    for outer in (func.jacrev, func.jacfwd):
        for inner in (func.jacrev, func.jacfwd):
            assert airi.allclose(outer(inner(f))(x), expected)
    assert airi.allclose(airi.autograd.functional.hessian(f, x), expected)


def test_vjp_jvp_and_linearize():
    def f(x, y):
        return x * y, airi.sin(x)

    x, y, t, u = _tensor(1.0, 2.0), _tensor(3.0, 4.0), _tensor(1.0, 1.0), _tensor(0.0, 2.0)
    out, pull = func.vjp(f, x, y)
    of_x, of_y = pull((t, u))
    assert airi.allclose(of_x, y * t + airi.cos(x) * u)
    assert airi.allclose(of_y, x * t)
    assert not out[0].requires_grad
    _, along = func.jvp(f, (x, y), (t, u))
    assert airi.allclose(along[0], y * t + x * u)
    assert airi.allclose(along[1], airi.cos(x) * t)
    value, push = func.linearize(f, x, y)
    assert airi.allclose(value[1], airi.sin(x))
    assert airi.allclose(push(t, u)[0], along[0])
    assert airi.allclose(push(u, t)[0], y * u + x * t)


def test_a_tangent_is_differentiable_by_an_outer_derivative():
    def along(t):
        return func.jvp(airi.sin, (_tensor(0.5),), (t,))[1].sum()

    assert airi.allclose(func.grad(along)(_tensor(1.0)), airi.cos(_tensor(0.5)))


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda x: func.grad(lambda y: y)(x), RuntimeError, "0 dimensions"),
        (lambda x: func.grad(lambda y: 3)(x), RuntimeError, "return Tensors"),
        (lambda x: func.grad(airi.sum)(3.0), ValueError, "must be Tensors"),
        (lambda x: func.grad(airi.sum, argnums=2)(x), RuntimeError, "argnums has 2"),
        (lambda x: func.grad(airi.sum)(x.long()), RuntimeError, "floating-point"),
        (lambda x: func.jvp(airi.sin, x, x), RuntimeError, "must be a tuple"),
        (lambda x: func.jvp(airi.sin, (x,), (airi.ones(3),)), RuntimeError, "must have the shape"),
        (lambda x: func.vjp(airi.sin, x)[1]((x, x)), RuntimeError, "structure"),
        (lambda x: func.jacrev(airi.sin, chunk_size=0), ValueError, "chunk_size"),
        (lambda x: func.grad(airi.sum, has_aux=True)(x), RuntimeError, "has_aux"),
    ],
)
def test_errors_say_what_was_expected(call, kind, text):
    with pytest.raises(kind, match=text):
        call(airi.ones(2))
