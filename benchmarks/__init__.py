"""airi beside PyTorch, row by row: ``python -m benchmarks --help``."""
