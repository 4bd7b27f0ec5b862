"""The convolution page: the arrays of a `Convolution`, for ``page/convolution.js``."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.viz import pages
from airi.viz.convolutions import BLUR
from airi.viz.sampling import number
from airi.viz.words import joined, text

if TYPE_CHECKING:
    from airi.viz.convolutions import Convolution

SCRIPTS = (
    "player.js",
    "heatmap.js",
    "grid.js",
    "convolution.js",
)


def page(shown: Convolution) -> str:
    """The page's text."""
    data = {
        "padded": _array(shown.padded),
        "weight": _array(shown.weight),
        "bias": None if shown.bias is None else [number(each) for each in shown.bias],
        "output": _array(shown.output),
        "gradOutput": _array(shown.grad_output),
        "gradPadded": _array(shown.grad_padded),
        "gradWeight": _array(shown.grad_weight),
        "pads": list(shown.pads),
        "stride": list(shown.stride),
        "dilation": list(shown.dilation),
        "groups": shown.groups,
        "names": [pages.spoken(_name(name)) for name in shown.names],
        "ownGradient": shown.own_gradient,
        "isPicture": is_picture(shown.image),
        "outputIsPicture": [is_picture(shown.image) and is_picture(each) for each in shown.output],
    }
    styles = ["replay.css", "convolution.css"]
    return pages.assemble("convolution.html", styles, SCRIPTS, ["convolution"], data)


def _name(name: str) -> str:
    """A filter's name, which the page translates where it is airi's own."""
    own = next(iter(BLUR))
    return joined(text("blur"), name.removeprefix(own)) if name.startswith(own) else name


def is_picture(image: np.ndarray) -> bool:
    """Whether grey or colours show it best: numbers from 0 to 1."""
    return bool(np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1 + 1e-5)


def _array(array: np.ndarray) -> dict[str, Any]:
    with np.errstate(over="ignore"):
        data = np.ascontiguousarray(array, dtype="<f4").tobytes()
    return {"shape": list(array.shape), "data": base64.b64encode(data).decode()}
