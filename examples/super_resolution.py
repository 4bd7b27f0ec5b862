"""Pictures made twice as large, with details that a network has learned to add.

Trains on the embedded sample of Fashion-MNIST:  python examples/super_resolution.py

Source: W. Shi et al., "Real-time single image and video super-resolution using an efficient
sub-pixel convolutional neural network" (2016).
"""

import argparse
import math

import airi as torch
import airi.nn as nn
import airi.nn.functional as F
import airi.nn.init as init
import airi.optim as optim
from airi.datasets import FashionMNISTSample
from airi.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, upscale_factor, width):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, width, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(width, width // 2, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(width // 2, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        for conv in (self.conv1, self.conv2):
            init.orthogonal_(conv.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight)

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.pixel_shuffle(self.conv3(x))


def decibels(error):
    """The peak signal-to-noise ratio of a mean squared error."""
    return 10 * math.log10(1 / error)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="six steps of a small network")
    args = parser.parse_args(argv)
    epochs, count, width = (2, 96, 8) if args.quick else (args.epochs, 2000, 32)

    torch.manual_seed(0)
    pixels = FashionMNISTSample(train=True).images(normalize=False)[:count]
    large = torch.tensor(pixels, dtype=torch.get_default_dtype())
    small = F.interpolate(large, scale_factor=0.5, mode="bilinear", align_corners=False)
    loader = DataLoader(TensorDataset(small, large), batch_size=32, shuffle=True)
    model = Net(2, width)
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    criterion = nn.MSELoss()

    losses = []
    for epoch in range(1, epochs + 1):
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        with torch.no_grad():
            ours = criterion(model(small), large).item()
            plain = F.interpolate(small, scale_factor=2, mode="bicubic", align_corners=False)
            bicubic = criterion(plain, large).item()
        print(f"epoch {epoch}: {decibels(ours):.2f} dB (bicubic {decibels(bicubic):.2f} dB)")
    return losses


if __name__ == "__main__":
    main()
