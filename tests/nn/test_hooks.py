"""Hooks of modules: order, arguments, results, as PyTorch's."""

import pytest

import airi
from airi import nn

from .parity import assert_same, plain


def double(t, values, requires_grad=True):
    return t.tensor(values, dtype=t.float64, requires_grad=requires_grad)


def make(t, weight=2.0):
    """A module of two inputs and two outputs."""

    class Pair(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = t.nn.Parameter(double(t, weight, False))

        def forward(self, x, y=None, n=3):
            return x * self.weight * n, x + 1 if y is None else y * self.weight

    return Pair()


def test_forward_hooks_order_and_results():
    def program(t):
        log, module = [], make(t)

        def with_kwargs(module, args, kwargs):
            log.append(("pre with kwargs", len(args), dict(kwargs)))
            return args, {**kwargs, "n": 4}

        def replacing(module, args):
            log.append(("pre", len(args)))
            return args[0] * 10

        module.register_forward_pre_hook(replacing)
        module.register_forward_pre_hook(with_kwargs, with_kwargs=True, prepend=True)
        module.register_forward_hook(lambda m, args, out: log.append(("after", plain(out))))
        module.register_forward_hook(
            lambda m, args, kwargs, out: (out[0] + 1, kwargs), with_kwargs=True, prepend=True
        )
        out = module(double(t, [1.0, 2.0]), None)
        return [log, out]

    assert_same(program)


def test_a_removed_hook_is_not_called():
    module, calls = make(airi), []
    handle = module.register_forward_hook(lambda *args: calls.append(1))
    with module.register_forward_pre_hook(lambda *args: calls.append(2)):
        module(airi.ones(1))
    handle.remove()
    module(airi.ones(1))
    assert calls == [2, 1]


def test_a_hook_may_be_removed_while_hooks_run():
    module, calls = make(airi), []
    handle = module.register_forward_hook(lambda *args: (handle.remove(), calls.append(1))[1])
    module.register_forward_hook(lambda *args: calls.append(2))
    module(airi.ones(1))
    module(airi.ones(1))
    assert calls == [1, 2, 2]


def test_pytorchs_private_names_show_and_change_the_hooks():
    layer = nn.Linear(2, 2)
    assert not layer._forward_hooks
    calls = []

    def after(module, args, output):
        calls.append("after")

    handle = layer.register_forward_hook(after)
    assert isinstance(handle, airi.utils.hooks.RemovableHandle)
    layer.register_forward_pre_hook(lambda module, args: calls.append("before"))
    layer.register_full_backward_hook(lambda module, inner, outer: calls.append("backward"))
    assert dict(layer._forward_hooks) == {handle.id: after}
    assert len(layer._forward_pre_hooks) == len(layer._backward_hooks) == 1
    layer(airi.ones(1, 2, requires_grad=True)).sum().backward()
    assert calls == ["before", "after", "backward"]

    layer._forward_pre_hooks.clear()
    layer._backward_hooks = {}
    layer._forward_hooks[handle.id] = lambda module, args, output: output * 0
    assert layer(airi.ones(1, 2)).tolist() == [[0.0, 0.0]]
    handle.remove()
    layer._forward_hooks = layer._forward_hooks
    layer(airi.ones(1, 2))
    assert calls == ["before", "after", "backward"]


def test_hooks_that_are_always_called():
    def program(t):
        log, module = [], make(t)
        module.register_forward_hook(lambda m, args, out: log.append("plain"))
        module.register_forward_hook(
            lambda m, args, kwargs, out: log.append(("always", sorted(kwargs), out)),
            with_kwargs=True,
            always_call=True,
        )
        with pytest.raises(TypeError):
            module(double(t, [1.0]), wrong=3)
        return log

    assert_same(program)


def test_an_error_of_an_always_called_hook_does_not_hide_the_first():
    module = make(airi)

    def failing(module, args, out):
        raise ValueError("second")

    module.register_forward_hook(failing, always_call=True)
    with pytest.warns(UserWarning, match="second"), pytest.raises(TypeError, match="wrong"):
        module(airi.ones(1), wrong=3)


@pytest.mark.parametrize("uses", [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_backward_hooks(uses):
    def program(t):
        log, module = [], make(t)

        def before(module, grad_output):
            log.append(("before", plain(grad_output)))
            return tuple(None if each is None else each * 2 for each in grad_output)

        def after(module, grad_input, grad_output):
            log.append(("after", plain(grad_input), plain(grad_output)))
            return tuple(each * 10 for each in grad_input)

        module.register_full_backward_pre_hook(before)
        module.register_full_backward_hook(after)
        module.register_full_backward_hook(
            lambda m, grad_input, grad_output: log.append(("first", plain(grad_input))),
            prepend=True,
        )
        x, y = double(t, [1.0, 2.0]), double(t, [5.0, 6.0])
        first, second = module(x, y)
        used = [each * u for each, u in zip((first, second), uses) if u]
        total = used[0] if len(used) == 1 else used[0] + used[1]
        total.backward(double(t, [1.0, 3.0], False))
        return [log, x.grad, y.grad, module.weight.grad]

    assert_same(program)


def test_a_backward_hook_without_inputs_that_require_grad():
    module, log = make(airi), []
    module.register_full_backward_hook(lambda m, gi, go: log.append(plain([gi, go])))
    first, _ = module(airi.ones(1), None)
    first.backward(airi.ones(1))
    assert log == [[[None, None], [[1.0], None]]]

    module.register_full_backward_hook(lambda m, gi, go: airi.ones(1))
    first, _ = module(airi.ones(1))
    with pytest.raises(RuntimeError, match="no input of this call requires grad"):
        first.backward(airi.ones(1))


def test_backward_hooks_are_differentiable():
    def program(t):
        module, log = make(t, 3.0), []

        def squared(module, grad_input, grad_output):
            log.append(plain(grad_input))
            return (grad_input[0] * grad_input[0],)

        module.register_full_backward_hook(squared)
        x = double(t, [1.0, 2.0])
        first, _ = module(x * x)
        ones = double(t, [1.0, 1.0], False)
        (gradient,) = t.autograd.grad(first, x, ones, create_graph=True)
        gradient.backward(ones)
        return [log, gradient, x.grad, module.weight.grad]

    assert_same(program)


def test_a_module_that_works_in_place_may_have_backward_hooks():
    class Doubling(nn.Module):
        def forward(self, x):
            return x.mul_(2)

    module, log = Doubling(), []
    module.register_full_backward_hook(lambda m, gi, go: log.append(plain([gi, go])))
    x = airi.ones(1).requires_grad_()
    out = module(x * 3)
    out += 1
    out.backward(airi.tensor([5.0]))
    assert log == [[[[10.0]], [[5.0]]]]
    assert x.grad.tolist() == [30.0]


def test_a_wrong_number_of_gradients_is_refused():
    for register, kind in [
        ("register_full_backward_hook", "hook"),
        ("register_full_backward_pre_hook", "pre-hook"),
    ]:
        module = make(airi)
        getattr(module, register)(lambda *args: (None,) * 7)
        out, _ = module(airi.ones(1).requires_grad_())
        with pytest.raises(RuntimeError, match=f"backward {kind} of Pair .*got 7, expected"):
            out.backward(airi.ones(1))


def test_backward_hooks_need_tensors_as_output():
    class Named(nn.Module):
        def forward(self, x):
            return {"out": x}

    module = Named()
    module.register_full_backward_hook(lambda *args: None)
    with pytest.warns(UserWarning, match="returned dict"):
        module(airi.ones(1))


def test_backward_hooks_are_quiet_without_grad():
    module = make(airi)
    module.register_full_backward_hook(lambda *args: pytest.fail("called"))
    with airi.no_grad():
        out, _ = module(airi.ones(1).requires_grad_())
    assert out.grad_fn is None


def test_refusals():
    with pytest.raises(TypeError, match="a hook must be callable, got int"):
        make(airi).register_forward_hook(3)
    module = make(airi)
    module.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple \(new_args, new_kwargs\)"):
        module(airi.ones(1))


def test_state_dict_hooks():
    def program(t):
        log, model = [], t.nn.Sequential(make(t))

        def renaming(module, state_dict, prefix, metadata, strict, missing, unexpected, errors):
            log.append(("loading", prefix, strict))
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "old")

        part = model[0]
        part.register_state_dict_pre_hook(lambda m, prefix, keep: log.append((prefix, keep)))
        part.register_state_dict_post_hook(lambda m, state, prefix, meta: state.update(more=meta))
        part.register_load_state_dict_pre_hook(renaming)
        model.register_load_state_dict_post_hook(lambda m, keys: keys.unexpected_keys.clear())
        state = dict(model.state_dict())
        result = model.load_state_dict({"0.old": double(t, 7.0, False), "what": 3})
        return [log, state, result, part.weight]

    assert_same(program)
