"""The course's loop: a list of blocks, driven forward and backward by hand.

Trains the softmax classifier, the two-layer net or the ConvNet on the embedded sample of
Fashion-MNIST:  python examples/course_loop.py --model two-layer
"""

import argparse

import numpy as np

import airi
from airi.datasets import FashionMNISTSample
from airi.layers import Conv2D, Flatten, Linear, Relu, Softmax

MODELS = {
    "softmax": lambda: [Flatten(), Linear(784, 10, reg=1e-4), Softmax()],
    "two-layer": lambda: [
        Flatten(),
        Linear(784, 100, reg=1e-4),
        Relu(),
        Linear(100, 10, reg=1e-4),
        Softmax(),
    ],
    "convnet": lambda: [
        Conv2D(1, 16, 5),
        Relu(),
        Conv2D(16, 16, 5),
        Relu(),
        Flatten(),
        Linear(16 * 20 * 20, 120),
        Relu(),
        Linear(120, 10),
        Softmax(),
    ],
}


def step(blocks, images, labels, lr):
    """One step of gradient descent on a batch; returns its loss."""
    out = images
    for block in blocks:
        out = block(out)
    loss = blocks[-1].NLLloss(labels)
    dout = blocks[-1].backward(labels)
    for block in reversed(blocks[:-1]):
        dout = block.backward(dout)
    for block in blocks:
        block.update(lr)
        block.zero_grad()
    return loss


def accuracy(blocks, images, labels):
    out = images
    for block in blocks:
        out = block(out)
    return (out.argmax(axis=1) == labels).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, default="two-layer")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--quick", action="store_true", help="a part of the data, two epochs")
    chosen = parser.parse_args()

    airi.manual_seed(0)
    rng = np.random.default_rng(0)
    train, test = FashionMNISTSample(train=True), FashionMNISTSample(train=False)
    images, labels = train.images(), train.labels()
    if chosen.quick:
        images, labels, chosen.epochs = images[:1000], labels[:1000], 2

    blocks = MODELS[chosen.model]()
    for epoch in range(1, chosen.epochs + 1):
        order = rng.permutation(len(images))
        batches = np.array_split(order, len(order) // 64)
        losses = [step(blocks, images[each], labels[each], chosen.lr) for each in batches]
        right = accuracy(blocks, test.images(), test.labels())
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}, test accuracy {right:.1%}")


if __name__ == "__main__":
    main()
