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

NAMESPACES = """
    torch torch.amp torch.autograd torch.autograd.forward_ad torch.autograd.functional
    torch.autograd.graph torch.backends torch.cuda torch.distributions torch.fft torch.func
    torch.hub torch.linalg torch.nn torch.nn.functional torch.nn.init torch.nn.parameter
    torch.nn.utils torch.nn.utils.parametrizations torch.nn.utils.parametrize torch.nn.utils.prune
    torch.nn.utils.rnn torch.nn.utils.stateless torch.onnx torch.optim torch.optim.lr_scheduler
    torch.optim.swa_utils torch.random torch.serialization torch.special torch.testing torch.utils
    torch.utils.checkpoint torch.utils.data torch.version
""".split()

# Of torch and Tensor: names that belong to PyTorch's machinery, which nobody's script asks for.
MACHINERY = (
    "cudnn", "fbgemm", "mkldnn", "miopen", "quantize", "fake_quantize", "q_", "dequantize",
    "sym_", "Sym", "Storage", "from_file", "fused_moving", "constrain_range", "choose_qparams",
    "rnn_relu", "rnn_tanh", "lstm_", "gru_", "int_repr", "qscheme", "quint", "qint", "bits",
    "sspaddmm", "is_vulkan", "vitals", "unsafe_", "segment_reduce", "batch_norm_", "native_",
    "AVG", "SUM", "parse_", "import_ir", "merge_type", "unify_type", "autocast_", "embedding_renorm",
    "is_autocast", "set_autocast", "get_autocast", "clear_autocast", "init_num_threads", "read_vitals",
    "set_vital", "wait", "fork", "is_vulkan", "is_xla", "is_ipu", "is_maia", "is_mtia", "is_xpu",
    "is_meta", "is_mps", "is_nested", "is_quantized", "module_load",
)  # fmt: skip


def public_names(module: types.ModuleType) -> list[str]:
    """What a module offers: its own functions, classes, dtypes and constants."""
    listed = set(getattr(module, "__all__", ()))
    found = {name for name, value in vars(module).items() if _is_public(name, value, listed)}
    return sorted(found | {name for name in listed if not name.startswith("_")})


def _is_public(name: str, value: Any, listed: set[str]) -> bool:
    if name.startswith("_"):
        return False
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return True
    if isinstance(value, types.ModuleType) or not callable(value):
        return name in ("e", "inf", "nan", "pi", "newaxis")
    home = getattr(value, "__module__", None) or "torch"
    if inspect.isclass(value) and home.startswith("torch._C") and name not in listed:
        return False  # types of the JIT
    return home == "torch" or home.startswith("torch.")


def is_machinery(name: str) -> bool:
    return name.startswith(MACHINERY) or name.endswith(("Storage", "Type", "_copy", "_copy_out"))


def all_modules() -> list[str]:
    """The public modules of PyTorch by name, those inside packages of the machinery left out."""
    found = ["torch"]
    left_out = ("ao", "contrib", "quantization", "package", "distributed", "export", "fx")
    for prefix in ["torch", *(name for name in NAMESPACES if name != "torch")]:
        module = importlib.import_module(prefix)
        found.append(prefix)
        for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
            if not info.name.startswith("_") and info.name not in left_out:
                found.append(f"{prefix}.{info.name}")
    found += [
        f"torch.nn.modules.{each.name}" for each in pkgutil.iter_modules(torch.nn.modules.__path__)
    ]
    return sorted(set(found))


def main() -> None:
    warnings.simplefilter("ignore")
    namespaces = {}
    for name in NAMESPACES:
        try:
            names = public_names(importlib.import_module(name))
        except ImportError:  # without tensorboard
            continue
        namespaces[name] = [each for each in names if name != "torch" or not is_machinery(each)]
    methods = [name for name in dir(torch.Tensor) if not name.startswith("_")]
    namespaces["torch.Tensor"] = sorted(name for name in methods if not is_machinery(name))
    content = {
        "version": torch.__version__.partition("+")[0],
        "modules": all_modules(),
        "names": dict(sorted(namespaces.items())),
    }
    TARGET.write_text(json.dumps(content, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
