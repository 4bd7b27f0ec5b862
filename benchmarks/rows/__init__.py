"""The rows, by family; the order of these imports is the order of the table."""

# isort: off
from benchmarks.row import ROWS, chosen
from benchmarks.rows import training
from benchmarks.rows import convolution
from benchmarks.rows import pooling
from benchmarks.rows import normalization
from benchmarks.rows import elementwise
from benchmarks.rows import indexing
from benchmarks.rows import recurrent
from benchmarks.rows import attention
from benchmarks.rows import small
from benchmarks.rows import optimizers
from benchmarks.rows import processes

__all__ = [
    "ROWS",
    "attention",
    "chosen",
    "convolution",
    "elementwise",
    "indexing",
    "normalization",
    "optimizers",
    "pooling",
    "processes",
    "recurrent",
    "small",
    "training",
]
