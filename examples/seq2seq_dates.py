"""Dates as people write them turned into dates as machines want them, with attention.

"tuesday 7 march 1995" becomes "1995-03-07":  python examples/seq2seq_dates.py

Source: D. Bahdanau, K. Cho and Y. Bengio, "Neural machine translation by jointly learning to align
and translate" (2014).
"""

import argparse
import datetime
import random

import airi as torch
import airi.nn as nn
import airi.nn.functional as F
from airi.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

PAD, START = 0, 1
LETTERS = "\0\1 ,-./0123456789abcdefghijklmnopqrstuvwxyz"
FORMATS = ("%d %B %Y", "%A %d %B %Y", "%d/%m/%Y", "%b %d, %Y", "%d.%m.%y", "%B %d %Y")


def random_pair():
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=random.randrange(20000))
    return day.strftime(random.choice(FORMATS)).lower(), day.isoformat()


def encoded(text):
    return torch.tensor([LETTERS.index(letter) for letter in text])


def random_batch(size):
    pairs = [random_pair() for _ in range(size)]
    sources = [encoded(source) for source, _ in pairs]
    lengths = torch.tensor([len(source) for source in sources])
    targets = torch.stack([encoded(target) for _, target in pairs])
    return pad_sequence(sources, batch_first=True, padding_value=PAD), lengths, targets


class Encoder(nn.Module):
    def __init__(self, letters, width):
        super().__init__()
        self.embedding = nn.Embedding(letters, width, padding_idx=PAD)
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.join = nn.Linear(2 * width, width)

    def forward(self, sources, lengths):
        packed = pack_padded_sequence(
            self.embedding(sources), lengths, batch_first=True, enforce_sorted=False
        )
        out, last = self.gru(packed)
        out, _ = pad_packed_sequence(out, batch_first=True)
        return self.join(out), torch.tanh(self.join(torch.cat((last[0], last[1]), dim=1)))


class Attention(nn.Module):
    """Which letters of the source matter for the next letter of the target."""

    def __init__(self, width):
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.score = nn.Linear(width, 1)

    def forward(self, state, memory, mask):
        scores = self.score(torch.tanh(self.query(state).unsqueeze(1) + self.key(memory)))
        scores = scores.squeeze(2).masked_fill(~mask, float("-inf"))
        weights = F.softmax(scores, dim=-1)
        return torch.bmm(weights.unsqueeze(1), memory).squeeze(1), weights


class Decoder(nn.Module):
    def __init__(self, letters, width):
        super().__init__()
        self.embedding = nn.Embedding(letters, width)
        self.attention = Attention(width)
        self.cell = nn.GRUCell(2 * width, width)
        self.out = nn.Linear(2 * width, letters)

    def forward(self, letter, state, memory, mask):
        context, weights = self.attention(state, memory, mask)
        state = self.cell(torch.cat((self.embedding(letter), context), dim=1), state)
        return self.out(torch.cat((state, context), dim=1)), state, weights


class Seq2Seq(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.encoder = Encoder(len(LETTERS), width)
        self.decoder = Decoder(len(LETTERS), width)

    def forward(self, sources, lengths, targets=None, steps=10):
        """The logits of each letter; the right ones before it are given in training only."""
        memory, state = self.encoder(sources, lengths)
        mask = torch.arange(memory.size(1))[None, :] < lengths[:, None]
        letter = torch.full((len(sources),), START, dtype=torch.long)
        logits = []
        for step in range(steps):
            guess, state, _ = self.decoder(letter, state, memory, mask)
            logits.append(guess)
            letter = guess.argmax(dim=1) if targets is None else targets[:, step]
        return torch.stack(logits, dim=1)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--quick", action="store_true", help="five steps of a small network")
    args = parser.parse_args(argv)
    steps, width, size = (5, 16, 8) if args.quick else (args.steps, 96, 64)

    torch.manual_seed(0)
    random.seed(0)
    model = Seq2Seq(width)
    optimizer = torch.optim.NAdam(model.parameters(), lr=4e-3)
    losses = []
    for step in range(1, steps + 1):
        sources, lengths, targets = random_batch(size)
        logits = model(sources, lengths, targets)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % 50 == 0 or step == steps:
            print(f"step {step}: loss {loss.item():.4f}")

    model.eval()
    with torch.no_grad():
        sources, lengths, targets = random_batch(5)
        guesses = model(sources, lengths).argmax(dim=2)
    for source, length, guess, target in zip(sources, lengths, guesses, targets):
        written, read, right = (
            "".join(LETTERS[code] for code in codes.tolist())
            for codes in (source[: int(length)], guess, target)
        )
        print(f"{written:28} {read} {'right' if read == right else 'not ' + right}")
    return losses


if __name__ == "__main__":
    main()
