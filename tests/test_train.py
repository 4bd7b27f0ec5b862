"""airi train: what it writes, that it goes on where it stopped, and what it says of bad input."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import airi
from airi import __main__, train
from airi.utils.data import TensorDataset

from .conftest import hear_ctrl_c

pytest.importorskip("tqdm")
pytest.importorskip("matplotlib")
pytest.importorskip("graphviz")


@pytest.fixture
def small(monkeypatch):
    """The sample cut to 300 training and 100 test images."""
    whole = train.load_data("sample")

    def cut(data, count):
        return TensorDataset(*(each[:count].clone() for each in data.tensors))

    data = train.Data(cut(whole.train, 300), cut(whole.test, 100), whole.classes)
    monkeypatch.setattr(train, "load_data", lambda name: data)
    return data


def run(*arguments):
    return train.main([str(each) for each in arguments])


def history(folder):
    with open(folder / "history.csv") as file:
        rows = list(csv.DictReader(file))
    return [{key: row[key] for key in row if key != "seconds"} for row in rows]


@pytest.mark.parametrize("model", list(train.MODELS))
def test_a_run_writes_its_report(small, tmp_path, model, capsys):
    assert run("--model", model, "--epochs", 2, "--out", tmp_path) == 0
    written = {each.name for each in tmp_path.iterdir()}
    assert {"history.csv", "curves.png", "confusion.png", "filters.png", "model.airi"} < written
    assert written & {"graph.svg", "graph.dot"}
    rows = history(tmp_path)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["train_loss"]) < float(rows[0]["train_loss"])
    assert "report" in capsys.readouterr().out
    weights = airi.load(tmp_path / "model.airi")
    train.MODELS[model](1, 28, 28, 10).load_state_dict(weights)


@pytest.mark.parametrize("optimizer", list(train.OPTIMIZERS))
def test_resume_gives_the_numbers_of_an_unbroken_run(small, tmp_path, optimizer):
    common = ["--model", "two-layer", "--optimizer", optimizer, "--seed", 3, "--threads", 1]
    assert run(*common, "--epochs", 3, "--out", tmp_path / "whole") == 0
    assert run(*common, "--epochs", 1, "--out", tmp_path / "parts") == 0
    assert run(*common, "--epochs", 3, "--out", tmp_path / "parts", "--resume") == 0
    assert history(tmp_path / "whole") == history(tmp_path / "parts")
    whole, parts = (airi.load(tmp_path / name / "model.airi") for name in ("whole", "parts"))
    for key in whole:
        np.testing.assert_array_equal(whole[key].numpy(), parts[key].numpy())


def test_ctrl_c_stops_cleanly_and_resume_goes_on(small, tmp_path, monkeypatch, capsys):
    whole = tmp_path / "whole"
    assert run("--model", "softmax", "--epochs", 3, "--out", whole) == 0
    original = train.Run.train_epoch

    def interrupted(self, show):
        if self.epoch == 1:
            raise KeyboardInterrupt
        return original(self, show)

    monkeypatch.setattr(train.Run, "train_epoch", interrupted)
    parts = tmp_path / "parts"
    assert run("--model", "softmax", "--epochs", 3, "--out", parts) == 130
    assert "1 of 3 epochs" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(train, "load_data", lambda name: small)
    assert run("--model", "softmax", "--epochs", 3, "--out", parts, "--resume") == 0
    assert history(parts) == history(whole)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_real_ctrl_c(tmp_path):
    command = [sys.executable, "-m", "airi", "train", "--model", "softmax", "--epochs", "1000"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=hear_ctrl_c,
    )
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / train.CHECKPOINT).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert b"--resume goes on" in out
    assert airi.load(tmp_path / train.CHECKPOINT)["history"]


def test_bad_input_is_named(small, tmp_path, capsys):
    assert run("--model", "softmax", "--epochs", 1, "--out", tmp_path) == 0
    assert run("--model", "softmax", "--epochs", 1, "--out", tmp_path) == 1
    assert "--resume" in capsys.readouterr().err
    assert run("--model", "two-layer", "--epochs", 2, "--out", tmp_path, "--resume") == 1
    assert "model was softmax, is two-layer" in capsys.readouterr().err
    assert run("--resume", "--out", tmp_path / "none") == 1
    assert "no checkpoint" in capsys.readouterr().err
    for wrong in (["--epochs", "0"], ["--lr", "-1"], ["--model", "rnn"], ["--batch-size", "x"]):
        with pytest.raises(SystemExit):
            run(*wrong)


@pytest.mark.parametrize("text", ["x", "0", "-1", "nan", "inf", ""])
def test_numbers_that_are_no_positive_numbers(text, capsys):
    with pytest.raises(SystemExit):
        run("--lr", text)
    assert f"--lr: must be a positive number, got {text!r}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("--epochs", text)
    assert f"--epochs: must be a positive whole number, got {text!r}" in capsys.readouterr().err


@pytest.mark.parametrize("content", [[1], {"weight": 1}, np.float32])
def test_resume_refuses_what_is_no_checkpoint(small, tmp_path, content, capsys):
    airi.save(content, tmp_path / train.CHECKPOINT)
    assert run("--epochs", 1, "--out", tmp_path, "--resume") == 1
    message = capsys.readouterr().err
    assert "no checkpoint of airi train" in message or "not on the list of safe" in message
    assert len(message.splitlines()) == 1


def test_a_diverged_run_says_so_and_saves_nothing(small, tmp_path, capsys):
    assert run("--model", "softmax", "--lr", 1e300, "--epochs", 1, "--out", tmp_path) == 1
    assert "the loss became nan in epoch 1" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_or_a_folder_that_cannot_be_written_as_out(small, tmp_path, monkeypatch, capsys):
    file = tmp_path / "file"
    file.touch()
    assert run("--epochs", 1, "--out", file) == 1
    assert f"--out {file}: this is a file" in capsys.readouterr().err
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert run("--epochs", 1, "--out", tmp_path) == 1
    assert "nothing can be written" in capsys.readouterr().err


def test_a_bad_seed_leaves_no_folder(small, tmp_path, capsys):
    assert run("--seed", 2**64, "--out", tmp_path / "new") == 1
    assert "seed must lie in" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_checkpoint_of_another_run_is_not_overwritten(small, tmp_path):
    settings = train.Settings(model="softmax")
    first, second = (train.Run(settings, train.load_data("sample"), tmp_path) for _ in range(2))
    first.fit(1, iter, str)
    before = (tmp_path / train.CHECKPOINT).read_bytes()
    with pytest.raises(FileExistsError, match="another run"):
        second.fit(1, iter, str)
    assert (tmp_path / train.CHECKPOINT).read_bytes() == before


def test_a_ctrl_c_in_the_first_epoch_promises_no_checkpoint(small, tmp_path, monkeypatch, capsys):
    def stopped(self, show):
        raise KeyboardInterrupt

    monkeypatch.setattr(train.Run, "train_epoch", stopped)
    assert run("--epochs", 1, "--out", tmp_path) == 130
    assert "nothing is saved" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path, capsys):
    assert run("--data", tmp_path / "nowhere", "--out", tmp_path) == 1
    assert "no such folder" in capsys.readouterr().err
    assert run("--data", "", "--out", tmp_path) == 1
    assert "--data '': no such folder" in capsys.readouterr().err
    assert run("--data", tmp_path, "--out", tmp_path) == 1
    assert "no data set was found" in capsys.readouterr().err


def test_the_command(capsys):
    assert __main__.main(["--version"]) == 0
    assert airi.__version__ in capsys.readouterr().out
    assert __main__.main([]) == 0
    assert __main__.main(["fly"]) == 2
    assert "no command 'fly'" in capsys.readouterr().err


def test_the_convnet_is_the_courses():
    model = train.convnet(3, 32, 32, 10)
    shapes = [tuple(each.shape) for each in model.parameters()]
    assert shapes[::2] == [(16, 3, 5, 5), (16, 16, 5, 5), (120, 16 * 24 * 24), (84, 120), (10, 84)]
