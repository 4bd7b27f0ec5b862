"""Whole training steps on images: forward, loss, backward, update."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row

IMAGES = {"batch": 128, "size": 32}
TINY = {"batch": 2, "size": 12}
CONVNET = {"floor": 1.5, "aim": 2.0, "sizes": IMAGES, "tiny": TINY}


def training_step(torch: Any, net: Any, optimizer: Any, images: Any, classes: int = 10) -> Step:
    """One step of gradient descent on a batch of labelled images."""
    labels = torch.randint(0, classes, (len(images),))
    cross_entropy = torch.nn.functional.cross_entropy

    def run():
        optimizer.zero_grad()
        loss = cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return Step(run)


def convnet(torch: Any, batch: int, size: int) -> tuple[Any, Any]:
    """The course's ConvNet, and images of CIFAR-10's size."""
    nn = torch.nn
    after_convolutions = size - 2 * (5 - 1)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 5),
        nn.ReLU(),
        nn.Conv2d(16, 16, 5),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * after_convolutions**2, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
    return net, torch.randn(batch, 3, size, size)


@row(**CONVNET)
def convnet_sgd(torch: Any, batch: int, size: int) -> Step:
    """The course's ConvNet, SGD."""
    net, images = convnet(torch, batch, size)
    return training_step(torch, net, torch.optim.SGD(net.parameters(), lr=0.01), images)


@row(**CONVNET)
def convnet_momentum(torch: Any, batch: int, size: int) -> Step:
    """The course's ConvNet, SGD with momentum."""
    net, images = convnet(torch, batch, size)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    return training_step(torch, net, optimizer, images)


@row(**CONVNET)
def convnet_adam(torch: Any, batch: int, size: int) -> Step:
    """The course's ConvNet, Adam."""
    net, images = convnet(torch, batch, size)
    return training_step(torch, net, torch.optim.Adam(net.parameters(), lr=1e-3), images)


@row(floor=1.5, aim=3.0, sizes=IMAGES, tiny=TINY)
def two_layer(torch: Any, batch: int, size: int) -> Step:
    """A two-layer net of 100 hidden units, SGD."""
    nn = torch.nn
    pixels = 3 * size * size
    net = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 100), nn.ReLU(), nn.Linear(100, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    return training_step(torch, net, optimizer, torch.randn(batch, 3, size, size))


@row(floor=1.5, aim=3.0, sizes=IMAGES, tiny=TINY)
def softmax_classifier(torch: Any, batch: int, size: int) -> Step:
    """One linear layer and a softmax, SGD."""
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * size * size, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    return training_step(torch, net, optimizer, torch.randn(batch, 3, size, size))
