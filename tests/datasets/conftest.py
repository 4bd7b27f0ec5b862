"""A web server on this machine that can misbehave."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` by path; the other attributes make it fail in one way or another."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []  # path and Range header
        self.cut_after: list[int] = []  # the next answers break off after so many bytes
        self.ranges = True  # whether it understands Range
        self.shift = 0  # answers a Range with other bytes than asked for
        self.pause: threading.Event | None = None  # the body waits for this
        self.slow_paths: set[str] = set()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = 0
        if asked and self.server.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-")) + self.server.shift
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.pause is not None:
            self.server.pause.wait(10)
        if self.server.cut_after:
            body = body[: self.server.cut_after.pop(0)]
        if self.path in self.server.slow_paths:
            for at in range(0, len(body), 100):
                self.wfile.write(body[at : at + 100])
                self.wfile.flush()
                threading.Event().wait(0.01)
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_personal_settings(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """Nothing of the machine's own data folder or mirrors gets into a test."""
    monkeypatch.setenv("AIRI_DATA", str(tmp_path / "home"))
    monkeypatch.delenv("AIRI_MIRRORS", raising=False)
