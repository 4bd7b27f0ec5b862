"""autograd.Function: users' own ops with ctx, as PyTorch scripts write them."""

import gc
import weakref

import numpy as np
import pytest

import airi
from airi.autograd import Function, gradcheck, gradgradcheck
from airi.autograd.function import once_differentiable


def leaf(*values):
    return airi.tensor(np.array(values), requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * g


class ExpByOutput(Function):
    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        return g * out


class Scaled(Function):
    """The newer form: forward without ctx."""

    @staticmethod
    def forward(x, factor):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None


@pytest.mark.parametrize("function", [Cube.apply, ExpByOutput.apply, lambda x: Scaled.apply(x, 3)])
def test_first_and_second_derivatives(function):
    assert gradcheck(function, (leaf(0.5, -1.0, 2.0),))
    assert gradgradcheck(function, (leaf(0.5, -1.0, 2.0),))


def test_needs_input_grad_and_none():
    class Product(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            assert ctx.needs_input_grad == (True, False)
            _, y = ctx.saved_tensors
            return g * y, None

    x = leaf(2.0)
    Product.apply(x, airi.tensor(np.array([5.0]))).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [5.0])


def test_several_outputs_and_non_differentiable():
    class Sorted(Function):
        @staticmethod
        def forward(ctx, x):
            order = airi.from_numpy(np.argsort(x.detach().numpy()))
            ctx.mark_non_differentiable(order)
            ctx.order = order
            return airi.from_numpy(x.detach().numpy()[order.numpy()]), order

        @staticmethod
        def backward(ctx, g, g_order):
            out = np.zeros(g.shape)
            out[ctx.order.numpy()] = g.numpy()
            return airi.from_numpy(out)

    x = leaf(3.0, 1.0, 2.0)
    values, order = Sorted.apply(x)
    assert values.requires_grad
    assert not order.requires_grad
    (values * airi.tensor(np.array([1.0, 2.0, 3.0]))).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 1.0, 2.0])


@pytest.mark.parametrize("materialize", [True, False])
def test_materialized_gradients(materialize):
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x * 2.0, x * 3.0

        @staticmethod
        def backward(ctx, first, second):
            if materialize:
                np.testing.assert_array_equal(second.numpy(), [0.0])
                return first * 2.0 + second * 3.0
            assert second is None
            return first * 2.0

    x = leaf(1.0)
    Two.apply(x)[0].sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0])


def test_once_differentiable_refuses_a_second_derivative():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            assert not (x * 1.0).requires_grad
            return 2 * x * g

    x = leaf(3.0)
    Once.apply(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [6.0])
    (first,) = airi.autograd.grad(Once.apply(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_mark_dirty_makes_the_input_the_output():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2.0)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2.0

    x = leaf(1.0, 2.0)
    y = x * 1.0
    out = Double.apply(y)
    assert out is y
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 2.0])
    with pytest.raises(RuntimeError, match="leaf"):
        Double.apply(leaf(1.0))


def test_an_input_returned_as_it_is():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5.0

    x = leaf(1.0)
    out = Same.apply(x)
    assert out is not x
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [5.0])


def test_saved_tensors_are_guarded_and_freed():
    x = leaf(1.0, 2.0)
    y = x * 1.0
    out = Cube.apply(y)
    y.add_(1.0)
    with pytest.raises(RuntimeError, match=r"CubeBackward.*in place"):
        out.sum().backward()
    out = Cube.apply(x).sum()
    out.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        out.backward()


def test_no_cycle_through_a_saved_output():
    gc.collect()
    gc.disable()
    try:
        out = ExpByOutput.apply(leaf(1.0))
        node = weakref.ref(out.grad_fn)
        del out
        assert node() is None
    finally:
        gc.enable()


def test_clear_errors():
    class Short(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match=r"Short\.backward returned 1 gradient;.*2 inputs"):
        Short.apply(leaf(1.0), leaf(2.0)).sum().backward()
    with pytest.raises(TypeError, match="not instantiated"):
        Cube()

    class SavesANumber(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x

    with pytest.raises(TypeError, match="int"):
        SavesANumber.apply(leaf(1.0))

    class Forward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="Forward has no backward"):
        Forward.apply(leaf(1.0)).sum().backward()


def test_backward_may_return_a_tensor_that_it_keeps():
    kept = airi.tensor(np.array([3.0]))

    class Triple(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 3.0

        @staticmethod
        def backward(ctx, g):
            return kept

    x = leaf(1.0)
    inner = x * 1.0
    (Triple.apply(inner) + Triple.apply(inner) + inner * inner).sum().backward()
    Triple.apply(x).sum().backward()
    assert x.grad.tolist() == [11.0]
    assert kept.tolist() == [3.0]  # nothing was added into it


def test_an_output_that_is_no_tensor_has_the_gradient_none():
    class CountAndExp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return len(x), y

        @staticmethod
        def backward(ctx, of_count, g):
            assert of_count is None
            (y,) = ctx.saved_tensors
            return g * y

    x = leaf(0.5, 1.0)
    count, y = CountAndExp.apply(x)
    assert (count, y.output_nr) == (2, 1)
    assert gradgradcheck(lambda x: CountAndExp.apply(x)[1], (x,))


def test_a_view_made_by_a_function_does_not_outlive_a_write_to_its_base():
    class Flat(Function):
        @staticmethod
        def forward(ctx, x):
            return x.view(-1)

        @staticmethod
        def backward(ctx, g):
            return g.view(2, 1) * 10.0

    base = airi.ones(2, 1, requires_grad=True) * 1.0
    flat = Flat.apply(base)
    base.mul_(2.0)
    with pytest.raises(RuntimeError, match=r"autograd\.Function.*written in place"):
        flat.sum().backward()  # would be a gradient without the factor 10


def test_a_result_can_be_written_in_place_and_through_views():
    x = leaf(2.0, 2.0)
    out = Cube.apply(x)
    out.view(2, 1)[1].mul_(10.0)
    out.sum().backward()
    assert x.grad.tolist() == [12.0, 120.0]
