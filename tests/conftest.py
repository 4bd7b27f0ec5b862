"""What every test gets: the same random numbers, and no threads fighting over processors."""

import os
import signal
from pathlib import Path

import pytest

import airi

from .kernels.implementations import use_reference


def pytest_addoption(parser):
    parser.addoption(
        "--reference-kernels",
        action="store_true",
        help="compute in NumPy what the compiled kernels compute",
    )


def pytest_configure(config):
    _refuse_stale_code()
    if config.getoption("--reference-kernels"):
        use_reference(pytest.MonkeyPatch())
    if "PYTEST_XDIST_WORKER" in os.environ:
        airi.set_num_threads(1)


def _refuse_stale_code():
    """A module that is compiled hides its Python file: after a change it has to be built anew."""
    for source in Path(airi.__file__).parent.rglob("*.py"):
        for compiled in source.parent.glob(f"{source.stem}.*.so"):
            if compiled.stat().st_mtime < source.stat().st_mtime:
                raise pytest.UsageError(
                    f"{source} is newer than its compiled form: run `python setup.py build_ext "
                    "--inplace`, or delete the .so file to run the Python"
                )


def hear_ctrl_c():
    """For ``Popen(preexec_fn=)``: a test run in the background passes on that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _same_random_numbers():
    airi.manual_seed(0)
