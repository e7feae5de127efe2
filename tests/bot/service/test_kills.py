# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole run, killed at each of its named steps: each mail arrives once, and none is lost."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.mail.state import MailState, TransitionError
from bot.ports.outbox import ClaimedMail, Permit, Send
from tests.fakes.mails import patch
from tests.fakes.sending_kills import (
    SCENARIOS,
    SMTP_STEPS,
    STORE_STEPS,
    Fate,
    Harness,
    MortalStore,
    calm,
    every,
    kill,
    kill_in_folder,
)
from tests.fakes.sink import Misbehave, sink


class SendThenMark(MortalStore):
    """What must fail: nothing is written before the mail leaves, and nobody looks whether it has left."""

    def claim(self, message_id: str, now: datetime, since: datetime, permit: Permit) -> ClaimedMail | None:
        mail = self.mail(message_id)
        return ClaimedMail(mail, Send()) if mail is not None else None

    def archived(self, message_id: str) -> bool:
        return False


class MarkThenSend(MortalStore):
    """What must fail too: the mail counts as sent before it leaves."""

    def claim(self, message_id: str, now: datetime, since: datetime, permit: Permit) -> ClaimedMail | None:
        mail = self.mail(message_id)
        super().claim(message_id, now, since, permit)
        super().settle(message_id, MailState.SENT, now)
        return ClaimedMail(mail, Send()) if mail is not None else None

    def settle(self, *arguments: Any, **named: Any) -> None:
        with suppress(TransitionError):
            super().settle(*arguments, **named)


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder in memory where there is one: kill -9 does not ask for more, and two hundred kills take less."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Path(directory)


@pytest.mark.sqlite  # two hundred kills take minutes on a server; the last test kills there
@pytest.mark.parametrize(
    ("misbehave", "rounds"),
    [(calm, 4), (every(5, "250", "cut"), 3), (every(3, "RCPT", "451 busy"), 3)],
    ids=["calm", "every-fifth-250-lost", "busy"],
)
def test_killed_anywhere_each_mail_arrives_once(disk: Path, misbehave: Misbehave, rounds: int) -> None:
    steps = STORE_STEPS + SMTP_STEPS
    kills, twice, lost = kill_in_folder(disk, MortalStore, misbehave, steps, rounds)

    assert (twice, lost) == (0, 0)
    assert kills == len(steps) * rounds


@pytest.mark.sqlite
@pytest.mark.parametrize("survives", [False, True], ids=["dies", "lives-on"])
def test_when_the_disk_is_full_anywhere_each_mail_arrives_once(disk: Path, survives: bool) -> None:
    rooms = range(32_768, 32_768 + 48 * 4_096, 4_096)  # less than the first, and SQLite does not even open the file
    with sink(disk / "log") as server:
        harness = Harness(disk, server)
        harness.live(Fate())
        for number, room in enumerate(rooms):
            harness.archive.mails.append(patch(f"{number}@x", f"led{number}"))
            harness.live(Fate(room=room, survives=survives))
        harness.settle()

        assert (0, 0) == harness.arrived(len(rooms))
        assert harness.full > len(rooms) / 2


def test_the_harness_catches_sending_before_marking(disk: Path) -> None:
    _, twice, _ = kill_in_folder(disk, SendThenMark, calm, ("250", "before settle"), 2, has_ledger=False)

    assert twice > 0


def test_the_harness_catches_marking_before_sending(disk: Path) -> None:
    _, _, lost = kill_in_folder(disk, MarkThenSend, calm, ("connect", "RCPT", "dot"), 2, has_ledger=False)

    assert lost > 0


def test_a_faulty_server_and_kills_lose_and_repeat_nothing(disk: Path, database_kind: str) -> None:
    scenarios = list(SCENARIOS) if database_kind == "sqlite" else []  # what happens to files
    survived = kill(disk, 24, scenarios=scenarios)

    assert (survived.twice, survived.lost) == (0, 0)
    assert survived.faults["accepted"] > 0
    assert survived.faults["not accepted"] > 0
