# SPDX-License-Identifier: GPL-2.0-or-later
"""The stop by the command line while a service sends."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest

from bot.__main__ import call
from bot.cli.progress import Silent
from bot.mail.state import MailState
from bot.outbox.brakes import StopFile
from bot.outbox.error import OutboxError
from bot.outbox.smtp import Server, Smtp
from bot.service.deliver import DeliverJob, SendingContext
from bot.service.stop import StopSwitch
from bot.store.repository import Repository
from tests.fakes.events import Events
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import allow_all, queue_mail
from tests.fakes.sink import Sink
from tests.fakes.stored import database_setting

MAILS = 40
PATIENCE = 120.0


@dataclass
class Watch:
    """Counts the contents that the server was told of. After three of them it waits, with the envelope of the next."""

    contents: int = 0
    waits: Event = field(default_factory=Event)
    release: Event = field(default_factory=Event)

    def __call__(self, step: str) -> str | None:
        if step == "RCPT" and self.contents == 3:
            self.waits.set()
            self.release.wait(PATIENCE)
        if step == "DATA":
            self.contents += 1
        return None


def test_nothing_leaves_after_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Sink, clock: FakeClock
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "patchwarden.toml").write_text(database_setting(tmp_path / "var" / "patchwarden.db"))
    server.misbehave = watch = Watch()
    with Repository(tmp_path / "var" / "patchwarden.db") as store:
        _write(store, clock)
        file = StopFile(tmp_path / "var" / "stop")
        mailer = Smtp(Server("127.0.0.1", server.port, "none", timeout=PATIENCE), file.reason)
        sending = SendingContext(file, allow_all)
        delivering = DeliverJob(store, {"list": mailer}, sending, clock, Event(), Silent())
        service = Thread(target=delivering.run)
        service.start()
        assert watch.waits.wait(PATIENCE)

        assert call(["stop", "a rule is wrong"]) == 0
        watch.release.set()
        service.join(PATIENCE)
        waiting = [mail.reason for mail in store.mails(MailState.QUEUED)]
        sent = len(store.mails(MailState.SENT))

    assert watch.contents == sent == len(server.taken) == 3
    assert waiting == [f"stopped by {file.path}: a rule is wrong"] * (MAILS - sent)


def test_who_sees_the_file_sees_the_reason(tmp_path: Path) -> None:
    file = StopFile(tmp_path / "stop")
    seen: set[str] = set()
    done = Event()

    def look() -> None:
        while not done.is_set():
            seen.add(file.reason())

    looking = Thread(target=look)
    looking.start()
    for _ in range(200):
        file.stop("a rule is wrong")
        file.lift()
    done.set()
    looking.join()

    assert seen <= {"", f"stopped by {file.path}: a rule is wrong"}


def test_what_cannot_be_written_stops_without_a_reason(tmp_path: Path) -> None:
    file = StopFile(tmp_path / "stop")
    (tmp_path / "stop.new").mkdir()

    with pytest.raises(OutboxError):
        file.stop("a rule is wrong")

    assert file.reason() == f"stopped by {file.path}"


def _write(store: Repository, clock: FakeClock) -> None:
    for _ in range(MAILS):
        queue_mail(store, clock.now())


def test_a_stop_of_somebody_else_is_one_line_and_so_is_its_end(
    store: Repository, tmp_path: Path, clock: FakeClock, events: Events
) -> None:
    service, operator = (StopSwitch(StopFile(tmp_path / "stop"), store, clock) for _ in range(2))
    operator.stop("before the start")
    for change in (None, operator.lift, lambda: operator.stop("a rule is wrong"), lambda: service.stop("bounces")):
        if change is not None:
            change()
        service.refresh()
        service.refresh()

    reason = f"stopped by {tmp_path / 'stop'}"
    assert events.all() == [
        ("sending-stopped", {"reason": f"{reason}: before the start"}),
        ("sending-resumed", {"by": "operator"}),
        ("sending-stopped", {"by": "operator", "reason": f"{reason}: a rule is wrong"}),
    ]
    assert (store.stop_state().seen, service.reason()) == (store.stop_state().number, f"{reason}: bounces")
