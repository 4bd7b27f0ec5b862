"""The example programs compute PyTorch's loss curves: same seed, same losses, in float64.

Each program is run twice from its own text: as it is, and with PyTorch in its import lines.
"""

import contextlib
import io
import re
import types
from pathlib import Path

import numpy as np
import pytest

import airi

from .draws import mkl_draws

torch = pytest.importorskip("torch")

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = sorted(
    path.stem for path in EXAMPLES.glob("*.py") if "import airi as torch" in path.read_text("utf-8")
)
# What PyTorch may draw with MKL.
DRAWN_BY_MKL = re.compile("dropout|multinomial|Categorical", re.IGNORECASE)
OURS_ALONE = "(?!datasets|viz)"  # packages that PyTorch does not have


def in_pytorchs_words(text):
    text = text.replace("import airi as torch", "import torch")
    text = re.sub(rf"^import airi\.{OURS_ALONE}", "import torch.", text, flags=re.M)
    return re.sub(rf"^from airi(?=( import|\.{OURS_ALONE}))", "from torch", text, flags=re.M)


def losses_of(name, framework):
    path = EXAMPLES / f"{name}.py"
    text = path.read_text("utf-8")
    program = types.ModuleType(name)
    program.__file__ = str(path)
    before = framework.get_default_dtype()
    framework.set_default_dtype(framework.float64)
    try:
        text = text if framework is airi else in_pytorchs_words(text)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(text, str(path), "exec"), program.__dict__)
            losses = program.main(["--quick"])
    finally:
        framework.set_default_dtype(before)
    return np.array(losses), printed.getvalue()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_loss_curve_is_pytorchs(name):
    if DRAWN_BY_MKL.search((EXAMPLES / f"{name}.py").read_text("utf-8")) and mkl_draws(torch):
        pytest.skip("PyTorch draws with MKL here")
    ours, our_text = losses_of(name, airi)
    theirs, their_text = losses_of(name, torch)
    assert ours.size >= 5
    np.testing.assert_allclose(ours, theirs, rtol=1e-7)
    # What they print too: accuracies, generated texts, drawn pictures. Models print their names.
    assert our_text.replace("airi", "torch") == their_text


def test_there_are_enough_programs():
    assert len(PROGRAMS) >= 12
