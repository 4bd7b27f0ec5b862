"""Is each op's backward its true derivative? Checked one op at a time, where the op was used.

With the gradient G that really arrived, the inputs x that were really given (`points.py` says how
they are known), and a direction v, the rule's <vjp(G), v> is held against
<G, f(x + e v) - f(x - e v)> / 2e, all in float64. A check of the leaves alone would say that
something is wrong; this says which op it is.

A fault of a kernel for float32 alone does not show in float64. So what the op really sent is held
against the same rule in float64 too, up to what rounding can do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd import engine, graph
from airi.autograd.anomaly import broken_kinds
from airi.autograd.complaints import counted
from airi.autograd.function import Function
from airi.autograd.mode import enable_grad, no_grad
from airi.autograd.observer import unobserved
from airi.autograd.quiet import quiet
from airi.random import fork_rng, get_rng_state, set_rng_state
from airi.tensor import Tensor
from airi.viz.arguments import positive, whole
from airi.viz.points import Point, known_inputs, random_inputs
from airi.viz.source import short_source
from airi.viz.words import text

if TYPE_CHECKING:
    from airi.viz.trace import Event, Trace

_STEP = 1e-6  # of the differences, relative to the size of each element
# How far a point is moved to get away from a kink: further each time, for of many elements that are
# equal, as the zeros that max_pool2d gets from relu, some are still close after a small move.
_JITTERS = (1e-3, 1e-2, 1e-1)
_SENT = 5e-3  # how far what was really sent may be from the rule in float64


@dataclass(frozen=True)
class Finding:
    """What the check says of one op: "right", "wrong", "kink" or "unchecked", and why.

    ``analytic`` is the rule's derivative along a direction of input ``input``, ``numeric`` the
    same by differences. ``at_random`` says that forward kept no inputs and random ones were used.
    """

    step: int
    op: str
    verdict: str
    source: str | None = None
    scope: str = ""
    input: str = ""
    analytic: float = 0.0
    numeric: float = 0.0
    reason: str = ""
    at_random: bool = False

    def __str__(self) -> str:
        where = f" in {self.scope}" if self.scope else ""
        where += f" at {short_source(self.source)}" if self.source else ""
        line = f"step {self.step}: {self.op}{where}: "
        if self.verdict != "wrong":
            return line + self.verdict + (f" ({self.reason})" if self.reason else "")
        line += f"the gradient of {self.input} is wrong: "
        line += f"analytic {self.analytic:.6g}, numeric {self.numeric:.6g}"
        if self.numeric:
            line += f" (analytic / numeric = {self.analytic / self.numeric:.4g})"
        return f"{line}, {self.reason}" if self.reason else line


class CheckReport:
    """The findings of `Trace.check`, one per event; true where no op is wrong."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)

    @property
    def wrong(self) -> list[Finding]:
        """The ops whose backward is not the derivative of their forward."""
        return [each for each in self.findings if each.verdict == "wrong"]

    @property
    def unchecked(self) -> list[Finding]:
        """The ops that could not be checked, each with its reason."""
        return [each for each in self.findings if each.verdict == "unchecked"]

    def __bool__(self) -> bool:
        return not self.wrong

    def __iter__(self) -> Any:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        checked = len(self.findings) - len(self.unchecked)
        ops = counted(len(self.findings), "op")
        lines = [f"{checked} of {ops} checked, {len(self.wrong)} wrong"]
        at_random = sum(each.at_random for each in self.findings)
        if at_random:
            lines[0] += (
                f"; {at_random} at random inputs of the same shape, since forward kept none: "
                "airi.viz.record() keeps them"
            )
        lines += [str(each) for each in self.findings if each.verdict != "right"]
        return "\n".join(lines)

    __repr__ = __str__


def check(trace: Trace, rtol: float = 1e-4, seed: int = 0) -> CheckReport:
    """Check every op of a trace on its own: two evaluations of its forward per input.

    An op is wrong where both derivatives differ by more than `rtol` of their size, there and at
    three points close by: at a kink (relu at 0, max of equal numbers) only the point itself fails,
    and no alarm is given. All this is in float64; what was really sent is wrong too where it is
    further from that than 0.5 % and rounding in its own dtype explain. Inputs that are not known
    (see `record`) are computed again or, where that cannot be, random. Ops whose derivative is not
    finite, that draw numbers or that write into their inputs are reported as unchecked. `seed` is
    that of the directions and random inputs.
    """
    rtol, seed = positive("check", "rtol", rtol), whole("check", "seed", seed)
    with unobserved(), quiet(), fork_rng():
        known = known_inputs(trace)
        return CheckReport(_checked(event, known.get(event.step), rtol, seed) for event in trace)


def _checked(event: Event, point: Point | None, rtol: float, seed: int) -> Finding:
    rng = np.random.default_rng((seed, event.step))
    reason = _obstacle(event)
    if reason:
        return _finding(event, "unchecked", reason=reason)
    if point is not None:
        return _checked_at(event, point, rng, rtol)
    for drawn in random_inputs(event, rng):
        found = _checked_at(event, drawn, rng, rtol, at_random=True)
        if found.verdict != "unchecked":
            return found
    return _finding(event, "unchecked", reason=text("reasonValues"))


def _finding(event: Event, verdict: str, **facts: Any) -> Finding:
    return Finding(event.step, event.op, verdict, event.source, event.scope, **facts)


def _checked_at(
    event: Event, point: Point, rng: np.random.Generator, rtol: float, at_random: bool = False
) -> Finding:
    op = _Op(event, point, rng)
    try:
        if op.draws():
            return _finding(event, "unchecked", reason=text("reasonRandom"))
        worst = op.compare(rtol)
        if worst is None:
            # What was sent depends on inputs and outputs, which are others where they are random.
            sent = None if at_random else op.compare_sent(rtol)
            if sent is None:
                reason = text("atRandom") if at_random else ""
                return _finding(event, "right", reason=reason, at_random=at_random)
            name, dtype, analytic, numeric = sent
            reason = text("reasonSent", dtype=dtype)
            return _finding(
                event, "wrong", input=name, analytic=analytic, numeric=numeric, reason=reason
            )
        for jitter in _JITTERS:
            with contextlib.suppress(Exception):  # out of the domain: acos, cholesky
                op.move(jitter)
                moved = op.compare(rtol)
                if moved is None:
                    return _finding(event, "kink", reason=text("kink"), at_random=at_random)
                worst = moved
    except _NotFiniteError:
        return _finding(event, "unchecked", reason=text("reasonInfinite"))
    except Exception as error:  # a user's forward may refuse float64, or to run again
        return _finding(event, "unchecked", reason=text("reasonForward", error=str(error)))
    name, analytic, numeric = worst
    reason = text("atRandom") if at_random else ""
    return _finding(
        event,
        "wrong",
        input=name,
        analytic=analytic,
        numeric=numeric,
        reason=reason,
        at_random=at_random,
    )


def _obstacle(event: Event) -> str:
    """Why an event cannot be checked, "" if it can."""
    if event.error is not None:
        return text("reasonRaised")
    wanted = [i for i, each in enumerate(event.grads_out) if each is not None]
    if not wanted:
        return text("reasonNotSent")
    if broken_kinds(event.grads_in):
        return text("reasonArrived")
    if not any(each is not None and np.any(each) for each in event.grads_in):
        return text("reasonZero")
    if issubclass(event.rule, Function) and _writes(event):
        return text("reasonWrites")
    if "generator" in event.attributes:
        return text("reasonRandom")
    return ""


def _writes(event: Event) -> bool:
    arrays = [each for each in event.values_in if isinstance(each, np.ndarray)]
    return any(each is out for each in arrays for out in event.values_out)


class _NotFiniteError(Exception):
    pass


class _Op:
    """One use of an op in float64, at a point that may be moved."""

    def __init__(self, event: Event, point: Point, rng: np.random.Generator) -> None:
        self.event = event
        self.rng = rng
        self.attributes = {name: _doubled(value) for name, value in event.attributes.items()}
        self.grads = [None if each is None else _doubled(each) for each in event.grads_in]
        self.hides = False  # whether an infinity that a gradient belongs to hides differences
        self.start = [_doubled(each) for each in point]
        self.point = list(self.start)
        self.is_random = False  # a user's function that draws from airi's generator
        # A user's function that gives None claims that its derivative is 0.
        claims = issubclass(event.rule, Function)
        self.state: Any = get_rng_state() if claims else None
        self.wanted = [
            i
            for i, (key, sent) in enumerate(zip(event.from_keys, event.grads_out, strict=True))
            if (sent is not None or (claims and key)) and _is_floating(self.point[i])
        ]

    def move(self, jitter: float) -> None:
        """Go to a point close to the one that was really used."""
        for i in self.wanted:
            step = self._fit(i, self._direction(self.start[i]))
            self.point[i] = np.asarray(self.start[i] + jitter * step)

    def compare(self, rtol: float) -> tuple[str, float, float] | None:
        """Input, analytic and numeric derivative that differ most; None where none differ."""
        gradients = self._analytic()
        worst, excess = None, 1.0
        for i, gradient in zip(self.wanted, gradients, strict=True):
            # Along the gradient's own signs nothing cancels, and along random ones what the rule
            # left out shows too.
            random = self._direction(self.point[i])
            aligned = np.abs(random) * _signs(gradient, self.rng)
            for direction in (self._fit(i, aligned), self._fit(i, random)):
                analytic = float(np.sum((gradient * direction.conj()).real))
                numeric, noise = self._numeric(i, direction)
                size = float(np.sum(np.abs(gradient) * np.abs(direction)))
                allowed = rtol * max(size, abs(numeric)) + noise
                if abs(analytic - numeric) > excess * allowed:
                    if self.hides:
                        raise _NotFiniteError
                    excess = abs(analytic - numeric) / allowed
                    worst = self.event.inputs[i], analytic, numeric
        return worst

    def compare_sent(self, rtol: float) -> tuple[str, str, float, float] | None:
        """Input, dtype, derivative as sent and numeric, where what was really sent is far from
        what the rule gives in float64; None where it is not.
        """
        if self.event.has_hooks or self.is_random:
            return None
        exact = dict(zip(self.wanted, self._analytic(), strict=True))
        for i, gradient in exact.items():
            sent = self.event.grads_out[i]
            if sent is None:
                continue
            found, epsilon = _doubled(sent), _epsilon(sent)
            away = np.abs(found - gradient)
            size = float(np.abs(gradient).max(initial=0.0))
            allowed = max(rtol, _SENT, 64 * epsilon) * size + 256 * epsilon * self._usual_size(i)
            if not np.isfinite(found).all() or float(away.max(initial=0.0)) <= allowed:
                continue
            if float(away.max()) <= allowed + self._rounding(i, gradient, 8 * epsilon):
                continue
            direction = self._direction(self.point[i])
            aligned = np.abs(direction) * _signs(found - gradient, self.rng)
            direction = self._fit(i, np.where(away > away.max() / 2, aligned, 0.0))
            analytic = float(np.sum((found * direction.conj()).real))
            return self.event.inputs[i], str(sent.dtype), analytic, self._numeric(i, direction)[0]
        return None

    def _rounding(self, i: int, exact: np.ndarray, epsilon: float) -> float:
        """How far a gradient moves where every number that goes in is off by its last digits."""
        point, grads = self.point, self.grads
        moved = 0.0
        for _ in _JITTERS:
            self.point = [self._blurred(each, epsilon) for each in point]
            self.grads = [self._blurred(each, epsilon) for each in grads]
            try:
                found = self._analytic()[self.wanted.index(i)]
            finally:
                self.point, self.grads = point, grads
            moved = max(moved, float(np.abs(found - exact).max(initial=0.0)))
        return 16 * moved

    def _blurred(self, value: Any, epsilon: float) -> Any:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
            return value
        noise = self.rng.choice([-epsilon, epsilon], value.shape)
        return np.asarray(value * (1 + noise))

    def _usual_size(self, i: int) -> float:
        """What a gradient of this input would be by sizes alone: incoming times output by input."""
        top = max(float(np.abs(g).max(initial=0.0)) for g in self.grads if g is not None)
        outputs = [each for each in self.event.values_out if isinstance(each, np.ndarray)]
        finite = [np.abs(_doubled(each)) for each in outputs if each.dtype.kind in "fcV"]
        out = max((float(each[np.isfinite(each)].max(initial=0.0)) for each in finite), default=0.0)
        inside = np.abs(self.point[i])
        given = inside[np.isfinite(inside) & (inside > 0)]
        return top * out / float(given.min()) if given.size else top

    def _fit(self, i: int, direction: np.ndarray) -> np.ndarray:
        """The direction, made symmetric where the op takes symmetric matrices."""
        if i > 0 or not getattr(self.event.rule, "symmetric", False):
            return direction
        return (direction + direction.mT.conj()) / 2

    def _direction(self, at: np.ndarray) -> np.ndarray:
        """Random signs times sizes like those of the elements (like their mean where one is 0)."""
        sizes = np.where(np.isfinite(at), np.abs(at), 0.0)
        usual = float(sizes.mean()) if sizes.size else 0.0
        sizes = np.where(at == 0, usual or 1.0, sizes)  # infinities, as masks use them, stay
        signs = self.rng.choice([-1.0, 1.0], at.shape) * self.rng.uniform(0.5, 1.0, at.shape)
        if at.dtype.kind == "c":
            signs = signs * np.exp(1j * self.rng.uniform(0, 2 * np.pi, at.shape))
        return np.asarray(sizes * signs)

    def _analytic(self) -> list[np.ndarray]:
        point: list[Any] = [self._tensor(each) for each in self.point]
        for i in self.wanted:
            point[i].requires_grad_()
        with enable_grad():
            results = self._apply(point)
        pairs = [
            (each, graph.wrap(_fitting(g, each._array)))
            for each, g in zip(results, self.grads, strict=True)
            if g is not None and isinstance(each, Tensor) and each.requires_grad
        ]
        inputs = [point[i] for i in self.wanted]
        found = engine.grad(
            [each for each, _ in pairs],
            inputs,
            [g for _, g in pairs],
            allow_unused=True,
            materialize_grads=True,
        )
        gradients = [each._array for each in found]
        if not all(np.isfinite(each).all() for each in gradients):
            raise _NotFiniteError
        return gradients

    def _numeric(self, i: int, direction: np.ndarray) -> tuple[float, float]:
        """The derivative along `direction` by central differences, and how inexact it may be."""
        ahead = self._forward(i, self.point[i] + _STEP * direction)
        behind = self._forward(i, self.point[i] - _STEP * direction)
        total = noise = 0.0
        for g, high, low in zip(self.grads, ahead, behind, strict=True):
            if g is None or not isinstance(high, np.ndarray) or high.dtype.kind not in "fc":
                continue
            g = _fitting(g, high)
            moved = (high != low) & (g != 0)  # not so for equal infinities, or a NaN nobody uses
            self.hides |= bool((~np.isfinite(high) & (g != 0)).any())
            total += float(np.sum((np.conj(g[moved]) * (high - low)[moved]).real))
            known = np.isfinite(high) & np.isfinite(low) & (g != 0)  # those that stand still too
            noise += float(np.sum(np.abs(g[known]) * (np.abs(high) + np.abs(low))[known]))
        numeric = total / (2 * _STEP)
        if not np.isfinite(numeric):
            raise _NotFiniteError
        return numeric, 16 * np.finfo(np.float64).eps * noise / (2 * _STEP)

    def _forward(self, i: int, value: np.ndarray) -> list[Any]:
        point = [self._tensor(each) for each in self.point]
        point[i] = self._tensor(value)
        with no_grad():
            results = self._apply(point)
        return [each._array if isinstance(each, Tensor) else each for each in results]

    def draws(self) -> bool:
        """Whether a user's function gives something else each time."""
        if not issubclass(self.event.rule, Function) or not self.wanted:
            return False
        i = self.wanted[0]
        one, other = (self._forward(i, self.point[i]) for _ in range(2))
        self.is_random = not np.array_equal(get_rng_state()._array, self.state._array)
        pairs = zip(one, other, strict=True)
        return any(isinstance(a, np.ndarray) and not _same(a, b) for a, b in pairs)

    def _apply(self, point: list[Any]) -> tuple[Any, ...]:
        if issubclass(self.event.rule, Function):
            set_rng_state(self.state)  # what it draws is the same each time
        result = self.event.rule.apply(*point, **self.attributes)
        return result if isinstance(result, tuple) else (result,)

    def _tensor(self, value: Any) -> Any:
        return graph.wrap(np.array(value)) if isinstance(value, np.ndarray | np.generic) else value


def _is_floating(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fc"


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())


def _signs(gradient: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The direction of each element of the gradient, random where it is 0."""
    sizes = np.abs(gradient)
    random = rng.choice([-1.0, 1.0], gradient.shape)
    return np.where(sizes > 0, gradient / np.where(sizes > 0, sizes, 1.0), random)


def _epsilon(array: np.ndarray) -> float:
    """The spacing of a dtype's numbers near 1; of kind "V" is bfloat16."""
    return 2.0**-7 if array.dtype.kind == "V" else float(np.finfo(array.dtype).eps)


def _fitting(gradient: np.ndarray, output: np.ndarray) -> np.ndarray:
    return gradient.astype(output.dtype) if gradient.dtype != output.dtype else gradient


def _doubled(value: Any) -> Any:
    """Arrays and dtypes of floating-point numbers in double precision; else what it was."""
    if isinstance(value, np.ndarray):  # of kind "V" is bfloat16
        if value.dtype.kind == "c":
            return value.astype(np.complex128)
        return value.astype(np.float64) if value.dtype.kind in "fV" else value
    if isinstance(value, np.dtype):
        doubles = {"f": np.float64, "V": np.float64, "c": np.complex128}
        return np.dtype(doubles.get(value.kind, value))
    return value
