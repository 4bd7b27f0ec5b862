"""From dot text to a picture: Graphviz where it is installed, else the wheel graphviz-pure."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

FORMATS = ("svg", "png", "pdf")


def find_engine(format: str = "svg") -> str | None:
    """The path of ``dot``, or of ``graphviz-pure``, which cannot make PDF."""
    found = shutil.which("dot")
    if found is None and format != "pdf":
        found = shutil.which("graphviz-pure")
        for folder in {sysconfig.get_path("scripts"), str(Path(sys.executable).parent)}:
            found = found or shutil.which("graphviz-pure", path=folder)
    return found


def render(source: str, format: str, seconds: float = 60.0) -> bytes:
    """Lay out dot text and return the picture in `format` (svg, png or pdf).

    Raises RuntimeError where no engine is installed, with the ways to get one, and TimeoutError
    where the layout takes longer than `seconds`.
    """
    engine = find_engine(format)
    if engine is None:
        wheel = "" if format == "pdf" else "pip install graphviz-pure (or 'airi[viz]'); "
        raise RuntimeError(
            f"draw: to make a {format} picture Graphviz is needed. Any of these gives it: {wheel}"
            "apt install graphviz (Linux) or brew install graphviz (macOS); "
            "the installer of graphviz.org. The .dot text can be saved without it"
        )
    try:
        done = subprocess.run(
            [engine, f"-T{format}"], input=source.encode(), capture_output=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(
            f"draw: {engine} did not finish the layout in {seconds:g} s; draw a smaller part, or "
            "pass a larger seconds="
        ) from None
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"draw: {engine} failed: {message}")
    return done.stdout
