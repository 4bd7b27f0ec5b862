"""Twenty steps of every optimizer, with every option, beside PyTorch."""

import inspect

import numpy as np
import pytest

import airi
from airi import optim
from airi.optim import Optimizer, passes
from airi.optim.per_parameter import PerParameterOptimizer
from tests.optim.cases import OPTIMIZER_CASES, OPTIMIZERS

torch = pytest.importorskip("torch")

SHAPES = [(3, 4), (5,), (), (0, 2), (2, 3, 2, 2)]
TOLERANCE = {np.float64: {"rtol": 1e-12, "atol": 1e-14}, np.float32: {"rtol": 2e-5, "atol": 2e-6}}


@pytest.fixture(params=["compiled", "numpy"])
def implementation(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(passes, "_compiled", None)
    return request.param


cases = pytest.mark.parametrize(("name", "options"), OPTIMIZER_CASES)


def parameters(shapes, dtype=np.float64, seed=0):
    """The same parameters in airi and in PyTorch."""
    rng = np.random.default_rng(seed)
    values = [np.asarray(rng.normal(size=shape), dtype) for shape in shapes]
    ours = [airi.from_numpy(each.copy()).requires_grad_() for each in values]
    theirs = [torch.tensor(each, requires_grad=True) for each in values]
    return ours, theirs


def set_gradients(ours, theirs, rng, without=()):
    for at, (p, q) in enumerate(zip(ours, theirs)):
        g = np.asarray(rng.normal(size=p.shape), p.detach().numpy().dtype)
        p.grad = None if at in without else airi.from_numpy(g.copy())
        q.grad = None if at in without else torch.tensor(g)


def assert_same(ours, theirs, **tolerance):
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), **tolerance)


def plain(value):
    """A state dict with NumPy arrays for tensors."""
    if isinstance(value, airi.Tensor | torch.Tensor):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(each) for each in value)
    return value


def assert_same_state(ours, theirs):
    ours, theirs = plain(ours), plain(theirs)
    assert ours["param_groups"] == theirs["param_groups"]
    assert ours["state"].keys() == theirs["state"].keys()
    for key, values in theirs["state"].items():
        assert ours["state"][key].keys() == values.keys()
        for name, value in values.items():
            mine = ours["state"][key][name]
            assert mine.dtype == value.dtype
            assert mine.shape == value.shape
            np.testing.assert_allclose(mine, value, rtol=1e-12, atol=1e-14)


def test_no_optimizer_is_forgotten():
    def below(cls):
        for each in cls.__subclasses__():
            if each.__module__.startswith("airi.") and each is not PerParameterOptimizer:
                yield each.__name__
            yield from below(each)

    # Those with tests of their own: one takes matrices only, one needs a closure.
    assert set(below(Optimizer)) == {*OPTIMIZERS, "Muon", "LBFGS"}
    assert set(OPTIMIZERS) <= set(optim.__all__)


@pytest.mark.parametrize("name", [*OPTIMIZERS, "Muon", "LBFGS"])
def test_arguments_and_defaults_are_those_of_pytorch(name):
    ours, theirs = (inspect.signature(getattr(o, name)) for o in (optim, torch.optim))
    for mine, other in zip(ours.parameters.values(), theirs.parameters.values(), strict=True):
        assert (mine.name, mine.kind, mine.default) == (other.name, other.kind, other.default)


@cases
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_twenty_steps(name, options, dtype, implementation):
    shapes = [each for each in SHAPES if 0 not in each or name != "Adafactor"]  # PyTorch fails
    ours, theirs = parameters(shapes, dtype)
    mine = getattr(optim, name)(ours, **options)
    other = getattr(torch.optim, name)(theirs, **options)
    rng = np.random.default_rng(1)
    for step in range(20):
        # The second parameter has no gradient at first, the third none in between.
        without = {1} if step < 3 else {2} if step == 7 else ()
        set_gradients(ours, theirs, rng, without)
        mine.step()
        other.step()
    assert_same(ours, theirs, **TOLERANCE[dtype])
    if dtype == np.float64:
        assert_same_state(mine.state_dict(), other.state_dict())
    assert repr(mine) == repr(other)


@cases
def test_large_parameters_of_all_layouts(name, options, implementation):
    # Larger than a piece: in rows, in one long row, transposed, and a row that is no multiple.
    shapes = [(70_001,), (1, 40_000), (300, 200), (3, 5, 3000)]
    ours, theirs = parameters(shapes)
    ours[2].data = airi.from_numpy(np.asfortranarray(ours[2].detach().numpy()))
    mine = getattr(optim, name)(ours, **options)
    other = getattr(torch.optim, name)(theirs, **options)
    rng = np.random.default_rng(1)
    for _ in range(3):
        set_gradients(ours, theirs, rng)
        ours[3].grad = airi.from_numpy(np.asfortranarray(ours[3].grad.numpy()))
        mine.step()
        other.step()
    assert_same(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_groups_with_options_of_their_own(name):
    ours, theirs = parameters([(3,), (2, 2), (4,)])
    first, second = OPTIMIZERS[name][1], OPTIMIZERS[name][-1]
    pair = []
    for package, params in ((optim, ours), (torch.optim, theirs)):
        groups = [{"params": params[:1], **first}, {"params": params[1:2], **second}]
        optimizer = getattr(package, name)(groups, lr=0.03)
        optimizer.add_param_group({"params": params[2], "lr": 0.2})
        pair.append(optimizer)
    rng = np.random.default_rng(1)
    for _ in range(20):
        set_gradients(ours, theirs, rng)
        for each in pair:
            each.step()
    assert_same(ours, theirs, rtol=1e-12, atol=1e-14)
    assert_same_state(*(each.state_dict() for each in pair))
    assert repr(pair[0]) == repr(pair[1])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_closure(name):
    ours, theirs = parameters([(3,), (3,)])
    mine = getattr(optim, name)(ours, lr=0.1)
    other = getattr(torch.optim, name)(theirs, lr=0.1)

    def closure_of(optimizer, params):
        def closure():
            optimizer.zero_grad()
            loss = ((params[0] * params[1] - 1) ** 2).sum()
            loss.backward()
            return loss

        return closure

    for _ in range(20):
        with airi.no_grad():  # the closure records all the same
            loss = mine.step(closure_of(mine, ours))
        expected = other.step(closure_of(other, theirs))
        assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    assert_same(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("shape", [(), (1,)])
def test_learning_rate_as_a_tensor(name, shape):
    ours, theirs = parameters([(3, 2)])
    rate = airi.full(shape, 0.25, dtype=airi.float64)
    mine = getattr(optim, name)(ours, lr=rate)
    other = getattr(torch.optim, name)(theirs, lr=torch.full(shape, 0.25, dtype=torch.float64))
    rng = np.random.default_rng(1)
    for step in range(4):
        set_gradients(ours, theirs, rng)
        mine.step()
        other.step()
        if step == 1:
            rate.fill_(0.5)
            other.param_groups[0]["lr"].fill_(0.5)
    assert_same(ours, theirs, rtol=1e-12, atol=1e-14)
    assert mine.param_groups[0]["lr"] is rate


def test_betas_as_tensors():
    ours, theirs = parameters([(3, 2)])
    betas = (0.5, 0.75)
    mine = optim.Adam(ours, betas=tuple(airi.tensor(b) for b in betas))
    other = torch.optim.Adam(theirs, betas=betas)
    rng = np.random.default_rng(1)
    for _ in range(3):
        set_gradients(ours, theirs, rng)
        mine.step()
        other.step()
    assert_same(ours, theirs, rtol=1e-12, atol=1e-14)


@cases
def test_states_travel_from_and_to_pytorch(name, options):
    """Ten steps there, ten here: as plain data the state dicts are the same."""
    ours, theirs = parameters([(3, 4), (5,)])
    mine = getattr(optim, name)(ours, **options)
    other = getattr(torch.optim, name)(theirs, **options)
    rng = np.random.default_rng(1)
    for _ in range(5):
        set_gradients(ours, theirs, rng)
        mine.step()
        other.step()

    def tensors(value, make):
        if isinstance(value, np.ndarray):
            return make(value.copy())
        if isinstance(value, dict):
            return {key: tensors(each, make) for key, each in value.items()}
        return value

    swapped = getattr(optim, name)(ours), getattr(torch.optim, name)(theirs)
    swapped[0].load_state_dict(tensors(plain(other.state_dict()), airi.from_numpy))
    swapped[1].load_state_dict(tensors(plain(mine.state_dict()), torch.from_numpy))
    for _ in range(5):
        set_gradients(ours, theirs, rng)
        for each in swapped:
            each.step()
    if name in ("ASGD", "NAdam"):  # of which PyTorch widens loaded scalars to float64
        assert_same(ours, theirs, rtol=1e-6)
        return
    assert_same(ours, theirs, rtol=1e-12, atol=1e-14)
    assert_same_state(*(each.state_dict() for each in swapped))
