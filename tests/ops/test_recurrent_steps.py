"""The compiled steps of recurrent layers beside the same in NumPy, and their accuracy."""

import copy

import numpy as np
import pytest

import airi
from airi.ops import recurrent_steps

STEPS = {
    "lstm_step": (4, 4, 1, 1, 1),
    "lstm_step_backward": (4, 1, 1, 1, 1, 4),
    "gru_step": (3, 3, 1, 1),
    "gru_step_backward": (3, 1, 1, 1, 3, 3),
}


def arguments(name, rows, size, dtype=np.float32, scale=3.0):
    """Random matrices; gates that a backward gets are between 0 and 1, as forward left them."""
    rng = np.random.default_rng(0)
    made = [rng.standard_normal((rows, count * size)) * scale for count in STEPS[name]]
    if name.endswith("backward"):
        made[0] = rng.uniform(0, 1, made[0].shape)
    return [each.astype(dtype) for each in made]


def computed(name, arrays, compiled, monkeypatch):
    """What a step makes of its arguments, compiled or in NumPy."""
    if not compiled:
        monkeypatch.setattr(recurrent_steps, "_compiled", lambda: None)
    arrays = [each.copy() for each in arrays]
    with np.errstate(all="ignore"):
        getattr(recurrent_steps, name)(*arrays)
    monkeypatch.undo()
    return arrays


@pytest.fixture
def _compiled():
    if recurrent_steps._compiled() is None:
        pytest.skip("the extension was not built")


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(("rows", "size"), [(1, 1), (3, 5), (2, 16), (5, 67), (0, 4)])
def test_compiled_steps_are_the_numpy_ones(name, rows, size, monkeypatch):
    arrays = arguments(name, rows, size)
    assert getattr(recurrent_steps._compiled(), name)(*[each.copy() for each in arrays])
    mine = computed(name, arrays, True, monkeypatch)
    wanted = computed(name, [each.astype(np.float64) for each in arrays], False, monkeypatch)
    for one, other in zip(mine, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-7)


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize("name", STEPS)
def test_other_arrays_are_left_to_numpy(name, monkeypatch):
    compiled = getattr(recurrent_steps._compiled(), name)
    doubles = arguments(name, 3, 4, np.float64)
    assert not compiled(*doubles)
    single = arguments(name, 3, 4)
    assert not compiled(*[np.asfortranarray(each) for each in single])
    assert not compiled(single[0][:2], *single[1:])
    wide = computed(name, doubles, True, monkeypatch)
    for one, other in zip(wide, computed(name, doubles, False, monkeypatch), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("compiled", [True, False])
def test_extreme_and_special_numbers(compiled, monkeypatch):
    values = np.array([[0, 1e-30, -1e-30, 50, -50, 1e30, -np.inf, np.inf, np.nan]], np.float32)
    zero = np.zeros_like(values)
    gates = np.concatenate([values, zero - np.inf, zero + 2, values], 1)
    done = computed(
        "lstm_step", [gates, np.zeros_like(gates), zero, zero, zero], compiled, monkeypatch
    )
    i, c, h = done[0][:, :9], done[2], done[4]
    with np.errstate(all="ignore"):
        sigmoid = 1 / (1 + np.exp(-values.astype(np.float64)))
    np.testing.assert_allclose(i, sigmoid, rtol=3e-7, atol=1e-37)
    np.testing.assert_allclose(c, sigmoid * np.tanh(2.0), rtol=5e-7, atol=1e-37)
    np.testing.assert_allclose(h, sigmoid * np.tanh(sigmoid * np.tanh(2.0)), rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("compiled", [True, False])
def test_gates_are_accurate(compiled, monkeypatch):
    """sigmoid and tanh within a few units in the last place, also where they are close to 0."""
    x = np.concatenate([-np.logspace(-6, 1.9, 400), np.logspace(-6, 1.9, 400)])[None]
    gates = np.concatenate([x, x, x], 1).astype(np.float32)
    zero = np.zeros((1, 800), np.float32)
    done = computed("gru_step", [gates, np.zeros_like(gates), zero, zero], compiled, monkeypatch)
    exact = gates[:, :800].astype(np.float64)
    np.testing.assert_allclose(done[0][:, :800], 1 / (1 + np.exp(-exact)), rtol=4e-7, atol=1e-37)
    np.testing.assert_allclose(done[0][:, 1600:], np.tanh(exact), rtol=4e-7)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_single_precision_is_as_near_as_pytorchs(name):
    """Errors of results and gradients against float64: at most 4 times PyTorch's."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(24, 40, 2)
    ours = getattr(airi.nn, name)(24, 40, 2)
    ours.load_state_dict({k: airi.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    exact = copy.deepcopy(theirs).double()
    x = np.random.default_rng(1).standard_normal((30, 4, 24)).astype(np.float32)

    def results(module, x):
        out = module(x)[0]
        (out * out).sum().backward()
        return [each.detach().numpy() for each in (out, *[p.grad for p in module.parameters()])]

    wanted = results(exact, torch.tensor(x).double())
    both = zip(results(ours, airi.tensor(x)), results(theirs, torch.tensor(x)), strict=True)
    for (mine, other), right in zip(both, wanted, strict=True):
        errors = [np.sqrt(((each - right) ** 2).mean()) for each in (mine, other)]
        assert errors[0] <= 4 * errors[1]
