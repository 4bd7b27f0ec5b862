"""trace: the backward pass of one's own program, step by step."""

from __future__ import annotations

import inspect
import linecache
import operator
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import numpy as np

from airi.autograd.anomaly import input_names
from airi.autograd.complaints import counted
from airi.autograd.graph import Node, Saved
from airi.autograd.observer import Observer, observed_by
from airi.nn.module import Module
from airi.tensor import Tensor
from airi.viz import health, rules
from airi.viz.arguments import file_path, positive, tensor_names
from airi.viz.health import Birthplace
from airi.viz.layout import SECONDS
from airi.viz.picture import Picture, collect, parameter_names
from airi.viz.profile import Profile, shortened, table
from airi.viz.recording import Copies, Outside, forward_of, record
from airi.viz.saved import KeptMemory, bytes_saved, saved_of
from airi.viz.scopes import ScopeNames
from airi.viz.source import short_source
from airi.viz.statistics import Statistics, statistics
from airi.viz.words import in_portuguese, text

if TYPE_CHECKING:
    from airi.viz.checking import CheckReport

Arrays = tuple[np.ndarray | None, ...]


@dataclass(eq=False)
class Event:
    """One step of backward: what one op received and what it sent on.

    ``grads_in`` are the gradients of its outputs, ``grads_out`` those of its inputs as they go on
    (None where nothing does). ``values_in`` and ``values_out`` are the values of forward, None
    where they are not known: see `record`. All arrays are copies that may not be written to.
    """

    step: int
    op: str
    key: str  # of its box in the picture
    rule: Any
    scope: str
    attributes: dict[str, Any]
    source: str | None  # the user's "file:line", where recorded under `record`
    inputs: tuple[str, ...]  # as the rule names them
    outputs: tuple[str, ...]
    from_keys: tuple[str, ...]  # the box that each input comes from, "" for a constant
    from_outputs: tuple[int, ...]  # and which output of that it is
    shapes_in: tuple[tuple[int, ...] | None, ...]
    shapes_out: tuple[tuple[int, ...], ...]
    values_in: tuple[Any, ...]
    values_out: Arrays
    grads_in: Arrays = ()
    grads_out: Arrays = ()
    arrivals: tuple[int, ...] = ()  # how many gradients were added up for each output
    undone: dict[int, tuple[int, ...]] = field(default_factory=dict)  # input -> dims summed over
    seconds_forward: float | None = None
    seconds_backward: float = 0.0
    bytes_saved: int = 0
    error: Exception | None = None  # that its backward raised: the walk ended here
    has_hooks: bool = False  # functions of the user's that may change what it sends

    @property
    def is_recorded(self) -> bool:
        """Whether its forward ran under `record`: then all its values are known."""
        return self.seconds_forward is not None

    def _rule_parts(self, translate: Callable[[str], str]) -> list[rules.Part]:
        shapes: dict[str, Any] = dict(zip(self.inputs, self.shapes_in, strict=True))
        shapes |= dict(zip(self.outputs, self.shapes_out, strict=True))
        shapes["g"] = self.shapes_out[0]
        return rules.parts(self.rule, shapes, translate)

    @cached_property
    def rule_parts(self) -> list[rules.Part]:
        """The backward formula in pieces, each with its shape or ""."""
        return self._rule_parts(str)

    @cached_property
    def rule_parts_in_portuguese(self) -> list[rules.Part]:
        """The same with the words of the formula in Portuguese."""
        return self._rule_parts(in_portuguese)

    @property
    def rule_text(self) -> str:
        """``dL/dx[5×3] = g[5×4] @ y.mT[4×3]``; g is the incoming gradient."""
        return rules.text(self.rule_parts)

    @cached_property
    def line(self) -> str:
        """The text of the user's source line, "" where it is not known."""
        if self.source is None:
            return ""
        file, _, number = self.source.rpartition(":")
        return linecache.getline(file, int(number)).strip() if number.isdigit() else ""

    @property
    def where(self) -> str:
        """``train.py:12`` as one writes it: relative to the working folder, "" if unknown."""
        return short_source(self.source)

    @property
    def accumulated(self) -> bool:
        """Whether an output was used more than once, so that gradients were added up."""
        return any(count > 1 for count in self.arrivals)

    @cached_property
    def stats_in(self) -> tuple[Statistics | None, ...]:
        """Exact statistics of ``grads_in``."""
        return tuple(None if each is None else statistics(each) for each in self.grads_in)

    @cached_property
    def stats_out(self) -> tuple[Statistics | None, ...]:
        """Exact statistics of ``grads_out``."""
        return tuple(None if each is None else statistics(each) for each in self.grads_out)

    @cached_property
    def badges(self) -> list[health.Badge]:
        """What is unhealthy here: vanishing, exploding, dead units, NaN and Inf, an error."""
        return health.badges(self)

    def __repr__(self) -> str:
        return f"<step {self.step}: {self.op}>"

    def __str__(self) -> str:
        lines = [f"step {self.step}: {self.op}" + (f"  in {self.scope}" if self.scope else "")]
        if self.rule_text:
            lines.append(f"  {self.rule_text}")
        if self.source:
            lines.append(f"  {self.where}: {self.line}")
        incoming = zip(self.outputs, self.stats_in, self.shapes_out, self.arrivals, strict=True)
        for name, stats, shape, count in incoming:
            if stats is not None and count:
                lines.append(f"  in   dL/d{name} {rules.shape_text(shape)}: {stats}")
        if self.accumulated:
            lines.append(f"       used {max(self.arrivals)} times: the gradients add up")
        for number, (name, stats) in enumerate(zip(self.inputs, self.stats_out, strict=True)):
            sent = self.grads_out[number]
            if stats is not None and sent is not None:
                lines.append(f"  out  dL/d{name} {rules.shape_text(sent.shape)}: {stats}")
            if number in self.undone:
                dims = ", ".join(map(str, self.undone[number]))
                lines.append(f"       broadcasting undone: summed over dimension {dims}")
        lines += [f"  ! {badge.text}" for badge in self.badges]
        return "\n".join(lines)


@dataclass(eq=False)
class Leaf:
    """A leaf's gradient at the end of the walk: a parameter's or an input's."""

    name: str
    keys: tuple[str, ...]  # its boxes in the picture, one for each use
    value: np.ndarray
    grad: np.ndarray

    @cached_property
    def stats(self) -> Statistics:
        """Exact statistics of the gradient."""
        return statistics(self.grad)


class Collector(Observer):
    """Makes events out of what the engine tells during one backward walk."""

    def __init__(self, names: Mapping[str, Tensor]) -> None:
        self.names = names
        self.copies = Copies()
        self.restart()

    def restart(self) -> None:
        """Forget the walk before."""
        self.events: list[Event] = []
        self.leaves: list[Leaf] = []
        self.outside: list[Outside] = []
        self.error: Exception | None = None
        self.bytes_kept = 0
        self.has_begun = False
        self._arrivals: dict[Any, int] = {}
        self._current: Event | None = None
        self._unsent: set[int] | None = None  # positions; None until the rule has returned

    def walk_begins(self, order: list[Node], roots: list[tuple[Any, Any]]) -> None:
        self.has_begun = True
        for edge, _ in roots:
            self._count(edge)
        self._known = _saved_values(order)
        self._bytes = {node: bytes_saved(node) for node in order}
        memory = KeptMemory(leaf._array for leaf in _leaves(order))
        self.bytes_kept = sum(memory.added_by(node) for node in order)
        self._keys: dict[int, list[str]] = {}
        self._scopes = ScopeNames()
        self._leaf_names = {
            **{id(each): name for name, each in parameter_names(order).items()},
            **{id(each): name for name, each in self.names.items()},
        }

    def _count(self, edge: Any) -> None:
        key = edge if type(edge) is tuple else id(edge)
        self._arrivals[key] = self._arrivals.get(key, 0) + 1

    def visits(self, node: Node, grads: list[Any]) -> None:
        forward = forward_of(node)
        outputs = _output_names(node)
        if forward is not None:
            values_in, values_out = forward.inputs, forward.outputs
            self.outside = forward.outside
        else:
            values_in = tuple(self._value(node, i) for i in range(len(node.edges)))
            values_out = tuple(
                self.copies.of(self._known.get((node, n))) for n in range(len(outputs))
            )
        self._current = Event(
            step=len(self.events),
            op=node.rule.__name__,
            key=f"op{node.number}",
            rule=node.rule,
            scope=self._scopes.path(node.scope),
            attributes=node.attributes,
            source=node.source,
            inputs=input_names(node.rule, len(node.edges)),
            outputs=outputs,
            from_keys=tuple(_from_key(node, i) for i in range(len(node.edges))),
            from_outputs=tuple(each[1] if type(each) is tuple else 0 for each in node.edges),
            shapes_in=_shapes_in(node, values_in),
            shapes_out=tuple(shape for shape, _ in node.outputs),
            values_in=values_in,
            values_out=values_out,
            grads_in=tuple(_copy(each) for each in grads),
            grads_out=(None,) * len(node.edges),
            arrivals=tuple(self._arrivals.get((node, n), 0) for n in range(len(outputs))),
            seconds_forward=None if forward is None else forward.seconds,
            bytes_saved=self._bytes[node],
            has_hooks=bool(node.hooks),
        )
        self.events.append(self._current)
        self._unsent = None

    def _value(self, node: Node, position: int) -> Any:
        edge = node.edges[position]
        if isinstance(edge, Tensor):
            return self.copies.of(edge)
        key = edge if edge is not None else (node, "input", position)
        return self.copies.of(self._known.get(key))

    def returned(self, node: Node, results: tuple[Any, ...], seconds: float) -> None:
        event = self._current
        assert event is not None
        event.seconds_backward = seconds
        pairs = enumerate(zip(node.edges, results, strict=False))
        self._unsent = {i for i, (edge, each) in pairs if edge is not None and each is not None}
        for position, (edge, each) in enumerate(zip(node.edges, results, strict=False)):
            shape = _shape(edge, None)
            if each is not None and shape is not None and tuple(each.shape) != shape:
                added = each.ndim - len(shape)
                stretched = [i for i, n in enumerate(shape) if n != each.shape[added + i]]
                event.undone[position] = (*range(added), *(added + i for i in stretched))

    def sends(self, node: Node, position: int, gradient: Any) -> None:
        event = self._current
        assert event is not None
        edge = node.edges[position]
        if self._unsent is not None:
            self._unsent.discard(position)
        self._count(edge)
        sent = list(event.grads_out)
        sent[position] = _copy(gradient)
        event.grads_out = tuple(sent)
        if type(edge) is not tuple:
            self._keys.setdefault(id(edge), []).append(f"leaf_{event.key}_{position}")

    def arrives(self, leaf: Any, gradient: Any) -> None:
        name = self._leaf_names.get(id(leaf)) or leaf.name or text("aLeaf")
        keys = tuple(self._keys.get(id(leaf), ()))
        grad = _copy(gradient)
        assert grad is not None
        self.leaves.append(Leaf(name, keys, self.copies.of(leaf), grad))

    def walk_ends(self) -> None:
        self._known, self._bytes = {}, {}

    def stops(self, error: Exception) -> None:
        """Backward ended half way: in the last step, where that has not sent all it had to."""
        self.error = error
        self._known, self._bytes = {}, {}
        if self._current is not None and self._unsent != set():
            self._current.error = error


def _copy(value: Any) -> np.ndarray | None:
    if value is None:
        return None
    copy = np.array(value._array if isinstance(value, Tensor) else value)
    copy.flags.writeable = False
    return copy


def _saved_values(order: list[Node]) -> dict[Any, Any]:
    """What the nodes saved for backward: by edge, and by (node, "input", position)."""
    known: dict[Any, Any] = {}
    for node in order:
        for each in saved_of(node):
            if type(each) is not Saved:
                continue
            edge = each.edge_in(node)
            if type(edge) is tuple:
                known[edge] = each.array
        for position, value in node.saved_inputs():
            array = value.array if type(value) is Saved else value
            known[node, "input", position] = array
    return known


def _leaves(order: list[Node]) -> Iterator[Tensor]:
    return (edge for node in order for edge in node.edges if isinstance(edge, Tensor))


def _output_names(node: Node) -> tuple[str, ...]:
    names = tuple(getattr(node.rule, "outputs", ("out",)))
    if len(names) == len(node.outputs):
        return names
    name = names[0] if len(names) == 1 else "out"
    return tuple(f"{name}[{i}]" for i in range(len(node.outputs)))


def _from_key(node: Node, position: int) -> str:
    edge = node.edges[position]
    if edge is None:
        return ""
    return f"op{edge[0].number}" if type(edge) is tuple else f"leaf_op{node.number}_{position}"


def _shapes_in(node: Node, values: tuple[Any, ...]) -> tuple[tuple[int, ...] | None, ...]:
    saved = dict(node.saved_shapes())  # of constants too
    known = [_shape(edge, value) for edge, value in zip(node.edges, values, strict=True)]
    return tuple(saved.get(i) if each is None else each for i, each in enumerate(known))


def _shape(edge: Any, value: Any) -> tuple[int, ...] | None:
    if type(edge) is tuple:
        return tuple(edge[0].outputs[edge[1]][0])
    if isinstance(edge, Tensor):
        return tuple(edge._array.shape)
    return tuple(value.shape) if isinstance(value, np.ndarray) else None


class Trace:
    """The recorded backward pass: a sequence of `Event`, first the loss's own op.

    ``tr[6]``, ``len(tr)`` and iteration give events; ``tr.step()`` and ``tr.back()`` move a cursor;
    ``tr.leaves`` are the gradients that parameters and inputs got. ``tr.save("backward.html")``
    writes the page, a notebook shows it, ``print(tr)`` is the table in a terminal. ``tr.error`` is
    the exception that ended backward, else None: see `trace`. ``tr.bytes_kept`` is the memory that
    was kept for this backward beside leaves, what several ops saved counted once.
    """

    def __init__(self, collector: Collector, picture: Picture, root: Any = None) -> None:
        self.events = collector.events
        self.leaves = collector.leaves
        self.error = collector.error
        self.bytes_kept = collector.bytes_kept
        self.root = root
        self.position = -1
        self.picture = picture
        self._outside = collector.outside
        self.report: CheckReport | None = None  # of the last check

    def __len__(self) -> int:
        return len(self.events)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.events[index]
        try:
            number = operator.index(index)
        except TypeError:
            kind = type(index).__name__
            raise TypeError(f"trace: a step must be an integer or a slice, got {kind}") from None
        if not -len(self) <= number < len(self):
            raise IndexError(
                f"trace: there is no step {number}: it has {counted(len(self), 'step')}"
            )
        return self.events[number]

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def step(self) -> Event:
        """The next event; IndexError after the last one."""
        if self.position + 1 >= len(self.events):
            raise IndexError(f"trace: step {self.position} was the last one; back() goes back")
        self.position += 1
        return self.events[self.position]

    def back(self) -> Event:
        """The event before; IndexError before the first one."""
        if self.position <= 0:
            raise IndexError("trace: there is no step before the first one")
        self.position -= 1
        return self.events[self.position]

    @cached_property
    def birthplace(self) -> Birthplace | None:
        """The op that made the first NaN or Inf, forward or backward; None where all is finite."""
        return health.birthplace(self.events, self._outside, self.root)

    def check(self, rtol: float = 1e-4, seed: int = 0) -> CheckReport:
        """Check the backward rule of every op on its own, numerically; see `checking.check`."""
        from airi.viz.checking import check

        self.report = check(self, rtol=rtol, seed=seed)
        return self.report

    def profile(self, sort: str = "step") -> Profile:
        """Time and memory of each op, as a table; `sort` by step, forward, backward or saved."""
        return Profile(self.events, sort, self.bytes_kept)

    def html(self, seconds: float = SECONDS) -> str:
        """The replay as the text of one HTML page, which needs neither network nor server."""
        from airi.viz.replay import page

        seconds = positive("trace", "seconds", seconds)
        return page([("", self)], seconds)

    def save(self, path: str | os.PathLike[str], seconds: float = SECONDS) -> Path:
        """Write the page; `path` ends in ``.html``. `seconds` limits the layout of the graph.

        Raises ValueError for another ending, RuntimeError where no layout engine is installed.
        """
        from airi.utils.files import replacing

        target = file_path("trace", path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"trace: cannot save {target.name!r}: the ending must be .html")
        content = self.html(seconds)
        with replacing(target) as file:
            file.write(content.encode())
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the page in a frame of its own, so that several do not collide."""
        from airi.viz.replay import framed

        bundle = {"text/plain": str(self)}
        try:
            bundle["text/html"] = framed(self.html())
        except (RuntimeError, TimeoutError, ImportError) as error:
            bundle["text/plain"] += f"\n{error}"
        return bundle

    def __repr__(self) -> str:
        return f"<airi.viz.Trace of {len(self)} steps: print it, save('backward.html')>"

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("step", "op", "in", "|gradient|", "rule", "line")]
        for event in self.events:
            norm = next((f"{each.norm:.3g}" for each in event.stats_in if each is not None), "")
            mark = " +" if event.accumulated else ""
            row = (
                str(event.step),
                event.op + mark,
                event.scope,
                norm,
                event.rule_text,
                event.where,
            )
            rows.append(tuple(shortened(cell, 60) for cell in row))
        lines = table(rows)
        lines += [f"! step {e.step} {e.op}: {b.text}" for e in self.events for b in e.badges]
        if self.error is not None and (not self.events or self.events[-1].error is None):
            lines.append(f"! backward stopped after this: {health.error_text(self.error)}")
        if self.birthplace is not None:
            lines.append(str(self.birthplace))
        return "\n".join(lines)


def trace(
    loss: Tensor | Callable[[], Tensor],
    gradient: Tensor | None = None,
    *,
    names: Mapping[str, Tensor] | None = None,
    retain_graph: bool = False,
) -> Trace:
    """Run backward and record it: a `Trace` of one event per op, in the order of the walk.

    `loss` is a Tensor, or a function that computes one: then its forward is recorded too, with
    values and source lines (as inside `record`). `gradient` is what backward starts from where the
    loss has more than one element; `names` are labels for tensors of your own. Gradients are added
    to ``.grad`` as by ``loss.backward()``. Raises TypeError for what is no Tensor, and what
    backward raises: that error has the steps up to it as ``error.trace``, the last of which is the
    op that raised. Where the function raises, ``airi.viz.draw(error.recording)`` draws what it
    had computed. Example::

        tr = airi.viz.trace(lambda: cross_entropy(model(images), labels))
        print(tr)
        tr.save("backward.html")
    """
    if not isinstance(loss, Tensor):
        _require_program(loss)
        loss = _recorded(loss)
    if not isinstance(gradient, Tensor | None):
        raise TypeError(
            f"trace: gradient must be a Tensor of the loss's shape, got {type(gradient).__name__}"
        )
    labels = tensor_names("trace", names)
    picture = collect([loss], labels) if loss.grad_fn is not None else Picture()
    collector = Collector(labels)
    try:
        with observed_by(collector):
            loss.backward(gradient, retain_graph=retain_graph)
    except Exception as error:
        if collector.has_begun:
            collector.stops(error)
            _attach(error, Trace(collector, picture, _copy(loss)))
        raise
    return Trace(collector, picture, _copy(loss))


def _require_program(program: Any) -> None:
    """TypeError for what is no function without arguments."""
    expected = "trace: expected a Tensor, or a function that computes it"
    if isinstance(program, list | tuple):
        raise TypeError(f"{expected}, got {type(program).__name__}; of several losses give the sum")
    if not callable(program):
        raise TypeError(f"{expected}, got {type(program).__name__}")
    example = ", such as lambda: cross_entropy(model(x), y)"
    if isinstance(program, Module):
        raise TypeError(f"{expected}{example}, got the module {type(program).__name__}")
    try:
        inspect.signature(program).bind()
    except TypeError as error:
        raise TypeError(f"{expected} without arguments{example}: {error}") from None
    except ValueError:  # a builtin, which does not tell
        pass


def _recorded(program: Callable[[], Tensor]) -> Tensor:
    try:
        with record() as recording:
            loss = program()
    except Exception as error:
        vars(error)["recording"] = recording
        error.add_note(
            "airi.viz.trace: forward failed; airi.viz.draw(error.recording) draws what came before"
        )
        raise
    if not isinstance(loss, Tensor):
        raise TypeError(f"trace: the function must return a Tensor, got {type(loss).__name__}")
    return loss


def _attach(error: Exception, partial: Trace) -> None:
    """Let an exception tell what happened before it."""
    vars(error)["trace"] = partial
    error.add_note(
        "airi.viz.trace: the steps up to this are the error's attribute `trace`; after an error "
        "that was not caught: sys.last_value.trace.save('backward.html')"
    )
