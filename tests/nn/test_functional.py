"""`airi.nn.functional`: PyTorch's signatures, in-place forms, and what is composed there."""

import inspect

import numpy as np
import pytest

import airi
from airi.nn import functional as F
from tests.second_order import assert_agrees_with_pytorch

IN_PLACE = [
    "relu", "relu6", "leaky_relu", "rrelu", "elu", "selu", "celu", "silu", "mish", "hardtanh",
    "hardsigmoid", "hardswish",
]  # fmt: skip


def test_names_are_sorted_and_there():
    assert sorted(F.__all__) == F.__all__
    assert all(callable(getattr(F, name)) for name in F.__all__)


@pytest.mark.parametrize("name", F.__all__)
def test_arguments_and_defaults_are_pytorchs(name):
    functional = pytest.importorskip("torch").nn.functional
    try:
        theirs = inspect.signature(getattr(functional, name)).parameters
    except ValueError:
        pytest.skip("a builtin of PyTorch, without a signature")
    ours = inspect.signature(getattr(F, name)).parameters
    wanted = [each for each in theirs if each != "out"]
    if any(each.kind is each.VAR_POSITIONAL for each in theirs.values()):
        pytest.skip("PyTorch hides this signature behind *args")
    assert [each for each in ours if each != "out"] == wanted
    for each in wanted:
        assert ours[each].default == theirs[each].default, each


@pytest.mark.parametrize("name", IN_PLACE)
def test_inplace_writes_into_the_input(name):
    function = getattr(F, name)
    x = airi.randn(4, 5, dtype=airi.float64).requires_grad_()
    target = x * 1.0
    memory = target.detach().numpy()
    got, wanted = function(target, inplace=True), function(x)
    assert got is target
    assert got.detach().numpy() is memory
    assert got.tolist() == wanted.tolist()
    gradients = [airi.autograd.grad(each.sum(), x)[0].tolist() for each in (got, wanted)]
    assert gradients[0] == gradients[1]


def test_threshold_in_place():
    x = airi.tensor([-1.0, 2.0])
    assert F.threshold(x, 0.0, 7.0, inplace=True) is x
    assert x.tolist() == [7, 2]


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_softmax_without_a_dim_warns_and_chooses_as_pytorch(name):
    for shape, dim in ((4,), 0), ((2, 3), 1), ((2, 3, 2), 0), ((2, 3, 2, 2), 1):
        x = airi.randn(*shape)
        with pytest.warns(UserWarning, match=f"{name}: pass dim="):
            got = getattr(F, name)(x)
        assert got.tolist() == getattr(F, name)(x, dim).tolist()
    assert getattr(F, name)(x, dim=1, dtype=airi.float64).dtype == airi.float64


def test_bilinear_to_second_order():
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(shape) for shape in ((2, 3, 4), (2, 3, 5), (6, 4, 5), (6,))]
    assert_agrees_with_pytorch(lambda _, f, *xs: f.bilinear(*xs), *arrays)


def test_bilinear_refuses_other_shapes():
    with pytest.raises(RuntimeError, match=r"\(3, 4\), \(3, 4\) and \(6, 4, 5\)"):
        F.bilinear(airi.ones(3, 4), airi.ones(3, 4), airi.ones(6, 4, 5))
    with pytest.raises(RuntimeError, match="all but the last dimension"):
        F.bilinear(airi.ones(3, 4), airi.ones(2, 5), airi.ones(6, 4, 5))


def test_gumbel_softmax_chooses_with_the_probabilities():
    logits = airi.tensor([0.7, 0.2, 0.1]).log().expand(20000, 3)
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(np.unique(hard.numpy().round(6))) == {0, 1}
    np.testing.assert_allclose(hard.mean(0).tolist(), [0.7, 0.2, 0.1], atol=0.02)


def test_gumbel_softmax_is_differentiable_where_it_is_hard():
    logits = airi.randn(5, 4).requires_grad_()
    airi.manual_seed(1)
    hard = F.gumbel_softmax(logits, 0.5, hard=True)
    weights = airi.randn(5, 4)
    (of_hard,) = airi.autograd.grad((hard * weights).sum(), logits)
    airi.manual_seed(1)
    soft = F.gumbel_softmax(logits, 0.5)
    (of_soft,) = airi.autograd.grad((soft * weights).sum(), logits)
    np.testing.assert_allclose(soft.sum(1).tolist(), 1, rtol=1e-5)
    np.testing.assert_allclose(of_hard.numpy(), of_soft.numpy(), rtol=1e-4, atol=1e-6)
