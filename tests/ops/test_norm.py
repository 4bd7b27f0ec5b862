"""Normalisation: second derivatives, running statistics, precision, and what is refused."""

import numpy as np
import pytest

import airi
from airi.nn import functional as F
from tests.second_order import assert_agrees_with_pytorch

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape)


@pytest.mark.parametrize(
    ("program", "shapes"),
    [
        (
            lambda _, f, x, w, b: f.batch_norm(x, None, None, w, b, True, eps=1e-3),
            [(3, 4, 2, 3), (4,), (4,)],
        ),
        (lambda _, f, x: f.batch_norm(x, None, None, training=True), [(5, 3)]),
        (lambda _, f, x, w, b: f.layer_norm(x, (3, 4), w, b), [(2, 3, 4), (3, 4), (3, 4)]),
        (lambda _, f, x: f.layer_norm(x, (4,)), [(2, 3, 4)]),
        (lambda _, f, x, w, b: f.group_norm(x, 2, w, b), [(3, 4, 5), (4,), (4,)]),
        (lambda _, f, x, w: f.group_norm(x, 4, w), [(3, 4, 5), (4,)]),
        (
            lambda _, f, x, w, b: f.instance_norm(x, None, None, w, b),
            [(3, 4, 2, 3), (4,), (4,)],
        ),
        (lambda _, f, x, w: f.rms_norm(x, (4,), w), [(3, 2, 4), (4,)]),
        (lambda _, f, x: f.rms_norm(x, (2, 4), eps=0.1), [(3, 2, 4)]),
        (lambda _, f, x: f.local_response_norm(x, 4, 0.5, 0.6, 2.0), [(2, 5, 3)]),
    ],
)
def test_pytorchs_to_second_order(program, shapes):
    assert_agrees_with_pytorch(program, *(normal(*shape) for shape in shapes), atol=1e-7)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_with_running_statistics_is_pytorchs(training):
    mean, var = normal(4), RNG.random(4) + 0.5

    def program(library, f, x, w, b):
        statistics = library.tensor(mean), library.tensor(var)
        return f.batch_norm(x, *statistics, w, b, training, 0.3, 1e-3)

    assert_agrees_with_pytorch(program, normal(3, 4, 5), normal(4), normal(4), atol=1e-7)


@pytest.mark.parametrize("norm", ["batch_norm", "instance_norm"])
def test_running_statistics_move_as_pytorchs(norm):
    torch = pytest.importorskip("torch")
    x = normal(3, 4, 5)
    kept = []
    for library in (airi, torch):
        mean, var = library.ones(4, dtype=library.float64), library.ones(4, dtype=library.float64)
        settings = {"training": True} if norm == "batch_norm" else {"use_input_stats": True}
        for scale in (1.0, 3.0):
            function = getattr(library.nn.functional, norm)
            function(library.tensor(x * scale), mean, var, momentum=0.3, **settings)
        kept.append([mean.numpy(), var.numpy()])
    np.testing.assert_allclose(kept[0], kept[1], rtol=1e-12)


def test_running_statistics_are_written_in_place_and_outside_the_graph():
    x = airi.randn(4, 2).requires_grad_()
    mean, var = airi.zeros(2), airi.ones(2)
    memory = mean.numpy()
    out = F.batch_norm(x, mean, var, training=True)
    assert not mean.requires_grad
    assert memory is mean.numpy()
    assert memory.any()
    out.sum().backward()  # the statistics are no part of what backward needs


def test_evaluation_does_not_touch_running_statistics():
    mean, var = airi.zeros(2), airi.ones(2)
    F.batch_norm(airi.randn(4, 2), mean, var)
    assert mean.tolist() == [0, 0]
    assert var.tolist() == [1, 1]


def test_instance_norm_by_running_statistics():
    x, mean, var = airi.randn(2, 3, 4), airi.randn(3), airi.rand(3) + 0.5
    got = F.instance_norm(x, mean, var, use_input_stats=False)
    wanted = (x - mean[:, None]) / (var[:, None] + 1e-5).sqrt()
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "normalize",
    [
        lambda x: F.layer_norm(x, (512,)),
        lambda x: F.group_norm(x, 1),
        lambda x: F.batch_norm(x.T, None, None, training=True).T,
    ],
)
def test_float32_far_from_zero(normalize):
    """A mean of 1000 times the deviation costs the deviation's digits and no more."""
    x = (normal(6, 512) + 1000).astype(np.float32)
    single, exact = airi.tensor(x), airi.tensor(x.astype(np.float64))
    leaves = [each.requires_grad_() for each in (single, exact)]
    results = [normalize(each) for each in leaves]
    np.testing.assert_allclose(*(each.detach().numpy() for each in results), atol=2e-3)
    for each in results:
        (each**3).sum().backward()
    gradients = [each.grad.numpy() for each in leaves]
    np.testing.assert_allclose(*gradients, atol=2e-3 * np.abs(gradients[1]).max())


def test_equal_elements_give_zero_not_nan():
    x = airi.full((2, 4), 3.0).requires_grad_()
    out = F.layer_norm(x, (4,))
    out.sum().backward()
    assert out.detach().numpy().any() == False  # noqa: E712
    assert x.grad.numpy().any() == False  # noqa: E712


def test_only_what_is_wanted_is_computed():
    w = airi.ones(3).requires_grad_()
    out = F.layer_norm(airi.randn(2, 3), (3,), w)
    dx, dw, db = out.grad_fn.backward([np.ones((2, 3), np.float32), *[np.zeros((2, 1))] * 2], False)
    assert dx is None
    assert db is None
    assert dw.shape == (3,)


def statistics(n):
    return airi.zeros(n), airi.ones(n)


@pytest.mark.parametrize(
    ("error", "make", "message"),
    [
        (RuntimeError, lambda x: F.batch_norm(x, None, None), "needed in evaluation"),
        (RuntimeError, lambda x: F.batch_norm(x, *statistics(3)), r"running_mean .*\(4,\).*\(3,\)"),
        (ValueError, lambda x: F.batch_norm(x, airi.zeros(4), None, training=True), "both"),
        (
            ValueError,
            lambda x: F.batch_norm(x[:1, :, 0], *statistics(4), training=True),
            "more than 1 value per channel",
        ),
        (
            RuntimeError,
            lambda x: F.batch_norm(x.to(airi.float64), *statistics(4)),
            "float64 and airi.float32",
        ),
        (ValueError, lambda x: F.instance_norm(x[:, :, :1]), "more than 1 element per channel"),
        (RuntimeError, lambda x: F.instance_norm(x, use_input_stats=False), "needed without"),
        (TypeError, lambda x: F.layer_norm(x, 3), "must be a tuple of ints, got int"),
        (RuntimeError, lambda x: F.layer_norm(x, (4,)), r"must end in it, got \(2, 4, 3\)"),
        (RuntimeError, lambda x: F.layer_norm(x, ()), "at least one dimension"),
        (
            RuntimeError,
            lambda x: F.layer_norm(x, (3,), airi.ones(4)),
            r"weight must have shape \(3,\)",
        ),
        (RuntimeError, lambda x: F.layer_norm(x.to(airi.int64), (3,)), "floating-point input"),
        (RuntimeError, lambda x: F.group_norm(x, 3), "cannot be divided into num_groups=3"),
        (RuntimeError, lambda x: F.rms_norm(x, (3,), airi.ones(2)), r"got \(2,\)"),
        (ValueError, lambda x: F.local_response_norm(x[0], 2), "3 dimensions or more"),
    ],
)
def test_refusals_say_what_was_given(error, make, message):
    with pytest.raises(error, match=message):
        make(airi.ones(2, 4, 3))
