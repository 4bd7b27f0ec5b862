"""A convolutional network with batch norm and dropout on pictures of clothes.

Trains on the embedded sample of Fashion-MNIST, keeps the best weights in a file and loads them
again:  python examples/image_cnn.py
"""

import argparse
import os
import tempfile

import airi as torch
import airi.nn as nn
import airi.nn.functional as F
import airi.optim as optim
from airi.datasets import FashionMNISTSample
from airi.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(0.3)
        self.fc1 = nn.Linear(32 * 7 * 7, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        x = torch.flatten(x, 1)
        x = self.dropout(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def load(train, count):
    data = FashionMNISTSample(train=train)
    images = torch.tensor(data.images()[:count], dtype=torch.get_default_dtype())
    return TensorDataset(images, torch.tensor(data.labels()[:count], dtype=torch.long))


def train(model, loader, optimizer):
    model.train()
    losses = []
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.nll_loss(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    right = sum((model(images).argmax(dim=1) == labels).sum().item() for images, labels in loader)
    return right / len(loader.dataset)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="one epoch on 640 pictures")
    args = parser.parse_args(argv)
    epochs, count = (1, 640) if args.quick else (args.epochs, None)

    torch.manual_seed(0)
    train_loader = DataLoader(load(True, count), batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(load(False, count), batch_size=256)
    model = Net()
    optimizer = optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)

    losses, best = [], -1.0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "best.pt")
        for epoch in range(1, epochs + 1):
            losses += train(model, train_loader, optimizer)
            scheduler.step()
            accuracy = evaluate(model, test_loader)
            print(f"epoch {epoch}: loss {losses[-1]:.4f}, test accuracy {accuracy:.1%}")
            if accuracy > best:
                best = accuracy
                torch.save(model.state_dict(), path)
        again = Net()
        again.load_state_dict(torch.load(path))
    print(f"the best, loaded again: {evaluate(again, test_loader):.1%}")
    return losses


if __name__ == "__main__":
    main()
