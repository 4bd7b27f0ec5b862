"""An optimizer of one's own with a schedule of one's own, on a small regression.

The optimizer is Lion, which walks by the sign of its momentum:
python examples/custom_optimizer.py

Source: X. Chen et al., "Symbolic discovery of optimization algorithms" (2023).
"""

import argparse
import math

import airi as torch
import airi.nn as nn
from airi.optim import Optimizer
from airi.optim.lr_scheduler import LambdaLR


class Lion(Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0):
        if lr <= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["exp_avg"] = torch.zeros_like(p)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                update = state["exp_avg"].mul(beta1).add(p.grad, alpha=1 - beta1)
                p.add_(update.sign_(), alpha=-group["lr"])
                state["exp_avg"].mul_(beta2).add_(p.grad, alpha=1 - beta2)
        return loss


def warm_up_then_cosine(steps, warm_up):
    def factor(step):
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))

    return factor


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--quick", action="store_true", help="60 steps")
    args = parser.parse_args(argv)
    steps = 60 if args.quick else args.steps

    torch.manual_seed(0)
    x = torch.linspace(-2, 2, 256).unsqueeze(1)
    y = torch.sin(3 * x) + 0.3 * x**2 + 0.05 * torch.randn_like(x)
    model = nn.Sequential(
        nn.Linear(1, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)
    )
    first, rest = model[0], [p for layer in model[1:] for p in layer.parameters()]
    optimizer = Lion(
        [{"params": first.parameters(), "lr": 5e-3}, {"params": rest, "weight_decay": 0.01}],
        lr=1e-3,
    )
    scheduler = LambdaLR(optimizer, warm_up_then_cosine(steps, warm_up=steps // 10))
    criterion = nn.SmoothL1Loss(beta=0.5)

    def closure():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        return loss

    losses = []
    for step in range(1, steps + 1):
        loss = optimizer.step(closure)
        scheduler.step()
        losses.append(loss.item())
        if step % 100 == 0 or step == steps:
            rates = ", ".join(f"{rate:.2e}" for rate in scheduler.get_last_lr())
            print(f"step {step}: loss {loss.item():.5f}, rates {rates}")

    saved = optimizer.state_dict()
    again = Lion([{"params": first.parameters()}, {"params": rest}])
    again.load_state_dict(saved)
    print("loaded again:", len(again.state_dict()["state"]), "parameters with momentum")
    return losses


if __name__ == "__main__":
    main()
