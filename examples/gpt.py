"""A small GPT: attention over all letters before, a stack of it, and a guess at the next one.

Reads examples/text/lighthouse.txt:  python examples/gpt.py

Source: A. Radford et al., "Improving language understanding by generative pre-training" (2018).
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import airi as torch
import airi.nn as nn
from airi.nn import functional as F

TEXT = Path(__file__).parent / "text" / "lighthouse.txt"


@dataclass
class Config:
    vocabulary: int
    context: int = 64
    width: int = 64
    heads: int = 4
    layers: int = 3
    dropout: float = 0.1


class CausalSelfAttention(nn.Module):
    """Attention written out, so that its matrix can be seen."""

    def __init__(self, config):
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.dropout = nn.Dropout(config.dropout)
        mask = torch.tril(torch.ones(config.context, config.context))
        self.register_buffer("mask", mask.view(1, 1, config.context, config.context))

    def forward(self, x):
        batch, time, width = x.size()
        q, k, v = self.qkv(x).split(width, dim=2)
        q = q.view(batch, time, self.heads, width // self.heads).transpose(1, 2)
        k = k.view(batch, time, self.heads, width // self.heads).transpose(1, 2)
        v = v.view(batch, time, self.heads, width // self.heads).transpose(1, 2)
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        scores = scores.masked_fill(self.mask[:, :, :time, :time] == 0, float("-inf"))
        weights = self.dropout(F.softmax(scores, dim=-1))
        mixed = (weights @ v).transpose(1, 2).contiguous().view(batch, time, width)
        return self.out(mixed)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.attention = CausalSelfAttention(config)
        self.norm2 = nn.LayerNorm(config.width)
        self.mlp = nn.ModuleDict(
            {
                "up": nn.Linear(config.width, 4 * config.width),
                "down": nn.Linear(4 * config.width, config.width),
                "dropout": nn.Dropout(config.dropout),
            }
        )

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        hidden = F.gelu(self.mlp["up"](self.norm2(x)))
        return x + self.mlp["dropout"](self.mlp["down"](hidden))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)
        self.head.weight = self.tokens.weight  # one matrix reads and writes
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            torch.nn.init.zeros_(module.bias)

    def forward(self, codes, targets=None):
        positions = torch.arange(codes.size(1), dtype=torch.long, device=codes.device)
        x = self.tokens(codes) + self.positions(positions)
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))

    @torch.no_grad()
    def generate(self, codes, count, temperature=0.8, top_k=10):
        self.eval()
        for _ in range(count):
            logits, _ = self(codes[:, -self.config.context :])
            logits = logits[:, -1, :] / temperature
            best, _ = torch.topk(logits, min(top_k, logits.size(-1)))
            logits[logits < best[:, [-1]]] = -float("inf")
            drawn = torch.multinomial(F.softmax(logits, dim=-1), num_samples=1)
            codes = torch.cat((codes, drawn), dim=1)
        self.train()
        return codes


def parameter_groups(model, weight_decay):
    """Matrices decay; biases and gains do not."""
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    free = [p for p in model.parameters() if p.dim() < 2]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="eight steps of a small network")
    args = parser.parse_args(argv)

    torch.manual_seed(1337)
    text = TEXT.read_text(encoding="utf-8")
    letters = sorted(set(text))
    data = torch.tensor([letters.index(letter) for letter in text], dtype=torch.long)
    small = {"context": 16, "width": 16, "heads": 2, "layers": 2} if args.quick else {}
    config = Config(vocabulary=len(letters), **small)
    steps = 8 if args.quick else args.steps
    model = GPT(config)
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.1), lr=3e-3, betas=(0.9, 0.95))
    warm_up = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=steps // 10 + 1)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer, [warm_up, decay], milestones=[steps // 10 + 1]
    )
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")

    losses = []
    for step in range(1, steps + 1):
        starts = torch.randint(len(data) - config.context, (12,))
        x = torch.stack([data[i : i + config.context] for i in starts])
        y = torch.stack([data[i + 1 : i + 1 + config.context] for i in starts])
        _, loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        if step % 50 == 0 or step == steps:
            print(f"step {step}: loss {loss.item():.3f}")
    start = torch.tensor([[letters.index("T")]])
    written = model.generate(start, 40 if args.quick else 300)[0].tolist()
    print("".join(letters[code] for code in written))
    return losses


if __name__ == "__main__":
    main()
