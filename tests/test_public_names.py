"""What `import airi` offers, and what it costs."""

import subprocess
import sys

import pytest

import airi


def test_every_public_name_is_there():
    for name in airi.__all__:
        if name not in airi._LAZY:
            assert hasattr(airi, name)
    assert airi.__all__ == sorted(set(airi.__all__))
    assert dir(airi) == airi.__all__


def test_packages_load_when_asked_for():
    code = (
        "import airi, sys\n"
        "assert 'airi.nn' not in sys.modules\n"
        "assert airi.nn.Linear and airi.optim.SGD and airi.utils.data.DataLoader\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_name_says_so_and_what_is_near():
    with pytest.raises(AttributeError, match=r"airi has no 'matmull'; did you mean .*matmul"):
        _ = airi.matmull
    with pytest.raises(ImportError):
        from airi import nothing_like_it  # noqa: F401


def test_the_function_tensor_is_not_the_module():
    assert callable(airi.tensor)
    import airi.tensor as again

    assert again is airi.tensor
