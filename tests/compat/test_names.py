"""The list of PyTorch's names, the page made from it, and what errors say."""

import importlib.util
from pathlib import Path

import pytest

import airi
from airi.compat import modules, names
from airi.compat.version import TorchVersion

ROOT = Path(__file__).parents[2]


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date():
    page = (ROOT / names.TABLE).read_text(encoding="utf-8")
    assert page == tool("names_table").text(), "run: python tools/names_table.py"


def test_the_list_is_pytorchs():
    torch = pytest.importorskip("torch")
    if torch.__version__.partition("+")[0] != names.pytorch_version():
        pytest.skip(f"the list is of PyTorch {names.pytorch_version()}")
    listed = tool("pytorch_names")
    assert listed.TARGET.read_text(encoding="utf-8") == listed.content()


def test_names_that_pytorch_has_and_airi_lacks():
    with pytest.raises(
        AttributeError, match=r"airi has no 'while_loop': PyTorch has it, airi does"
    ):
        _ = airi.while_loop
    with pytest.raises(AttributeError, match=r"docs/pytorch_names\.md"):
        _ = airi.fx
    with pytest.raises(AttributeError, match=r"airi has no 'reluu'; did you mean relu"):
        _ = airi.reluu
    with pytest.raises(AttributeError, match=r"^airi has no '_C'$"):
        _ = airi._C


@pytest.mark.parametrize(
    ("name", "homes"),
    [
        ("torch", ("airi",)),
        ("torch.nn", ("airi.nn",)),
        ("torch.nn.modules.linear", ("airi.nn.modules.linear", "airi.nn")),
        ("torch.nn.quantized", ("airi.nn",)),
        ("torch.optim.sgd", ("airi.optim.sgd",)),
        ("torch.optim.sparse_adam", ("airi.optim",)),
        ("torch.utils.data.dataloader", ("airi.utils.data.dataloader",)),
        ("torch.fx", ()),
        ("torch.jit", ("airi.jit",)),
        ("torch.cuda.amp", ("airi.cuda.amp",)),
        ("torch.utils._pytree", ("airi.utils._pytree",)),
        ("torch.viz", ()),
        ("torch.ops", ()),
        ("torch.nonsense.more", ()),
    ],
)
def test_where_airi_has_pytorchs_modules(name, homes):
    assert modules.airi_names(name) == homes


def test_versions_compare_by_their_numbers():
    version = TorchVersion("2.13.0+airi")
    assert version > "2.2"
    assert version >= "2.13.0"
    assert version <= "2.13"
    assert version < (2, 14)
    assert version == (2, 13)
    assert version == "2.13.0+airi"
    assert not version < "1.13.1+cu117"
    assert version.split(".")[0] == "2"
