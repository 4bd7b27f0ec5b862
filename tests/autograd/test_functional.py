"""jacobian, hessian and products beside PyTorch's; forward mode; constant gradients."""

import numpy as np
import pytest

import airi
from airi.autograd import forward_ad, functional


def _values(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


def _agree(ours, theirs):
    if isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            _agree(mine, other)
        return
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(
        ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-12
    )


def _several(lib):
    return lambda x, w: (lib.tanh(x @ w), (x * x).sum() * w)


def _scalar(lib):
    return lambda x, w: (lib.tanh(x @ w) ** 2).sum() + (w**3).sum()


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_jacobian_and_hessian_agree_with_pytorch(strategy):
    torch = pytest.importorskip("torch")
    x, w = _values((3, 2), 2)
    ours, theirs = (airi.tensor(x), airi.tensor(w)), (torch.tensor(x), torch.tensor(w))
    _agree(
        functional.jacobian(_several(airi), ours, strategy=strategy),
        torch.autograd.functional.jacobian(_several(torch), theirs),
    )
    _agree(
        functional.hessian(_scalar(airi), ours, outer_jacobian_strategy=strategy),
        torch.autograd.functional.hessian(_scalar(torch), theirs),
    )


@pytest.mark.parametrize("name", ["hvp", "vhp", "jvp", "vjp"])
def test_products_agree_with_pytorch(name):
    torch = pytest.importorskip("torch")
    x, w, v, u, left = _values((3, 2), 2, (3, 2), 2, 3)
    make = _scalar if name in ("hvp", "vhp") else _several
    vectors = (left, u) if name == "vjp" else (v, u)
    ours, theirs = [
        getattr(module, name)(
            make(lib), (lib.tensor(x), lib.tensor(w)), tuple(map(lib.tensor, vectors))
        )
        for lib, module in ((airi, functional), (torch, torch.autograd.functional))
    ]
    _agree(ours, theirs)


def test_create_graph_keeps_the_result_differentiable_and_only_then():
    x = airi.tensor([1.0, 2.0], dtype=airi.float64, requires_grad=True)
    jacobian = functional.jacobian(lambda y: y**3, x, create_graph=True)
    (g,) = airi.autograd.grad(jacobian.sum(), x)
    assert g.tolist() == [6.0, 12.0]
    assert not functional.jacobian(lambda y: y**3, x).requires_grad
    value, product = functional.hvp(lambda y: (y**3).sum(), x, airi.ones(2, dtype=airi.float64))
    assert not value.requires_grad
    assert not product.requires_grad
    assert x.grad is None


def test_outputs_that_depend_on_nothing_give_zeros_or_strictly_an_error():
    x = airi.ones(2)
    assert functional.jacobian(lambda y: airi.ones(3), x).tolist() == [[0.0, 0.0]] * 3
    assert functional.hessian(lambda y: (2 * y).sum(), x).tolist() == [[0.0, 0.0]] * 2
    assert functional.jvp(lambda y: airi.ones(3), x, x)[1].tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(RuntimeError, match="does not depend on input 0"):
        functional.jacobian(lambda y: airi.ones(3), x, strict=True)


def test_a_jacobian_under_no_grad():
    with airi.no_grad():
        assert functional.jacobian(lambda y: y * y, airi.ones(1)).tolist() == [[2.0]]


@pytest.mark.parametrize(
    "f",
    [
        airi.relu,
        airi.abs,
        lambda x: x.clamp(-1, 1),
        lambda x: airi.nn.functional.leaky_relu(x),
        lambda x: airi.maximum(x, airi.zeros(3)),
        lambda x: airi.nn.functional.max_pool1d(x[None], 2),
    ],
)
def test_the_hessian_of_piecewise_linear_functions_is_zero(f):
    x = airi.tensor([-2.0, 0.5, 3.0], requires_grad=True)
    assert functional.hessian(lambda y: f(y).sum(), x).tolist() == [[0.0] * 3] * 3


def test_a_constant_gradient_that_was_recorded_passes_zeros_on():
    x = airi.tensor([-2.0, 3.0], requires_grad=True)
    (g,) = airi.autograd.grad(airi.relu(x).sum(), x, create_graph=True)
    assert g.tolist() == [0.0, 1.0]
    (g2,) = airi.autograd.grad(g.sum(), x)
    assert g2.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda x: functional.jacobian(lambda y: 3, x), TypeError, "outputs of func"),
        (lambda x: functional.jacobian(lambda y: y, 3.0), TypeError, "inputs must be Tensors"),
        (lambda x: functional.jacobian(lambda y: y, x, strategy="a"), ValueError, "strategy"),
        (lambda x: functional.hessian(lambda y: y, x), RuntimeError, "one element"),
        (lambda x: functional.vjp(lambda y: y, x), RuntimeError, "left out"),
        (lambda x: functional.vjp(lambda y: y, x, airi.ones(3)), RuntimeError, "shape"),
        (lambda x: functional.jvp(lambda y: y, x, (x, x)), RuntimeError, "expected 1"),
        (lambda x: forward_ad.make_dual(x, x), RuntimeError, "dual_level"),
    ],
)
def test_errors_name_what_was_expected(call, kind, text):
    with pytest.raises(kind, match=text):
        call(airi.ones(2))


def test_forward_mode_carries_tangents_and_stays_differentiable():
    x, t, w = (airi.tensor(each) for each in _values(4, 4, 4))
    w.requires_grad_()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, t)
        value, tangent = forward_ad.unpack_dual(airi.sin(dual) * w)
        assert forward_ad.unpack_dual(airi.exp(x)).tangent is None
        plain, along = forward_ad.unpack_dual(dual * dual)
    assert not plain.requires_grad
    assert not along.requires_grad
    assert airi.allclose(along, 2 * x * t)
    assert airi.allclose(tangent, airi.cos(x) * t * w)
    (g,) = airi.autograd.grad(tangent.sum(), w)
    assert airi.allclose(g, airi.cos(x) * t)
    (g,) = airi.autograd.grad(value.sum(), w)
    assert airi.allclose(g, airi.sin(x))


def test_a_dual_tensor_gives_its_tangent_back():
    x, t = (airi.tensor(each) for each in _values((3, 3), (3, 3)))
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, t)
        assert forward_ad.unpack_dual(dual).tangent is t
        across = forward_ad.unpack_dual(forward_ad.make_dual(x, t.T)).tangent
        assert across is not t
        assert airi.equal(across, t.T)
        single = forward_ad.unpack_dual(forward_ad.make_dual(x, t.float()) * 1).tangent
        assert airi.allclose(single, t, atol=1e-6)
        with pytest.raises(RuntimeError, match="of one shape"):
            forward_ad.make_dual(x, t[0])


def test_dual_levels_do_not_nest():
    with forward_ad.dual_level(), pytest.raises(RuntimeError, match="nested"):
        forward_ad.enter_dual_level()
    with pytest.raises(RuntimeError, match="no level"):
        forward_ad.exit_dual_level()


def test_variable_is_a_leaf_on_the_same_memory():
    x = airi.ones(2, requires_grad=True)
    leaf = airi.autograd.Variable(x * 2, requires_grad=True)
    assert leaf.is_leaf
    assert leaf.requires_grad
    assert not airi.autograd.Variable(x).requires_grad
    assert isinstance(x, airi.autograd.Variable)
    assert issubclass(airi.nn.Parameter, airi.autograd.Variable)
    with pytest.raises(TypeError, match="got list"):
        airi.autograd.Variable([1.0])
