"""PyTorch's scripts on airi: its names, its modules, ``airi run`` and ``airi doctor``."""
