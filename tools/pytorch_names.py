"""Write airi/compat/torch_names.json: PyTorch's public names, by module. Needs PyTorch.

    python tools/pytorch_names.py

With it airi tells a name that PyTorch has and airi lacks from one that nobody has, without PyTorch
being installed. Names of its compilers, GPUs, quantization and distributed training are left out.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import types
import warnings
from pathlib import Path
from typing import Any

import torch

TARGET = Path(__file__).parents[1] / "airi" / "compat" / "torch_names.json"

NAMESPACES = (
    "torch",
    "torch.amp",
    "torch.autograd",
    "torch.autograd.forward_ad",
    "torch.autograd.functional",
    "torch.autograd.graph",
    "torch.backends",
    "torch.distributions",
    "torch.fft",
    "torch.func",
    "torch.hub",
    "torch.linalg",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.parameter",
    "torch.nn.utils",
    "torch.nn.utils.parametrizations",
    "torch.nn.utils.parametrize",
    "torch.nn.utils.prune",
    "torch.nn.utils.rnn",
    "torch.nn.utils.stateless",
    "torch.onnx",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.random",
    "torch.serialization",
    "torch.special",
    "torch.testing",
    "torch.utils",
    "torch.utils.checkpoint",
    "torch.utils.data",
    "torch.version",
)

# Of torch and Tensor: names that belong to PyTorch's machinery, which nobody's script asks for.
MACHINERY = (
    "AVG", "SUM", "Sym", "are_deterministic", "autocast_", "batch_norm_", "bits", "cholesky_ex",
    "choose_qparams", "clear_autocast", "classproperty", "compiled_with", "constrain_range",
    "cpp", "cudnn", "dequantize", "empty_quantized", "fake_quantize", "fbgemm", "fork",
    "from_file", "fused_moving", "get_autocast", "get_device_module", "get_file_path", "gru_",
    "hash_tensor", "import_ir", "init_num_threads", "int1_", "int_repr", "is_autocast",
    "is_ipu", "is_maia", "is_meta", "is_mps", "is_mtia", "is_nested", "is_quantized",
    "is_vulkan", "is_xla", "is_xpu", "lstm_", "merge_type", "miopen", "mkldnn", "module_load",
    "native_", "parse_", "prepare_multi", "profiler_", "q_", "qint", "qscheme", "quantize",
    "quint", "read_vitals", "rnn_relu", "rnn_tanh", "segment_reduce", "set_autocast",
    "set_vital", "sspaddmm", "sym_", "thread_safe_generator", "to_mkldnn", "unify_type",
    "unsafe_", "vitals", "wait", "float4", "float8", "hspmm", "hsmm", "saddmm", "smm", "dsmm",
)  # fmt: skip
KNOWN_CLASSES = (
    "Generator",
    "Size",
    "device",
    "dtype",
    "finfo",
    "iinfo",
    "layout",
    "memory_format",
)


def public_names(module: types.ModuleType) -> list[str]:
    """What a module offers: its own functions, classes, dtypes and constants."""
    listed = set(getattr(module, "__all__", ()))
    found = {name for name, value in vars(module).items() if _is_public(module, name, value)}
    if module is not torch:  # its list has the compiler's classes too
        found |= {name for name in listed if not name.startswith("_")} - {"Tensor"}
    return sorted(found)


def _is_public(module: types.ModuleType, name: str, value: Any) -> bool:
    if name.startswith("_"):
        return False
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return True
    if isinstance(value, types.ModuleType) or not callable(value):
        return name in ("default_generator", "e", "inf", "nan", "newaxis", "pi")
    if module is torch and hasattr(torch._C, name):
        # Classes of the compiler besides those that scripts know, and all functions.
        return not inspect.isclass(value) or name.endswith("Tensor") or name in KNOWN_CLASSES
    if inspect.isbuiltin(value):
        return True
    home = getattr(value, "__module__", None) or ""
    return home == module.__name__ or home.startswith(f"{module.__name__}.")


def is_machinery(name: str) -> bool:
    """Whether a name of torch or Tensor is one that scripts do not use."""
    endings = ("Storage", "Type", "_copy", "_copy_out")
    return name.startswith(MACHINERY) or name.endswith(endings)


def all_modules() -> list[str]:
    """The public modules of PyTorch by name; of its packages those that scripts use."""
    found = {"torch"}
    for package in [*NAMESPACES, "torch.nn.modules"]:
        module = importlib.import_module(package)
        found.add(package)
        for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
            if not info.name.startswith("_"):
                found.add(f"{package}.{info.name}")
    return sorted(found)


def content() -> str:
    """The file's text."""
    warnings.simplefilter("ignore")
    found = {name: public_names(importlib.import_module(name)) for name in NAMESPACES}
    found["torch.Tensor"] = sorted(name for name in dir(torch.Tensor) if not name.startswith("_"))
    for name in ("torch", "torch.Tensor"):
        found[name] = [each for each in found[name] if not is_machinery(each)]
    parts = {
        "version": torch.__version__.partition("+")[0],
        "modules": all_modules(),
        "names": {name: each for name, each in sorted(found.items()) if each},
    }
    return json.dumps(parts, indent=0) + "\n"


if __name__ == "__main__":
    TARGET.write_text(content(), encoding="utf-8")
