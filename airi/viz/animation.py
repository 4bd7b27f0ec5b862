"""Animations as GIF files, drawn by matplotlib."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

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
    drawn: Any,
    draw: Callable[[int], Any],
    frames: int,
    fps: int,
    path: str | os.PathLike[str],
    colours: Sequence[str] = (),
) -> None:
    """Write ``draw(0)`` to ``draw(frames - 1)`` as a GIF; the last one is held for two seconds.

    All frames share the colours of the last one, white and `colours`, without dithering: what
    stands still costs nothing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(drawn)
    pictures = []
    drawn.set_dpi(100)
    for number in range(frames):
        draw(number)
        canvas.draw()
        pictures.append(Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB"))
    swatches = pictures[-1].copy()
    for number, colour in enumerate(("white", *colours)):
        swatches.paste(colour, (0, 16 * number, swatches.width, 16 * number + 16))
    palette = swatches.quantize(160, method=Image.Quantize.MAXCOVERAGE)
    plain = Image.Dither.NONE
    first, *others = [each.quantize(palette=palette, dither=plain) for each in pictures]
    length = [1000 // fps] * len(others) + [2000]
    with replacing(path) as file:
        first.save(
            file,
            "GIF",
            save_all=True,
            append_images=others,
            duration=length,
            loop=0,
        )
