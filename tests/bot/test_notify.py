# SPDX-License-Identifier: GPL-2.0-or-later
"""What systemd is told, over a real datagram socket."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.notify import ServiceManager
from bot.service.schedule import ScheduledJob, serve
from bot.service.watchdog import Watchdog
from tests.fakes.mails import git_archive, patch

WAIT = 120.0


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """What listens for a service's messages; `getsockname` is its address."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as endpoint:
        name = f"notify-test-{os.getpid()}-{time.monotonic_ns()}"
        folder = Path(f"/tmp/{name}")
        if request.param == "path":
            folder.mkdir()
        endpoint.bind(str(folder / "s") if request.param == "path" else f"\0{name}")
        endpoint.settimeout(WAIT)
        yield endpoint
    if request.param == "path":
        (folder / "s").unlink()
        folder.rmdir()


def _environment(systemd: socket.socket, seconds: float = 0.0) -> dict[str, str]:
    name = systemd.getsockname()
    address = name if isinstance(name, str) else "@" + name[1:].decode()
    return {"NOTIFY_SOCKET": address} | ({"WATCHDOG_USEC": str(int(seconds * 1_000_000))} if seconds else {})


def test_without_a_service_manager_nobody_is_told(systemd: socket.socket) -> None:
    for manager in (ServiceManager({}), ServiceManager({"NOTIFY_SOCKET": "/nowhere/at/all"})):
        manager.ready()
        assert manager.interval is None
    systemd.settimeout(0.05)
    with pytest.raises(TimeoutError):
        systemd.recv(100)


def test_messages_arrive_at_a_path_and_at_an_abstract_name(systemd: socket.socket) -> None:
    manager = ServiceManager(_environment(systemd, 30))
    manager.ready()
    manager.alive()
    manager.stopping()

    assert [systemd.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
    assert manager.interval == 15


def test_the_watchdog_of_another_process_is_not_ours(systemd: socket.socket) -> None:
    assert ServiceManager({**_environment(systemd, 30), "WATCHDOG_PID": "1"}).interval is None


def test_a_job_that_hangs_gets_no_sign_of_life_until_it_goes_on(systemd: socket.socket) -> None:
    now, stop, hanging, leave = [0.0], threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        leave.wait(WAIT)

    jobs = [ScheduledJob("well", lambda: None, 1, 0, 10_000), ScheduledJob("hung", hang, 1, 0, 60)]
    manager = ServiceManager(_environment(systemd, 0.1))
    service = threading.Thread(target=serve, args=(jobs, stop, Watchdog(lambda: now[0]), manager))
    service.start()
    try:
        assert systemd.recv(100) == b"READY=1"
        assert hanging.wait(WAIT)
        assert systemd.recv(100) == b"WATCHDOG=1"
        now[0] += 61
        systemd.settimeout(1.5)  # what was on its way arrives, then there is silence
        with pytest.raises(TimeoutError):
            for _ in range(1000):
                assert systemd.recv(100) == b"WATCHDOG=1"
        leave.set()
        systemd.settimeout(WAIT)
        assert systemd.recv(100) == b"WATCHDOG=1"
    finally:
        leave.set()
        stop.set()
        service.join()
    while (message := systemd.recv(100)) == b"WATCHDOG=1":
        pass
    assert message == b"STOPPING=1"


@pytest.mark.parametrize("systemd", ["path"], indirect=True)
@pytest.mark.parametrize("command", ["run --no-deliver", "deliver"])
def test_each_service_says_that_it_is_ready_alive_and_stopping(
    systemd: socket.socket, tmp_path: Path, command: str
) -> None:
    (tmp_path / "patchwarden.toml").write_text('archives = ["list.git"]\n')
    git_archive(tmp_path / "list.git", [patch("1@x", "led")])
    known = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **_environment(systemd, 0.2)}
    process = subprocess.Popen([sys.executable, "-m", "bot", *command.split()], cwd=tmp_path, env=known)
    try:
        notifications = [systemd.recv(100) for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        while (message := systemd.recv(100)) == b"WATCHDOG=1":
            pass
        assert (notifications, message) == ([b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"], b"STOPPING=1")
        assert process.wait(WAIT) == 0
    finally:
        process.kill()
        process.wait()
