"""Animations as GIF files, drawn by matplotlib."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airi.utils.files import replacing

INK, SOFT, LINE, ACCENT = "#1c2430", "#586577", "#d9dee6", "#0b63ce"


def figure(width: float, height: float) -> Any:
    """A matplotlib figure without a window; ImportError that names the extra."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("a GIF needs matplotlib: pip install 'airi[plot]'") from error
    return Figure(figsize=(width, height), facecolor="white")


def save_gif(
    drawn: Any, draw: Callable[[int], Any], frames: int, fps: int, path: str | os.PathLike[str]
) -> None:
    """Write ``draw(0)`` to ``draw(frames - 1)`` as a GIF; the last one is held for two seconds."""
    from matplotlib.animation import FuncAnimation, PillowWriter

    held = 2 * fps
    numbers = [*range(frames), *[frames - 1] * held]
    animation = FuncAnimation(drawn, draw, frames=numbers, init_func=lambda: (), blit=False)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "animation.gif"
        animation.save(made, writer=PillowWriter(fps=fps), dpi=100)
        with replacing(path) as file:
            file.write(made.read_bytes())
