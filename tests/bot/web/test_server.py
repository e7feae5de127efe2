# SPDX-License-Identifier: GPL-2.0-or-later
import json
import socket
from email.message import EmailMessage
from pathlib import Path

import b4
import pytest
from b4.review import checks

from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from tests.bot.web.conftest import Clock
from tests.bot.web.servers import running


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
    with running(create_app(SqliteWebStore(path), Clock(), "", "0")) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            try:
                received = connection.recv(10)
            except ConnectionResetError:
                received = b""

    assert received == b""


def test_headers_without_an_end_are_refused(path: Path) -> None:
    with running(create_app(SqliteWebStore(path), Clock(), "", "0")) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000)
            received = connection.recv(100)

    assert received.startswith(b"HTTP/1.1 400")
