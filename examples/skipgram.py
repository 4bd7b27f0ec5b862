"""Words as vectors: a word is known by the words around it.

Skip-grams with negative sampling on examples/text/lighthouse.txt:  python examples/skipgram.py

Source: T. Mikolov et al., "Distributed representations of words and phrases" (2013).
"""

import argparse
import re
from collections import Counter
from pathlib import Path

import airi as torch
import airi.nn as nn
import airi.nn.functional as F
from airi.utils.data import DataLoader, Dataset, WeightedRandomSampler

TEXT = Path(__file__).parent / "text" / "lighthouse.txt"
WINDOW = 3


class SkipGrams(Dataset):
    """Pairs of a word and one that stands near it."""

    def __init__(self, text):
        words = re.findall(r"[a-z]+", text.lower())
        self.counts = Counter(words)
        self.words = sorted(self.counts)
        self.number = {word: number for number, word in enumerate(self.words)}
        self.pairs = [
            (self.number[word], self.number[words[other]])
            for at, word in enumerate(words)
            for other in range(max(0, at - WINDOW), min(len(words), at + WINDOW + 1))
            if other != at
        ]

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        return self.pairs[index]

    def rarity(self):
        """The weight of each pair: frequent words are shown less often."""
        return [self.counts[self.words[center]] ** -0.5 for center, _ in self.pairs]


class SkipGramModel(nn.Module):
    def __init__(self, words, width):
        super().__init__()
        self.center = nn.Embedding(words, width)
        self.around = nn.Embedding(words, width)
        nn.init.xavier_uniform_(self.center.weight)
        nn.init.zeros_(self.around.weight)

    def forward(self, center, near, others):
        """Near words are to score high, random ones low."""
        vectors = self.center(center)
        near_scores = (vectors * self.around(near)).sum(dim=1)
        other_scores = torch.bmm(self.around(others), vectors.unsqueeze(2)).squeeze(2)
        return -(F.logsigmoid(near_scores) + F.logsigmoid(-other_scores).sum(dim=1)).mean()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="eight batches")
    args = parser.parse_args(argv)

    torch.manual_seed(0)
    data = SkipGrams(TEXT.read_text(encoding="utf-8"))
    epochs, shown, width = (1, 512, 16) if args.quick else (args.epochs, len(data), 48)
    loader = DataLoader(data, batch_size=64, sampler=WeightedRandomSampler(data.rarity(), shown))
    noise = torch.tensor([data.counts[word] ** 0.75 for word in data.words])
    model = SkipGramModel(len(data.words), width)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.2)

    losses = []
    for epoch in range(1, epochs + 1):
        for center, near in loader:
            drawn = torch.multinomial(noise, 5 * len(center), replacement=True)
            loss = model(center, near, drawn.view(len(center), 5))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch % 5 == 0 or epoch == epochs:
            print(f"epoch {epoch}: loss {losses[-1]:.4f}")

    vectors = F.normalize(model.center.weight.detach(), dim=1)
    for word in ("keeper", "gull", "light", "sea"):
        nearness = vectors @ vectors[data.number[word]]
        _, best = nearness.topk(4)
        print(f"{word}: {', '.join(data.words[number] for number in best[1:].tolist())}")
    return losses


if __name__ == "__main__":
    main()
