"""Module: attributes, registering, going through, modes, state dicts. As PyTorch's."""

import copy
import gc
import pickle
import traceback
import weakref

import numpy as np
import pytest

import airi
from airi import nn

from .parity import assert_same


class Leaf(nn.Module):
    def __init__(self, n=2):
        super().__init__()
        self.weight = nn.Parameter(airi.arange(float(n)))
        self.register_parameter("bias", None)
        self.register_buffer("count", airi.tensor(0))
        self.register_buffer("cache", airi.zeros(n), persistent=False)

    def forward(self, x):
        return x * self.weight


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Leaf(2)
        self.second = Leaf(2)
        self.scale = nn.Parameter(airi.tensor(2.0))

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


def net(t):
    """The same net, of either framework."""

    class Part(t.nn.Module):
        def __init__(self, n):
            super().__init__()
            self.weight = t.nn.Parameter(t.arange(float(n)))
            self.register_parameter("bias", None)
            self.register_buffer("count", t.tensor(0))
            self.register_buffer("cache", t.zeros(n), persistent=False)

    class Whole(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Part(2)
            self.tied = self.first
            self.parts = t.nn.ModuleList([Part(1), Part(3)])
            self.missing = None
            self.register_module("none", None)
            self.scale = t.nn.Parameter(t.tensor(2.0))
            self.parts[1].weight = self.first.weight
            self.mean = t.nn.Buffer(t.zeros(1))

    return Whole()


# -- attributes


def test_members_are_found_by_their_kind():
    leaf = Leaf()
    assert dict(leaf.named_parameters()).keys() == {"weight"}
    assert dict(leaf.named_buffers()).keys() == {"count", "cache"}
    assert leaf.bias is None
    assert "weight" not in vars(leaf)


def test_an_attribute_moves_from_one_kind_to_another():
    def program(t):
        module = t.nn.Module()
        module.x = 3
        module.x = t.nn.Parameter(t.ones(1))
        kinds = [(list(module._parameters), list(module._modules), "x" in vars(module))]
        module.x = None
        kinds.append((list(module._parameters), list(module._modules), module.x))
        del module.x
        module.x = t.nn.Identity()
        kinds.append((list(module._parameters), list(module._modules), "x" in vars(module)))
        module.x = t.nn.Parameter(t.ones(1))
        kinds.append((list(module._parameters), list(module._modules)))
        module.b = t.nn.Buffer(t.ones(1), persistent=False)
        module.b = t.zeros(2)
        kinds.append((list(module._buffers), list(module.state_dict())))
        module.b = t.nn.Parameter(t.zeros(2))
        kinds.append((list(module._buffers), list(module.state_dict())))
        return kinds

    assert_same(program)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda t: t.nn.Parameter(t.ones(1)), lambda t: t.ones(1)),
        (lambda t: t.nn.Parameter(t.ones(1)), lambda t: t.nn.Identity()),
        (lambda t: t.nn.Identity(), lambda t: 3),
        (lambda t: t.nn.Identity(), lambda t: t.ones(1)),
        (lambda t: t.nn.Buffer(t.ones(1)), lambda t: "text"),
    ],
)
def test_a_member_is_not_replaced_by_another_kind(first, second):
    def program(t):
        module = t.nn.Module()
        module.x = first(t)
        with pytest.raises(TypeError, match="cannot assign"):
            module.x = second(t)

    assert_same(program)


def test_a_typo_names_the_class_the_attribute_and_near_names():
    model = Net()
    with pytest.raises(AttributeError) as caught:
        _ = model.frist
    assert str(caught.value) == "'Net' object has no attribute 'frist'; did you mean 'first'?"
    shown = "".join(traceback.format_exception_only(caught.value))
    assert shown.startswith("AttributeError: 'Net' object")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(AttributeError, match="'Leaf' object has no attribute 'weigth'"):
        del model.first.weigth
    with pytest.raises(AttributeError, match=r"'Net' object has no attribute 'qqqqq'$"):
        _ = model.qqqqq
    assert not hasattr(model, "frist")


def test_near_names_are_looked_for_only_when_the_error_is_read(monkeypatch):
    monkeypatch.setattr("difflib.get_close_matches", lambda *args: pytest.fail("looked"))
    assert not hasattr(Net(), "frist")


def test_an_attribute_error_inside_a_property_says_so():
    class Odd(nn.Module):
        @property
        def value(self):
            return self.nothing_like_it

    with pytest.raises(AttributeError, match="the code of the property of that name raised"):
        _ = Odd().value


def test_before_init():
    class Early(nn.Module):
        def __init__(self, value):
            self.value = value

    for value in (nn.Parameter(airi.ones(1)), nn.Identity(), nn.Buffer(airi.ones(1))):
        with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
            Early(value)
    with pytest.raises(AttributeError, match=r"has not called super\(\).__init__\(\)"):
        _ = Early(3).weight


def test_delete():
    leaf = Leaf()
    del leaf.weight
    del leaf.cache
    assert not list(leaf.parameters())
    assert list(leaf.state_dict()) == ["count"]


def test_dir_lists_members_that_can_be_written():
    names = dir(nn.Sequential(Leaf()))
    assert "append" in names
    assert "0" not in names
    assert {"weight", "count", "bias"} <= set(dir(Leaf()))


# -- registering


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (lambda t, m: m.register_parameter("a.b", None), KeyError),
        (lambda t, m: m.register_parameter("", None), KeyError),
        (lambda t, m: m.register_parameter("forward", None), KeyError),
        (lambda t, m: m.register_parameter(3, None), TypeError),
        (lambda t, m: m.register_parameter("w", t.ones(1)), TypeError),
        (lambda t, m: m.register_buffer("w", 3), TypeError),
        (lambda t, m: m.register_buffer("a.b", None), KeyError),
        (lambda t, m: m.register_module("w", 3), TypeError),
        (lambda t, m: m.add_module("forward", None), KeyError),
        (lambda t, m: m.get_submodule("nothing"), AttributeError),
        (lambda t, m: m.get_submodule("training"), AttributeError),
        (lambda t, m: m.get_parameter("training"), AttributeError),
        (lambda t, m: m.get_buffer("training"), AttributeError),
        (lambda t, m: m.set_submodule("", t.nn.Identity()), ValueError),
        (lambda t, m: m.set_submodule("x", 3), ValueError),
        (lambda t, m: m.set_submodule("x", t.nn.Identity(), strict=True), AttributeError),
        (lambda t, m: m.set_submodule("training", t.nn.Identity()), AttributeError),
        (lambda t, m: m.train(1), ValueError),
        (lambda t, m: m.to(t.int64), TypeError),
        (lambda t, m: m.load_state_dict([1]), TypeError),
        (lambda t, m: m(1), NotImplementedError),
    ],
)
def test_refusals(action, error):
    def program(t):
        with pytest.raises(error):
            action(t, t.nn.Module())

    assert_same(program)


def test_a_parameter_must_be_a_leaf():
    parameter = nn.Parameter(airi.ones(1))
    with airi.no_grad():
        pass
    parameter._edge = (airi.ones(1).requires_grad_() * 2)._edge
    with pytest.raises(ValueError, match="must be a leaf, but it was computed by MulBackward"):
        nn.Module().w = parameter


def test_looking_up_by_dotted_names():
    def program(t):
        whole = net(t)
        whole.set_submodule("parts.0", t.nn.Identity())
        whole.set_submodule("first.extra", t.nn.Tanh())
        return [
            repr(whole.get_submodule("parts")),
            repr(whole.get_submodule("first.extra")),
            whole.get_submodule("") is whole,
            whole.get_parameter("parts.1.weight"),
            whole.get_buffer("first.count"),
        ]

    assert_same(program)


# -- going through


@pytest.mark.parametrize("remove_duplicate", [True, False])
@pytest.mark.parametrize("recurse", [True, False])
def test_named_members(recurse, remove_duplicate):
    def program(t):
        whole = net(t)
        options = {"recurse": recurse, "remove_duplicate": remove_duplicate}
        return [
            [name for name, _ in whole.named_parameters("pre", **options)],
            [name for name, _ in whole.named_buffers(**options)],
        ]

    assert_same(program)


def test_modules_children_apply():
    def program(t):
        whole, order = net(t), []
        whole.apply(lambda module: order.append(type(module).__name__))
        return [
            order,
            [name for name, _ in whole.named_modules()],
            [name for name, _ in whole.named_modules(prefix="x", remove_duplicate=False)],
            [name for name, _ in whole.named_children()],
            [type(each).__name__ for each in whole.modules()],
            len(list(whole.children())),
            [tuple(each.shape) for each in whole.parameters()],
            len(list(whole.buffers())),
        ]

    assert_same(program)


# -- modes and dtypes


def test_train_eval_requires_grad_zero_grad():
    model = Net()
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())

    model.second.requires_grad_(False)
    model(airi.ones(2)).backward(airi.ones(2))
    assert model.second.weight.grad is None
    before = model.first.weight.grad
    model.zero_grad(set_to_none=False)
    assert model.first.weight.grad is before
    assert before.tolist() == [0.0, 0.0]
    model.zero_grad()
    assert model.first.weight.grad is None


def test_zero_grad_in_place_cuts_the_graph_of_the_gradient():
    model = Net()
    model(airi.ones(2)).backward(airi.ones(2), create_graph=True)
    model.zero_grad(set_to_none=False)
    assert not model.scale.grad.requires_grad


def test_conversion_keeps_the_parameters_themselves():
    model = Net()
    model(airi.ones(2)).backward(airi.ones(2))
    before = list(model.parameters())
    assert model.double() is model
    assert [id(each) for each in model.parameters()] == [id(each) for each in before]
    assert all(each.dtype is airi.float64 for each in model.parameters())
    assert all(each.grad.dtype is airi.float64 for each in model.parameters())
    assert model.first.count.dtype is airi.int64
    assert model.first.cache.dtype is airi.float64
    assert model.to(airi.ones(1)).scale.dtype is airi.float32
    assert model.to("cpu", dtype=airi.float16).scale.dtype is airi.float16
    assert model.float().cpu().share_memory().scale.dtype is airi.float32
    with pytest.raises(RuntimeError, match="cuda: airi computes on the CPU"):
        model.cuda()
    assert model.half().scale.dtype is airi.float16
    assert model.type(airi.float64).first.count.dtype is airi.float64
    with pytest.raises(RuntimeError, match="cuda"):
        model.to("cuda")


# -- state dicts


def test_state_dict_has_pytorchs_keys_and_shares_memory():
    def program(t):
        whole = net(t)
        state = whole.state_dict(prefix="net.")
        kept = whole.state_dict(keep_vars=True)
        whole.scale.data.fill_(7)
        return [state, [isinstance(each, t.nn.Parameter) for each in kept.values()]]

    assert_same(program)


def test_state_dict_metadata_holds_versions():
    class Versioned(Leaf):
        _version = 3

    model = nn.Sequential(Versioned())
    assert model.state_dict()._metadata == {"": {"version": 1}, "0": {"version": 3}}
    assert isinstance(pickle.loads(pickle.dumps(model.state_dict()))["0.weight"], airi.Tensor)


def test_load_copies_into_the_parameters():
    source, target = Net(), Net()
    source.scale.data.fill_(5)
    source.first.count.fill_(4)
    parameter = target.scale
    keys = target.load_state_dict(source.double().state_dict())
    assert repr(keys) == "<All keys matched successfully>"
    assert target.scale is parameter
    assert (parameter.item(), parameter.dtype) == (5.0, airi.float32)
    assert target.first.count.item() == 4


def test_load_with_assign_takes_the_tensors_themselves():
    source, target = Net().double(), Net()
    target.scale.requires_grad_(False)
    state = source.state_dict()
    target.load_state_dict(state, assign=True)
    assert target.scale.dtype is airi.float64
    assert isinstance(target.scale, nn.Parameter)
    assert not target.scale.requires_grad
    assert target.first.weight.data_ptr() == state["first.weight"].data_ptr()


def test_load_reports_what_does_not_fit():
    def program(t):
        whole = net(t)
        state = dict(whole.state_dict())
        del state["scale"], state["parts.0.weight"]
        state["extra"] = t.ones(1)
        state["parts.9.weight"] = t.ones(1)
        found = whole.load_state_dict(state, strict=False)
        state["first.weight"] = t.ones(5)
        with pytest.raises(RuntimeError) as caught:
            whole.load_state_dict(state)
        text = str(caught.value)
        said = ["Error(s) in loading state_dict for Whole", "size mismatch for first.weight"]
        said += ['Missing key(s) in state_dict: "scale", "parts.0.weight"']
        said += ['Unexpected key(s) in state_dict: "extra", "parts.9.weight"']
        return [
            sorted(found.missing_keys),
            sorted(found.unexpected_keys),
            [s in text for s in said],
        ]

    assert_same(program)
    with pytest.raises(RuntimeError, match=r"in the state_dict is \(3,\), in the model \(2,\)"):
        Net().load_state_dict({**Net().state_dict(), "first.weight": airi.ones(3)}, strict=False)
    with pytest.raises(RuntimeError, match='"scale" must be a Tensor in the state_dict, got float'):
        Net().load_state_dict({**Net().state_dict(), "scale": 3.0})


def test_extra_state():
    def program(t):
        class Counting(t.nn.Module):
            steps = 0

            def get_extra_state(self):
                return {"steps": self.steps}

            def set_extra_state(self, state):
                self.steps = state["steps"]

        model, other = t.nn.Sequential(Counting()), t.nn.Sequential(Counting())
        model[0].steps = 3
        state = model.state_dict()
        other.load_state_dict(state)
        return [dict(state), other[0].steps, other.load_state_dict({}, strict=False).missing_keys]

    assert_same(program)
    with pytest.raises(RuntimeError, match="Leaf has no extra state"):
        Leaf().get_extra_state()


def test_a_subclass_may_translate_an_old_layout():
    class Renamed(Leaf):
        def _load_from_state_dict(self, state_dict, prefix, *rest):
            if prefix + "old" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "old")
            super()._load_from_state_dict(state_dict, prefix, *rest)

    model = nn.Sequential(Renamed())
    model.load_state_dict({"0.old": airi.tensor([8.0, 9.0]), "0.count": airi.tensor(1)})
    assert model[0].weight.tolist() == [8.0, 9.0]


# -- repr, copies, lifetime


def test_repr():
    def program(t):
        class Custom(t.nn.Module):
            def extra_repr(self):
                return "one line" if not self._modules else "two\nlines"

        one, two = Custom(), Custom()
        two.child = t.nn.Sequential(t.nn.ReLU(), one)
        two.none = None
        return [repr(one), repr(two), repr(net(t)), repr(t.nn.Sequential())]

    assert_same(program)


def test_deepcopy_and_pickle():
    model = Net()
    model.first.register_forward_hook(_pass)
    model(airi.ones(2)).backward(airi.ones(2))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert isinstance(other.scale, nn.Parameter)
        assert other.scale is not model.scale
        assert other.scale.requires_grad
        assert list(other.state_dict()) == list(model.state_dict())
        other.scale.data.fill_(9)
        assert other(airi.ones(2)).tolist() == [0.0, 9.0]
    assert model.scale.item() == 2


def _pass(module, args, output):
    return None


def test_tied_parameters_stay_tied_in_a_copy():
    model = Net()
    model.second.weight = model.first.weight
    assert len(list(copy.deepcopy(model).parameters())) == 2


def test_operations_know_the_module_they_were_recorded_in():
    model = Net()
    out = model(airi.ones(2))
    assert out.grad_fn.scope.path == "Net"
    assert out.grad_fn.next_functions[0][0].scope.path == "Net.second"


def test_the_scope_is_left_after_an_error():
    class Failing(nn.Module):
        def forward(self):
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        Failing()()
    assert (airi.ones(1).requires_grad_() * 2).grad_fn.scope is None


@pytest.mark.parametrize("hooked", [False, True])
def test_graphs_go_by_reference_count_although_modules_keep_activations(hooked):
    class Keeping(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(airi.ones(2))

        def forward(self, x):
            self.activation = x * self.weight
            self.out = self.activation * self.activation
            return self.out

    model = nn.Sequential(Keeping(), Keeping())
    if hooked:
        model[0].register_full_backward_hook(lambda module, grad_input, grad_output: None)
        model[1].register_forward_hook(lambda module, args, out: out * 1)
    alive = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            loss = model(airi.ones(2))
            alive.append(weakref.ref(loss.grad_fn))
            alive.append(weakref.ref(model[0].activation))
            loss.backward(airi.ones(2))
            del loss
        model(airi.ones(2))
        assert [each() for each in alive] == [None] * len(alive)
        if not hooked:
            gone = weakref.ref(model[0].weight)
            del model
            assert gone() is None
    finally:
        gc.enable()


# -- Parameter and Buffer


def test_parameter():
    data = airi.ones(2)
    parameter = nn.Parameter(data)
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert type(parameter * 2) is airi.Tensor
    assert repr(parameter).startswith("Parameter containing:\ntensor([1., 1.]")
    data[0] = 5.0
    assert parameter.tolist() == [5.0, 1.0]
    assert nn.Parameter().shape == (0,)
    assert not nn.Parameter(airi.arange(3), requires_grad=False).requires_grad
    for other in (copy.deepcopy(parameter), pickle.loads(pickle.dumps(parameter))):
        assert type(other) is nn.Parameter
        assert other.requires_grad
    with pytest.raises(RuntimeError, match="floating-point"):
        nn.Parameter(airi.arange(3))
    with pytest.raises(TypeError, match="Parameter: data must be a Tensor or None, got list"):
        nn.Parameter([1.0])


def test_parameter_of_a_computed_tensor_is_a_leaf_of_its_own():
    computed = airi.ones(2).requires_grad_() * 2
    parameter = nn.Parameter(computed)
    (parameter * 3).backward(airi.ones(2))
    assert parameter.grad.tolist() == [3.0, 3.0]


def test_buffer():
    buffer = nn.Buffer(airi.ones(2), persistent=False)
    assert not buffer.requires_grad
    assert np.shares_memory(buffer.numpy(), nn.Buffer(buffer).numpy())
    module = nn.Module()
    module.b = buffer
    module.c = copy.deepcopy(buffer)
    assert list(module.state_dict()) == []
    assert type(pickle.loads(pickle.dumps(buffer))) is nn.Buffer


def test_models_and_state_dicts_go_through_files(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.PReLU()).eval()
    x = airi.ones(2, 3)
    airi.save(model, tmp_path / "model.pkl")
    airi.save(model.state_dict(), tmp_path / "state.pkl")
    assert airi.load(tmp_path / "model.pkl")(x).tolist() == model(x).tolist()
    state = airi.load(tmp_path / "state.pkl")
    assert state._metadata == model.state_dict()._metadata
    other = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.PReLU()).eval()
    other.load_state_dict(state)
    assert other(x).tolist() == model(x).tolist()
