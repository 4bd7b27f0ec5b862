"""What all optimizers share: groups, state dicts, hooks, copies, errors, users' own classes."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import airi
from airi import optim
from airi.optim import SGD, Adagrad, Adam, AdamW, Optimizer
from tests.optim.cases import OPTIMIZER_CASES, OPTIMIZERS

cases = pytest.mark.parametrize(("name", "options"), OPTIMIZER_CASES)
every = pytest.mark.parametrize("name", OPTIMIZERS)


def leaf(*shape, value=1.0):
    return airi.full(shape, value, dtype=airi.float64, requires_grad=True)


def descend(optimizer, steps):
    """Steps on a hilly ground whose slope is bounded."""
    for _ in range(steps):
        optimizer.zero_grad()
        params = [p for group in optimizer.param_groups for p in group["params"]]
        loss = sum((p * (1 + at)).cos().sum() for at, p in enumerate(params))
        loss.backward()
        optimizer.step()
    return [p.detach().numpy().copy() for p in params]


def make(name, options, start=None):
    values = [np.linspace(-1, 1, 6).reshape(2, 3), np.array([0.5, 2.0])] if start is None else start
    return getattr(optim, name)([airi.tensor(v, requires_grad=True) for v in values], **options)


# -- saving and copying ---------------------------------------------------------------------------


@cases
def test_resumed_from_a_file_is_as_unbroken(name, options, tmp_path):
    expected = descend(make(name, options), 15)
    first = make(name, options)
    params = descend(first, 5)
    airi.save(first.state_dict(), tmp_path / "state.airi")
    second = make(name, {}, start=params)  # the options come from the file, too
    second.load_state_dict(airi.load(tmp_path / "state.airi"))
    for mine, other in zip(descend(second, 10), expected, strict=True):
        np.testing.assert_array_equal(mine, other)


@every
def test_loading_copies(name):
    first = make(name, OPTIMIZERS[name][-1])
    descend(first, 2)
    second = make(name, {})
    second.load_state_dict(first.state_dict())
    before = copy.deepcopy(second.state_dict())
    descend(first, 2)
    for key, values in second.state_dict()["state"].items():
        for option, value in values.items():
            assert (value == before["state"][key][option]).all()


@every
def test_deep_copies_go_their_own_way(name):
    optimizer = make(name, OPTIMIZERS[name][-1])
    descend(optimizer, 2)
    twin = copy.deepcopy(optimizer)
    theirs, ours = twin.param_groups[0]["params"], optimizer.param_groups[0]["params"]
    assert all(p is not q for p, q in zip(theirs, ours))
    before = [p.detach().numpy().copy() for p in ours]
    after = descend(twin, 3)
    for p, value in zip(ours, before):
        np.testing.assert_array_equal(p.detach().numpy(), value)
    for mine, other in zip(descend(optimizer, 3), after, strict=True):
        np.testing.assert_array_equal(mine, other)


@every
def test_pickled_optimizers_go_on(name):
    optimizer = make(name, OPTIMIZERS[name][-1])
    descend(optimizer, 2)
    twin = pickle.loads(pickle.dumps(optimizer))
    for mine, other in zip(descend(optimizer, 3), descend(twin, 3), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert repr(twin) == repr(optimizer)


def test_layout_of_a_state_dict():
    a, b, c = leaf(2), leaf(3), leaf(1)
    optimizer = Adam([{"params": [a, b]}, {"params": c, "lr": 0.5}])
    b.grad = airi.ones(3, dtype=airi.float64)
    optimizer.step()
    state = optimizer.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert [group["lr"] for group in state["param_groups"]] == [0.001, 0.5]
    assert list(state["state"]) == [1]
    assert list(state["state"][1]) == ["step", "exp_avg", "exp_avg_sq"]
    assert state["state"][1]["step"].shape == ()
    assert state["state"][1]["exp_avg"] is optimizer.state[b]["exp_avg"]


def test_loaded_state_takes_the_dtype_of_the_parameter_but_for_the_count():
    double, single = leaf(2), airi.ones(2, requires_grad=True)
    double.grad = airi.ones(2, dtype=airi.float64)
    first, second = Adam([double]), Adam([single])
    first.step()
    second.load_state_dict(first.state_dict())
    assert second.state[single]["exp_avg"].dtype == airi.float32
    assert second.state[single]["step"].dtype == airi.float32
    assert second.state[single]["step"].item() == 1


def test_old_state_dicts_count_steps_in_numbers():
    p = leaf(2)
    optimizer = Adam([p])
    state = {"step": 3, "exp_avg": airi.ones(2), "exp_avg_sq": airi.ones(2)}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: state}})
    p.grad = airi.ones(2, dtype=airi.float64)
    optimizer.step()
    assert float(optimizer.state[p]["step"]) == 4


def test_state_of_another_shape_is_refused():
    one, other = Adam([leaf(2)]), Adam([leaf(3)])
    one.param_groups[0]["params"][0].grad = airi.ones(2, dtype=airi.float64)
    one.step()
    other.load_state_dict(one.state_dict())
    other.param_groups[0]["params"][0].grad = airi.ones(3, dtype=airi.float64)
    with pytest.raises(RuntimeError, match=r"parameter's shape \(3,\), got \(2,\)"):
        other.step()


def test_states_of_other_groups_are_refused():
    state = SGD([leaf(2), leaf(2)]).state_dict()
    with pytest.raises(ValueError, match=r"1 parameter group\(s\) of \[2\].* 1 of \[1\]"):
        SGD([leaf(2)]).load_state_dict(state)
    with pytest.raises(ValueError, match="2 of"):
        SGD([{"params": leaf(2)}, {"params": leaf(2)}]).load_state_dict(state)


def test_adamw_stays_decoupled_whatever_is_loaded():
    optimizer = AdamW([leaf(2)])
    optimizer.load_state_dict(Adam([leaf(2)]).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


# -- parameters and groups ------------------------------------------------------------------------


def test_named_parameters():
    a, b = leaf(2), leaf(3)
    optimizer = SGD([("weight", a), ("bias", b)], lr=0.1)
    assert optimizer.param_groups[0]["params"] == [a, b]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="all parameter groups come with names"):
        optimizer.add_param_group({"params": [leaf(1)]})
    with pytest.raises(ValueError, match="all parameters come with a name"):
        SGD([("weight", a), b])


def test_parameters_from_a_generator_and_groups_from_generators():
    SGD(p for p in [leaf(1), leaf(2)])
    optimizer = SGD([{"params": (p for p in [leaf(1), leaf(2)])}])
    assert len(optimizer.param_groups[0]["params"]) == 2


def test_views_and_parameters_that_want_no_gradient_may_be_optimized():
    whole = airi.zeros(4)
    part = whole[1:3].requires_grad_()
    optimizer = SGD([part, airi.zeros(2)], lr=1.0)
    (part * 2).sum().backward()
    optimizer.step()
    assert whole.tolist() == [0, -2, -2, 0]


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([], ValueError, "SGD: params is empty"),
        (leaf(2), TypeError, "must be an iterable of Tensors or dicts, got a Tensor"),
        (airi.nn.Linear(2, 1), TypeError, r"got Linear; pass its parameters\(\)"),
        (None, TypeError, "must be an iterable of Tensors or dicts, got NoneType"),
        ([np.ones(2)], TypeError, "number 0 is a ndarray"),
        ([leaf(1), 3], TypeError, "number 1 is a int"),
        ([leaf(2) * 2], ValueError, r"only leaf tensors.*number 0, of shape \(2,\)"),
        ([{"params": {leaf(2)}}], TypeError, "a set has not"),
        ([{"parameters": [leaf(2)]}], ValueError, "needs the key 'params'"),
        ([{"params": [leaf(2)]}, leaf(2)], TypeError, "must be a dict, got Tensor"),
    ],
)
def test_what_is_no_list_of_parameters_is_refused(params, error, message):
    with pytest.raises(error, match=message):
        SGD(params)


@pytest.mark.parametrize("wrong", [{"weight": leaf(2)}, {}, None, [1]])
def test_what_is_no_state_dict_of_an_optimizer_is_refused(wrong):
    with pytest.raises(ValueError, match=r"SGD\.load_state_dict: expected the state_dict"):
        SGD([leaf(2)], lr=0.1).load_state_dict(wrong)


def test_a_parameter_given_twice_is_refused():
    p = leaf(2)
    with pytest.raises(ValueError, match=r"given twice: number 1 of group 0, of shape \(2,\)"):
        SGD([p, p])
    optimizer = SGD([p])
    with pytest.raises(ValueError, match="given twice: number 0 of group 1"):
        optimizer.add_param_group({"params": [p]})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("SGD", {"lr": -0.1}, ValueError, "SGD: lr must be at least 0, got -0.1"),
        ("SGD", {"lr": float("nan")}, ValueError, "SGD: lr must be at least 0, got nan"),
        ("SGD", {"lr": "0.1"}, TypeError, "SGD: lr must be a number, got '0.1'"),
        ("SGD", {"lr": None}, TypeError, "SGD: lr must be a number, got None"),
        ("SGD", {"lr": airi.ones(2)}, ValueError, r"a tensor of one element, got shape \(2,\)"),
        ("SGD", {"momentum": -1}, ValueError, "momentum must be at least 0, got -1"),
        ("SGD", {"weight_decay": -1}, ValueError, "weight_decay must be at least 0, got -1"),
        ("SGD", {"nesterov": True}, ValueError, "momentum above 0 and dampening 0, got momentum=0"),
        ("SGD", {"differentiable": True}, RuntimeError, "differentiable=True is not supported"),
        ("SGD", {"foreach": True, "fused": True}, RuntimeError, "foreach and fused cannot both"),
        (
            "Adam",
            {"betas": (1.0, 0.9)},
            ValueError,
            r"Adam: betas\[0\] must be .* below 1, got 1.0",
        ),
        ("Adam", {"betas": (0.9, -1)}, ValueError, r"betas\[1\] must be .* got -1"),
        ("Adam", {"betas": 0.9}, TypeError, "betas must be two numbers, got 0.9"),
        ("AdamW", {"eps": -1e-8}, ValueError, "AdamW: eps must be at least 0, got -1e-08"),
        ("Adagrad", {"lr_decay": -1}, ValueError, "Adagrad: lr_decay must be at least 0"),
        ("Adagrad", {"initial_accumulator_value": -1}, ValueError, "initial_accumulator_value"),
        ("RMSprop", {"alpha": -1}, ValueError, "RMSprop: alpha must be at least 0"),
        ("Adadelta", {"rho": 1.5}, ValueError, "Adadelta: rho must be at most 1, got 1.5"),
        ("Adam", {"betas": (0.9, airi.tensor(0.9))}, ValueError, "two floats or two Tensors"),
        ("Adam", {"lr": airi.tensor(0.1), "foreach": True}, ValueError, "lr may be a Tensor only"),
        ("Adamax", {"betas": (0.9, 1.0)}, ValueError, r"Adamax: betas\[1\] must be"),
        ("NAdam", {"momentum_decay": -1}, ValueError, "NAdam: momentum_decay must be at least 0"),
        ("RAdam", {"eps": -1}, ValueError, "RAdam: eps must be at least 0"),
        ("Rprop", {"etas": (1.0, 0.5)}, ValueError, r"Rprop: etas must be .* got \(1.0, 0.5\)"),
        ("ASGD", {"weight_decay": -0.5}, ValueError, "ASGD: weight_decay must be at least 0"),
        ("Adafactor", {"d": 0.5}, ValueError, "Adafactor: d must be at least 1, got 0.5"),
        ("Adafactor", {"eps": (-1, 1e-3)}, ValueError, r"Adafactor: eps\[0\] must be at least 0"),
        ("Adafactor", {"beta2_decay": 0.8}, ValueError, "beta2_decay must be at most 0, got 0.8"),
    ],
)
def test_options_out_of_range_are_refused(name, options, error, message):
    with pytest.raises(error, match=message):
        getattr(optim, name)([leaf(2)], **options)
    optimizer = getattr(optim, name)([leaf(2)])
    with pytest.raises(error, match=message):  # of a group alone, too
        optimizer.add_param_group({"params": [leaf(2)], **options})
    assert len(optimizer.param_groups) == 1


def test_adagrad_starts_each_group_from_its_own_value():
    a, b = leaf(2), leaf(2)
    groups = [{"params": a}, {"params": b, "initial_accumulator_value": 0.5}]
    optimizer = Adagrad(groups, initial_accumulator_value=0.25)
    assert optimizer.state[a]["sum"].tolist() == [0.25, 0.25]
    assert optimizer.state[b]["sum"].tolist() == [0.5, 0.5]


# -- steps ----------------------------------------------------------------------------------------


@every
def test_a_step_writes_the_parameter_in_place_and_backward_notices(name):
    p = leaf(3)
    memory = p.detach().numpy()
    loss = (p * p).sum()
    p.grad = airi.ones(3, dtype=airi.float64)
    getattr(optim, name)([p], lr=0.1).step()
    assert (memory != 1).all()
    assert p.is_leaf
    assert p.requires_grad
    with pytest.raises(RuntimeError, match="version"):
        loss.backward()


@every
def test_a_step_leaves_the_gradient_as_it_was(name):
    for options in OPTIMIZERS[name]:
        p = leaf(3)
        p.grad = airi.tensor([1.0, -2.0, 0.0], dtype=airi.float64)
        optimizer = getattr(optim, name)([p], **options)
        optimizer.step()
        optimizer.step()
        assert p.grad.tolist() == [1.0, -2.0, 0.0]


@every
def test_without_gradients_nothing_happens(name):
    p = leaf(3)
    optimizer = getattr(optim, name)([p])
    assert optimizer.step() is None
    assert p.tolist() == [1, 1, 1]
    assert p._version == 0


def test_a_rate_in_double_precision_does_not_widen_the_step():
    p = airi.ones(3, requires_grad=True)
    p.grad = airi.ones(3)
    for optimizer in (SGD([p], lr=np.float64(0.1)), Adam([p], lr=np.float64(0.1))):
        optimizer.step()
    assert p.dtype == airi.float32
    assert optimizer.state[p]["exp_avg"].dtype == airi.float32


@every
def test_steps_that_overflow_are_silent(name):
    p = airi.full((3,), 1e30, requires_grad=True)
    optimizer = getattr(optim, name)([p], lr=1e30)
    p.grad = airi.tensor([1e30, float("inf"), float("nan")])
    for _ in range(2):
        optimizer.step()
    # Rprop steps by the sign of the gradient alone, which infinity has.
    assert not airi.isfinite(p[2 if name == "Rprop" else 1 :]).any()


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_optimizers_of_whole_matrices_in_bfloat16(name):
    values = np.linspace(-1, 1, 12).reshape(3, 4)
    gradient = airi.tensor(np.linspace(0.5, -2, 12).reshape(3, 4))
    params = [airi.tensor(values, dtype=dtype) for dtype in (airi.bfloat16, airi.float32)]
    for p in params:
        optimizer = getattr(optim, name)([p], lr=0.1)
        for _ in range(3):
            p.grad = gradient.to(p.dtype)
            optimizer.step()
        state = [each for key, each in optimizer.state[p].items() if key != "step"]
        assert {each.dtype for each in state} == {p.dtype}
    np.testing.assert_allclose(params[0].float().numpy(), params[1].numpy(), atol=0.05)
    z = airi.ones(2, 2, dtype=airi.complex128, requires_grad=True)
    z.grad = airi.ones(2, 2, dtype=airi.complex128)
    with pytest.raises(RuntimeError, match="complex128 parameters are not supported"):
        getattr(optim, name)([z]).step()


def test_a_parameter_that_may_not_be_written():
    p = airi.ones(1).expand(3).detach()
    p.grad = airi.ones(3)
    with pytest.raises(RuntimeError, match=r"shape \(3,\) may not be written in place.*expand"):
        SGD([p]).step()


def test_zero_grad():
    p, q = leaf(2), leaf(2)
    optimizer = SGD([p, q])
    p.grad = gradient = airi.ones(2, dtype=airi.float64)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == gradient.tolist() == [0, 0]
    assert q.grad is None
    optimizer.zero_grad()
    assert p.grad is None


def test_zero_grad_cuts_a_gradient_from_its_graph():
    p = leaf(2)
    (p**3).sum().backward(create_graph=True)
    assert p.grad.requires_grad
    SGD([p]).zero_grad(set_to_none=False)
    assert not p.grad.requires_grad


def test_hooks_around_a_step():
    p = leaf(2)
    p.grad = airi.ones(2, dtype=airi.float64)
    optimizer = SGD([p], lr=1.0)
    calls = []

    def before(opt, args, kwargs):
        calls.append(("before", opt is optimizer, args[0] is optimizer, kwargs, p[0].item()))

    def after(opt, args, kwargs):
        calls.append(("after", opt is optimizer, args[0] is optimizer, kwargs, p[0].item()))

    handles = [optimizer.register_step_pre_hook(before), optimizer.register_step_post_hook(after)]
    optimizer.step()
    assert calls == [("before", True, True, {}, 1.0), ("after", True, True, {}, 0.0)]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(calls) == 2


def test_a_wrapper_that_never_called_init_steps():
    class Slow(optim.Optimizer):
        def __init__(self, inner):
            self.inner = inner
            self.param_groups = inner.param_groups

        def step(self, closure=None):
            return self.inner.step(closure)

    weight = airi.nn.Parameter(airi.ones(2))
    slow = Slow(optim.SGD([weight], lr=0.5))
    weight.grad = airi.ones(2)
    slow.step()
    assert weight.tolist() == [0.5, 0.5]


def test_a_hook_may_change_the_arguments_of_a_step():
    optimizer = SGD([leaf(2)])
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: (args, {"closure": lambda: 7}))
    assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: 3)
    with pytest.raises(RuntimeError, match=r"None or \(args, kwargs\), got 3"):
        optimizer.step()


def test_hooks_of_state_dicts():
    optimizer = SGD([leaf(2)], lr=0.1)
    calls = []
    optimizer.register_state_dict_pre_hook(lambda opt: calls.append("second"))
    optimizer.register_state_dict_pre_hook(lambda opt: calls.append("first"), prepend=True)
    handle = optimizer.register_state_dict_post_hook(lambda opt, state: {**state, "note": 1})
    assert optimizer.state_dict()["note"] == 1
    assert calls == ["first", "second"]
    handle.remove()
    assert "note" not in optimizer.state_dict()

    def slower(opt, state):
        groups = [{**group, "lr": 0.01} for group in state["param_groups"]]
        return {**state, "param_groups": groups}

    optimizer.register_load_state_dict_pre_hook(slower)
    optimizer.register_load_state_dict_post_hook(lambda opt: calls.append("loaded"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.param_groups[0]["lr"] == 0.01
    assert calls[-1] == "loaded"


def test_an_optimizer_is_freed_by_reference_count():
    gc.disable()
    try:
        optimizer = make("Adam", {})
        descend(optimizer, 2)
        alive = weakref.ref(optimizer)
        del optimizer
        assert alive() is None
    finally:
        gc.enable()


# -- a user's own ---------------------------------------------------------------------------------


class Signs(Optimizer):
    """As it is written in scripts for PyTorch."""

    def __init__(self, params, lr=optim.optimizer.required, beta=0.5):
        super().__init__(params, {"lr": lr, "beta": beta})

    @airi.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with airi.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["mean"] = airi.zeros_like(p)
                state["mean"].mul_(group["beta"]).add_(p.grad, alpha=1 - group["beta"])
                p.add_(airi.sign(state["mean"]), alpha=-group["lr"])
        return loss


class Descent(Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.data.add_(p.grad.data, alpha=-group["lr"])


class Counted(SGD):
    count = 0

    def step(self, closure=None):
        self.count += 1
        return super().step(closure)


def test_an_optimizer_of_ones_own():
    p = leaf(2)
    optimizer = Signs([p], lr=0.25)
    p.grad = airi.tensor([3.0, -1.0], dtype=airi.float64)
    assert optimizer.step(lambda: airi.is_grad_enabled()) is True
    assert p.tolist() == [0.75, 1.25]
    twin = Signs([leaf(2)], lr=1.0)
    twin.load_state_dict(optimizer.state_dict())
    assert twin.state[twin.param_groups[0]["params"][0]]["mean"].tolist() == [1.5, -0.5]
    assert repr(twin) == "Signs (\nParameter Group 0\n    beta: 0.5\n    lr: 0.25\n)"
    with pytest.raises(ValueError, match="Signs: a parameter group must give the option 'lr'"):
        Signs([p])


def test_an_update_through_data():
    p = leaf(2)
    p.grad = airi.ones(2, dtype=airi.float64)
    optimizer = Descent([p], lr=0.5)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    optimizer.step()
    assert p.tolist() == [0.25, 0.25]


def test_hooks_fire_once_where_step_calls_that_of_its_base():
    optimizer = Counted([leaf(2)])
    calls = []
    optimizer.register_step_pre_hook(lambda *arguments: calls.append("before"))
    optimizer.register_step_post_hook(lambda *arguments: calls.append("after"))
    optimizer.step()
    assert calls == ["before", "after"]
    assert optimizer.count == 1


def test_a_step_that_is_not_defined():
    with pytest.raises(NotImplementedError, match=r"Optimizer does not define step"):
        Optimizer([leaf(1)], {}).step()


def test_names_are_sorted_and_schedulers_are_an_attribute():
    assert sorted(optim.__all__) == optim.__all__
    assert sorted(optim.lr_scheduler.__all__) == optim.lr_scheduler.__all__
    assert optim.lr_scheduler.StepLR.__module__.startswith("airi.optim.lr_scheduler")
