"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO]:
    """Open a new file that takes the place of `path` when the block ends well.

    What is written goes to a temporary file in the same folder, which is then renamed. When the
    block raises, or the machine stops, an older file at `path` is as it was. An OSError of the
    writing names `path`. Example::

        with replacing("history.csv", "w") as file:
            file.write(text)
    """
    import tempfile  # here, since it is slow to import and `import airi` should not be

    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    is_text = "b" not in mode
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        error.filename = os.fspath(path)
        raise
    try:
        encoding, newline = ("utf-8", "") if is_text else (None, None)
        with open(handle, mode, encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # mkstemp's own mode is for its owner only
        os.replace(name, target)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        if isinstance(error, OSError) and error.filename is None:  # a full disk has no name
            error.filename = os.fspath(path)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
