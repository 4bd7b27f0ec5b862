"""What surrounds the mathematics: loading data (``airi.utils.data``), files."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airi.utils import data as data


def __getattr__(name: str) -> Any:
    if name == "data":  # loaded when asked for: it needs multiprocessing
        import importlib

        return importlib.import_module("airi.utils.data")
    raise AttributeError(f"airi.utils has no {name!r}")
