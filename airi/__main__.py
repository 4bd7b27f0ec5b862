"""The command ``airi``: its first word says what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence

USAGE = """usage: airi train [options]        train the course's networks (airi train --help)
       airi run script.py ...     run a PyTorch script, unchanged, on airi (airi run --help)
       airi doctor script.py ...  what a PyTorch script uses that airi lacks (airi doctor --help)
       airi check script.py ...   check the gradient of every op in a script (airi check --help)
       airi --version"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``airi`` with these arguments; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if arguments[0] == "--version":
        from airi._version import __version__

        print(f"airi {__version__}")
        return 0
    if arguments[0] == "train":
        from airi import train

        return train.main(arguments[1:])
    if arguments[0] == "run":
        from airi.compat import run

        return run.main(arguments[1:])
    if arguments[0] == "doctor":
        from airi.compat import doctor

        return doctor.main(arguments[1:])
    if arguments[0] == "check":
        from airi.viz import check_script

        return check_script.main(arguments[1:])
    print(f"airi: there is no command {arguments[0]!r}\n{USAGE}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
