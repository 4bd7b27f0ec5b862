"""A script in PyTorch's words: only the import lines say airi.

Fits a spiral of three arms with a small network:  python examples/pytorch_script.py
"""

import argparse

import airi as torch
import airi.nn as nn
import airi.nn.functional as F
import airi.optim as optim
from airi.optim.lr_scheduler import CosineAnnealingLR
from airi.utils.data import DataLoader, TensorDataset


def spiral(per_arm, noise=0.15):
    radius = torch.linspace(0.05, 1, per_arm).repeat(3)
    arm = torch.arange(3).repeat_interleave(per_arm)
    angle = radius * 5 + arm * (2 * torch.pi / 3) + noise * torch.randn(3 * per_arm)
    points = torch.stack([radius * angle.sin(), radius * angle.cos()], dim=1)
    return points, arm


class Net(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 3)

    def forward(self, x):
        x = F.relu(self.norm(self.fc1(x)))
        return self.out(torch.tanh(self.fc2(x)))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="ten epochs")
    args = parser.parse_args(argv)
    epochs = 10 if args.quick else args.epochs

    torch.manual_seed(0)
    points, labels = spiral(300)
    loader = DataLoader(TensorDataset(points, labels), batch_size=64, shuffle=True)
    model = Net()
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    print(model)
    losses = []
    for epoch in range(1, epochs + 1):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(y)
            losses.append(loss.item())
        scheduler.step()
        if epoch % 10 == 0:
            with torch.no_grad():
                right = (model(points).argmax(1) == labels).float().mean().item()
            print(f"epoch {epoch}: loss {total / len(labels):.4f}, accuracy {right:.1%}")
    return losses


if __name__ == "__main__":
    main()
