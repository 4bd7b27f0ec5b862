"""A convolution as an animation for slides: the window slides, forward or backward."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.viz.animation import ACCENT, INK, SOFT, figure, save_gif
from airi.viz.convolution_page import is_picture

if TYPE_CHECKING:
    from airi.viz.convolutions import Convolution, Pixel


def save(
    shown: Convolution,
    path: Path,
    *,
    filter: int = 0,
    channel: int = 0,
    backward: bool = False,
    frames: int = 60,
    fps: int = 8,
) -> None:
    """Write the GIF: `filter` of the output, `channel` of the filter's channels, see `save`."""
    filters, height, width = shown.output.shape
    taken = shown.weight.shape[1]
    if not 0 <= filter < filters:
        raise IndexError(f"convolution: there is no filter {filter}; there are {filters}")
    if not 0 <= channel < taken:
        raise IndexError(f"convolution: there is no channel {channel}; a filter takes {taken}")
    if frames < 1 or fps < 1:
        raise ValueError(f"convolution: frames and fps must be at least 1, got {frames} and {fps}")
    count = min(frames, height * width)
    places = np.linspace(0, height * width - 1, count).round().astype(int)
    scene = (_BackwardScene if backward else _Scene)(shown, filter, channel)
    save_gif(scene.figure, lambda number: scene.show(int(places[number])), count, fps, path)


class _Scene:
    """Three plates and a line of numbers, of which each frame changes what is new."""

    def __init__(self, shown: Convolution, filter: int, channel: int) -> None:
        from matplotlib.patches import Rectangle

        self.shown, self.filter, self.channel = shown, filter, channel
        self.figure = figure(9.6, 4.6)
        plates = self.figure.subplots(
            1, 3, width_ratios=[1, 0.5, 1],
            gridspec_kw={"left": 0.03, "right": 0.97, "top": 0.86, "bottom": 0.17, "wspace": 0.12},
        )  # fmt: skip
        self.values = self._result()
        for plate, name in zip(plates, self._titles(), strict=True):
            plate.set_title(name, fontsize=15, color=INK, pad=10)
            plate.set(xticks=[], yticks=[])
            plate.spines[:].set_visible(False)
        self._show_image(plates[0])
        self._show_kernel(plates[1], shown.weight[filter, channel])
        self.result = plates[2].imshow(
            np.full(shown.output.shape[1:], np.nan), interpolation="nearest", **self._colours()
        )  # fmt: skip
        reach = [
            gap * (size - 1) + 1
            for gap, size in zip(shown.dilation, shown.weight.shape[2:], strict=True)
        ]
        frame: dict[str, Any] = {"fill": False, "edgecolor": ACCENT, "linewidth": 3}
        self.window = plates[0].add_patch(Rectangle((0, 0), reach[1], reach[0], **frame))
        self.pixel = plates[2].add_patch(Rectangle((0, 0), 1, 1, **frame))
        self.line = self.figure.text(0.5, 0.055, "", ha="center", fontsize=13, color=INK)

    def _titles(self) -> tuple[str, str, str]:
        name = self.shown.names[self.filter].replace("$", r"\$")
        return "Input", "Kernel", f"Output: {name}"

    def _result(self) -> np.ndarray:
        return self.shown.output[self.filter]

    def _colours(self) -> dict[str, Any]:
        """Grey where a picture gives a picture, as a blur does."""
        if is_picture(self.shown.image) and is_picture(self.values):
            return {"cmap": "gray", "vmin": 0, "vmax": 1}
        return {"cmap": "RdBu_r", **_limits(self.values)}

    def _channel(self) -> int:
        """The channel of the image that is shown."""
        taken = self.shown.weight.shape[1]
        group = self.filter // (len(self.shown.weight) // self.shown.groups)
        return group * taken + self.channel

    def _show_image(self, plate: Any) -> None:
        shown = self.shown
        values = shown.padded[self._channel()]
        if is_picture(shown.image) and len(shown.image) == 3 and shown.weight.shape[1] == 3:
            plate.imshow(shown.padded.transpose(1, 2, 0), interpolation="nearest")
        elif is_picture(shown.image):
            plate.imshow(values, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        else:
            plate.imshow(values, cmap="RdBu_r", interpolation="nearest", **_limits(values))

    def _show_kernel(self, plate: Any, kernel: np.ndarray) -> None:
        limits = _limits(kernel)
        plate.imshow(kernel, cmap="RdBu_r", interpolation="nearest", **limits)
        if kernel.size > 49:
            return
        size = 15 if kernel.size <= 9 else 9
        for (row, column), value in np.ndenumerate(kernel):
            dark = abs(value) > 0.6 * limits["vmax"]
            colour = "white" if dark else INK
            text = f"{value:.2g}".replace("-", "−")
            plate.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
        if len(self.shown.weight[self.filter]) > 1:
            plate.set_xlabel(f"channel {self.channel}", fontsize=12, color=SOFT)

    def show(self, place: int) -> list[Any]:
        shown = self.shown
        row, column = divmod(place, shown.output.shape[2])
        filled = np.full(self.values.size, np.nan)
        filled[: place + 1] = self.values.reshape(-1)[: place + 1]
        self.result.set_data(filled.reshape(self.values.shape))
        self.window.set_xy((column * shown.stride[1] - 0.5, row * shown.stride[0] - 0.5))
        self.pixel.set_xy((column - 0.5, row - 0.5))
        self.line.set_text(self._text(shown.at(self.filter, row, column)))
        return [self.result, self.window, self.pixel, self.line]

    def _text(self, pixel: Pixel) -> str:
        return _sum_text(pixel)


class _BackwardScene(_Scene):
    """What each pixel's gradient adds to the input's gradient and to the kernel's."""

    def _titles(self) -> tuple[str, str, str]:
        return "dL/dinput", "dL/dkernel", "dL/doutput"

    def _result(self) -> np.ndarray:
        return self.shown.grad_output[self.filter]

    def _colours(self) -> dict[str, Any]:
        return {"cmap": "RdBu_r", **_limits(self.values)}

    def _show_image(self, plate: Any) -> None:
        self.done = 0
        self.to_input = np.zeros(self.shown.padded.shape[1:])
        self.to_kernel = np.zeros(self.shown.weight.shape[2:])
        whole, _ = self._sums(0, self.values.size)
        self.image = plate.imshow(whole, cmap="RdBu_r", interpolation="nearest", **_limits(whole))

    def _show_kernel(self, plate: Any, kernel: np.ndarray) -> None:
        whole = self.shown.grad_weight[self.filter, self.channel]
        self.kernel = plate.imshow(whole, cmap="RdBu_r", interpolation="nearest", **_limits(whole))

    def _sums(self, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """What the pixels from `first` to before `end` add to both."""
        to_input, to_kernel = np.zeros_like(self.to_input), np.zeros_like(self.to_kernel)
        top, _, left, _ = self.shown.pads
        for place in range(first, end):
            pixel = self.shown.at(self.filter, *divmod(place, self.values.shape[1]))
            rows, columns = np.array(pixel.rows) + top, np.array(pixel.columns) + left
            to_input[np.ix_(rows, columns)] += pixel.to_input[self.channel]
            to_kernel += pixel.to_weight[self.channel]
        return to_input, to_kernel

    def show(self, place: int) -> list[Any]:
        to_input, to_kernel = self._sums(self.done, place + 1)
        self.to_input += to_input
        self.to_kernel += to_kernel
        self.done = place + 1
        self.image.set_data(self.to_input)
        self.kernel.set_data(self.to_kernel)
        return [*super().show(place), self.image, self.kernel]

    def _text(self, pixel: Pixel) -> str:
        gradient = f"{pixel.gradient:.3g}".replace("-", "−")
        return f"dL/dinput += {gradient} · kernel        dL/dkernel += {gradient} · window"


def _sum_text(pixel: Pixel) -> str:
    """``0.8 · −1 + 0.9 · 2 + … = 1.23``: the terms that are not zero."""
    pairs = zip(pixel.patch.reshape(-1), pixel.kernel.reshape(-1), strict=True)
    terms = [f"{x:.2f} · {w:.2g}".replace("-", "−") for x, w in pairs if x * w]
    if len(terms) > 6:
        terms = [*terms[:3], "…", terms[-1]]
    if pixel.bias:
        terms.append(f"{pixel.bias:.2g}".replace("-", "−"))
    if not terms:
        return "every product is 0"
    return f"{' + '.join(terms)} = {pixel.value:.3g}".replace("= -", "= −")


def _limits(values: np.ndarray) -> dict[str, float]:
    finite = np.abs(values[np.isfinite(values)])
    most = float(finite.max()) if finite.size else 1.0
    return {"vmin": -(most or 1.0), "vmax": most or 1.0}
