"""The name that airi has for itself in what it prints: ``airi.float32``, ``airi.Size([2])``.

Where it stands in for PyTorch (``airi run``) that is ``torch``: scripts compare such texts.
"""

own_name = "airi"
