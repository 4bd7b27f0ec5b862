"""Attention by itself, and a small GPT's training step."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row


@row(
    "attention-long",
    floor=1.0,
    aim=2.0,
    sizes={"shape": (2, 8, 1024, 64)},
    tiny={"shape": (1, 2, 4, 3)},
)
@row(floor=1.0, aim=2.0, sizes={"shape": (8, 4, 128, 32)}, tiny={"shape": (1, 2, 4, 3)})
def attention(torch: Any, shape: tuple[int, ...]) -> Step:
    """Causal attention (batch, heads, length, width), forward and backward."""
    q, k, v = (torch.randn(shape, requires_grad=True) for _ in range(3))
    g = torch.randn(shape)
    attend = torch.nn.functional.scaled_dot_product_attention
    batch, heads, length, width = shape
    # Two products of which causality leaves half, and four such products backward.
    flops = 6 * batch * heads * length * length * width
    return Step(
        lambda: torch.autograd.grad(attend(q, k, v, is_causal=True), (q, k, v), g), flops=flops
    )


def make_gpt(torch: Any, layers: int, width: int, heads: int, length: int, letters: int) -> Any:
    """A GPT as in GPT-2, small: pre-norm blocks and learned positions."""
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.project_in, self.project_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def attend(self, x):
            batch, length, _ = x.shape
            q, k, v = (
                part.view(batch, length, heads, width // heads).transpose(1, 2)
                for part in self.project_in(x).split(width, dim=2)
            )
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.project_out(y.transpose(1, 2).reshape(batch, length, width))

        def forward(self, x):
            x = x + self.attend(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.letters, self.positions = nn.Embedding(letters, width), nn.Embedding(length, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, letters, bias=False)

        def forward(self, codes):
            x = self.letters(codes) + self.positions(torch.arange(codes.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    return GPT()


@row(
    floor=1.0,
    aim=2.0,
    sizes={"layers": 4, "width": 128, "heads": 4, "batch": 8, "length": 128, "letters": 65},
    tiny={"layers": 1, "width": 4, "heads": 2, "batch": 2, "length": 3, "letters": 5},
)
def gpt(
    torch: Any, layers: int, width: int, heads: int, batch: int, length: int, letters: int
) -> Step:
    """Training step of a small GPT, AdamW."""
    net = make_gpt(torch, layers, width, heads, length, letters)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    codes = torch.randint(0, letters, (batch, length + 1))
    inputs, targets = codes[:, :-1], codes[:, 1:].reshape(-1)

    def run():
        optimizer.zero_grad()
        logits = net(inputs).view(-1, letters)
        loss = torch.nn.functional.cross_entropy(logits, targets)
        loss.backward()
        optimizer.step()
        return loss

    return Step(run)
