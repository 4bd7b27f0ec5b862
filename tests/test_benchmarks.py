"""The benchmarks run and compute what PyTorch computes; how long they take is not tested."""

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.report import AIRI, KEPT, PYTORCH, Document, Result
from benchmarks.table import ROWS, chosen
from benchmarks.worker import Worker

ROOT = Path(__file__).parent.parent
HAS_TORCH = importlib.util.find_spec("torch") is not None


def test_every_row_runs(tmp_path):
    table, values = tmp_path / "table.md", tmp_path / "values.json"
    command = [sys.executable, "-m", "benchmarks", "--tiny"]
    command += ["--markdown", str(table), "--json", str(values)]
    environment = dict(os.environ, OPENBLAS_CORETYPE="Haswell")
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "OPENBLAS_CORETYPE=Haswell is set" in run.stderr

    results = {each["row"]: each for each in json.loads(values.read_text())["results"]}
    assert list(results) == list(ROWS)
    for name, result in results.items():
        assert set(result["medians"]) == ({AIRI, PYTORCH} if HAS_TORCH else {AIRI})
        assert min(result["medians"].values()) > 0
        assert not result["errors"]
        assert not result["differs"], name
        assert f"| {name} | 1 |" in table.read_text()


def test_a_floor_of_the_table_is_never_above_its_aim():
    for row in ROWS.values():
        assert row.floor
        assert row.aim is None or row.aim >= row.floor
        assert row.build.__doc__


def test_rows_are_chosen_by_name_family_and_pattern():
    assert [row.name for row in chosen(["gru", "lstm"])] == ["lstm", "gru"]  # the table's order
    assert {row.name for row in chosen(["recurrent"])} == {"lstm", "gru"}
    assert all(row.name.endswith("-weight") for row in chosen(["conv-*-weight"]))
    assert len(chosen([])) == len(ROWS)
    with pytest.raises(ValueError, match="no row is called 'lstn'; near: lstm"):
        chosen(["lstn"])


def test_what_fails_in_one_process_is_reported_and_the_next_row_runs():
    worker = Worker("airi", threads=1)
    request = {"do": "measure", "seconds": 0.0, "tiny": True}
    try:
        assert worker.ask(row="no such row", **request) == {"error": "KeyError: 'no such row'"}
        assert worker.ask(row="sum-1m", **request)["value"] > 0
        worker.process.kill()
        worker.process.wait()
        assert worker.ask(row="sum-1m", **request) == {"error": "the process ended with code -9"}
        assert worker.ask(row="sum-1m", **request)["value"] > 0
    finally:
        worker.close()


def a_result(**values):
    row = dataclasses.replace(ROWS["gelu-1m"], floor=1.5)
    result = Result.of(row, threads=1)
    result.values = values | {AIRI: [1.0, 2.0, 4.0]}
    return result


def test_ratios_are_taken_round_by_round():
    result = a_result(PyTorch=[3.0, 4.0, 4.0])
    assert result.ratio(PYTORCH) == (2.0, 1.0, 3.0)
    assert result.median(AIRI) == 2.0
    assert result.reached == 2.0 / 1.5
    assert not result.missed


def test_a_floor_is_missed_against_either_pytorch():
    assert a_result(PyTorch=[1.4, 2.8, 5.6]).missed
    assert not a_result(PyTorch=[1.6, 3.2, 6.4]).missed
    assert a_result(PyTorch=[1.6, 3.2, 6.4], **{KEPT: [0.9, 1.8, 3.6]}).missed


def test_results_that_differ_are_marked():
    result = Result.of(ROWS["gelu-1m"], threads=1)
    answer = {"value": 1.0, "flops": 0, "bytes": 0}
    result.add(PYTORCH, answer | {"result": [1.0, 2.0]})
    result.add(KEPT, answer | {"result": [1.0, 2.0001]})
    assert not result.differs
    result.add(KEPT, answer | {"result": [1.0, 2.1]})
    assert result.mark() == "the results differ"


def test_a_failure_is_named_and_judges_nothing():
    result = a_result(PyTorch=[1.0])
    result.add(PYTORCH, {"error": "RuntimeError: no memory"})
    assert result.mark() == "PyTorch failed: RuntimeError: no memory"
    assert result.ratio(PYTORCH) is None
    assert not result.missed


def test_the_table_starts_with_what_is_worst(tmp_path):
    document = Document({"processor": "of paper"})
    document.peaks[1] = {"GFLOP/s": 200.0, "GB/s": 40.0}
    for name, took in {"exp-1m": 1.2, "tanh-1m": 0.5, "mean-1m": 3.0}.items():
        result = Result.of(ROWS[name], threads=1)
        result.add(AIRI, {"value": 1.0, "flops": 0, "bytes": 2e7, "result": []})
        result.add(PYTORCH, {"value": took})
        document.add(result)
    text = document.as_markdown()
    assert "* processor: of paper" in text
    assert "1 of 3 floors hold" in text
    below = text[text.index("## Below") : text.index("## All")]
    assert [line.split()[1] for line in below.splitlines()[4:-1]] == ["tanh-1m", "exp-1m"]
    assert "| 20 GB/s (50%) | below |" in below

    path = tmp_path / "values.json"
    path.write_text(json.dumps(document.as_json()))
    again = Document(document.machine)
    again.read(path)
    assert again.as_markdown() == text


def test_the_rows_are_listed_by_family():
    text = report.listing(chosen(["recurrent", "gpt", "conv-stem-input"]))
    assert [line for line in text.splitlines() if line and line[0] != " "] == [
        "convolution",
        "recurrent",
        "transformer",
    ]
    assert "1.0   2.0   Backward to the input alone: case 32x3x224x224, 64 filters 7x7, " in text
