# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden web` reads the settings and rules in a process that ends, and serves without their modules."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.cli.web import COMMAND
from bot.store.repository import Repository

_PROGRAM = """
import sys
import bot.web.http
from bot.__main__ import call
bot.web.http.serve = lambda *listening: print(*(f"{host}:{port}" for _, host, port in listening))
status = call(["web", *sys.argv[1:]])
print(*sys.modules)
sys.exit(status)
"""
_REAL = "import sys; from bot.__main__ import call; sys.exit(call(['web', *sys.argv[1:]]))"
_NOT_SERVED = (
    *("bot.settings.tables", "sqlalchemy", "tree_sitter", "rules.checks", "rules.bindings.index"),
    "rules.analysis.view",
)


def _serve(folder: Path, *arguments: str, program: str = _PROGRAM) -> "subprocess.CompletedProcess[str]":
    environment = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_server_loads_neither_settings_nor_rules(tmp_path: Path) -> None:
    Repository(tmp_path / "var/patchwarden.db").close()
    (tmp_path / "patchwarden.toml").write_text("[web]\nport = 8123\noperator_port = 9123\n")

    done = _serve(tmp_path)

    assert done.returncode == 0, done.stderr
    listening, modules = done.stdout.splitlines()
    assert listening == "127.0.0.1:8123 127.0.0.1:9123"
    assert {name for name in modules.split() if name.startswith(_NOT_SERVED)} == set()


@pytest.mark.parametrize(
    ("settings", "arguments", "text"),
    [
        ("[web]\nport = 0\n", (), "web.port"),
        ("", (), "does not exist yet"),
        ("", ("--port", "70000"), "no port above 65535"),
    ],
)
def test_a_mistake_ends_the_command_with_its_reason(
    tmp_path: Path, settings: str, arguments: tuple[str, ...], text: str
) -> None:
    (tmp_path / "patchwarden.toml").write_text(settings)

    done = _serve(tmp_path, *arguments)

    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_equal_ports_are_refused(tmp_path: Path) -> None:
    Repository(tmp_path / "var/patchwarden.db").close()

    done = _serve(tmp_path, "--operator-port", "8080")

    assert done.returncode == 2
    assert "a port of their own" in done.stderr


def test_a_port_that_is_in_use_ends_the_command_as_its_help_says(tmp_path: Path) -> None:
    Repository(tmp_path / "var/patchwarden.db").close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _serve(tmp_path, "--port", str(taken.getsockname()[1]), program=_REAL)

    assert (done.returncode, "address already in use" in done.stderr) == (3, True)
    assert (
        "patchwarden: cannot listen; if another server uses the port, stop it, or choose another --host, --port"
        in done.stderr
    )
    assert "; 3 the port is in use, " in (COMMAND.function.__doc__ or "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("operator", [False, True])
def test_a_signal_is_no_failure_and_junk_is_not_logged(tmp_path: Path, number: int, operator: bool) -> None:
    Repository(tmp_path / "var/patchwarden.db").close()
    with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as another:
        ports = [str(server.getsockname()[1]) for server in (free, another)]
    arguments = ["--port", ports[0], *(["--operator-port", ports[1]] if operator else [])]
    command = [sys.executable, "-m", "bot", "web", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    server = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", int(ports[-1 if operator else 0]))) as client:
                client.sendall(b"\0\r\n\r\n")
                assert client.recv(100).startswith(b"HTTP/1.1 400 ")
            break
        except ConnectionRefusedError:
            time.sleep(0.1)

    server.send_signal(number)
    _, err = server.communicate(timeout=60)

    assert (0, []) == (server.returncode, [line for line in err.splitlines() if not line.startswith("http://")])
