"""Files that are whole or not there, and errors that name the file that was asked for."""

import errno
import os

import pytest

from airi.utils.files import replacing


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "weights.airi"
    path.write_bytes(b"old")

    def fill_the_disk():
        with replacing(path) as file:
            file.write(b"new")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=r"No space left.*weights\.airi'"):
        fill_the_disk()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["weights.airi"]


def test_errors_of_other_files_keep_their_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="source'"), replacing(tmp_path / "target"):
        (tmp_path / "source").read_bytes()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("place", ["", "missing/file"])
def test_a_place_that_cannot_be_written_is_named_as_it_was_given(tmp_path, place):
    path = tmp_path / place
    with pytest.raises(OSError) as caught, replacing(path):
        pass
    assert caught.value.filename == os.fspath(path)
    assert not os.listdir(tmp_path)
