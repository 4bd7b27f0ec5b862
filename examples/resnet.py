"""A residual network: blocks that add what they compute to what they were given.

Trains on the embedded sample of Fashion-MNIST with a one-cycle schedule:
python examples/resnet.py

Source: K. He et al., "Deep residual learning for image recognition" (2015).
"""

import argparse

import airi as torch
from airi import nn
from airi.datasets import FashionMNISTSample
from airi.optim import SGD
from airi.optim.lr_scheduler import OneCycleLR
from airi.utils.data import DataLoader, TensorDataset


def conv3x3(channels, filters, stride=1):
    return nn.Conv2d(channels, filters, kernel_size=3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    def __init__(self, channels, filters, stride=1):
        super().__init__()
        self.conv1 = conv3x3(channels, filters, stride)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = conv3x3(filters, filters)
        self.bn2 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != filters:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, filters, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(filters),
            )

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, widths=(16, 32, 64), classes=10):
        super().__init__()
        self.stem = nn.Sequential(conv3x3(1, widths[0]), nn.BatchNorm2d(widths[0]), nn.ReLU())
        blocks, channels = [], widths[0]
        for number, width in enumerate(widths):
            blocks.append(BasicBlock(channels, width, stride=1 if number == 0 else 2))
            channels = width
        self.layers = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.layers(self.stem(x))
        return self.fc(torch.flatten(self.pool(x), 1))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="six steps of a small network")
    args = parser.parse_args(argv)
    epochs, count = (2, 192) if args.quick else (args.epochs, None)

    torch.manual_seed(0)
    data = FashionMNISTSample(train=True)
    images = torch.tensor(data.images()[:count], dtype=torch.get_default_dtype())
    labels = torch.tensor(data.labels()[:count], dtype=torch.long)
    loader = DataLoader(TensorDataset(images, labels), batch_size=64, shuffle=True, drop_last=True)
    model = ResNet((8, 16)) if args.quick else ResNet()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    scheduler = OneCycleLR(optimizer, max_lr=0.1, epochs=epochs, steps_per_epoch=len(loader))
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")

    losses = []
    for epoch in range(1, epochs + 1):
        for batch, wanted in loader:
            loss = criterion(model(batch), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: loss {losses[-1]:.4f}, rate {scheduler.get_last_lr()[0]:.4f}")
    return losses


if __name__ == "__main__":
    main()
