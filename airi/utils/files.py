"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO]:
    """Open a new file that takes the place of `path` when the block ends well.

    What is written goes to a temporary file in the same folder, which is then renamed. When the
    block raises, or the machine stops, an older file at `path` is as it was. Example::

        with replacing("history.csv", "w") as file:
            file.write(text)
    """
    import tempfile  # here, since it is slow to import and `import airi` should not be

    target = Path(path)
    is_text = "b" not in mode
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        encoding, newline = ("utf-8", "") if is_text else (None, None)
        with open(handle, mode, encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # mkstemp's own mode is for its owner only
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
