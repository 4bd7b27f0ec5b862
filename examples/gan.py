"""Two networks against each other: one forges pictures, the other tells them from real ones.

Trains on the shoes and bags of the embedded sample of Fashion-MNIST:  python examples/gan.py

Source: I. Goodfellow et al., "Generative adversarial nets" (2014); A. Radford et al.,
"Unsupervised representation learning with deep convolutional GANs" (2015).
"""

import argparse

import airi as torch
import airi.nn as nn
import airi.optim as optim
from airi.datasets import FashionMNISTSample


def generator(noise, width):
    """Noise (N, noise, 1, 1) to pictures (N, 1, 28, 28)."""
    return nn.Sequential(
        nn.ConvTranspose2d(noise, 2 * width, 7, 1, 0, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(True),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(True),
        nn.ConvTranspose2d(width, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )


def discriminator(width):
    return nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(2 * width, 1, 7, 1, 0, bias=False),
    )


def weights_init(module):
    """Small normal weights, as the paper has them."""
    name = module.__class__.__name__
    if name.find("Conv") != -1:
        nn.init.normal_(module.weight.data, 0.0, 0.02)
    elif name.find("BatchNorm") != -1:
        nn.init.normal_(module.weight.data, 1.0, 0.02)
        nn.init.constant_(module.bias.data, 0)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--quick", action="store_true", help="six steps of small networks")
    args = parser.parse_args(argv)
    steps, width, batch, noise = (6, 8, 16, 16) if args.quick else (args.steps, 32, 64, 64)

    torch.manual_seed(0)
    data = FashionMNISTSample(train=True)
    pixels = data.images(normalize=False)[data.labels() >= 7]
    real = torch.tensor(pixels, dtype=torch.get_default_dtype()) * 2 - 1

    net_g, net_d = generator(noise, width), discriminator(width)
    net_g.apply(weights_init)
    net_d.apply(weights_init)
    criterion = nn.BCEWithLogitsLoss()
    optimizer_d = optim.Adam(net_d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimizer_g = optim.Adam(net_g.parameters(), lr=2e-4, betas=(0.5, 0.999))

    losses = []
    for step in range(1, steps + 1):
        # The discriminator: real pictures are 1, forged ones 0.
        net_d.zero_grad()
        chosen = real[torch.randint(0, len(real), (batch,))]
        loss_real = criterion(net_d(chosen).view(-1), torch.full((batch,), 1.0))
        loss_real.backward()
        forged = net_g(torch.randn(batch, noise, 1, 1))
        loss_forged = criterion(net_d(forged.detach()).view(-1), torch.full((batch,), 0.0))
        loss_forged.backward()
        optimizer_d.step()
        # The generator: wants its pictures to be taken for real ones.
        net_g.zero_grad()
        loss_g = criterion(net_d(forged).view(-1), torch.full((batch,), 1.0))
        loss_g.backward()
        optimizer_g.step()
        loss_d = loss_real + loss_forged
        losses += [loss_d.item(), loss_g.item()]
        if step % 25 == 0 or step == steps:
            print(f"step {step}: discriminator {loss_d.item():.4f}, generator {loss_g.item():.4f}")
    return losses


if __name__ == "__main__":
    main()
