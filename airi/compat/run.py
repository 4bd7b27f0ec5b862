"""``airi run script.py``: run a PyTorch script with airi in PyTorch's place."""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader
from types import ModuleType, TracebackType

from airi.compat import modules

USAGE = """usage: airi run script.py [arguments]
       airi run -m module [arguments]
       airi run - [arguments]            the script comes from standard input

Runs a PyTorch script as python would, with torch and all of its modules provided by airi, also
where PyTorch is installed. `airi doctor script.py` says before what airi lacks for it."""

INTERRUPTED = 130  # the exit code of a program that was stopped by Ctrl-C


def main(
    arguments: Sequence[str],
    command: str = "airi run",
    failed: Callable[[BaseException], None] | None = None,
) -> int:
    """Run what the arguments name; returns the exit code, or passes on the script's SystemExit.

    `command` is who speaks in messages; `failed` is told the exception that ended the script, after
    its traceback was printed.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    is_module = arguments[0] == "-m"
    if is_module and len(arguments) < 2:
        print(f"{command}: -m needs the name of a module\n{USAGE}", file=sys.stderr)
        return 2
    target, *rest = arguments[1:] if is_module else arguments
    if target.startswith("-") and target != "-":
        print(f"{command}: there is no option {target}\n{USAGE}", file=sys.stderr)
        return 2
    modules.install()
    try:
        if is_module:
            _run_module(target, rest)
        elif target == "-":
            _run_code(sys.stdin.read(), "<stdin>", "-", "", rest)
        else:
            return _run_file(target, rest, command)
    except SystemExit:
        raise
    except BaseException as error:
        code = _report(error)
        if failed is not None:
            failed(error)
        return code
    return 0


def _run_file(path: str, arguments: list[str], command: str) -> int:
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        print(f"{command}: can't open file {path!r}: {error.strerror}", file=sys.stderr)
        return 2
    folder = os.path.dirname(os.path.realpath(path))
    _run_code(source, path, path, folder, arguments)
    return 0


def _run_code(
    source: str | bytes, name: str, argument: str, folder: str, arguments: list[str]
) -> None:
    """Run source as ``__main__``, with what python sets for a script."""
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    if name != "<stdin>":
        module.__file__ = name
        module.__loader__ = SourceFileLoader("__main__", name)
        module.__dict__["__cached__"] = None
    sys.modules["__main__"] = module
    sys.argv[:] = [argument, *arguments]
    sys.path[0:1] = [folder]
    exec(compile(source, name, "exec"), module.__dict__)


def _run_module(name: str, arguments: list[str]) -> None:
    sys.argv[:] = [name, *arguments]
    sys.path[0:1] = [os.getcwd()]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


# What went wrong, as python would show it: without the frames of this program.


def _report(error: BaseException) -> int:
    """Print the traceback; returns the exit code."""
    traceback = error.__traceback__
    while traceback is not None and _is_runner(traceback):
        traceback = traceback.tb_next
    if traceback is not None:
        _cut_imports(traceback)
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def _is_runner(traceback: TracebackType) -> bool:
    file = traceback.tb_frame.f_code.co_filename
    return file in (__file__, runpy.__file__) or file.startswith("<frozen runpy")


def _cut_imports(traceback: TracebackType) -> None:
    """Let a traceback end in the script's line where a name of torch's was not found."""
    last = each = traceback
    while each.tb_next is not None:
        each = each.tb_next
        file = each.tb_frame.f_code.co_filename
        if file != modules.__file__ and not file.startswith("<frozen importlib"):
            last = each
    if each.tb_frame.f_code.co_filename == modules.__file__:
        last.tb_next = None
