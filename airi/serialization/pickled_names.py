"""What pickles of PyTorch's tensors ask for, where airi stands in for PyTorch (``airi run``).

``pickle.load`` finds ``torch._utils._rebuild_tensor_v2`` and its kin here. Unlike ``airi.load``
pickle runs what a file says.
"""

from __future__ import annotations

import io

from airi.serialization import stream_format
from airi.serialization.storages import Storage
from airi.serialization.unpickler import TORCH

_rebuild_tensor = TORCH["torch._utils", "_rebuild_tensor"]
_rebuild_tensor_v2 = TORCH["torch._utils", "_rebuild_tensor_v2"]
_rebuild_tensor_v3 = TORCH["torch._utils", "_rebuild_tensor_v3"]
_rebuild_parameter = TORCH["torch._utils", "_rebuild_parameter"]
_rebuild_parameter_with_state = TORCH["torch._utils", "_rebuild_parameter_with_state"]
_rebuild_from_type_v2 = TORCH["torch._tensor", "_rebuild_from_type_v2"]


def _load_from_bytes(content: bytes) -> Storage:
    """The storage of a tensor that was pickled without ``torch.save``."""
    return stream_format.read(io.BytesIO(content), True, lambda storage: storage)
