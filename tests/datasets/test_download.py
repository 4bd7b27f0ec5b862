import hashlib
import multiprocessing
import random
import threading

import pytest

from airi.datasets import DatasetError, download
from airi.datasets.download import with_mirrors

CONTENT = random.Random(0).randbytes(300_000)


def check(path):
    content = path.read_bytes()
    if hashlib.sha256(content).digest() == hashlib.sha256(CONTENT).digest():
        return None
    return f"{len(content)} wrong bytes"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new folder" / "file.bin"


def fetch(path, *urls):
    download.download(urls, path, check=check)


def part_of(path):
    return path.with_name(path.name + ".part")


def leave_part(path, content):
    path.parent.mkdir()
    part_of(path).write_bytes(content)


def test_fetches_a_file_and_leaves_nothing_else(server, path):
    server.files["/file.bin"] = CONTENT
    fetch(path, server.url("/file.bin"))
    assert path.read_bytes() == CONTENT
    assert {each.name for each in path.parent.iterdir()} == {"file.bin", ".file.bin.lock"}


def test_a_good_file_is_not_fetched_again_and_a_bad_one_is(server, path):
    server.files["/file.bin"] = CONTENT
    fetch(path, server.url("/file.bin"))
    fetch(path, server.url("/file.bin"))
    assert len(server.requests) == 1
    path.write_bytes(b"damaged")
    fetch(path, server.url("/file.bin"))
    assert path.read_bytes() == CONTENT


def test_an_earlier_part_is_continued(server, path):
    server.files["/file.bin"] = CONTENT
    leave_part(path, CONTENT[:100_000])
    fetch(path, server.url("/file.bin"))
    assert server.requests == [("/file.bin", "bytes=100000-")]
    assert path.read_bytes() == CONTENT


def test_a_broken_connection_is_resumed_where_it_broke(server, path):
    server.files["/file.bin"] = CONTENT
    server.cut_after = [120_000, 30_000]
    fetch(path, server.url("/file.bin"))
    assert [asked for _, asked in server.requests] == [None, "bytes=120000-", "bytes=150000-"]
    assert path.read_bytes() == CONTENT


def test_another_mirror_goes_on_where_one_gave_up(server, path):
    server.files |= {"/a/file.bin": CONTENT, "/b/file.bin": CONTENT}
    server.cut_after = [50_000, 0, 0]
    fetch(path, server.url("/a/file.bin"), server.url("/b/file.bin"))
    assert server.requests[-1] == ("/b/file.bin", "bytes=50000-")
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(server, path):
    server.files["/file.bin"] = CONTENT
    server.ranges = False
    leave_part(path, CONTENT[:100_000])
    fetch(path, server.url("/file.bin"))
    assert path.read_bytes() == CONTENT


def test_a_server_that_answers_with_other_bytes_is_asked_for_all(server, path):
    server.files["/file.bin"] = CONTENT
    server.shift = 10
    leave_part(path, CONTENT[:100_000])
    fetch(path, server.url("/file.bin"))
    assert [asked for _, asked in server.requests] == ["bytes=100000-", None]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"x" * 100_000, CONTENT + b"more"], ids=["other", "too long"])
def test_a_part_of_something_else_is_thrown_away(server, path, part):
    server.files["/file.bin"] = CONTENT
    leave_part(path, part)
    fetch(path, server.url("/file.bin"))
    assert path.read_bytes() == CONTENT


def test_a_complete_part_needs_only_its_name(server, path):
    server.files["/file.bin"] = CONTENT
    leave_part(path, CONTENT)
    fetch(path, server.url("/file.bin"))
    assert path.read_bytes() == CONTENT


def test_mirrors_are_tried_in_order_until_one_has_the_right_file(server, path):
    server.files |= {"/wrong": b"<html>please log in</html>", "/good": CONTENT}
    fetch(path, *(server.url(each) for each in ("/missing", "/wrong", "/good", "/never asked")))
    assert [each for each, _ in server.requests] == ["/missing", "/wrong", "/good"]
    assert path.read_bytes() == CONTENT


def test_failure_names_every_address_with_its_reason_and_leaves_no_file(server, path):
    server.files |= {"/wrong": b"12345", "/cut": CONTENT}
    server.cut_after = [10_000, 10_000, 10_000]
    dead = "http://127.0.0.1:9/file.bin"  # nobody listens on the discard port
    with pytest.raises(DatasetError) as raised:
        fetch(path, server.url("/cut"), server.url("/missing"), dead)
    message = str(raised.value)
    assert f"{server.url('/cut')}: connection lost after 30,000 of 300,000 bytes" in message
    assert f"{server.url('/missing')}: HTTP 404" in message
    assert f"{dead}: " in message
    assert "refused" in message
    assert str(path) in message
    assert not path.exists()

    part_of(path).unlink()
    with pytest.raises(DatasetError, match=r"/wrong: 5 wrong bytes"):
        fetch(path, server.url("/wrong"))
    assert not path.exists()
    assert not part_of(path).exists()


def test_a_slow_address_is_left_for_the_end(server, path, monkeypatch):
    monkeypatch.setattr(download, "SLOW_AFTER_SECONDS", 0.02)
    monkeypatch.setattr(download, "SLOW_BYTES_PER_SECOND", 1e6)
    monkeypatch.setattr(download, "BLOCK", 100)
    server.files |= {"/slow": CONTENT[:3000], "/fast": CONTENT}
    server.slow_paths = {"/slow"}
    fetch(path, server.url("/slow"), server.url("/fast"))
    assert path.read_bytes() == CONTENT
    (slow, first), (fast, resumed) = server.requests
    assert (slow, first, fast) == ("/slow", None, "/fast")
    assert resumed is not None, "what came slowly is not fetched twice"


def test_a_slow_address_serves_when_there_is_no_other(server, path, monkeypatch):
    monkeypatch.setattr(download, "SLOW_AFTER_SECONDS", 0.02)
    monkeypatch.setattr(download, "SLOW_BYTES_PER_SECOND", 1e9)
    monkeypatch.setattr(download, "BLOCK", 30_000)
    server.files |= {"/slow": CONTENT}
    fetch(path, server.url("/slow"), server.url("/missing"))
    assert path.read_bytes() == CONTENT


def _fetch_in_other_process(path, url):
    download.download([url], path, check=check)


def test_two_processes_at_once_fetch_once(server, path):
    server.files["/file.bin"] = CONTENT
    server.pause = threading.Event()
    context = multiprocessing.get_context("spawn")
    arguments = (path, server.url("/file.bin"))
    processes = [context.Process(target=_fetch_in_other_process, args=arguments) for _ in "ab"]
    for process in processes:
        process.start()
    while not server.requests:  # one of them has the lock, and its answer is held back
        threading.Event().wait(0.01)
    server.pause.set()
    for process in processes:
        process.join(20)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(server.requests) == 1
    assert path.read_bytes() == CONTENT


def test_who_waits_for_a_lock_says_so(tmp_path, capsys):
    order = []

    def wait_in_line():
        with download.lock(tmp_path / "lock"):
            order.append("second")

    with download.lock(tmp_path / "lock"):
        thread = threading.Thread(target=wait_in_line)
        thread.start()
        while "waiting" not in capsys.readouterr().err:
            threading.Event().wait(0.01)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"cannot write to .*file/folder.*AIRI_DATA"):
        fetch(tmp_path / "file" / "folder" / "data.bin", "http://127.0.0.1:9/")


def test_own_mirrors_come_first(monkeypatch):
    official = ["https://example.org/data/file.bin"]
    assert with_mirrors(official) == official
    monkeypatch.setenv("AIRI_MIRRORS", "http://class.example/data/ https://b.example")
    assert with_mirrors(official) == [
        "http://class.example/data/file.bin",
        "https://b.example/file.bin",
        *official,
    ]
    monkeypatch.setenv("AIRI_MIRRORS", "/some/folder")
    with pytest.raises(DatasetError, match=r"AIRI_MIRRORS.*'/some/folder'"):
        with_mirrors(official)
