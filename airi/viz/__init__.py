"""Pictures: the recorded graph (`draw`), and backward as it happens (`trace`)."""

from airi.viz.convolutions import BLUR, SOBEL, Convolution, convolution
from airi.viz.drawing import Drawing, draw
from airi.viz.grading import Grade, grade
from airi.viz.layer_table import Layer, Summary, summary
from airi.viz.optimizer_lab import OptimizerLab, optimizers
from airi.viz.recording import Recording, record
from airi.viz.series import Comparison, TrainingTrace, compare
from airi.viz.trace import Event, Trace, trace

__all__ = [
    "BLUR",
    "Comparison",
    "Convolution",
    "Drawing",
    "Event",
    "Grade",
    "Layer",
    "OptimizerLab",
    "Recording",
    "SOBEL",
    "Summary",
    "Trace",
    "TrainingTrace",
    "compare",
    "convolution",
    "draw",
    "grade",
    "optimizers",
    "record",
    "summary",
    "trace",
]
