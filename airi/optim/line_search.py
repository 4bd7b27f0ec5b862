"""A line search that ends where Wolfe's strong conditions hold.

Source: Nocedal and Wright, Numerical Optimization (2nd edition, 2006), algorithms 3.5 and 3.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ENOUGH_DESCENT = 1e-4  # c1: the loss must fall by this part of what the slope promises
ENOUGH_FLATTENING = 0.9  # c2: the slope must shrink to this part of what it was


@dataclass(frozen=True)
class Point:
    """The function on the line at step size `t`; `slope` is its derivative by t."""

    t: float
    loss: float
    grad: np.ndarray
    slope: float


Evaluate = Callable[[float], Point]


def strong_wolfe(
    evaluate: Evaluate, start: Point, t: float, trials: int, scale: float, tolerance: float = 1e-9
) -> tuple[Point, int]:
    """A point with enough descent and flattening, and how often the function was evaluated.

    `start` is the point at 0, where the slope is negative; `t` is the first step size to try. After
    `trials` more, or once the steps times `scale` differ by less than `tolerance`, the lowest point
    so far is taken.
    """
    previous, now = start, evaluate(t)
    trial = 0
    while trial < trials:
        rose = trial > 1 and now.loss >= previous.loss
        if not _descended(now, start) or rose:
            break
        if _flattened(now, start):
            return now, trial + 1
        if now.slope >= 0:
            break
        further = now.t + 0.01 * (now.t - previous.t)
        t = _cubic_minimum(previous, now, further, 10 * now.t)
        previous, now = now, evaluate(t)
        trial += 1
    else:
        previous = start
    return _zoomed(evaluate, start, [previous, now], trial, trials, tolerance / scale)


def _zoomed(
    evaluate: Evaluate, start: Point, bracket: list[Point], trial: int, trials: int, width: float
) -> tuple[Point, int]:
    """Narrow a bracket around a good point, by the minimum of the cubic through its ends."""
    lower = 0 if bracket[0].loss <= bracket[1].loss else 1
    crept = False
    while trial < trials:
        left, right = sorted((bracket[0].t, bracket[1].t))
        if right - left < width:
            break
        t = _cubic_minimum(bracket[0], bracket[1], left, right)
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (crept or t >= right or t <= left):
            # A second time at an end, or on it: go a tenth of the bracket inwards.
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            crept = False
        else:
            crept = near

        now = evaluate(t)
        trial += 1
        low, high = bracket[lower], bracket[1 - lower]
        if not _descended(now, start) or now.loss >= low.loss:
            bracket[1 - lower] = now
            lower = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        done = _flattened(now, start)
        if not done and now.slope * (high.t - low.t) >= 0:
            bracket[1 - lower] = low
        bracket[lower] = now
        if done:
            break
    return bracket[lower], trial + 1


def _descended(now: Point, start: Point) -> bool:
    return not now.loss > start.loss + ENOUGH_DESCENT * now.t * start.slope


def _flattened(now: Point, start: Point) -> bool:
    return abs(now.slope) <= -ENOUGH_FLATTENING * start.slope


def _cubic_minimum(a: Point, b: Point, low: float, high: float) -> float:
    """Where between low and high the cubic with both points' losses and slopes is least.

    Halfway between low and high where it has no minimum.
    """
    left, right = (a, b) if a.t <= b.t else (b, a)
    mean = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.t - right.t)
    square = mean**2 - left.slope * right.slope
    if not 0 <= square < math.inf:
        return (low + high) / 2
    root = math.sqrt(square)
    below = right.slope - left.slope + 2 * root
    if below == 0:
        return (low + high) / 2
    t = right.t - (right.t - left.t) * (right.slope + root - mean) / below
    return min(max(t, low), high)
