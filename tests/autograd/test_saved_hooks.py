"""Hooks on what is saved for backward, and the graph as PyTorch lets one read it."""

import pytest

import airi
from airi.autograd import graph


def test_hooks_pack_and_unpack_what_is_saved():
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    packed = []

    def pack(tensor):
        assert not airi.is_grad_enabled()
        packed.append(tensor.tolist())
        return tensor.half()

    with graph.saved_tensors_hooks(pack, lambda tensor: tensor.float()):
        y = (x * x).exp()
    z = y * y  # outside: as ever
    assert packed[0] == [1.0, 2.0]
    z.sum().backward()
    expected = 4 * x.detach() * (2 * x.detach() ** 2).exp()
    assert airi.allclose(x.grad, expected, rtol=1e-2)
    assert not airi.allclose(x.grad, expected, rtol=1e-6)  # half precision came back


def test_hooks_serve_higher_derivatives_and_functions_of_ones_own():
    class Cube(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    x = airi.tensor(2.0, requires_grad=True)
    kept = []

    def pack(tensor):
        kept.append(tensor.clone())
        return len(kept) - 1

    with graph.saved_tensors_hooks(pack, kept.__getitem__):
        y = Cube.apply(x)
    assert len(kept) == 1
    (g,) = airi.autograd.grad(y, x, create_graph=True)
    (g2,) = airi.autograd.grad(g, x)
    assert (g.item(), g2.item()) == (12.0, 12.0)


def test_a_parameter_is_packed_as_itself():
    weight = airi.nn.Parameter(airi.ones(2))
    seen = []
    with graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        (airi.ones(2, requires_grad=True) * weight).sum()
    assert any(each is weight for each in seen)


def test_what_a_hook_may_not_do():
    x = airi.ones(2, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t[:1]):
        y = x.exp()
    with pytest.raises(RuntimeError, match=r"shape \(1,\).* has shape \(2,\)"):
        y.sum().backward()
    with pytest.raises(TypeError, match="callable"):
        graph.saved_tensors_hooks(1, 2)
    with (
        graph.disable_saved_tensors_hooks("no hooks here"),
        pytest.raises(RuntimeError, match="no hooks here"),
        graph.save_on_cpu(),
    ):
        pass


def test_edges_and_nodes():
    x = airi.ones(2, requires_grad=True)
    y = x * 2
    edge = graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn
    assert edge.node.name() == "MulBackward"
    assert edge.node.next_functions[0][0].variable is x
    assert graph.get_gradient_edge(x).node.name() == "AccumulateGrad"
    with pytest.raises(RuntimeError, match="does not require grad"):
        graph.get_gradient_edge(airi.ones(1))


def test_a_write_from_outside_can_be_counted():
    x = airi.ones(2, requires_grad=True)
    y = x * 1
    z = y.exp()
    graph.increment_version(z)
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


def test_a_hook_on_several_gradients():
    x, y = airi.ones(2, requires_grad=True), airi.ones(2, requires_grad=True)
    calls = []
    handle = graph.register_multi_grad_hook([x, y], calls.append)
    (x * 2 + y * 3).sum().backward()
    assert [each.tolist() for each in calls[0]] == [[2.0, 2.0], [3.0, 3.0]]
    handle.remove()
    (x + y).sum().backward()
    assert len(calls) == 1
