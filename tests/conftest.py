"""What every test gets: the same random numbers, and no threads fighting over processors."""

import os
import signal

import pytest

import airi
from airi.ops import kernels


def pytest_addoption(parser):
    parser.addoption(
        "--reference-kernels",
        action="store_true",
        help="compute in NumPy what the compiled kernels compute",
    )


def pytest_configure(config):
    if config.getoption("--reference-kernels"):
        from airi.ops import conv_ref, fused, recurrent_steps

        kernels._module = conv_ref
        recurrent_steps._compiled = lambda: None
        fused._compiled = lambda: None
    if "PYTEST_XDIST_WORKER" in os.environ:
        airi.set_num_threads(1)


def hear_ctrl_c():
    """For ``Popen(preexec_fn=)``: a test run in the background passes on that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _same_random_numbers():
    airi.manual_seed(0)
