# SPDX-License-Identifier: GPL-2.0-or-later
"""A lore on loopback: real git repositories behind real HTTP, which misbehaves on demand."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pygit2

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class FakeClock:
    """A clock that stands still until it is told to move."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class Epoch:
    """One epoch of a list: mails are appended as an archive does, one commit each."""

    path: Path
    repository: pygit2.Repository = field(init=False)

    def __post_init__(self) -> None:
        self.repository = pygit2.init_repository(str(self.path), bare=True, initial_head="master")

    def add(self, raw: bytes, when: datetime = START, name: str = "m") -> str:
        """Append a mail (or with name "d" a deletion); the commit's id."""
        repository = self.repository
        tree = repository.TreeBuilder()
        tree.insert(name, repository.create_blob(raw), pygit2.enums.FileMode.BLOB)
        who = pygit2.Signature("An Author", "author@example.org", int(when.timestamp()), 0)
        parents = [self.head] if self.head else []
        return str(repository.create_commit("refs/heads/master", who, who, "mail", tree.write(), parents))

    def rewrite(self, without: bytes) -> None:
        """Purge a mail as public-inbox-purge does: every later commit gets another id."""
        repository = self.repository
        kept = []
        for commit in repository.walk(self.head, pygit2.enums.SortMode.REVERSE):
            (item,) = commit.tree
            raw = repository[item.id].read_raw()
            if raw != without:
                kept.append((raw, datetime.fromtimestamp(commit.commit_time, UTC), item.name or "m"))
        repository.references["refs/heads/master"].delete()
        for raw, when, name in kept:
            self.add(raw, when, name)

    @property
    def head(self) -> str:
        branch = self.repository.references.get("refs/heads/master")
        return "" if branch is None else str(branch.target)


@dataclass
class Answer:
    """What a fault says in place of the truth."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    cut: int | None = None
    """Send so many bytes of the announced body and close the connection."""


@dataclass
class Origin:
    """The server: `requests` is what was asked; `faults` (pattern → answers) are used up in order."""

    root: Path
    url: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    faults: dict[str, list[Answer]] = field(default_factory=dict)
    mails: dict[str, bytes] = field(default_factory=dict)
    threads: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    def epoch(self, name: str, number: int = 0) -> Epoch:
        return Epoch(self.root / name / "git" / f"{number}.git")

    def asked(self, pattern: str) -> int:
        return sum(1 for path, _ in self.requests if re.search(pattern, path))

    def fault(self, path: str) -> Answer | None:
        for pattern, answers in self.faults.items():
            if answers and re.search(pattern, path):
                return answers.pop(0)
        return None

    def manifest(self, name: str) -> bytes:
        entries: dict[str, dict[str, Any]] = {}
        for path in sorted((self.root / name / "git").glob("*.git")):
            repository = pygit2.Repository(str(path))
            if repository.is_empty:
                continue
            head = repository[repository.references["refs/heads/master"].target]
            assert isinstance(head, pygit2.Commit)
            fingerprint = hashlib.sha1(str(head.id).encode()).hexdigest()
            entries[f"/{name}/git/{path.name}"] = {
                "modified": head.commit_time,
                "fingerprint": fingerprint,
                "owner": None,
                "reference": None,
            }
        return gzip.compress(json.dumps(entries).encode())


def mbox(*mails: bytes) -> bytes:
    """Mails as `raw` and, compressed, `t.mbox.gz` hold them."""
    quoted = (re.sub(rb"(?m)^(>*From )", rb">\1", mail) for mail in mails)
    return b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + mail + b"\n" for mail in quoted)


@contextmanager
def serving(root: Path) -> Iterator[Origin]:
    """Serve until the block is left."""
    origin = Origin(root)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.origin = origin
    origin.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield origin
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    origin: Origin


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class names it so
        pass

    def _answer(self, body: bytes) -> None:
        self.server.origin.requests.append((self.path, dict(self.headers.items())))
        answer = self.server.origin.fault(self.path)
        if answer is None or answer.cut is not None:
            cut = None if answer is None else answer.cut
            answer = self._truth(body)
            answer.cut = cut
        if answer.hang:
            time.sleep(answer.hang)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut])
        if answer.cut is not None:
            self.close_connection = True

    def _truth(self, body: bytes) -> Answer:
        origin = self.server.origin
        path = self.path.partition("?")[0]
        if match := re.fullmatch(r"/([^/]+)/manifest\.js\.gz", path):
            return Answer(body=origin.manifest(match[1]), headers={"Content-Type": "application/gzip"})
        if re.match(r"/[^/]+/git/\d+\.git/", path):
            return self._git(body)
        if match := re.fullmatch(r"/all/([^/]+)/(raw|t\.mbox\.gz)", path):
            message_id = unquote(match[1])
            if match[2] == "raw" and (mail := origin.mails.get(message_id)) is not None:
                return Answer(body=mbox(mail), headers={"Content-Type": "text/plain"})
            if match[2] != "raw" and (thread := origin.threads.get(message_id)) is not None:
                return Answer(body=gzip.compress(mbox(*thread)), headers={"Content-Type": "application/gzip"})
        return Answer(404)

    def _git(self, body: bytes) -> Answer:
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.origin.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        result = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = result.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        return Answer(status, content, headers)
