"""``airi check script.py``: run a script and check the rule of every op its backward uses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from airi.autograd import graph
from airi.autograd.graph import Node
from airi.autograd.observer import observed_by
from airi.viz.checking import CheckReport
from airi.viz.picture import Picture, collect
from airi.viz.recording import forward_of, record
from airi.viz.trace import Collector, Trace


class _Enough(SystemExit):
    """Ends the script after the last pass that is to be checked."""


class _Checker(Collector):
    """Checks each backward pass of a running script as it ends."""

    def __init__(self, passes: int, rtol: float) -> None:
        super().__init__({})
        self.passes = passes
        self.rtol = rtol
        self.reports: list[CheckReport] = []
        self.trace: Trace | None = None
        self.is_walking = False

    def walk_begins(self, order: list[Node], roots: list[tuple[Any, Any]]) -> None:
        self.restart()
        self.is_walking = True
        super().walk_begins(order, roots)
        self.results = [_result(edge) for edge, _ in roots if type(edge) is tuple]

    def walk_ends(self) -> None:
        super().walk_ends()
        self.is_walking = False
        if self.events:
            self._report()
            if len(self.reports) == self.passes:
                raise _Enough(0)

    def script_failed(self, error: BaseException) -> None:
        """The script is over; where backward raised, report the steps up to that."""
        if self.is_walking and isinstance(error, Exception):
            self.stops(error)
            self._report()

    def _report(self) -> None:
        picture = collect(self.results, {}) if self.results else Picture()
        root = self.results[0]._array if self.results else None
        self.trace = Trace(self, picture, root)
        self.reports.append(self.trace.check(rtol=self.rtol))
        print(f"backward pass {len(self.reports)}: {self.reports[-1]}", flush=True)
        if self.trace.birthplace is not None:
            print(self.trace.birthplace, flush=True)


def _result(edge: tuple[Node, int]) -> Any:
    """A Tensor on that edge, with the value of forward."""
    node, number = edge
    forward = forward_of(node)
    assert forward is not None
    result = graph.wrap(forward.outputs[number])
    result._edge = edge
    return result


def main(arguments: Sequence[str]) -> int:
    """Run ``airi check`` with these arguments.

    Returns 0 where every rule is right, 1 where one is wrong, a NaN was made, or the script failed,
    2 where there was nothing to check.
    """
    parser = argparse.ArgumentParser(
        prog="airi check",
        description="Run a script (as `airi run` does) and check, in its first backward pass, the "
        "gradient of every op on its own against differences. The script ends there.",
    )
    parser.add_argument("--passes", type=int, default=1, help="backward passes to check (1)")
    parser.add_argument("--rtol", type=float, default=1e-4, help="relative tolerance (1e-4)")
    parser.add_argument(
        "--html", metavar="FILE", help="save the last pass as a page to step through"
    )
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own")
    options = parser.parse_args(arguments)
    if options.passes < 1:
        parser.error("--passes must be 1 or more")
    checker = _Checker(options.passes, options.rtol)
    code = _run(checker, [options.script, *options.arguments])
    if checker.trace is None:
        if code == 0:
            print("airi check: the script ran no backward pass", file=sys.stderr)
        return code or 2
    if options.html:
        print(f"saved {checker.trace.save(options.html)}")
    sound = all(checker.reports) and checker.trace.birthplace is None
    return code if sound else 1


def _run(checker: _Checker, arguments: list[str]) -> int:
    from airi.compat import run

    try:
        with record(), observed_by(checker):
            return run.main(arguments, "airi check", checker.script_failed)
    except _Enough:
        print("the script ended here: airi check --passes N goes on to its N-th backward pass")
        return 0
    except SystemExit as error:  # the script's own
        return error.code if isinstance(error.code, int) else int(error.code is not None)
