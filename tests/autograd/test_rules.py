"""What a rule may say, and what its nodes keep: the contract that every op is written to."""

import gc
import weakref

import numpy as np
import pytest

import airi
from airi.autograd.graph import Node, Rule, Saved


class Cube(Rule):
    """out = x**3;  dx = 3 * g * x**2"""

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def backward(g, x):
        return 3 * g * x**2


def leaf(*values):
    return airi.tensor(np.array(values), requires_grad=True)


def test_a_rule_in_ten_lines_has_every_derivative():
    x = leaf(2.0, -1.0)
    (first,) = airi.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    (second,) = airi.autograd.grad(first.sum(), x, create_graph=True)
    (third,) = airi.autograd.grad(second.sum(), x)
    np.testing.assert_allclose(first.detach().numpy(), [12.0, 3.0])
    np.testing.assert_allclose(second.detach().numpy(), [12.0, -6.0])
    np.testing.assert_allclose(third.numpy(), [6.0, 6.0])


def test_arrays_in_arrays_out():
    out = Cube.apply(np.array([2.0]))
    assert type(out) is np.ndarray
    np.testing.assert_array_equal(out, [8.0])


def test_an_ordinary_backward_hands_arrays_to_the_rule():
    seen = []

    class Spy(Rule):
        @staticmethod
        def forward(x):
            return x * 2.0

        @staticmethod
        def backward(g, x):
            seen.append((type(g), type(x)))
            return g * 2.0

    x = leaf(1.0)
    Spy.apply(x).sum().backward()
    airi.autograd.grad(Spy.apply(x).sum(), x, create_graph=True)
    assert seen == [(np.ndarray, np.ndarray), (airi.Tensor, airi.Tensor)]


def test_backward_may_name_only_what_forward_has():
    with pytest.raises(TypeError, match=r"Wrong\.backward names 'z'.*x, x_shape, dim, out, needs"):

        class Wrong(Rule):
            @staticmethod
            def forward(x, *, dim):
                return x

            @staticmethod
            def backward(g, z):
                return g


def test_exactly_what_backward_names_is_saved():
    class Named(Rule):
        outputs = ("total", "kept")

        @staticmethod
        def forward(x, y, *rest, scale=1.0):
            return x * scale, y * 2.0

        @staticmethod
        def backward(g, y, x_shape, scale, kept, needs, rest, rest_shape):
            assert (x_shape, scale, needs) == ((2,), 3.0, (True, False, True, False))
            assert [each.shape for each in rest] == list(rest_shape) == [(1,), (2,)]
            return g[0] * scale, None, rest[0] * 0.0, None

    x, r = leaf(1.0, 2.0), leaf(5.0)
    y, s = airi.tensor([3.0, 4.0]), airi.tensor([1.0, 1.0])
    total, kept = Named.apply(x, y, r, s, scale=3.0)
    node = total.grad_fn
    arrays = [each.array for each in node.saved if isinstance(each, Saved)]
    assert any(each is y._array for each in arrays)
    assert any(each is kept._array for each in arrays)
    assert not any(each is x._array or each is total._array for each in arrays)
    total.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 3.0])


def test_only_for_saves_nothing_that_no_gradient_needs():
    x = leaf(1.0, 2.0)
    node = (x * 3.0).grad_fn
    assert not any(isinstance(each, Saved) for each in node.saved)
    both = (x * leaf(1.0, 1.0)).grad_fn
    assert sum(isinstance(each, Saved) for each in both.saved) == 2


def test_a_gradient_of_the_wrong_shape_is_refused():
    class Shrinks(Rule):
        @staticmethod
        def forward(x):
            return x * 1.0

        @staticmethod
        def backward(g):
            return g[:1]

    with pytest.raises(RuntimeError, match=r"ShrinksBackward gave.*\(1,\).*expected \(2,\)"):
        Shrinks.apply(leaf(1.0, 2.0)).sum().backward()


def test_a_missing_gradient_is_refused():
    class OneOfTwo(Rule):
        @staticmethod
        def forward(x, y):
            return x + y

        @staticmethod
        def backward(g):
            return g

    with pytest.raises(RuntimeError, match="returned 1 gradient"):
        OneOfTwo.apply(leaf(1.0), leaf(2.0)).sum().backward()


def test_an_error_names_op_arguments_shapes_and_dtypes():
    with pytest.raises(RuntimeError, match=r"add\(x: float64 \(2,\), y: float64 \(3,\)\)"):
        leaf(1.0, 2.0) + leaf(1.0, 2.0, 3.0)


def test_integer_outputs_are_constants():
    class WithPlace(Rule):
        outputs = ("value", "place")

        @staticmethod
        def forward(x):
            return x.max(), np.asarray(x.argmax())

        @staticmethod
        def backward(g, place, x_shape):
            value, nothing = g
            assert nothing is None
            out = np.zeros(x_shape)
            out[place] = value
            return out

    x = leaf(1.0, 5.0, 2.0)
    value, place = WithPlace.apply(x)
    assert value.requires_grad
    assert not place.requires_grad
    value.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 1.0, 0.0])


def test_graphs_die_by_reference_count():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = x.exp() * x
        v = y.view(2, 1)
        v.mul_(2.0)
        z = (v * y.view(2, 1)).sum()
        nodes = [weakref.ref(each.grad_fn) for each in (y, v, z)]
        z.backward(retain_graph=True)
        assert all(each() is not None for each in nodes)
        del y, v, z
        assert all(each() is None for each in nodes)
    finally:
        gc.enable()


def test_a_graph_of_derivatives_dies_by_reference_count():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        (first,) = airi.autograd.grad(x.exp().sum(), x, create_graph=True)
        node = weakref.ref(first.grad_fn)
        first.sum().backward()
        del first
        assert node() is None
    finally:
        gc.enable()


def test_next_functions_lead_to_the_leaves():
    x = leaf(1.0)
    node = (x.exp() + 1.0).grad_fn
    assert node.name() == "AddBackward"
    ((inner, number), (nothing, _)) = node.next_functions
    assert isinstance(inner, Node)
    assert (number, nothing) == (0, None)
    ((end, _),) = inner.next_functions
    assert end.variable is x


def test_nodes_know_their_module():
    class Exp(airi.nn.Module):
        def forward(self, x):
            return x.exp()

    class Block(airi.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = airi.nn.ModuleDict({"layer": Exp()})

        def forward(self, x):
            outside = x.exp()
            return outside, self.inner["layer"](outside)

    block, x = Block(), leaf(1.0)
    outside, inside = block(x)
    assert outside.grad_fn.scope.path == "Block"
    assert inside.grad_fn.scope.path == "Block.inner.layer"
    assert "in module Block.inner.layer" in inside.grad_fn.describe()
    assert x.exp().grad_fn.scope is None


def test_a_list_is_no_tensor():
    for op in (airi.exp, airi.sum, airi.relu, airi.max):
        with pytest.raises(TypeError, match=f"{op.__name__}.*expected a Tensor"):
            op([1.0, 2.0])
    with pytest.raises(TypeError, match=r"cumsum: expected a Tensor, got list"):
        airi.cumsum([1, 2], 0)
