"""Checkpoints of activations: the same gradients, computed from values computed twice."""

import gc
import weakref

import pytest

import airi
from airi import nn
from airi.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    get_device_states,
    set_device_states,
)


def _model():
    airi.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)
    )


@pytest.mark.parametrize("segments", [1, 2, 3, 6])
def test_gradients_are_those_without(segments):
    model, x = _model(), airi.randn(5, 4)
    plain, saved = x.clone().requires_grad_(), x.clone().requires_grad_()
    airi.manual_seed(1)
    model(plain).sum().backward()
    expected = [each.grad.clone() for each in model.parameters()]
    model.zero_grad()
    airi.manual_seed(1)
    out = checkpoint_sequential(model, segments, saved, use_reentrant=False)
    state = airi.get_rng_state()
    out.sum().backward()
    assert airi.equal(airi.get_rng_state(), state)  # the second run leaves no trace
    assert airi.allclose(saved.grad, plain.grad)
    for each, wanted in zip(model.parameters(), expected, strict=True):
        assert airi.allclose(each.grad, wanted)


def test_there_are_no_states_of_gpus():
    devices, states = get_device_states(airi.ones(2))
    assert (devices, states) == ([], [])
    set_device_states(devices, states)
    with pytest.raises(RuntimeError, match="no GPUs"):
        set_device_states([0], [airi.ones(2)])


def test_what_lies_between_is_not_kept():
    kept = []

    def block(x):
        inside = x.exp()
        kept.append(weakref.ref(inside._array))
        return inside.exp()

    x = airi.ones(3, requires_grad=True)
    y = checkpoint(block, x)
    gc.collect()
    assert kept[0]() is None
    y.sum().backward()
    assert len(kept) == 2
    z = x.exp().exp()
    assert airi.allclose(x.grad, airi.autograd.grad(z.sum(), x)[0])


def test_second_derivatives_and_nesting():
    def inner(x):
        return airi.sin(x) ** 2

    def outer(x):
        return checkpoint(inner, x) * x

    x = airi.tensor([0.3, 0.7], dtype=airi.float64, requires_grad=True)
    results = []
    for y in (checkpoint(outer, x), airi.sin(x) ** 2 * x):
        (g,) = airi.autograd.grad(y.sum(), x, create_graph=True)
        results.append((g, *airi.autograd.grad(g.sum(), x)))
    for ours, wanted in zip(*results, strict=True):
        assert airi.allclose(ours, wanted)


def test_backward_twice_runs_the_function_again():
    runs = []

    def block(x):
        runs.append(1)
        return x.exp()

    x = airi.ones(1, requires_grad=True)
    y = checkpoint(block, x)
    y.backward(retain_graph=True)
    y.backward()
    assert len(runs) == 3
    assert airi.allclose(x.grad, 2 * airi.exp(airi.ones(1)))


def test_a_function_that_does_something_else_the_second_time():
    sizes = iter([3, 2])

    def block(x):
        return x[: next(sizes)].exp()

    y = checkpoint(block, airi.ones(3, requires_grad=True))
    with pytest.raises(CheckpointError, match=r"shape \(3,\).* but \(2,\)"):
        y.sum().backward()
    with pytest.raises(ValueError, match="segments must lie in 1 to 2"):
        checkpoint_sequential([airi.exp, airi.exp], 3, airi.ones(1))


def test_keyword_arguments_and_closures():
    w = airi.tensor(3.0, requires_grad=True)
    x = airi.tensor(2.0)
    y = checkpoint(lambda a, b: a * b * w, x, b=x)
    y.backward()
    assert w.grad.item() == 4.0
