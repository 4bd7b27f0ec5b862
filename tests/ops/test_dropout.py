"""What is random about dropout: how much is dropped, which gradients pass, and the generator."""

import numpy as np
import pytest

import airi
from airi.nn import functional as F

SHAPES = {"dropout1d": (50, 40, 3), "dropout2d": (50, 40, 2, 3), "dropout3d": (50, 40, 2, 1, 3)}


def test_the_share_that_is_dropped_and_the_mean_that_is_kept():
    x = airi.ones(200, 500)
    out = F.dropout(x, 0.3).numpy()
    assert set(np.unique(out)) == {0, np.float32(1 / 0.7)}
    assert abs((out == 0).mean() - 0.3) < 0.01
    assert abs(out.mean() - 1) < 0.01


def test_gradients_pass_where_values_did_to_any_order():
    x = airi.randn(6, 7, dtype=airi.float64).requires_grad_()
    out = F.dropout(x, 0.5)
    kept = out.detach().numpy() != 0
    (first,) = airi.autograd.grad((out**3).sum(), x, create_graph=True)
    np.testing.assert_allclose(first.detach().numpy(), kept * 24 * x.detach().numpy() ** 2)
    (second,) = airi.autograd.grad(first.sum(), x)
    np.testing.assert_allclose(second.numpy(), kept * 48 * x.detach().numpy())


@pytest.mark.parametrize("name", list(SHAPES))
def test_channels_are_dropped_whole(name):
    x = airi.ones(*SHAPES[name])
    out = getattr(F, name)(x, 0.5).numpy().reshape(50, 40, -1)
    assert (out == out[..., :1]).all()
    assert abs((out[..., 0] == 0).mean() - 0.5) < 0.05


@pytest.mark.parametrize("name", ["dropout1d", "dropout3d"])
def test_channels_of_an_unbatched_input(name):
    x = airi.ones(*SHAPES[name][1:])
    out = getattr(F, name)(x, 0.5).numpy().reshape(40, -1)
    assert (out == out[:, :1]).all()
    assert 0 < (out == 0).mean() < 1


def dropped(out):
    """Where alpha dropout has put its one value, the commonest."""
    values, counts = np.unique(out, return_counts=True)
    return out == values[counts.argmax()]


@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])
def test_alpha_dropout_keeps_mean_and_variance(function):
    x = airi.randn(400, 500)
    out = function(x, 0.2, training=True).numpy()
    assert abs(out.mean()) < 0.02
    assert abs(out.var() - 1) < 0.03
    assert abs(dropped(out).mean() - 0.2) < 0.02


def test_alpha_dropout_passes_gradients_where_it_kept():
    x = airi.randn(30, 30).requires_grad_()
    out = F.alpha_dropout(x, 0.4, training=True)
    out.sum().backward()
    scale = ((1.7580993408473766**2 * 0.4 + 1) * 0.6) ** -0.5
    wanted = np.where(dropped(out.detach().numpy()), 0, scale)
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-6)


@pytest.mark.parametrize("function", [F.dropout, F.alpha_dropout])
def test_in_place(function):
    x = airi.randn(20, 20).requires_grad_()
    inner = x * 1.0
    memory = inner.detach().numpy()
    out = function(inner, 0.5, training=True, inplace=True)
    assert out is inner
    assert out.detach().numpy() is memory
    out.sum().backward()
    assert 0 < (x.grad.numpy() == 0).mean() < 1
    with pytest.raises(RuntimeError, match="leaf"):
        function(x, 0.5, training=True, inplace=True)


def test_the_seed_decides():
    x = airi.ones(100)
    airi.manual_seed(3)
    first = F.dropout(x).tolist()
    assert F.dropout(x).tolist() != first
    airi.manual_seed(3)
    assert F.dropout(x).tolist() == first


def test_off_it_is_the_input_itself():
    x = airi.randn(3)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.alpha_dropout(x) is x


def test_everything_dropped_is_zero_with_zero_gradient():
    x = airi.randn(4).requires_grad_()
    out = F.dropout(x, 1.0)
    out.sum().backward()
    assert out.tolist() == x.grad.tolist() == [0, 0, 0, 0]


def test_refusals():
    with pytest.raises(ValueError, match=r"dropout: p must be .* between 0 and 1, got 1.5"):
        F.dropout(airi.ones(2), 1.5)
    with pytest.raises(RuntimeError, match=r"floating-point input, got airi\.int64"):
        F.dropout(airi.tensor([1]))
    with pytest.raises(RuntimeError, match=r"dropout2d: .* 3 or 4 dimensions, got shape \(2,\)"):
        F.dropout2d(airi.ones(2))
    with pytest.raises(RuntimeError, match=r"\(N, C, ...\), got shape \(2,\)"):
        F.feature_alpha_dropout(airi.ones(2), training=True)


@pytest.mark.parametrize("op", [F.dropout, F.alpha_dropout, F.feature_alpha_dropout])
def test_integers_pass_where_nothing_is_dropped(op):
    whole = airi.tensor([1, 2, 3])
    assert op(whole, 0.5, training=False) is whole
    assert op(whole, 0.0, training=True) is whole
    with pytest.raises(RuntimeError, match=f"{op.__name__}: expected floating-point"):
        op(whole, 0.5, training=True)
