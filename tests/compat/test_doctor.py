import json

import pytest

from airi import __main__
from airi.compat.uses import uses


@pytest.fixture
def doctor(tmp_path, capsys):
    """Runs the doctor on a script of this text; gives the exit code and what it said."""

    def examine(text, *options, name="script.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        code = __main__.main(["doctor", str(path), *options])
        return code, capsys.readouterr().out

    return examine


def lacking(doctor, text, **options):
    """The names that the doctor finds lacking, with their lines."""
    code, out = doctor(text, "--json", **options)
    (report,) = json.loads(out)
    assert report["error"] is None
    assert code == (1 if report["lacking"] else 0)
    return {each["name"]: each["lines"] for each in report["lacking"]}


def test_a_script_that_uses_only_what_is_there(doctor):
    text = """
import torch, numpy as np
import torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader
class Net(nn.Module):
    def forward(self, x):
        return F.relu(nn.Linear(3, 4, bias=False)(x)).sum(dim=1, keepdim=True)
print(torch.Tensor.abs, np.nonsense(1), torch.__version__, torch.float32.itemsize)
if torch.cuda.is_available(): pass
"""
    code, out = doctor(text)
    assert code == 0
    assert "airi has them all" in out


def test_import_forms(doctor):
    text = """
import torch
import torch.fx
import torch.nn.functional as F
from torch import nn as layers, while_loop as fast
from torch.nn.functional import relu, no_such as g
F.no_such_function(1)
layers.NoSuchLayer()
torch.nn.functional.no_such_function(2)
fast(1)
torch.fx.wrap(1)
"""
    assert lacking(doctor, text) == {
        "torch.fx": [3, 11],
        "torch.while_loop": [5, 10],
        "torch.nn.functional.no_such": [6],
        "torch.nn.functional.no_such_function": [7, 9],
        "torch.nn.NoSuchLayer": [8],
    }


def test_airi_as_torch_is_a_script_of_pytorch_too(doctor):
    text = "import airi as torch\nfrom airi import nn\ntorch.while_loop(nn.Linear(1, 2))\n"
    assert lacking(doctor, text) == {"torch.while_loop": [3]}


def test_names_that_a_function_binds_itself_are_its_own(doctor):
    text = """
import torch.nn.functional as F
def f(F, x):
    return F.nonsense(x)
def g(x):
    F = x
    return F.nonsense()
h = lambda F: F.nonsense
def k(x):
    return F.nonsense(x)
"""
    assert lacking(doctor, text) == {"torch.nn.functional.nonsense": [10]}


def test_tensor_methods_as_far_as_can_be_told(doctor):
    text = """
import torch, numpy as np
def f(x):
    x.relu().map_(x, len)
    np.map_(x)
    return x.index(3)
"""
    assert lacking(doctor, text) == {"torch.Tensor.map_": [4]}


def test_keyword_arguments(doctor):
    text = """
import torch
from torch import nn
nn.Conv2d(1, 2, kernel_size=3, pading=1)
torch.zeros(3, dtype=torch.float64, device="cpu", requires_grad=True)
options = {"whatever": 1}
nn.Linear(1, 2, **options)
"""
    assert lacking(doctor, text) == {"torch.nn.Conv2d(pading=)": [4]}
    _, out = doctor(text)
    assert "line 4: airi's does not take this argument; nearest: padding=" in out


def test_what_is_said(doctor):
    code, out = doctor("import torch, torchvision\ntorch.while_loop()\ntorch.rel(1)\n")
    assert code == 1
    first, *rows = out.splitlines()
    assert first.endswith("script.py: 4 names of PyTorch, airi lacks 3")
    assert "torchvision" in rows[0]
    assert "built on PyTorch's own binaries" in rows[0]
    assert "line 2: PyTorch has it, airi does not" in rows[1]
    assert "neither PyTorch" in rows[2]
    assert "nearest: torch.relu" in rows[2]


def test_numpys_names_of_arguments_and_out_are_known(doctor):
    text = """
import torch
x = torch.ones(2, 2)
torch.sum(x, axis=0, keepdims=True, out=x)
torch.cumprod(x, axis=0)
torch.exp(x, out=x)
torch.cumprod(x, keepdims=True)
"""
    assert lacking(doctor, text) == {"torch.cumprod(keepdims=)": [7]}


def test_notebooks(doctor):
    cells = [
        {"cell_type": "markdown", "source": ["import torch.fx"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip x\n", "import torch"]},
        {"cell_type": "code", "source": "%%bash\nfor x in y; do"},
        {"cell_type": "code", "source": "torch.while_loop(1)"},
    ]  # fmt: skip
    found = lacking(doctor, json.dumps({"cells": cells}), name="book.ipynb")
    assert found == {"torch.while_loop": [4]}


def test_folders_and_files_that_cannot_be_read(tmp_path, capsys):
    (tmp_path / "inner").mkdir()
    (tmp_path / "good.py").write_text("import torch\n")
    (tmp_path / "inner" / "old.py").write_text("import torch\nprint 'Python 2'\n")
    (tmp_path / "book.ipynb").write_text("{}")
    (tmp_path / "other.txt").write_text("import torch.fx")
    assert __main__.main(["doctor", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "old.py: line 2: Missing parentheses" in out
    assert "book.ipynb: cannot be read" in out
    assert "1 of 3 files use only what airi has, 2 cannot be read" in out
    assert __main__.main(["doctor", str(tmp_path / "nothing.py")]) == 1
    assert "No such file" in capsys.readouterr().out
    for wrong in ([], ["--fast", "x.py"], [str(tmp_path / "inner" / "..") + "/none"]):
        code = __main__.main(["doctor", *wrong])
        assert code in (1, 2)
    assert __main__.main(["doctor", "--help"]) == 0


def test_uses_are_in_order_with_keywords():
    found = uses("import torch\nx = torch.ones(2, dtype=torch.int8).flip(0)\n")
    assert [(each.name, each.line, each.keywords) for each in found] == [
        ("torch", 1, ()),
        (".flip", 2, ()),
        ("torch.ones", 2, ("dtype",)),
        ("torch.int8", 2, ()),
    ]
