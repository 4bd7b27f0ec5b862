"""Where data files are kept and looked for, and how it is told when they are not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SEARCH_DEPTH = 4  # folders below the root that are looked through for files

HOW_TO_GET = (
    "download=True fetches the files; files fetched in any other way can be put into that folder. "
    "The environment variable AIRI_DATA names the folder that is used where no root is given"
)


class DatasetError(RuntimeError):
    """Data files are missing, damaged or cannot be fetched; the text says what was tried."""


def data_home() -> Path:
    """The folder in which data sets are kept when no `root` is given.

    The environment variable ``AIRI_DATA`` where it is set, otherwise the platform's own cache
    folder: ``~/Library/Caches/airi`` on macOS, ``%LOCALAPPDATA%\\airi\\Cache`` on Windows and
    ``$XDG_CACHE_HOME/airi`` (``~/.cache/airi``) elsewhere. It need not exist yet.
    """
    if chosen := os.environ.get("AIRI_DATA"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "airi"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local or Path.home() / "AppData" / "Local") / "airi" / "Cache"
    xdg = os.environ.get("XDG_CACHE_HOME")
    return Path(xdg or Path.home() / ".cache") / "airi"


def find_files(folders: Iterable[Path], names: Sequence[str]) -> Iterator[Path]:
    """Every file with one of `names` in `folders` and up to SEARCH_DEPTH folders below them."""
    for top in folders:
        for folder, below, files in os.walk(top):
            depth = len(Path(folder).relative_to(top).parts)
            below[:] = sorted(below) if depth < SEARCH_DEPTH else []
            yield from (Path(folder, name) for name in names if name in files)


def wrong_sha256(digest: str, expected: str, path: Path) -> str | None:
    """What is wrong with a file of this SHA-256, or None."""
    if digest == expected:
        return None
    size = path.stat().st_size
    return f"{size:,} bytes with sha256 {digest}, expected sha256 {expected}"


def not_found(
    what: str, folders: Iterable[Path], names: Sequence[str], wrong: Sequence[str], note: str = ""
) -> str:
    """The message that tells where the files of `what` were looked for, and what was wrong."""
    lines = [f"{what}: data files not found {note}".rstrip()]
    lines.append(f"Looked for {', '.join(names)}")
    lines += [f"  in {folder} and {SEARCH_DEPTH} levels of folders below it" for folder in folders]
    if wrong:
        lines.append("and met these, which are not the right files:")
        lines += [f"  {each}" for each in wrong]
    return "\n".join(lines)
