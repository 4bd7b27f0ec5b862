"""Intel's library for neural networks: airi has its own kernels."""

enabled = False
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """False."""
    return False
