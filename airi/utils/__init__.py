"""What surrounds the mathematics: loading data, checkpoints of activations, files."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airi.utils import benchmark as benchmark
    from airi.utils import checkpoint as checkpoint
    from airi.utils import data as data
    from airi.utils import dlpack as dlpack
    from airi.utils import hooks as hooks

# Loaded when asked for: `data` needs multiprocessing.
_LAZY = ("benchmark", "checkpoint", "data", "dlpack", "hooks", "_pytree")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return importlib.import_module(f"airi.utils.{name}")
    raise AttributeError(f"airi.utils has no {name!r}")
