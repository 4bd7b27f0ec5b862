"""The inputs that `check` calls a rule with: those of forward, or random ones.

Of a forward that nobody recorded a trace knows the leaves and what the nodes saved. What else an op
was given is computed again by the op that made it, where that one's own inputs are known. Where
they are not, as after ``x + data``, the rule is called with random numbers of the same shape: a
rule is a function, and where it is wrong it is wrong there too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd import graph
from airi.autograd.function import Function
from airi.autograd.mode import no_grad
from airi.tensor import Tensor

if TYPE_CHECKING:
    from airi.viz.trace import Event, Trace

Point = tuple[Any, ...]
_AGREES = 1e-2  # of the largest number: how far an output computed again may be from the saved one


def known_inputs(trace: Trace) -> dict[int, Point]:
    """The inputs of forward by step, as far as they are known or can be computed again."""
    missing = {edge for event in trace for edge in _missing(event)}
    again: dict[tuple[str, int], Any] = {}
    found = {}
    for event in reversed(trace.events):  # the oldest first: inputs before what is made of them
        point = tuple(
            again.get(edge) if value is None else value
            for edge, value in zip(_edges(event), event.values_in, strict=True)
        )
        if any(value is None and key for value, key in zip(point, event.from_keys, strict=True)):
            continue
        wanted = [n for n in range(len(event.outputs)) if (event.key, n) in missing]
        # A constant that was not saved looks like an argument that was None.
        is_given = event.is_recorded or all(value is not None for value in event.values_in)
        if (wanted or not is_given) and _is_repeatable(event):
            try:
                results = _forward(event, point)
            except Exception:  # of None where a constant was
                continue
            if not all(map(_agrees, results, event.values_out)):
                continue
            again.update({(event.key, n): results[n] for n in wanted})
        found[event.step] = point
    return found


def _edges(event: Event) -> Iterator[tuple[str, int]]:
    return zip(event.from_keys, event.from_outputs, strict=True)


def _missing(event: Event) -> Iterator[tuple[str, int]]:
    pairs = zip(_edges(event), event.values_in, strict=True)
    return (edge for edge, value in pairs if value is None and edge[0])


def _is_repeatable(event: Event) -> bool:
    """Whether forward gives the same once more: a user's function may draw, write or print."""
    return not issubclass(event.rule, Function) and "generator" not in event.attributes


def _forward(event: Event, point: Point) -> list[Any]:
    inputs = [graph.wrap(each) if isinstance(each, np.ndarray) else each for each in point]
    with no_grad():
        results = event.rule.apply(*inputs, **event.attributes)
    results = results if isinstance(results, tuple) else (results,)
    return [each._array if isinstance(each, Tensor) else each for each in results]


def _agrees(result: Any, saved: Any) -> bool:
    if not isinstance(saved, np.ndarray) or saved.dtype.kind not in "fc":
        return True
    if not isinstance(result, np.ndarray) or result.shape != saved.shape:
        return False
    size = np.abs(saved[np.isfinite(saved)]).max(initial=0.0)
    return bool(np.isclose(result, saved, rtol=0, atol=_AGREES * size, equal_nan=True).all())


def random_inputs(event: Event, rng: np.random.Generator) -> Iterator[Point]:
    """Inputs of the recorded shapes, with random numbers for those that are not known.

    Rules have their domains: the numbers are of both signs first, then positive, then between 0 and
    1, then positive definite matrices. A constant of unknown shape is None first, then a number,
    then as large as the output or as another input.
    """
    if event.op in _UP_TO_A_PHASE:
        return
    shapes: dict[Any, None] = {None: None}
    unknown = [
        i
        for i, (key, shape) in enumerate(zip(event.from_keys, event.shapes_in, strict=True))
        if not key and shape is None and event.values_in[i] is None
    ]
    if unknown and not event.is_recorded:
        shapes |= dict.fromkeys([(), *event.shapes_out, *event.shapes_in])
    for of_constants in shapes:
        for draw in _DRAWS:
            yield tuple(
                _drawn(event, i, of_constants, draw, rng) if value is None else value
                for i, value in enumerate(event.values_in)
            )


# A gradient that fits their results at one point, where the loss does not depend on the phase of
# the vectors, fits at no other.
_UP_TO_A_PHASE = ("Eig", "Eigh", "SVD")


def _drawn(
    event: Event, i: int, of_constants: Any, draw: Callable[..., Any], rng: np.random.Generator
) -> np.ndarray | None:
    shape = event.shapes_in[i]
    shape = of_constants if shape is None else shape
    if shape is None or event.is_recorded:
        return None
    sent = event.grads_out[i]
    value = draw(rng, shape)
    if sent is not None and sent.dtype.kind == "c":
        value = value + 1j * draw(rng, shape)
    return np.asarray(value)


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(size=shape)


def _positive(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(1.1, 2.0, shape)


def _below_one(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(0.1, 0.9, shape)


def _definite(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        return rng.normal(size=shape)
    root = rng.normal(size=shape)
    return root @ root.mT + shape[-1] * np.eye(shape[-1])


_DRAWS = (_normal, _positive, _below_one, _definite)
