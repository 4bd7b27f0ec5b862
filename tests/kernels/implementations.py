"""Which kernels compute: those for one of this processor's instruction sets, or NumPy."""

import importlib
import pkgutil
from contextlib import contextmanager

import pytest

import airi

REFERENCE = "reference"  # no compiled kernel, where there is a switch for it


def use_reference(patch):
    """Compute in NumPy what compiled kernels compute; `patch` is pytest's MonkeyPatch."""
    from airi.ops import conv_ref, kernels, places, product, recurrent_steps
    from airi.optim import passes

    patch.setattr(kernels, "_module", conv_ref)
    use_no_fused_kernels(patch)
    patch.setattr(places, "_compiled", lambda: None)
    patch.setattr(product, "_compiled", lambda: None)
    patch.setattr(recurrent_steps, "_compiled", lambda: None)
    patch.setattr(passes, "_compiled", None)


def use_no_fused_kernels(patch):
    """Compute in NumPy what the kernels of `fused_ext` compute."""
    from airi.ops import fused

    if fused._compiled() is not None:
        patch.setattr(fused._compiled(), "least_elements", 1 << 50)
    patch.setattr(fused, "_compiled", lambda: None)


def _extensions_with_a_choice():
    """The built extension modules that have a function `use_instruction_set`."""
    found = []
    for package in (airi.ops, airi.optim):
        for each in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            if each.name.endswith("_ext"):
                try:
                    module = importlib.import_module(each.name)
                except ImportError:
                    continue
                if hasattr(module, "use_instruction_set"):
                    found.append(module)
    return found


EXTENSIONS = _extensions_with_a_choice()
# The one that has the most tells the names, fastest first.
SETS = max((each.instruction_sets() for each in EXTENSIONS), key=len, default=[])


@contextmanager
def computed_by(name):
    """For a while compute with the instruction set of that name, or with none: REFERENCE."""
    if name == REFERENCE:
        with pytest.MonkeyPatch.context() as patch:
            use_reference(patch)
            yield
        return
    try:
        for module in EXTENSIONS:
            own = module.instruction_sets()
            module.use_instruction_set(name if name in own else own[-1])
        yield
    finally:
        for module in EXTENSIONS:
            module.use_instruction_set(module.instruction_sets()[0])
