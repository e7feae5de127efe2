# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of the language server: the real program, and plain JSON-RPC over its pipes."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, Self

_PATIENCE: Final = 120.0  # seconds, for a machine under load


class LspClient:
    """An editor without a screen. `notifications` has all that the server sent unasked."""

    def __init__(self, folder: Path, *arguments: str, options: object = None, capabilities: object = None) -> None:
        command = [sys.executable, "-m", "bot", "lsp", *arguments]
        environment = {
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder),
        }
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.notifications: list[dict[str, Any]] = []
        self._messages: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._number = 0
        self._errors: list[bytes] = []
        Thread(target=self._read, daemon=True).start()
        Thread(target=self._read_errors, daemon=True).start()
        self.capabilities = self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": folder.as_uri(),
                "capabilities": capabilities or {},
                "initializationOptions": options,
            },
        )["result"]["capabilities"]
        self.notify("initialized", {})

    def request(self, method: str, params: Any) -> dict[str, Any]:
        """Send a request and return the whole response."""
        return self.wait_for_response(self.send_request(method, params))

    def send_request(self, method: str, params: Any) -> int:
        """Send a request and return its number."""
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    def wait_for_response(self, number: int) -> dict[str, Any]:
        """Return the response to the request with that number."""
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                return message
            self.notifications.append(message)

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def open(self, path: Path, text: str | None = None, version: int = 1) -> None:
        """Open a file, with a text that is not saved if one is given."""
        content = path.read_text() if text is None else text
        item = {"uri": path.as_uri(), "languageId": "rust", "version": version, "text": content}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, path: Path, text: str, version: int) -> None:
        """Replace the text of a file in the editor."""
        document = {"uri": path.as_uri(), "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def save(self, path: Path) -> None:
        """Tell the server that the file was saved."""
        self.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})

    def wait_for(self, method: str, accepts: Callable[[Mapping[str, Any]], bool] = lambda _: True) -> Any:
        """Return the parameters of the first notification of that kind that was not returned yet."""
        while True:
            for message in self.notifications:
                if message.get("method") == method and accepts(message["params"]):
                    self.notifications.remove(message)
                    return message["params"]
            self.notifications.append(self._next())

    def diagnostics(self, path: Path, version: int | None = None) -> list[dict[str, Any]]:
        """Return the next diagnostics of a file, or those of a version."""

        def accepts(params: Mapping[str, Any]) -> bool:
            return params["uri"] == path.as_uri() and version in (None, params.get("version"))

        found: list[dict[str, Any]] = self.wait_for("textDocument/publishDiagnostics", accepts)["diagnostics"]
        return found

    def at(self, path: Path, line: int, character: int) -> dict[str, Any]:
        """Return a place in a file, from 0, as requests name it."""
        return {"textDocument": {"uri": path.as_uri()}, "position": {"line": line, "character": character}}

    def hover(self, path: Path, line: int, character: int) -> str:
        """Return the Markdown that the editor would show, "" for nothing."""
        result = self.request("textDocument/hover", self.at(path, line, character))["result"]
        return "" if result is None else str(result["contents"]["value"])

    def actions(self, path: Path, first: int, last: int, only: list[str] | None = None) -> list[dict[str, Any]]:
        """Return the code actions for these lines, from 0."""
        place = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
        context: dict[str, Any] = {"diagnostics": []} | ({} if only is None else {"only": only})
        params = {"textDocument": {"uri": path.as_uri()}, "range": place, "context": context}
        result: list[dict[str, Any]] = self.request("textDocument/codeAction", params)["result"]
        return result

    def end(self) -> int:
        """End the server as an editor does, and return its exit status."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(_PATIENCE)

    @property
    def errors(self) -> str:
        """What the server printed on standard error."""
        return b"".join(self._errors).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        try:
            message = self._messages.get(timeout=_PATIENCE)
        except Empty:
            raise AssertionError(f"the server is silent: {self.errors}") from None
        assert message is not None, f"the server ended: {self.errors}"
        return message

    def _read(self) -> None:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            length = int(line.partition(b":")[2])
            while self.process.stdout.readline().strip():
                pass
            self._messages.put(json.loads(self.process.stdout.read(length)))
        self._messages.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors.append(line)


def apply(text: str, action: Mapping[str, Any]) -> str:
    """Return a text after the edits of a code action. Positions count UTF-16 units."""
    edit = action["edit"]
    changes = edit.get("documentChanges") or [{"edits": edits} for edits in edit["changes"].values()]
    edits = [item for change in changes for item in change["edits"]]
    lines = text.split("\n")

    def offset(position: Mapping[str, int]) -> int:
        before = sum(len(line) + 1 for line in lines[: position["line"]])
        line = lines[position["line"]] if position["line"] < len(lines) else ""
        units = line.encode("utf-16-le")[: position["character"] * 2]
        return min(before + len(units.decode("utf-16-le")), len(text))

    for item in sorted(edits, key=lambda item: offset(item["range"]["start"]), reverse=True):
        text = text[: offset(item["range"]["start"])] + item["newText"] + text[offset(item["range"]["end"]) :]
    return text
