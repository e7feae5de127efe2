# SPDX-License-Identifier: GPL-2.0-or-later
"""Kill workers, senders and their PostgreSQL server over and over: `python -m tests.fakes.worker_kills KILLS [SEED]`.

Two workers and two senders run as processes of their own, against a mail server that is faulty, and through a network
that fails. Each round posts a series. Then it kills a process, shuts the server down at once, lets the server end all
connections, or lets the network cut, delay, half-close or black-hole them.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from bot.mail.state import MailState
from bot.store.error import StoreError
from bot.store.postgres import open_server
from bot.store.repository import Repository
from tests.fakes.mails import append_mail, git_archive, patch
from tests.fakes.postgres import Server
from tests.fakes.proxy import Proxy
from tests.fakes.sending_kills import FaultyServer, calm, id_of
from tests.fakes.sink import Sink, logged, sink

SETTINGS: Final = """\
database = "{url}"
archives = ["list.git"]
[identity]
address = "bot@bot.example.org"
[lists."rust-for-linux@lists.example.org"]
mode = "list"
consent = "https://lists.example.org/agreed"
embargo_hours = 0
[review]
stale_hours = 1000000
[schedule]
poll_seconds = 1
review_seconds = 1
deliver_seconds = 1
jitter_seconds = 0
[sending]
transport = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
timeout_seconds = 10
max_mails_per_series = 99
max_mails_per_author_per_day = 9999
max_mails_per_list_per_day = 9999
max_mails_per_hour = 9999
max_attempts = 99
"""
"""The settings of processes that read `list.git` and send all mails, for a database and a mail server."""
_COMMANDS: Final = {"worker 1": "worker", "worker 2": "worker", "sender 1": "deliver", "sender 2": "deliver"}
_NETWORK: Final = ("cut", "delay", "half-close", "black hole")
VICTIMS: Final = (*_COMMANDS, "server", "connections", *_NETWORK)
_PAUSE_SECONDS: Final = 4.0  # between two events, at most
_HOLE_PAUSES: Final = 6  # that a black hole lasts, at most: then a worker gives no sign of life for too long
_PROGRESS_PAUSES: Final = 3  # in which a review or an attempt to send happens before the next event, if any does
_SETTLE_SECONDS: Final = 600
_WAITING: Final = (MailState.QUEUED, MailState.APPROVED, MailState.SENDING)


@dataclass(slots=True)
class Survived:
    """What was left: `twice`, `lost` and `stuck` must be 0. `kills` are counted by their victims."""

    series: int
    twice: int = 0
    lost: int = 0
    stuck: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


@dataclass
class _World:
    folder: Path
    server: Server
    sink: Sink
    proxy: Proxy
    dice: random.Random
    pause: float
    steps: int = 0
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.url_of(self.folder / "var" / "patchwarden.db")

    @property
    def network_url(self) -> str:
        """The URL of the database through the network."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, f"{parts.username}@127.0.0.1:{self.proxy.port}", parts.path, "", ""))

    def start(self) -> None:
        """Start each process that does not run, as a service manager would."""
        for name, command in _COMMANDS.items():
            if name not in self.running or self.running[name].poll() is not None:
                with (self.folder / f"{name}.log").open("ab") as log:
                    self.running[name] = subprocess.Popen(
                        [sys.executable, "-m", "bot", command],
                        cwd=self.folder,
                        stderr=log,
                        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                    )

    def kill(self, victim: str) -> None:
        if victim == "server":
            self.server.stop("immediate")
            self.server.start()
        elif victim == "connections":
            with closing(open_server(self.url)) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        elif victim in _NETWORK:
            self._disturb(victim)
        else:
            self.running[victim].kill()
            self.running[victim].wait()

    def _disturb(self, how: str) -> None:
        if how == "cut":
            self.proxy.cut()
        elif how == "half-close":
            self.proxy.half_close(self.dice.choice(("client", "server")))
        elif how == "delay":
            self.proxy.delay(self.dice.uniform(0, self.pause))
        else:
            self.proxy.black_hole(self.dice.uniform(0, _HOLE_PAUSES * self.pause))

    def progress(self) -> None:
        """Wait for a limited time until something more is reviewed or sent, so that the next event disturbs work."""

        def steps(store: Repository) -> int:
            return sum(1 + mail.attempts for mail in store.mails())

        def is_more(store: Repository) -> bool:
            before, self.steps = self.steps, steps(store)
            return self.steps > before

        self.until(is_more, _PROGRESS_PAUSES * self.pause)

    def until(self, is_true: Callable[[Repository], bool], seconds: float = _SETTLE_SECONDS) -> bool:
        """Wait until the store fulfils the condition, while all processes run. Return whether it did."""
        end = time.monotonic() + seconds
        with Repository(self.folder / "var" / "patchwarden.db", server=self.url) as store:
            while time.monotonic() < end:
                self.start()
                try:
                    if is_true(store):
                        return True
                except StoreError:
                    pass
                time.sleep(0.5)
        return False

    def end(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(120)


def _is_reviewed(store: Repository, series: int) -> bool:
    return store.count_due_for_review() == 0 and len(store.mails()) >= series


def _is_settled(store: Repository) -> bool:
    return not any(mail.state in _WAITING for mail in store.mails())


def kill(
    folder: Path, kills: int, seed: int = 1, *, pause: float = _PAUSE_SECONDS, victims: Sequence[str] = ()
) -> Survived:
    """Kill that often, at most `pause` seconds apart; then let everything come to its end, and count.

    The victims are those given, or random ones.
    """
    dice = random.Random(seed)
    git_archive(folder / "list.git", [patch("0@x", "led0")])
    server, survived = Server(), Survived(kills + 1)
    try:
        with sink(folder / "mails") as mail_server, Proxy(server.socket) as proxy:
            world = _World(folder, server, mail_server, proxy, dice, pause)
            (folder / "patchwarden.toml").write_text(SETTINGS.format(url=world.network_url, port=mail_server.port))
            faulty = FaultyServer(dice)
            mail_server.misbehave = faulty
            for number in range(1, kills + 1):
                world.start()
                append_mail(folder / "list.git", patch(f"{number}@x", f"led{number}"))
                world.progress()
                time.sleep(dice.uniform(0, pause))
                victim = victims[number - 1] if victims else dice.choice(VICTIMS)
                world.kill(victim)
                survived.kills[victim] += 1
            mail_server.misbehave = calm
            survived.faults = faulty.faults
            try:
                _settle(world, survived)
            finally:
                world.end()
    finally:
        server.remove()
    return survived


def _settle(world: _World, survived: Survived) -> None:
    """Let the list show what it got, and let a person send again what did not arrive."""
    world.until(lambda store: _is_reviewed(store, survived.series) and _is_settled(store))
    for content in logged(world.sink.log):
        append_mail(world.folder / "list.git", content)
    known = {id_of(content) for content in logged(world.sink.log)}
    world.until(lambda store: not any(mail.message_id in known for mail in store.mails(MailState.UNCONFIRMED)))
    with Repository(world.folder / "var" / "patchwarden.db", server=world.url) as store:
        for mail in store.mails(MailState.UNCONFIRMED):
            if mail.message_id not in known:
                store.decide(mail.message_id, [MailState.UNCONFIRMED], MailState.APPROVED, datetime.now(UTC), "by hand")
    world.until(_is_settled)
    arrived = Counter(id_of(content) for content in logged(world.sink.log))
    with Repository(world.folder / "var" / "patchwarden.db", server=world.url) as store:
        mails = store.mails()
        survived.twice = sum(count - 1 for count in arrived.values())
        survived.lost = survived.series - len(mails) + sum(mail.message_id not in arrived for mail in mails)
        survived.stuck = store.count_due_for_review() + sum(mail.state != MailState.SENT for mail in mails)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(kill(Path(name), int(sys.argv[1]), int((sys.argv[2:] or ["1"])[0])))
