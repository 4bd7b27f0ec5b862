"""backward() and grad(): what arrives where, how often, and what is freed."""

import re
import threading

import numpy as np
import pytest

import airi


def leaf(*values):
    return airi.tensor(np.array(values), requires_grad=True)


def test_gradients_add_up_over_uses_and_calls():
    x = leaf(3.0)
    for count in (1, 2):
        (x * x + x).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), [7.0 * count])


def test_leaves_never_share_the_memory_of_a_gradient():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    start = airi.tensor([1.0, 1.0], dtype=airi.float64)
    (a + b).backward(start)
    a.grad.mul_(5.0)
    np.testing.assert_array_equal(b.grad.numpy(), [1.0, 1.0])
    np.testing.assert_array_equal(start.numpy(), [1.0, 1.0])


def test_a_diamond_is_walked_once_in_order():
    x = leaf(2.0)
    a = x * 3.0
    b, c = a.exp(), a * a
    (b * c + a).sum().backward()
    expected = 3.0 * (np.exp(6.0) * 36.0 + np.exp(6.0) * 12.0 + 1.0)
    np.testing.assert_allclose(x.grad.numpy(), [expected])


def test_a_chain_of_100_000_ops():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1e-5
    y = y * y
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [4.0])
    del y  # and it is freed without recursion


def test_the_second_backward_says_so():
    x = leaf(1.0)
    y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"ExpBackward a second time.*retain_graph=True"):
        y.backward()
    z = x.exp().sum()
    z.backward(retain_graph=True)
    z.backward()
    np.testing.assert_allclose(x.grad.numpy(), [3 * np.e])


def test_inputs_restricts_the_gradients():
    x, y = leaf(1.0), leaf(2.0)
    (x * y).sum().backward(inputs=[x])
    np.testing.assert_array_equal(x.grad.numpy(), [2.0])
    assert y.grad is None
    with pytest.raises(RuntimeError, match="inputs must not be empty"):
        (x * y).sum().backward(inputs=[])


def test_grad_of_intermediates_and_unused():
    x, unused = leaf(1.0), leaf(1.0)
    middle = x * 2.0
    out = (middle**2).sum()
    found = airi.autograd.grad(out, [middle, x], retain_graph=True)
    np.testing.assert_allclose([each.item() for each in found], [4.0, 8.0])
    assert x.grad is None
    with pytest.raises(RuntimeError, match=r"input 1.*allow_unused=True"):
        airi.autograd.grad(out, [x, unused], retain_graph=True)
    assert airi.autograd.grad(out, [unused], allow_unused=True, retain_graph=True) == (None,)
    (zero,) = airi.autograd.grad(out, [unused], materialize_grads=True)
    np.testing.assert_array_equal(zero.numpy(), [0.0])


def test_what_grad_returns_shares_no_memory():
    x = airi.randn(4, 4, requires_grad=True)
    b = airi.randn(4, 4, requires_grad=True)
    start = airi.ones(4, 4)
    first, again, of_b = airi.autograd.grad(x * x + b, (x, x, b), start)
    expected = again.clone()
    first.zero_()
    of_b.zero_()
    assert airi.equal(again, expected)
    assert airi.equal(start, airi.ones(4, 4))


def test_grad_takes_only_inputs_as_older_scripts_give_it():
    x = leaf(3.0)
    (slope,) = airi.autograd.grad((x**2).sum(), x, None, None, False, True)
    np.testing.assert_array_equal(slope.numpy(), [6.0])
    with pytest.raises(ValueError, match="only_inputs=False"):
        airi.autograd.grad((x**2).sum(), x, only_inputs=False)


def test_grad_does_not_walk_what_no_input_needs():
    class Explodes(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            raise AssertionError("this branch leads to no input")

    x, y = leaf(1.0), leaf(1.0)
    out = (x * 2.0 + Explodes.apply(y)).sum()
    (found,) = airi.autograd.grad(out, [x])
    np.testing.assert_array_equal(found.numpy(), [2.0])


def test_start_gradients_are_checked():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"scalar outputs.*\(2,\)"):
        (x * 2.0).backward()
    with pytest.raises(RuntimeError, match=r"mismatch.*\(3,\).*\(2,\)"):
        (x * 2.0).backward(airi.tensor([1.0, 1.0, 1.0]))
    with pytest.raises(TypeError, match="must be a Tensor"):
        (x * 2.0).backward(np.ones(2))
    with pytest.raises(RuntimeError, match="does not require grad"):
        airi.tensor([1.0]).sum().backward()


def test_hooks_of_tensors_and_leaves():
    x = leaf(1.0, 2.0)
    middle = x * 3.0
    seen = []
    middle.register_hook(seen.append)
    handle = middle.register_hook(lambda g: g * 10.0)
    x.register_hook(lambda g: g + 1.0)
    middle.sum().backward()
    np.testing.assert_array_equal(seen[0].numpy(), [1.0, 1.0])
    np.testing.assert_array_equal(x.grad.numpy(), [31.0, 31.0])
    handle.remove()
    again = x * 3.0
    again.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [35.0, 35.0])


def test_a_hook_sees_the_whole_gradient_once():
    x = leaf(1.0)
    middle = x * 1.0
    seen = []
    middle.register_hook(lambda g: seen.append(g.item()))
    (middle * 2.0 + middle * 3.0).sum().backward()
    assert seen == [5.0]


def test_bad_hooks_are_refused():
    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match="callable"):
        x.register_hook(3)
    x.register_hook(lambda g: g[:1])
    with pytest.raises(RuntimeError, match=r"hook.*\(2,\) to \(1,\)"):
        (x * 2.0).sum().backward()


def test_post_accumulate_hook_can_step_in_backward():
    x = leaf(1.0)

    def step(leaf):
        with airi.no_grad():
            leaf.sub_(leaf.grad)
        leaf.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * 2.0).sum().backward()
    np.testing.assert_array_equal(x.detach().numpy(), [-1.0])
    assert x.grad is None


def test_retain_grad():
    x = leaf(2.0)
    middle = x * 3.0
    middle.retain_grad()
    (middle**2).sum().backward()
    np.testing.assert_array_equal(middle.grad.numpy(), [12.0])
    assert middle.retains_grad


def test_retained_grad_follows_a_write_in_place():
    middle = leaf(2.0) * 3.0
    middle.retain_grad()
    middle.mul_(10.0)
    (middle * 5.0).sum().backward()
    np.testing.assert_array_equal(middle.grad.numpy(), [5.0])  # of the value it has now
    base = leaf(1.0, 1.0) * 2.0
    base.retain_grad()
    base[1:].mul_(3.0)
    base.unsqueeze_(0)
    (base * 7.0).sum().backward()
    np.testing.assert_array_equal(base.grad.numpy(), [[7.0, 7.0]])


def test_retained_grad_and_hook_of_a_view_whose_base_was_written():
    base = leaf(1.0, 1.0) * 2.0
    early, late = base[:1], base[1:]
    early.retain_grad()
    base.mul_(3.0)
    seen = []
    late.retain_grad()
    late.register_hook(lambda g: seen.append(g.tolist()))
    (early**2 + late**2).sum().backward()
    assert early.grad.tolist() == late.grad.tolist() == [12.0]
    assert seen == [[12.0]]


def test_create_graph_gives_gradients_with_a_graph():
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    (second,) = airi.autograd.grad(x.grad.sum(), x)
    np.testing.assert_allclose(second.numpy(), [12.0])
    x.grad = None  # break the cycle leaf -> grad -> graph -> leaf


def test_backward_inside_no_grad_works():
    x = leaf(2.0)
    y = (x * x).sum()
    with airi.no_grad():
        y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [4.0])


def test_gradient_dtype_is_the_leafs():
    x = airi.tensor([1.0, 2.0], requires_grad=True)  # float32
    y = airi.tensor(np.array([3.0, 4.0]))  # float64
    out = x * y
    assert out.dtype == airi.float64
    out.sum().backward()
    assert x.grad.dtype == airi.float32


def test_backward_in_many_threads_shares_parameters():
    weight = leaf(1.0)
    errors = []

    def work():
        try:
            for _ in range(200):
                (weight * 2.0).sum().backward()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not errors
    np.testing.assert_array_equal(weight.grad.numpy(), [2.0 * 8 * 200])


def test_a_failing_rule_tells_where():
    class Broken(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            raise ValueError("no luck")

    x = leaf(1.0)
    with pytest.raises(ValueError, match="no luck") as caught:
        Broken.apply(x).sum().backward()
    assert any(re.search("BrokenBackward.*, of 1 input$", n) for n in caught.value.__notes__)
    assert x.grad is None


def test_detect_anomaly_names_op_and_line():
    x = leaf(0.0)
    with airi.autograd.detect_anomaly():
        y = (x * 0.0).sqrt()
        with pytest.raises(RuntimeError, match=r"SqrtBackward.*test_engine\.py:\d+.*NaN"):
            (y * 0.0).sum().backward()


def test_detect_anomaly_tells_of_a_nan_when_forward_makes_it():
    x = leaf(-1.0)
    with (
        airi.autograd.detect_anomaly(),
        pytest.warns(UserWarning, match=r"NaN made by Log \(at .*test_engine\.py:\d+\)\n.*= -1"),
    ):
        y = (x * 1.0).log()
    assert y.isnan().all()


def test_detect_anomaly_names_where_the_infinity_came_from():
    x = leaf(0.0)
    with airi.autograd.detect_anomaly():
        with pytest.warns(UserWarning, match="NaN made by Mul"):
            y = x.log() * 0.0
        with pytest.raises(RuntimeError) as caught:
            (y.exp() + x.sqrt() * 0.0).sum().backward()
    assert "the first Inf of the forward pass was made by Log" in str(caught.value)


def test_detect_anomaly_decorates_and_can_leave_nan_alone():
    @airi.autograd.detect_anomaly(check_nan=False)
    def run(x):
        (x.sqrt() * 0.0).sum().backward()

    x = leaf(0.0)
    run(x)
    assert x.grad.isnan().all()


def test_detect_anomaly_tells_of_a_nan_out_of_infinities():
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    mask = airi.tensor([True, True])
    with (
        airi.autograd.detect_anomaly(),
        pytest.warns(UserWarning, match="NaN made by Softmax"),
        pytest.raises(RuntimeError, match="the first NaN of the forward pass was made by Softmax"),
    ):
        x.masked_fill(mask, -float("inf")).softmax(0).sum().backward()
