"""Intel's library for linear algebra: airi does not call it itself (NumPy's BLAS may be it)."""


def is_available() -> bool:
    """False."""
    return False
