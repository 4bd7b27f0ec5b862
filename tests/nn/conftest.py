import pytest

pytest.register_assert_rewrite("tests.nn.parity")  # its asserts tell the values too
