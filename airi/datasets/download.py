"""Checked downloads: mirrors, resuming, a lock between processes, a progress bar."""

from __future__ import annotations

import contextlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from airi.datasets.files import DatasetError

BLOCK = 1 << 16  # bytes read at a time, so that a slow or stalled server is noticed soon
ATTEMPTS = 3  # a broken connection is resumed this often before the next address is tried
# An address slower than this after the first seconds is left for the end: the part already
# received is kept, and the next address goes on from there.
SLOW_AFTER_SECONDS = 15.0
SLOW_BYTES_PER_SECOND = 300_000


class _TooSlow(Exception):
    """An address delivers far less than others usually do."""


def with_mirrors(urls: Sequence[str]) -> list[str]:
    """`urls`, preceded by the same file in every folder that ``AIRI_MIRRORS`` names.

    ``AIRI_MIRRORS`` holds http(s) addresses of folders, separated by spaces; a class room or a
    laboratory that keeps its own copy puts its address there.
    """
    name = urls[0].rsplit("/", 1)[-1]
    own = os.environ.get("AIRI_MIRRORS", "").split()
    for address in own:
        if not address.startswith(("http://", "https://")):
            raise DatasetError(f"AIRI_MIRRORS: expected http(s) addresses, got {address!r}")
    return [f"{address.rstrip('/')}/{name}" for address in own] + list(urls)


def download(urls: Sequence[str], path: Path, *, check: Callable[[Path], str | None]) -> None:
    """Fetch one file from the first of `urls` that delivers it whole.

    `check` looks at a file and returns what is wrong with it, or None. The bytes go to
    ``<path>.part``, which a later call continues (HTTP Range) and another address may continue
    too; it is renamed to `path` only when `check` is content, so `path` is never half a file. A
    lock keeps a second process waiting, which then finds the file there. Broken connections are
    resumed; a slow address is left for the end. A progress bar is shown on a terminal (tqdm).

    Raises DatasetError, listing every address with its failure, when none delivers.
    """
    with lock(path.with_name(f".{path.name}.lock")):
        if path.exists() and check(path) is None:
            return  # another process fetched it while this one waited
        failures: list[str] = []
        slow: list[str] = []
        for url in urls:
            is_last = url == urls[-1] and not slow
            try:
                if _fetch_checked(url, path, check, failures, may_be_slow=is_last):
                    return
            except _TooSlow:
                slow.append(url)
        for url in slow:
            if _fetch_checked(url, path, check, failures, may_be_slow=True):
                return
    tried = "\n".join(f"  {failure}" for failure in failures)
    raise DatasetError(
        f"could not download {path.name}; tried:\n{tried}\n"
        f"A copy fetched in any other way can be put at {path}"
    )


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the file `path` as a lock between processes; the system frees it when one dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise DatasetError(
            f"cannot write to {path.parent}: {error}. "
            "root or the environment variable AIRI_DATA can name another folder"
        ) from None
    with file:
        if not _try_lock(file):
            print(f"waiting for another process to release {path}", file=sys.stderr)
            while not _try_lock(file):
                time.sleep(0.1)
        yield  # closing the file releases the lock


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks; renaming keeps the files whole all the same
        return True
    return True


def _fetch_checked(
    url: str,
    path: Path,
    check: Callable[[Path], str | None],
    failures: list[str],
    *,
    may_be_slow: bool,
) -> bool:
    """Fetch `url` to `path`; False, with a line added to `failures`, where that fails."""
    part = path.with_name(path.name + ".part")
    problem = ""
    for _ in range(ATTEMPTS):
        resumed = part.exists()
        try:
            _fetch(url, part, may_be_slow=may_be_slow)
        except urllib.error.HTTPError as error:
            problem = f"HTTP {error.code} {error.reason}"
            error.close()
            break  # the server has answered: asking again would not help
        except (OSError, http.client.HTTPException) as error:
            problem = str(getattr(error, "reason", error)) or type(error).__name__
            continue
        wrong = check(part)
        if wrong is None:
            os.replace(part, path)
            return True
        part.unlink()
        problem = wrong
        if not resumed:
            break  # what this address serves is not the file
    failures.append(f"{url}: {problem}")
    return False


def _fetch(url: str, part: Path, *, may_be_slow: bool) -> None:
    """Bring `part` to the full length of what `url` serves, going on where it ends."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "airi", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing lies beyond the part: it is whole, or not of this file
            error.close()
            return
        raise
    with response:
        if response.status != 206:
            have = 0  # all of it comes, whatever was asked for
        elif _range_start(response) != have:
            part.unlink()
            raise OSError(f"asked for {headers['Range']}, got other bytes")
        length = response.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        with part.open("ab" if have else "wb") as file, _progress_bar(part, have, total) as bar:
            got = have + _copy(response, file, bar, may_be_slow=may_be_slow)
    if total is not None and got < total:
        raise OSError(f"connection lost after {got:,} of {total:,} bytes")


def _range_start(response: http.client.HTTPResponse) -> int | None:
    """The first byte of a ``Content-Range: bytes 100-199/200`` answer."""
    value = response.headers.get("Content-Range", "")
    start = value.removeprefix("bytes ").partition("-")[0]
    return int(start) if start.isdigit() else None


def _copy(
    source: IO[bytes], target: IO[bytes], advance: Callable[[int], object], *, may_be_slow: bool
) -> int:
    """Copy all of `source`; returns the number of bytes."""
    started = time.monotonic()
    copied = 0
    while block := source.read(BLOCK):
        target.write(block)
        copied += len(block)
        advance(len(block))
        seconds = time.monotonic() - started
        is_slow = copied < SLOW_BYTES_PER_SECOND * seconds
        if is_slow and seconds > SLOW_AFTER_SECONDS and not may_be_slow:
            raise _TooSlow
    return copied


@contextlib.contextmanager
def _progress_bar(part: Path, have: int, total: int | None) -> Iterator[Callable[[int], object]]:
    """A bar, on a terminal; yields what moves it on. Without tqdm a line has to do."""
    name = part.name.removesuffix(".part")
    try:
        from tqdm import tqdm
    except ImportError:
        print(f"downloading {name} (install tqdm to see the progress)", file=sys.stderr)
        yield lambda count: None
        return
    with tqdm(
        desc=name,
        initial=have,
        total=total,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=None,  # shown on a terminal only
    ) as bar:
        yield bar.update
