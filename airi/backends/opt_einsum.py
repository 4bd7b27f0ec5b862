"""The package that finds a good order for einsum: airi uses NumPy's search."""

enabled = False
strategy = None


def is_available() -> bool:
    """False."""
    return False
