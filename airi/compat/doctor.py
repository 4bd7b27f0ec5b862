"""``airi doctor``: what PyTorch scripts and notebooks use that airi lacks, without running them."""

from __future__ import annotations

import builtins
import importlib
import inspect
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from airi.compat import modules, names
from airi.compat.uses import RELATED, Use, uses

USAGE = f"""usage: airi doctor [--json] FILE_OR_FOLDER ...

Lists what PyTorch scripts (.py) and notebooks (.ipynb) use that airi lacks, without running them:
functions, classes, modules, keyword arguments, and names of Tensor methods as far as they can be
told. The exit code is 1 where something is lacking or a file cannot be read, otherwise 0.
All names that airi has: {names.TABLE}"""

# A call of .index() or .mean() may well be of these.
_NOT_TENSORS = (np.ndarray, str, bytes, list, dict, set, tuple, type(sys.stdout), Path)


@dataclass
class Finding:
    """A name, or a keyword argument of one, that airi lacks."""

    name: str
    lines: list[int] = field(default_factory=list)
    says: str = ""
    nearest: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What was found in one file."""

    file: str
    names_used: int = 0
    lacking: list[Finding] = field(default_factory=list)
    error: str | None = None


def main(arguments: Sequence[str]) -> int:
    """Run ``airi doctor`` with these arguments; returns the exit code."""
    paths = [each for each in arguments if not each.startswith("-")]
    options = set(arguments) - set(paths)
    if options & {"-h", "--help"}:
        print(USAGE)
        return 0
    if not paths or options - {"--json"}:
        print(USAGE, file=sys.stderr)
        return 2
    files = _files(paths)
    if not files:
        print("airi doctor: there is no .py or .ipynb file there", file=sys.stderr)
        return 2
    reports = [examine(each) for each in files]
    if "--json" in options:
        print(json.dumps([asdict(each) for each in reports], indent=2))
    else:
        print("\n".join(_text(each) for each in reports))
        if len(reports) > 1:
            print(_summary(reports))
    return 1 if any(each.lacking or each.error for each in reports) else 0


def _files(paths: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for each in map(Path, paths):
        if each.is_dir():
            inside = (*each.rglob("*.py"), *each.rglob("*.ipynb"))
            found += sorted(file for file in inside if ".ipynb_checkpoints" not in file.parts)
        else:
            found.append(each)
    return found


def examine(path: Path) -> Report:
    """The report on one file."""
    report = Report(str(path))
    try:
        source = path.read_bytes()
        text = _notebook_code(source) if path.suffix == ".ipynb" else _decoded(source)
        found = uses(text)
    except OSError as error:
        report.error = error.strerror or str(error)
    except SyntaxError as error:
        report.error = f"line {error.lineno}: {error.msg}"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        report.error = f"cannot be read: {error}"
    else:
        report.names_used = len({each.name for each in found if not each.name.startswith(".")})
        report.lacking = _lacking(found)
    return report


def _decoded(source: bytes) -> str:
    import io
    import tokenize

    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    return source.decode(encoding)


def _notebook_code(source: bytes) -> str:
    """The code cells of a notebook one after another; lines of the shell and magics left blank."""
    lines: list[str] = []
    for cell in json.loads(source)["cells"]:
        if cell["cell_type"] == "code":
            text = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            of_python = [] if text.startswith("%%") else text.split("\n")
            lines += [
                "" if each.lstrip().startswith(("%", "!", "?")) else each for each in of_python
            ]
    return "\n".join(lines)


# What is lacking


def _lacking(found: list[Use]) -> list[Finding]:
    findings: dict[str, Finding] = {}
    for use in found:
        for finding in _findings(use):
            known = findings.setdefault(finding.name, replace(finding, lines=[]))
            if use.line not in known.lines:
                known.lines.append(use.line)
    return list(findings.values())


def _findings(use: Use) -> list[Finding]:
    if use.name.partition(".")[0] in RELATED:
        return [Finding(use.name.partition(".")[0], says="is built on PyTorch's own binaries")]
    if use.name.startswith("."):
        return _of_method(use.name[1:])
    lacking = _lacks(use.name)
    if lacking is not None:
        return [lacking]
    return [_without_keyword(use.name, each) for each in use.keywords if _lacks_keyword(use, each)]


@cache
def _lacks(name: str) -> Finding | None:
    """The first part of a dotted name that airi lacks."""
    namespace = "torch"
    for part in name.split(".")[1:]:
        whole = f"{namespace}.{part}"
        if whole == "torch.Tensor" or modules.airi_names(whole):
            namespace = whole
        elif modules.provides(namespace, part):
            return None  # what follows are attributes of it
        else:
            return _finding(namespace, part)
    return None


def _finding(namespace: str, name: str) -> Finding:
    if names.is_pytorchs(namespace, name):
        says = "PyTorch has it, airi does not"
    elif namespace not in names.namespaces() or name.startswith("_"):
        says = "airi lacks it"
    else:
        says = f"neither PyTorch {names.pytorch_version()} nor airi has it"
    near = [f"{namespace}.{each}" for each in names.nearest(name, _known(namespace))]
    return Finding(f"{namespace}.{name}", says=says, nearest=near)


@cache
def _known(namespace: str) -> tuple[str, ...]:
    """What airi has there."""
    if namespace == "torch.Tensor":
        return tuple(each for each in dir(_tensor()) if not each.startswith("_"))
    listed = names.namespaces().get(namespace, ())
    return tuple(each for each in listed if modules.provides(namespace, each))


def _tensor() -> Any:
    return importlib.import_module("airi").Tensor


def _of_method(name: str) -> list[Finding]:
    is_tensors = name in names.namespaces()["torch.Tensor"]
    if not is_tensors or hasattr(_tensor(), name):
        return []
    if any(hasattr(kind, name) for kind in _NOT_TENSORS) or hasattr(builtins, name):
        return []
    return [_finding("torch.Tensor", name)]


def _lacks_keyword(use: Use, keyword: str) -> bool:
    accepted = _keywords(use.name)
    return accepted is not None and keyword not in accepted


def _without_keyword(name: str, keyword: str) -> Finding:
    near = [f"{each}=" for each in names.nearest(keyword, _keywords(name) or ())]
    return Finding(f"{name}({keyword}=)", says="airi's does not take this argument", nearest=near)


@cache
def _keywords(name: str) -> tuple[str, ...] | None:
    """The arguments that airi's function or class takes by name; None where that is not certain."""
    namespace, _, last = name.rpartition(".")
    if namespace == "torch.Tensor":
        return None
    for home in modules.homes(namespace):
        value = getattr(home, last, None)
        if value is not None:
            break
    else:
        return None
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return None
    named = [each.name for each in parameters if each.kind is not inspect.Parameter.POSITIONAL_ONLY]
    added = getattr(value, "also_takes", {})  # by wrappers: NumPy's names, and out
    named += [each for each, meant in added.items() if meant is None or meant in named]
    return tuple(named)


# How it is said


def _text(report: Report) -> str:
    if report.error:
        return f"{report.file}: {report.error}"
    count = f"{report.names_used} names of PyTorch"
    if not report.lacking:
        return f"{report.file}: {count}, airi has them all"
    lines = [f"{report.file}: {count}, airi lacks {len(report.lacking)}"]
    width = max(len(each.name) for each in report.lacking)
    for each in report.lacking:
        near = f"; nearest: {', '.join(each.nearest)}" if each.nearest else ""
        lines.append(f"  {each.name:{width}}  {_where(each.lines)}: {each.says}{near}")
    return "\n".join(lines)


def _where(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:3])) + (" ..." if len(lines) > 3 else "")
    return f"line {shown}" if len(lines) == 1 else f"lines {shown}"


def _summary(reports: list[Report]) -> str:
    fine = sum(not each.lacking and not each.error for each in reports)
    unreadable = sum(each.error is not None for each in reports)
    tail = f", {unreadable} cannot be read" if unreadable else ""
    return f"{fine} of {len(reports)} files use only what airi has{tail}"
