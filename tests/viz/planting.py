"""Programs with a fault in one op."""

from __future__ import annotations

import numpy as np

import airi

from ..test_op_laws import leaf, leaves, made, outputs, resolve


def nodes_of(tensors):
    edges = [airi.autograd.graph.edge_of(each) for each in tensors]
    return airi.autograd.engine.reachable([each for each in edges if type(each) is tuple])


def plant(node, position=None, factor=1.01):
    """Make the gradient of one input of this one node wrong by `factor`, or of all inputs."""
    rule = node.rule
    right = rule.backward

    def wrong(*arguments):
        result = right(*arguments)
        several = result if isinstance(result, tuple) else (result,)
        several = [
            each if each is None or position not in (None, i) else each * factor
            for i, each in enumerate(several)
        ]
        return tuple(several) if isinstance(result, tuple) else several[0]

    faulty = type(rule.__name__, (rule,), {})
    faulty.backward = staticmethod(wrong)
    node.rule = faulty
    if node.facts is not None:
        node.facts = faulty.facts  # without the kernel of the right rule


def exchanged(value, inner):
    """`value` with its leaves, also in lists and tuples, replaced."""
    if isinstance(value, airi.Tensor):
        return inner.get(id(value), value)
    if type(value) in (list, tuple):
        return type(value)(exchanged(each, inner) for each in value)
    return value


def program(name, call, write=False, twice=False, rounds=3):
    """About 30 ops around one call of an op; the loss and the nodes that the call made.

    With `write` the call is a method that writes in place, with `twice` the program is a gradient
    of the call, and the nodes are those of its backward; `rounds` of 7 ops follow.
    """
    args, kwargs = made(call, leaf)
    given = leaves([args, kwargs])
    inner = {id(each): (each * 1.0 + 0.0).neg().neg() for each in given}
    before = set(nodes_of(inner.values()))
    args = exchanged(args, inner)
    kwargs = {key: exchanged(each, inner) for key, each in kwargs.items()}
    result = getattr(args[0], name)(*args[1:], **kwargs) if write else None
    result = resolve(airi, name)(*args, **kwargs) if result is None else result
    results = [each for each in outputs(result) if getattr(each, "requires_grad", False)]
    mine = [each for each in nodes_of(results) if each not in before]
    if twice and results:
        first = sum(((each.abs() ** 2).sum() for each in results), airi.tensor(0.0).double())
        wanted = [each for each in given if each.requires_grad]
        found = airi.autograd.grad(first, wanted, create_graph=True, allow_unused=True)
        before.update(nodes_of([first]))
        results = [each for each in found if each is not None and each.requires_grad]
        mine = [each for each in nodes_of(results) if each not in before]
    return around(results, rounds), mine


def around(results, rounds=3):
    """A loss of tensors, by some ops more."""
    total = airi.tensor(0.1, dtype=airi.float64)
    for number, each in enumerate(results):
        each = (each + (3.0 - 2.0j)).abs() if each.dtype.is_complex else each
        weights = np.random.default_rng(number).uniform(0.5, 1.5, tuple(each.shape))
        total = total + (each * airi.tensor(weights)).sum()
    for _ in range(rounds):
        total = ((total * 0.7).atan() + 0.4).exp().log().sin() * 1.5 + total
    return total
