"""Pictures of the recorded graph: ``airi.viz.draw(loss)``."""

from airi.viz.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
