"""Where in the user's program something was computed, as one writes it."""

from __future__ import annotations

from pathlib import Path


def short_source(source: str | None) -> str:
    """A ``file:line`` relative to the working folder, or the bare file name outside it."""
    if not source:
        return ""
    path = Path(source)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return path.name
