"""L-BFGS and its line search: PyTorch's path, state dicts both ways, and minima found."""

import numpy as np
import pytest

import airi
from airi.optim import LBFGS

CASES = [
    {"lr": 0.01},
    {"lr": 0.1, "max_iter": 5},
    {"lr": 0.05, "history_size": 2, "max_eval": 7},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "history_size": 3},
    {"line_search_fn": "strong_wolfe", "lr": 5.0, "max_eval": 9},
    {"line_search_fn": "strong_wolfe", "lr": 1e-3, "tolerance_change": 1e-2},
]


def rosenbrock(x, y):
    """A curved valley, of several variables in two tensors."""
    return (100 * (y - x * x) ** 2 + (1 - x) ** 2).sum()


def start(package):
    values = [np.array([[-1.2, 0.5], [0.9, 1.5]]), np.array([[1.0, 0.1], [0.4, 2.0]])]
    return [package.tensor(each, requires_grad=True) for each in values]


def closure_of(optimizer, params, calls):
    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(*params)
        loss.backward()
        calls.append(loss.item())
        return loss

    return closure


def assert_same(ours, theirs, **tolerance):
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), **tolerance)


@pytest.mark.parametrize("options", CASES)
def test_as_in_pytorch(options):
    torch = pytest.importorskip("torch")
    ours, theirs = start(airi), start(torch)
    mine, other = LBFGS(ours, **options), torch.optim.LBFGS(theirs, **options)
    calls, other_calls = [], []
    for _ in range(3):
        loss = mine.step(closure_of(mine, ours, calls))
        expected = other.step(closure_of(other, theirs, other_calls))
        assert loss.item() == pytest.approx(expected.item(), rel=1e-8)
    assert calls == pytest.approx(other_calls, rel=1e-7)
    assert_same(ours, theirs, rtol=1e-8)
    state, expected = mine.state_dict(), other.state_dict()
    assert state["param_groups"] == expected["param_groups"]
    assert state["state"][0].keys() == expected["state"][0].keys()
    for key in ("func_evals", "n_iter"):
        assert state["state"][0][key] == expected["state"][0][key]
    assert repr(mine) == repr(other)


@pytest.mark.parametrize("options", CASES[:4])
def test_states_travel_from_and_to_pytorch(options):
    torch = pytest.importorskip("torch")
    ours, theirs = start(airi), start(torch)
    mine, other = LBFGS(ours, **options), torch.optim.LBFGS(theirs, **options)
    mine.step(closure_of(mine, ours, []))
    other.step(closure_of(other, theirs, []))

    def tensors(value, before, make):
        if isinstance(value, before):
            return make(value.detach().numpy().copy())
        if isinstance(value, dict):
            return {key: tensors(each, before, make) for key, each in value.items()}
        if isinstance(value, list):
            return [tensors(each, before, make) for each in value]
        return value

    swapped = LBFGS(ours), torch.optim.LBFGS(theirs)
    swapped[0].load_state_dict(tensors(other.state_dict(), torch.Tensor, airi.tensor))
    swapped[1].load_state_dict(tensors(mine.state_dict(), airi.Tensor, torch.tensor))
    swapped[0].step(closure_of(swapped[0], ours, []))
    swapped[1].step(closure_of(swapped[1], theirs, []))
    assert_same(ours, theirs, rtol=1e-8)


@pytest.mark.parametrize("dtype", [airi.float32, airi.float64])
def test_a_minimum_is_found(dtype):
    params = [p.detach().to(dtype).requires_grad_() for p in start(airi)]
    optimizer = LBFGS(params, max_iter=200, line_search_fn="strong_wolfe")
    optimizer.step(closure_of(optimizer, params, []))
    for each in params:
        assert each.dtype == dtype
        np.testing.assert_allclose(each.detach().numpy(), 1, atol=2e-3)


def test_at_a_minimum_one_evaluation_is_enough():
    params = [airi.ones(2, requires_grad=True), airi.ones(2, requires_grad=True)]
    optimizer, calls = LBFGS(params), []
    optimizer.step(closure_of(optimizer, params, calls))
    assert calls == [0.0]


def test_a_parameter_without_gradient_stays():
    used, unused = airi.ones(2, requires_grad=True), airi.ones(3, requires_grad=True)
    optimizer = LBFGS([unused, used], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (used**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert unused.tolist() == [1.0] * 3
    assert abs(used.detach().numpy()).max() < 0.2


def test_a_step_writes_in_place_and_backward_notices():
    p = airi.ones(2, requires_grad=True)
    optimizer = LBFGS([p], line_search_fn="strong_wolfe")
    kept = (p * p).sum()
    version = p._version
    optimizer.step(closure_of(optimizer, [p, 2 * airi.ones(2)], []))
    assert p._version > version
    with pytest.raises(RuntimeError, match="changed in place"):
        kept.backward()


def test_complex_parameters():
    torch = pytest.importorskip("torch")
    found = []
    for package in (airi, torch):
        z = package.tensor(np.array([1 + 2j, -0.5j]), requires_grad=True)
        optimizer = package.optim.LBFGS([z], line_search_fn="strong_wolfe", max_iter=6)

        def closure(z=z, optimizer=optimizer):
            optimizer.zero_grad()
            loss = ((z * z - (1 + 1j)).abs() ** 2).sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        found.append(z.detach().numpy())
    np.testing.assert_allclose(*found, rtol=1e-8)
    np.testing.assert_allclose(found[0] ** 2, 1 + 1j, atol=1e-4)


def test_bfloat16_parameters():
    x = airi.tensor([3.0, -2.0], dtype=airi.bfloat16, requires_grad=True)
    optimizer = LBFGS([x], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = ((x - 1) ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert x.dtype == airi.bfloat16
    assert x.tolist() == pytest.approx([1.0, 1.0], abs=0.01)


def test_what_is_refused():
    p, q = airi.ones(1, requires_grad=True), airi.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="LBFGS: there can be one parameter group only"):
        LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match="LBFGS: lr must be at least 0"):
        LBFGS([p], lr=-1)
    with pytest.raises(TypeError, match="closure"):
        LBFGS([p]).step()
    with pytest.raises(RuntimeError, match="line_search_fn must be None or 'strong_wolfe'"):
        LBFGS([p], line_search_fn="armijo").step(lambda: p.sum())
