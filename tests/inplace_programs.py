"""Random programs of views, writes in place and ordinary ops, to be run in airi and in PyTorch.

A program is made of a seed. It keeps a pool of tensors; each step takes one of them and makes a
view or a new tensor of it, which joins the pool, or writes to it. Choices depend on the seed and
on shapes only, so both libraries take the same steps.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Choice(random.Random):
    """The random choices of one program."""

    pool: list[Any]

    def fitting(self, shape: tuple[int, ...], apart_from: Any = None) -> Any:
        """A tensor of the pool that can be broadcast to a shape (a copy if it overlaps another)."""
        fits = [each for each in self.pool if _broadcasts(tuple(each.shape), shape)]
        chosen = self.choice(fits) if fits else 1.0
        if fits and chosen is not apart_from and _root(chosen) == _root(apart_from):
            return chosen.clone()  # PyTorch does not define what an overlapping write does
        return chosen


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def _root(tensor: Any) -> int | None:
    while getattr(tensor, "_base", None) is not None:
        tensor = tensor._base
    return None if tensor is None else tensor.data_ptr()


def _part(x, choice):
    return x[choice.randrange(x.shape[0]) :] if x.ndim and x.shape[0] else x[None]


def _element(x, choice):
    return x[choice.randrange(x.shape[0])] if x.ndim and x.shape[0] else x[None]


def _strided(x, choice):
    return x.as_strided((2,), (1,)) if x.numel() > 1 and x.is_contiguous() else x[...]


VIEWS = [
    _part,
    _element,
    _strided,
    lambda x, choice: x[..., ::2] if x.ndim else x[...],
    lambda x, choice: x.transpose(0, -1),
    lambda x, choice: x.reshape(-1),
    lambda x, choice: x.unsqueeze(choice.randrange(x.ndim + 1)),
    lambda x, choice: x.squeeze(),
    lambda x, choice: x.expand(2, *x.shape),
    lambda x, choice: x.diagonal() if x.ndim > 1 else x[...],
    lambda x, choice: x.unbind(0)[0] if x.ndim and x.shape[0] else x[...],
    lambda x, choice: x.split(2)[0] if x.ndim else x[...],
    lambda x, choice: x.detach(),
]

NEW = [
    lambda lib, x, choice: x * choice.fitting(tuple(x.shape)),
    lambda lib, x, choice: x + choice.fitting(tuple(x.shape)),
    lambda lib, x, choice: x.clamp(-1, 1).exp(),
    lambda lib, x, choice: lib.where(x > 0, x, choice.fitting(tuple(x.shape))),
    lambda lib, x, choice: x[lib.tensor([0, 0])] if x.ndim and x.shape[0] else x * 3,
    lambda lib, x, choice: x.sum(0) if x.ndim else x * 2,
    lambda lib, x, choice: x.clone(),
]


def _set_element(lib, x, choice):
    if x.ndim and x.shape[0]:
        x[choice.randrange(x.shape[0])] = choice.fitting(tuple(x.shape[1:]), x)


def _set_by_index(lib, x, choice):
    if x.ndim and x.shape[0] > 1:
        x[lib.tensor([0, x.shape[0] - 1])] = choice.fitting(tuple(x.shape[1:]), x)


def _set_by_mask(lib, x, choice):
    x[x > 0.3] = 0.25


def _shift(lib, x, choice):
    if x.ndim and x.shape[0] > 1:
        x[1:] = x[:-1].clone()


def _index_add(lib, x, choice):
    if x.ndim and x.shape[0]:
        source = lib.tensor(np.full((2, *x.shape[1:]), 0.3))
        x.index_add_(0, lib.tensor([0, 0]), source)


def _exp(lib, x, choice):
    x.clamp_(-1, 1)
    x.exp_()


def _sqrt(lib, x, choice):
    x.abs_()
    x.add_(1.0)
    x.sqrt_()


WRITES = [
    _set_element,
    _set_by_index,
    _set_by_mask,
    _shift,
    _index_add,
    _exp,
    _sqrt,
    lambda lib, x, choice: x.mul_(1.5),
    lambda lib, x, choice: x.mul_(choice.fitting(tuple(x.shape), x)),
    lambda lib, x, choice: x.mul_(x),
    lambda lib, x, choice: x.add_(choice.fitting(tuple(x.shape), x), alpha=2),
    lambda lib, x, choice: x.div_(choice.fitting(tuple(x.shape), x) * 0.1 + 3),
    lambda lib, x, choice: x.copy_(choice.fitting(tuple(x.shape), x)),
    lambda lib, x, choice: x.fill_(0.5),
    lambda lib, x, choice: x.zero_(),
    lambda lib, x, choice: x.neg_(),
    lambda lib, x, choice: x.square_(),
    lambda lib, x, choice: x.clamp_(-1.5, 1.5),
    lambda lib, x, choice: x.masked_fill_(x < -0.2, -0.1),
]


@dataclass
class Run:
    """What a program left: its leaves, all its tensors, and for each step "" or the error."""

    leaves: list[Any]
    pool: list[Any]
    errors: list[str] = field(default_factory=list)


def run(lib: Any, seed: int, length: int) -> Run:
    numbers = np.random.default_rng(seed)
    choice = Choice(seed)

    def constant(*shape: int) -> Any:
        return lib.tensor(numbers.standard_normal(shape))

    a, b, c = leaves = [constant(*s).requires_grad_() for s in ((3, 4), (4,), (3, 1))]
    pool = [a * 2.0, b + 0.5, c * 1.0, a, constant(3, 4), constant(4, 3).t(), constant(2, 2)]
    choice.pool = pool
    done = Run(leaves, pool)
    for step in range(length):
        choice.seed(1000 * seed + step)  # a step that failed has no influence on the next
        x, kind, silent = choice.choice(pool), choice.random(), choice.random() < 0.1
        try:
            if kind < 0.4:
                pool.append(choice.choice(VIEWS)(x, choice))
            elif kind < 0.6:  # contiguous: memory layouts of results may differ
                pool.append(choice.choice(NEW)(lib, x, choice).contiguous())
            elif silent:
                with lib.no_grad():
                    _write(lib, x, choice)
            else:
                _write(lib, x, choice)
        except RuntimeError as error:
            done.errors.append(str(error))
        else:
            done.errors.append("")
    return done


def _write(lib: Any, x: Any, choice: Choice) -> None:
    write = choice.choice(WRITES)
    if any(n > 1 and step == 0 for n, step in zip(x.shape, x.stride(), strict=True)):
        return  # expanded: PyTorch writes some values and refuses others
    _ = x.grad_fn  # a view in PyTorch notices a write to its base when it is asked
    write(lib, x, choice)


def gradients(lib: Any, done: Run, seed: int, twice: bool) -> list[np.ndarray | None] | str:
    """The gradients of a random sum of everything, of the second order if `twice`; or the error."""
    numbers = np.random.default_rng(seed)
    loss: Any = (done.leaves[0] * 0).sum()
    try:
        for each in done.pool:
            weights = lib.tensor(numbers.standard_normal(tuple(each.shape)))
            if each.requires_grad:
                loss = loss + (each * weights).sum()
        if twice:
            first = lib.autograd.grad(loss, done.leaves, create_graph=True, allow_unused=True)
            loss = sum((each * each).sum() for each in first if each is not None)
            loss = loss + (done.leaves[0] * 0).sum()
        loss.backward()
    except RuntimeError as error:
        return str(error)
    return [None if each.grad is None else each.grad.numpy() for each in done.leaves]
