# SPDX-License-Identifier: GPL-2.0-or-later
import gc
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

import b4
import pytest
import uvicorn
from b4.review import checks
from starlette.testclient import TestClient

from bot.review.model import Review
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from bot.web.http import serve
from bot.web.series import SeriesView
from tests.bot.web.conftest import Clock
from tests.bot.web.servers import running


def test_a_page_keeps_nothing_in_memory(path: Path) -> None:
    """The values of a large page would stay until the garbage collector finds them, some pages later."""

    def kept() -> list[object]:
        return [value for value in gc.get_objects() if isinstance(value, SeriesView | Review)]

    client = TestClient(create_app(SqliteWebStore(path), Clock(), "", "0"))
    gc.disable()
    try:
        before = kept()  # values of other tests; that they are held here keeps their number
        assert client.get("/series/v2.0@example.org").status_code == 200
        assert len(kept()) == len(before)
    finally:
        gc.enable()


def test_b4_reads_the_findings_of_a_series(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """b4's own review code asks the server, and shows each reported finding."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    checks.clear_sashiko_cache()
    with running(create_app(SqliteWebStore(path), Clock(), "https://pages.example.org", "0")) as address:
        results = {}
        for name in ("v2.0", "v2.1", "v1.1", "unknown"):
            message = EmailMessage()
            message["Message-ID"] = f"<{name}@example.org>"
            results[name] = checks._run_builtin_sashiko(message, address)

    (cover,), (patch,), (first,) = results["v2.0"], results["v2.1"], results["v1.1"]
    assert results["unknown"] == []
    assert (cover["status"], patch["status"], first["status"]) == ("warn", "warn", "fail")
    assert patch["summary"] == "2 medium"
    details = json.loads(patch["details"])
    assert [detail["locations"] for detail in details] == [
        [{"file": "rust/kernel/led.rs", "line": 9}],
        [{"file": "rust/kernel/led.rs", "line": 12}],
    ]
    assert all("https://pages.example.org/series/v2.0@example.org#" in detail["description"] for detail in details)
    assert b4.__VERSION__.startswith("0.16")


def test_a_connection_ends_even_if_a_request_never_does(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.http._MAX_CONNECTION", 0.2)
    with running(create_app(SqliteWebStore(path), Clock(), "", "0")) as address, _connected(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        try:
            received = connection.recv(10)
        except ConnectionResetError:
            received = b""

    assert received == b""


def test_headers_without_an_end_are_refused(path: Path) -> None:
    with running(create_app(SqliteWebStore(path), Clock(), "", "0")) as address, _connected(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000)
        received = connection.recv(100)

    assert received.startswith(b"HTTP/1.1 400")


@contextmanager
def _connected(address: str) -> Iterator[socket.socket]:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        yield connection


def _answer(address: str, request: bytes) -> bytes:
    """Return all that the server sends after a request, until it closes the connection."""
    with _connected(address) as connection, suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))
    return b""


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1", 414),
        (b"GET /?" + b"&".join(b"q%d=1" % n for n in range(900)) + b" HTTP/1.1", 414),
        (b"GET /?" + b"&".join(b"q%d=1" % n for n in range(500)) + b" HTTP/1.1", 200),
        (b"GET /?" + b"&" * 4_000 + b" HTTP/1.1", 200),
        (b"GET /?q=%00%ff%0d%0aX-Evil:1&list=%ed%a0%80 HTTP/1.1", 200),
        (b"GET /%00/%0d%0a/../../etc/passwd HTTP/1.1", 404),
        (b"GET /static/..%2fapp.py HTTP/1.1", 404),
        (b"GET /static/../app.py HTTP/1.1", 404),
        (b"GET /api/patchset?id=%00 HTTP/1.1", 400),
        (b"GET /nothing HTTP/1.1", 404),
        (b"GET /?before=x HTTP/1.1", 400),
        (b"POST / HTTP/1.1", 405),
        (b"GET http://evil.example.org/ HTTP/1.1", 404),
        (b"not http at all", 400),
        (b"GET / HTTP/1.1\r\nX: \x00", 400),
    ],
)
def test_every_answer_has_the_policy_and_no_internals(path: Path, request_line: bytes, status: int) -> None:
    with running(create_app(SqliteWebStore(path), Clock(), "", "0")) as address:
        received = _answer(address, request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-security-policy: default-src 'none'" in head
    assert b"x-evil" not in head.lower()
    assert not re.findall(rb"Traceback|File \"|/work/|site-packages|uvicorn|starlette|sqlite", head + body)


def test_the_pages_of_errors_are_made_like_all_pages(client: TestClient) -> None:
    for answer, status in ((client.post("/"), 405), (client.get("/?q=" + "a" * 5_000), 414), (client.get("/x"), 404)):
        assert answer.status_code == status
        assert '<nav aria-label="Pages">' in answer.text
        assert "<h1>" in answer.text


def test_the_garbage_collector_does_not_look_at_what_was_loaded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    async def look(_: uvicorn.Server) -> None:
        looked_at.append(len(gc.get_objects()))

    monkeypatch.setattr(uvicorn.Server, "serve", look)
    app = create_app(SqliteWebStore(path), Clock(), "", "0")
    loaded = len(gc.get_objects())
    try:
        # In a thread of its own, because the browser of other tests runs an event loop in this one.
        with ThreadPoolExecutor(1) as threads:
            threads.submit(serve, (app, "127.0.0.1", 0)).result()
    finally:
        gc.unfreeze()

    assert len(looked_at) == 1
    assert looked_at[0] < loaded / 20


def test_many_slow_connections_do_not_stop_the_answers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.http._MAX_CONNECTIONS", 10)
    with running(create_app(SqliteWebStore(path), Clock(), "", "0")) as address, ExitStack() as opened:
        slow = [opened.enter_context(_connected(address)) for _ in range(40)]
        for connection in slow:
            with suppress(OSError):
                connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        received = _answer(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert received.startswith(b"HTTP/1.1 200")
        assert sum(map(_is_closed, slow)) >= 30


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0.2)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_pipelined_requests_are_answered_in_order(path: Path) -> None:
    with running(create_app(SqliteWebStore(path), Clock(), "", "0")) as address:
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        received = _answer(address, (request + b"\r\n") * 20 + request + b"Connection: close\r\n\r\n")

    assert received.count(b"HTTP/1.1 200") == 21
