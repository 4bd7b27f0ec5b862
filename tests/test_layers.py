"""The course's blocks: the hand-driven loop, and that it gives what one backward() gives."""

import numpy as np
import pytest

import airi
from airi.layers import AiriLayer, Conv2D, Flatten, Linear, Relu, Softmax


def convnet():
    return [
        Conv2D(3, 4, 3, stride=1, pad=1, reg=1e-3),
        Relu(),
        Conv2D(4, 4, 3, stride=2, pad=0),
        Relu(),
        Flatten(),
        Linear(36, 10, reg=0.02, bias=False),
        Relu(),
        Linear(10, 5),
        Softmax(),
    ]


def forward(blocks, out):
    for block in blocks:
        out = block(out)
    return out


def backward(blocks, labels):
    dout = blocks[-1].backward(labels)
    for block in reversed(blocks[:-1]):
        dout = block.backward(dout)
    return dout


def step(blocks, images, labels, lr):
    forward(blocks, images)
    loss = blocks[-1].NLLloss(labels)
    backward(blocks, labels)
    for block in blocks:
        block.update(lr)
        block.zero_grad()
    return loss


def test_the_loop_gives_the_gradients_of_one_backward():
    airi.manual_seed(0)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((6, 3, 8, 8)).astype(np.float32)
    labels = rng.integers(0, 5, 6)
    blocks = convnet()
    forward(blocks, images)
    value = blocks[-1].NLLloss(labels)
    dx = backward(blocks, labels)
    by_hand = [{k: p.grad.numpy() for k, p in block.parameters.items()} for block in blocks]

    x = airi.tensor(images, requires_grad=True)
    out = x
    for block in blocks[:-1]:
        block.zero_grad()
        out = block.compute(out)
    loss = blocks[-1].loss(out, airi.tensor(labels))
    assert loss.item() == pytest.approx(value, rel=1e-6)
    total = loss
    for block in blocks:
        total = total + block.penalty()
    total.backward()
    np.testing.assert_allclose(dx, x.grad.numpy(), rtol=1e-5, atol=1e-7)
    for block, gradients in zip(blocks, by_hand, strict=True):
        for name, parameter in block.parameters.items():
            np.testing.assert_allclose(
                gradients[name], parameter.grad.numpy(), rtol=1e-5, atol=1e-7
            )


def networks():
    return {
        "softmax": [Flatten(), Linear(192, 5, reg=1e-4), Softmax()],
        "two-layer": [Flatten(), Linear(192, 20, reg=1e-4), Relu(), Linear(20, 5), Softmax()],
        "convnet": convnet(),
    }


@pytest.mark.parametrize("name", ["softmax", "two-layer", "convnet"])
def test_training_learns(name):
    airi.manual_seed(1)
    rng = np.random.default_rng(1)
    images = rng.standard_normal((64, 3, 8, 8)).astype(np.float32)
    labels = rng.integers(0, 5, 64)
    images += 2 * rng.standard_normal((5, 3, 8, 8)).astype(np.float32)[labels]
    blocks = networks()[name]
    losses = [step(blocks, images, labels, lr=0.05) for _ in range(60)]
    assert losses[0] > 1.0
    assert losses[-1] < 0.3
    assert (forward(blocks, images).argmax(1) == labels).mean() > 0.9


def test_softmax_gradient_is_probabilities_minus_labels():
    softmax = Softmax()
    scores = np.array([[1.0, 2.0, 0.5], [1e4, -1e4, 0.0]], np.float32)
    out = softmax(scores)
    labels = np.array([2, 0])
    expected = (out - np.eye(3)[labels]) / 2
    np.testing.assert_allclose(softmax.backward(labels), expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(out.sum(1), 1, rtol=1e-6)


def test_gradients_add_up_until_zero_grad():
    block = Linear(3, 2)
    x, dout = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    block(x)
    block.backward(dout)
    once = block.parameters["weight"].grad.numpy().copy()
    block(x)
    block.backward(dout)
    np.testing.assert_allclose(block.parameters["weight"].grad.numpy(), 2 * once)
    block.zero_grad()
    assert block.parameters["weight"].grad is None


def test_own_block():
    class Square(AiriLayer):
        def compute(self, x):
            return x**2

    block = Square()
    np.testing.assert_allclose(block(np.array([3.0])), [9.0])
    np.testing.assert_allclose(block.backward(np.array([2.0])), [12.0])


def test_blocks_are_saved_without_their_graph(tmp_path):
    blocks = [Linear(3, 2), Relu()]
    x = np.ones((1, 3), np.float32)
    wanted = forward(blocks, x)
    airi.save(blocks, tmp_path / "net.airi")
    np.testing.assert_array_equal(forward(airi.load(tmp_path / "net.airi"), x), wanted)


def test_clear_errors():
    block = Linear(3, 2)
    with pytest.raises(RuntimeError, match="call the block"):
        block.backward(np.ones((1, 2)))
    block(np.ones((1, 3), np.float32))
    with pytest.raises(RuntimeError, match=r"\(1, 3\).*\(1, 2\)"):
        block.backward(np.ones((1, 3)))
    with pytest.raises(TypeError, match="NumPy arrays"):
        block(airi.tensor([1.0]))
    softmax = Softmax()
    softmax(np.ones((2, 3)))
    with pytest.raises(ValueError, match="labels"):
        softmax.NLLloss(np.ones((2, 3)))
    with pytest.raises(ValueError, match="reg"):
        Linear(2, 2, reg=-1)


def test_numpys_own_float64_is_taken_in_the_dtype_of_the_parameters():
    block = Linear(3, 2)
    out = block(np.ones((4, 3)))
    assert out.dtype == np.float32
    assert block.backward(np.ones((4, 2))).dtype == np.float32


def test_an_output_that_backward_needs_cannot_be_written():
    block = Relu()
    out = block(np.array([[1.0, -1.0]]))
    with pytest.raises(ValueError, match="read-only"):
        out *= 0.0
    np.testing.assert_array_equal(block.backward(np.ones((1, 2))), [[1.0, 0.0]])
