# SPDX-License-Identifier: GPL-2.0-or-later
"""A Patchwork server on loopback, with the part of its REST API that checks need.

The shapes are those of Patchwork 3.2: patches by `msgid` and `project`, checks by `context`, a list of users for an
account alone, 403 for a wrong token, and 201 for a new check. The addresses with a version, as /api/1.2/, are the same.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from rules.lazy import re

TOKEN: Final = "0123456789abcdef0123456789abcdef01234567"
STATES: Final = ("pending", "success", "warning", "fail")
_CHECKS: Final = re.compile(r"/patches/(\d+)/checks/")
_VERSION: Final = re.compile(r"^/api(?:/1\.\d)?")


class FakePatchwork:
    """The patches and checks of a server, the requests that it got, and faults that it shall show.

    `answers` are the statuses of the next requests in place of real answers, 0 for a real one. `body` replaces the
    content of all answers. With `is_cutting` a check is stored, and its answer is lost.
    """

    def __init__(self) -> None:
        self.url = ""
        self.patches: list[dict[str, Any]] = []
        self.checks: dict[int, list[dict[str, Any]]] = {}
        self.requests: list[tuple[str, str]] = []
        self.answers: list[int] = []
        self.is_cutting = False
        self.body: bytes | None = None

    def add_patch(self, message_id: str, project: str = "rust-for-linux") -> int:
        number = 1000 + len(self.patches)
        self.patches.append(
            {
                "id": number,
                "url": f"{self.url}/api/patches/{number}/",
                "msgid": f"<{message_id}>",
                "project": {"id": 1, "link_name": project},
                "state": "new",
                "check": "pending",
                "checks": f"{self.url}/api/patches/{number}/checks/",
            }
        )
        self.checks[number] = []
        return number

    @property
    def posts(self) -> int:
        return sum(method == "POST" for method, _ in self.requests)

    def get(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if path == "/users/":
            return 200, [{"id": 7, "username": "patchwarden"}]
        if path == "/patches/":
            message_ids, projects = query.get("msgid", []), query.get("project", [])
            return 200, [
                patch
                for patch in self.patches
                if patch["msgid"].strip("<>") in message_ids
                and (patch["project"]["link_name"] in projects or not projects)
            ]
        if (found := _CHECKS.fullmatch(path)) and int(found[1]) in self.checks:
            contexts = query.get("context", [])
            return 200, [check for check in self.checks[int(found[1])] if check["context"] in contexts or not contexts]
        return 404, {"detail": "Not found."}

    def post(self, path: str, content: dict[str, Any]) -> tuple[int, Any]:
        found = _CHECKS.fullmatch(path)
        if found is None or int(found[1]) not in self.checks:
            return 404, {"detail": "Not found."}
        if content.get("state") not in STATES or not content.get("context"):
            return 400, {"state": ["Invalid check state."]}
        checks = self.checks[int(found[1])]
        check = {"id": 1 + sum(map(len, self.checks.values())), "user": {"id": 7, "username": "patchwarden"}}
        checks.append(check | {"date": "2026-03-03T12:00:00", "target_url": None, "description": None} | content)
        return 201, checks[-1]


@contextmanager
def running_patchwork() -> Iterator[FakePatchwork]:
    """Serve a fake on a free port of loopback."""
    fake = FakePatchwork()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("GET")

        def do_POST(self) -> None:
            self._reply("POST")

        def _reply(self, method: str) -> None:
            parts = urlsplit(self.path)
            path = _VERSION.sub("", parts.path)
            path = path if path.endswith("/") else f"{path}/"
            fake.requests.append((method, self.path))
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status: int
            answer: Any
            planned = fake.answers.pop(0) if fake.answers else 0
            is_account = self.headers.get("Authorization") == f"Token {TOKEN}"
            if planned:
                status, answer = planned, {"detail": "planned"}
            elif not is_account and (method == "POST" or path == "/users/"):
                status, answer = 403, {"detail": "Invalid token."}
            elif method == "POST":
                status, answer = fake.post(path, json.loads(content))
                if fake.is_cutting:
                    self.close_connection = True
                    return
            else:
                status, answer = fake.get(path, parse_qs(parts.query))
            body = json.dumps(answer).encode() if fake.body is None else fake.body
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", f"{fake.url}/api/users/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()
