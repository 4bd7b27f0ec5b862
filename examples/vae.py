"""A variational autoencoder: pictures squeezed through a few random numbers, and new ones made.

Trains on the embedded sample of Fashion-MNIST:  python examples/vae.py

Source: D. Kingma and M. Welling, "Auto-encoding variational Bayes" (2013).
"""

import argparse

import airi as torch
from airi import nn, optim
from airi.datasets import FashionMNISTSample
from airi.nn import functional as F
from airi.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self, hidden=200, latent=12):
        super().__init__()
        self.fc1 = nn.Linear(784, hidden)
        self.fc_mean = nn.Linear(hidden, latent)
        self.fc_log_variance = nn.Linear(hidden, latent)
        self.fc3 = nn.Linear(latent, hidden)
        self.fc4 = nn.Linear(hidden, 784)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc_mean(h), self.fc_log_variance(h)

    def reparameterize(self, mean, log_variance):
        """A draw whose gradient reaches mean and variance."""
        std = torch.exp(0.5 * log_variance)
        return mean + torch.randn_like(std) * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mean, log_variance = self.encode(x.view(-1, 784))
        z = self.reparameterize(mean, log_variance)
        return self.decode(z), mean, log_variance


def loss_function(reconstruction, x, mean, log_variance):
    """How badly the picture came back, and how far the code is from a standard normal."""
    error = F.binary_cross_entropy(reconstruction, x.view(-1, 784), reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return error + divergence


def as_text(picture):
    """A picture as letters, light to dark."""
    shades = " .:-=+*#%@"
    rows = picture.view(28, 28)[::2].tolist()
    return "\n".join("".join(shades[min(int(value * 10), 9)] for value in row) for row in rows)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="two epochs on 512 pictures")
    args = parser.parse_args(argv)
    epochs, count = (2, 512) if args.quick else (args.epochs, None)

    torch.manual_seed(1)
    pixels = FashionMNISTSample(train=True).images(normalize=False)[:count]
    images = torch.tensor(pixels, dtype=torch.get_default_dtype()).clamp(0, 1)
    loader = DataLoader(images, batch_size=128, shuffle=True)
    model = VAE(hidden=64) if args.quick else VAE()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)

    losses = []
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0
        for batch in loader:
            optimizer.zero_grad()
            reconstruction, mean, log_variance = model(batch)
            loss = loss_function(reconstruction, batch, mean, log_variance)
            loss.backward()
            total += loss.item()
            optimizer.step()
            losses.append(loss.item() / len(batch))
        print(f"epoch {epoch}: loss {total / len(images):.3f} a picture")
    with torch.no_grad():
        print(as_text(model.decode(torch.randn(1, 12))))
    return losses


if __name__ == "__main__":
    main()
