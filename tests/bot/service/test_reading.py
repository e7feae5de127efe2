# SPDX-License-Identifier: GPL-2.0-or-later
"""The service's own process reads no mail: workers do, within limits."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch as patched

import pytest

import bot.inbox.assemble
import bot.mail.parse
from bot.app.service import open_service
from bot.cli.progress import Silent
from bot.mail.reply import MESSAGE_ID_DIGITS
from bot.pool.executor import ProcessExecutor
from bot.pool.guard import Crashed, TimeLimit
from bot.ports.installation import Claim
from bot.ports.mails import ParsedMail, StoredMail
from bot.ports.outbox import DeliveryEvent
from bot.ports.raw_mail import Batch, RawMail
from bot.review.consent import Mode
from bot.service.backfill import is_wanted
from bot.service.bounces import BounceJob
from bot.service.commands import CommandMail, read_commands
from bot.settings.commands import CommandSettings
from bot.settings.sending import SendingSettings
from bot.settings.tables import Identity, ListSettings, OutboxSettings, ReviewSettings, Settings
from bot.store.repository import Repository
from tests.fakes.mails import git_archive, mail, patch, raw
from tests.fakes.origin import FakeClock

OWN = "bot@bot.example.org"
BOUNCE = mail("bounce@x", "Undelivered", body=f"x@{OWN.partition('@')[2]}\n").replace(
    b"To: rust-for-linux@lists.example.org", f"To: {OWN}".encode()
)
COMMAND = mail("command@x", "Re: [PATCH] rust: led", body="/help\n").replace(
    b"To: rust-for-linux@lists.example.org", b"To: bot+token@bot.example.org"
)


@pytest.fixture
def no_reading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let everything that reads a mail's bytes or text fail in this process; workers import it anew."""
    calls: list[str] = []

    def forbid(name: str, *_: object, **__: object) -> Any:
        calls.append(name)
        raise AssertionError(f"{name} was called in the service's own process")

    # What parse() itself calls, so that no importer of parse() is missed.
    for module, name in (
        (bot.mail.parse, "Header"),
        (bot.mail.parse, "read_body"),
        (bot.inbox.assemble, "candidate"),
        (bot.inbox.assemble, "group_candidates"),
    ):
        assert hasattr(module, name)
        monkeypatch.setattr(module, name, partial(forbid, name))
    return calls


def test_the_guard_sees_who_reads_here(no_reading: list[str]) -> None:
    with pytest.raises(AssertionError):
        bot.mail.parse.parse(patch("1@x"))


def test_a_round_of_the_service_reads_no_mail_in_its_own_process(tmp_path: Path, no_reading: list[str]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 40)
    secret.chmod(0o600)
    settings = Settings(
        database=tmp_path / "warden.db",
        outbox=OutboxSettings(directory=tmp_path / "outbox"),
        identity=Identity(address=OWN),
        commands=CommandSettings(secret_file=secret),
        sending=SendingSettings(transport="maildir", maildir=tmp_path / "sent"),
        review=ReviewSettings(stale_hours=1_000_000),
        lists={"rust-for-linux@lists.example.org": ListSettings(mode=Mode.LIST, consent="https://example.org/yes")},
    )
    archive = git_archive(tmp_path / "list.git", [patch("1@x"), BOUNCE, COMMAND])
    with open_service(settings, [archive], Silent()) as service:
        assert service.poll.run().mails == 3
        assert service.commands is not None
        assert service.bounces is not None
        results = service.commands.run()
        service.bounces.run()
        outcomes = service.review.run()

    assert [result.message_id for result in results] == ["command@x"]
    assert [outcome.posting_id for outcome in outcomes] == ["1@x"]
    assert no_reading == []


LOOP_LIMIT = TimeLimit(60, 0.5)  # of processor time, which a loaded machine does not use up


class Poisoned:
    """Workers that loop over a mail with the word "poison", as a reader with a fault might."""

    def __init__(self, workers: ProcessExecutor) -> None:
        self._workers = workers

    def map(self, work: Callable[[Any], Any], items: Sequence[Any], time: TimeLimit | None = None) -> list[Any]:
        return self._workers.map(partial(_stumbling, work), items, time or LOOP_LIMIT)


def _stumbling(work: Callable[[Any], Any], item: Any) -> Any:
    content = item.raw if isinstance(item, RawMail) else item.mail.raw
    while b"poison" in content:
        pass
    return work(item)


@pytest.fixture(scope="module")
def poisoned() -> Iterator[Poisoned]:
    with ProcessExecutor(1) as workers:
        yield Poisoned(workers)


def test_a_hostile_bounce_is_bounded_and_costs_no_other(store: Repository, poisoned: Poisoned) -> None:
    copy = mail(f"{'a' * MESSAGE_ID_DIGITS}@bot.example.org", "Re: [PATCH] rust: led", author=OWN)
    hostile = BOUNCE.replace(b"Undelivered", b"poison")
    store.ingest(Batch("list", "0", "2", tuple(raw(content, at) for at, content in enumerate((hostile, copy)))))
    for stored in store.unparsed(9):
        store.index([ParsedMail(stored.id, f"{stored.id}@x", (), str(stored.id))], [])

    record, noted = store.record_delivery_events, list[Claim]()

    def noting(
        upto: int, events: Sequence[DeliveryEvent], claims: Sequence[Claim], now: datetime
    ) -> Sequence[DeliveryEvent]:
        noted.extend(claims)
        return record(upto, events, claims, now)

    with patched.object(store, "record_delivery_events", noting):
        BounceJob(store, OWN, FakeClock(), Event(), poisoned).run()

    assert [claim.message_id for claim in noted] == [f"{'a' * MESSAGE_ID_DIGITS}@bot.example.org"]
    assert store.unchecked_for_bounces(9) == []


def test_a_hostile_part_is_bounded(poisoned: Poisoned) -> None:
    when = datetime(2026, 3, 2, tzinfo=UTC)
    fine, bad = (RawMail("a", when, patch("1@x", name)) for name in ("led", "poison"))
    results = poisoned.map(partial(is_wanted, "ada@example.org", frozenset()), [fine, bad])

    assert results == [True, Crashed("took more than 0.5 s of processor time, 2 times", exceeded=True)]


def test_a_hostile_command_is_bounded(poisoned: Poisoned) -> None:
    fine, bad = (StoredMail(1, raw(COMMAND.replace(b"led", name))) for name in (b"fan", b"poison"))
    results = poisoned.map(partial(read_commands, OWN), [fine, bad])

    assert isinstance(results[0], CommandMail)
    assert results[1] == Crashed("took more than 0.5 s of processor time, 2 times", exceeded=True)
