"""A recurrent network that learns to write, letter by letter.

Reads examples/text/lighthouse.txt and then makes up a text of its own:
python examples/char_lstm.py
"""

import argparse
from pathlib import Path

import airi as torch
import airi.nn as nn

TEXT = Path(__file__).parent / "text" / "lighthouse.txt"


class CharLSTM(nn.Module):
    def __init__(self, letters, embedding=32, hidden=128, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(letters, embedding)
        self.lstm = nn.LSTM(embedding, hidden, num_layers=layers, dropout=0.2, batch_first=True)
        self.decoder = nn.Linear(hidden, letters)

    def forward(self, x, state=None):
        out, state = self.lstm(self.embedding(x), state)
        return self.decoder(out), state


def random_windows(codes, batch, length):
    starts = torch.randint(len(codes) - length - 1, (batch,))
    x = torch.stack([codes[start : start + length] for start in starts.tolist()])
    y = torch.stack([codes[start + 1 : start + length + 1] for start in starts.tolist()])
    return x, y


@torch.no_grad()
def write(model, start, letters, length, temperature=0.7):
    model.eval()
    codes = {letter: number for number, letter in enumerate(letters)}
    x = torch.tensor([[codes[letter] for letter in start]])
    text, state = start, None
    for _ in range(length):
        logits, state = model(x, state)
        chances = torch.softmax(logits[0, -1] / temperature, dim=-1)
        x = torch.multinomial(chances, num_samples=1).unsqueeze(0)
        text += letters[x.item()]
    model.train()
    return text


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--quick", action="store_true", help="twelve steps of a small network")
    args = parser.parse_args(argv)

    torch.manual_seed(0)
    text = TEXT.read_text(encoding="utf-8")
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(letter) for letter in text])
    sizes = {"embedding": 8, "hidden": 24} if args.quick else {}
    steps, length = (12, 20) if args.quick else (args.steps, 64)
    model = CharLSTM(len(letters), **sizes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()

    losses = []
    for step in range(1, steps + 1):
        x, y = random_windows(codes, 16, length)
        logits, _ = model(x)
        loss = criterion(logits.transpose(1, 2), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % 50 == 0 or step == steps:
            print(f"step {step}: loss {loss.item():.3f}")
    print(write(model, "The ", letters, 40 if args.quick else 300))
    return losses


if __name__ == "__main__":
    main()
