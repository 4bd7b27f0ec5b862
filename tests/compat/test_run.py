"""``airi run``: scripts of PyTorch, unchanged, in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airi import __main__

from ..conftest import hear_ctrl_c

ROOT = str(Path(__file__).parents[2])


@pytest.fixture
def script(tmp_path):
    """Writes a script to a folder of its own."""

    def write(text, name="script.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def start(*arguments, cwd, **options):
    environment = {**os.environ, "PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "airi", "run", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        **options,
    )


def run(path, *arguments, cwd=None, text=""):
    process = start(path, *arguments, cwd=cwd or Path(path).parent)
    out, err = process.communicate(text, timeout=100)
    return process.returncode, out, err


TRAINING = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch import Tensor
from torch.autograd import Variable
from torch.nn.modules.linear import Linear
from torch.nn.parameter import Parameter
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset
import torch.utils.data.dataloader
import torch.optim.optimizer
import airi

assert torch.nn is nn and torch.optim is optim and nn.functional is F
assert isinstance(torch.ones(2), torch.Tensor) and Tensor is airi.Tensor
assert Linear is nn.Linear and Parameter is nn.Parameter
assert "torch._C" not in sys.modules
assert torch.__version__ >= "1.9" and not torch.__version__ < "2.2"
assert torch.__version__ >= (1, 10) and torch.version.cuda is None

torch.manual_seed(0)
x = torch.randn(64, 3)
data = TensorDataset(x, x.sum(1, keepdim=True))
model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), Linear(8, 1))
optimizer = optim.Adam(model.parameters(), lr=1e-2)
scheduler = StepLR(optimizer, 10)
for epoch in range(20):
    for batch, wanted in DataLoader(data, batch_size=16, shuffle=True):
        optimizer.zero_grad()
        loss = F.mse_loss(model(batch), wanted)
        loss.backward()
        optimizer.step()
    scheduler.step()
torch.save(model.state_dict(), "model.pt")
model.load_state_dict(torch.load("model.pt"))
print("trained", loss.item() < 0.5, sys.argv, __name__, __file__, sys.path[0])
"""


def test_a_script_runs_as_python_runs_it(script):
    path = script(TRAINING)
    code, out, err = run("script.py", "--lr", "3", cwd=path.parent)
    assert (code, err) == (0, "")
    wanted = f"trained True ['script.py', '--lr', '3'] __main__ script.py {path.parent}"
    assert out.strip() == wanted


def test_modules_standard_input_and_exit_codes(script):
    path = script("import sys, torch\nprint(__name__, torch.ones(2).tolist(), sys.argv[1:])\n")
    assert run("-m", "script", "a", cwd=path.parent)[:2] == (0, "__main__ [1.0, 1.0] ['a']\n")
    code, out, _ = run("-", "b", cwd=path.parent, text=path.read_text())
    assert (code, out) == (0, "__main__ [1.0, 1.0] ['b']\n")
    assert run(script("import sys; sys.exit(7)"))[0] == 7
    code, _, err = run(script("import sys; sys.exit('stopped')"))
    assert (code, err) == (1, "stopped\n")


def test_a_traceback_is_the_scripts_own(script):
    text = "import torch\ndef f():\n    torch.ones(2) + torch.ones(3)\nf()\n"
    code, _, err = run(script(text))
    assert code == 1
    lines = err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].startswith("RuntimeError: add(")
    own = [each for each in lines if "script.py" in each]
    assert [each.rpartition(", line ")[2] for each in own] == ["4, in <module>", "3, in f"]
    assert "runpy" not in err
    assert "compat" not in err

    code, _, err = run(script("x = = 1\n"))
    assert code == 1
    assert err.startswith('  File "')
    assert err.endswith("SyntaxError: invalid syntax\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "import torch.fx",
            "torch, provided by airi, has no 'fx': PyTorch has it, airi does not",
        ),
        ("from torch import fx", "has no 'fx': PyTorch has it, airi does not (all names: docs/"),
        ("from torch.nn import Linea", "torch.nn, provided by airi, has no 'Linea'; did you mean"),
        ("import torch; torch.while_loop(1)", "has no 'while_loop': PyTorch has it, airi does not"),
        ("import torch; torch.relux", "has no 'relux'; did you mean relu"),
        ("import torch.nonsense", "has no 'nonsense'"),
        ("import torchvision.models", "torchvision is built on PyTorch's own binaries"),
    ],
)
def test_what_airi_lacks_is_said(script, line, said):
    code, _, err = run(script(f"{line}\n"))
    assert code == 1
    assert said in err
    assert "modules.py" not in err


def test_a_package_of_the_scripts_own_may_bear_a_name_of_pytorchs_family(script):
    path = script("import torch, torchvision\nprint(torchvision.halves(torch.ones(2)).tolist())\n")
    own = path.parent / "torchvision"
    own.mkdir()
    (own / "__init__.py").write_text("def halves(x):\n    return x / 2\n")
    assert run(path)[:2] == (0, "[0.5, 0.5]\n")
    (own / "_C.so").write_bytes(b"")
    assert "built on PyTorch's own binaries" in run(path)[2]


WORKERS = """
import sys
import torch
from torch.utils.data import DataLoader, Dataset

class Squares(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        assert "torch._C" not in sys.modules
        return torch.tensor(i * i)

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        loader = DataLoader(Squares(), batch_size=4, num_workers=1, multiprocessing_context=method)
        print(method, [batch.tolist() for batch in loader])
"""


def test_workers_have_airi_too(script):
    code, out, err = run(script(WORKERS))
    assert (code, err) == (0, "")
    methods = ("fork", "spawn", "forkserver")
    assert out.splitlines() == [f"{method} [[0, 1, 4, 9]]" for method in methods]


def test_ctrl_c(script):
    path = script("import time, torch\nprint('started', flush=True)\ntime.sleep(60)\n")
    # In a shell's background job, and so in some test runs, Ctrl-C is ignored; not in this child.
    process = start(path, cwd=path.parent, preexec_fn=hear_ctrl_c)
    assert process.stdout.readline() == "started\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip().endswith("KeyboardInterrupt")
    assert "compat" not in err


def test_pickles_that_name_torch(script, tmp_path):
    torch = pytest.importorskip("torch")
    import pickle

    content = {"a": torch.arange(3.0), "p": torch.nn.Parameter(torch.ones(2))}
    (tmp_path / "p.pkl").write_bytes(pickle.dumps(content))
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()), tmp_path / "m.pt")
    text = """
import pickle, torch
read = pickle.load(open("p.pkl", "rb"))
print(read["a"].tolist(), type(read["p"]) is torch.nn.Parameter)
print(torch.load("m.pt", weights_only=False)(torch.ones(1, 2)).shape)
from torch import *
from torch.nn import *
print(Linear(2, 3)(ones(2)).shape)
"""
    code, out, err = run(script(text))
    assert (code, err) == (0, "")
    assert out.splitlines() == ["[0.0, 1.0, 2.0] True", "torch.Size([1, 3])", "torch.Size([3])"]


def test_safetensors_are_airis(script):
    text = """
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
save_file({"w": torch.ones(2)}, "w.safetensors", {"format": "pt"})
print(load_file("w.safetensors"), safe_open("w.safetensors", "pt").metadata())
"""
    code, out, err = run(script(text))
    assert (code, err) == (0, "")
    assert out == "{'w': tensor([1., 1.])} {'format': 'pt'}\n"


def test_what_is_printed_is_pytorchs(script):
    text = """
import torch
x = torch.ones(2, dtype=torch.float64)
print(x, x.shape, x.dtype, x.type(), torch.strided)
"""
    code, out, err = run(script(text))
    assert (code, err) == (0, "")
    wanted = "torch.Size([2]) torch.float64 torch.DoubleTensor torch.strided"
    assert out == f"tensor([1., 1.], dtype=torch.float64) {wanted}\n"


def test_arguments(capsys, tmp_path):
    assert __main__.main(["run", "--help"]) == 0
    assert "usage: airi run" in capsys.readouterr().out
    for wrong, said in (
        ([], "usage"),
        (["-m"], "-m needs"),
        (["--fast", "x.py"], "no option --fast"),
    ):
        assert __main__.main(["run", *wrong]) == 2
        assert said in capsys.readouterr().err
    code, _, err = run("nothing.py", cwd=tmp_path)
    assert code == 2
    assert "can't open file 'nothing.py'" in err
