"""A polynomial fitted to a sine, three times: by hand, by autograd and by an optimizer.

The three compute the same losses:  python examples/autograd_basics.py
"""

import argparse
import math

import airi as torch

RATE = 1e-6


def by_hand(x, y, steps):
    """The gradient of the squared error, worked out on paper."""
    a, b, c, d = torch.tensor([0.1, 0.2, -0.1, 0.05])
    losses = []
    for _ in range(steps):
        error = a + b * x + c * x**2 + d * x**3 - y
        losses.append(error.pow(2).sum().item())
        slope = 2.0 * error
        a -= RATE * slope.sum()
        b -= RATE * (slope * x).sum()
        c -= RATE * (slope * x**2).sum()
        d -= RATE * (slope * x**3).sum()
    return losses


def by_autograd(x, y, steps):
    """The same; backward() finds the gradient."""
    weights = torch.tensor([0.1, 0.2, -0.1, 0.05], requires_grad=True)
    losses = []
    for _ in range(steps):
        a, b, c, d = weights
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            weights -= RATE * weights.grad
            weights.grad = None
    return losses


def by_optimizer(x, y, steps):
    """The same; a layer holds the weights and an optimizer moves them."""
    model = torch.nn.Linear(3, 1)
    with torch.no_grad():
        model.bias.fill_(0.1)
        model.weight.copy_(torch.tensor([[0.2, -0.1, 0.05]]))
    powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    criterion = torch.nn.MSELoss(reduction="sum")
    losses = []
    for _ in range(steps):
        loss = criterion(model(powers).squeeze(-1), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--quick", action="store_true", help="200 steps")
    args = parser.parse_args(argv)
    steps = 200 if args.quick else args.steps

    x = torch.linspace(-math.pi, math.pi, 2000)
    y = torch.sin(x)
    every = []
    for fit in (by_hand, by_autograd, by_optimizer):
        losses = fit(x, y, steps)
        print(f"{fit.__name__:13} loss {losses[0]:10.3f} -> {losses[-1]:8.3f}")
        every += losses
    return every


if __name__ == "__main__":
    main()
