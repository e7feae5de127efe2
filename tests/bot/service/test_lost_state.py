# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operator, or an accident, can do to the state files: nothing leaves twice, and nothing leaves before a person
settled the difference."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.error import ReplacedError
from bot.inbox.assemble import assemble
from bot.mail.outgoing import Outgoing
from bot.mail.reply import MESSAGE_ID_DIGITS
from bot.mail.state import MailState
from bot.service.bounces import BounceJob
from bot.service.continuity import Continuity, difference
from bot.service.poll import PollJob
from bot.store.backup import back_up, restore
from bot.store.ledger import LedgerFile, ledger_path, read_ledger
from bot.store.repository import Repository
from tests.fakes.mails import mail, patch
from tests.fakes.sending_kills import OWN, Fate, Harness
from tests.fakes.sink import sink

pytestmark = pytest.mark.sqlite  # files that are lost or replaced

Accident = Callable[[Harness], None]


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    """A harness in which two mails left."""
    with sink(tmp_path / "log") as server:
        harness = Harness(tmp_path, server)
        _post(harness, "1@x", "2@x")
        harness.live(Fate())
        assert _left(harness) == 2
        yield harness


def _post(harness: Harness, *message_ids: str) -> None:
    harness.archive.mails += [patch(message_id, f"led{message_id[0]}") for message_id in message_ids]


def _left(harness: Harness) -> int:
    return len(harness.read(harness.server.log))


def _answered(harness: Harness) -> list[str]:
    mails = harness.read(harness.server.log)
    return sorted(mail.partition(b"\r\nIn-Reply-To: <")[2].partition(b">")[0].decode() for mail in mails)


def _states(harness: Harness) -> list[str]:
    with Repository(harness.database) as store:
        return sorted(mail.state.value for mail in store.mails())


def _reasons(harness: Harness) -> tuple[str, ...]:
    with Repository(harness.database) as store:
        return difference(store, read_ledger(ledger_path(harness.database)), harness.clock.now()).reasons


def _save(harness: Harness) -> Path:
    """Keep the database file as it is now, in which the two mails are sent."""
    return Path(shutil.copyfile(harness.database, harness.directory / "saved.db"))


def _old_file(harness: Harness) -> None:
    harness.delete("-wal", "-shm")
    (harness.directory / "saved.db").replace(harness.database)


def _move_away(harness: Harness) -> None:
    harness.database.replace(harness.directory / "away.db")


def _restore(harness: Harness) -> None:
    restore(harness.directory / "backup", harness.database, {}, harness.clock.now(), force=True)


def _delete_all_but_the_archive(harness: Harness) -> None:
    harness.delete("", "-wal", "-shm", ".ledger", ".secret")
    harness.clock.forward(hours=48)  # the archive had our mails before there was this database


@pytest.mark.parametrize(
    ("accident", "says"),
    [
        (_old_file, "the database is older than the ledger"),
        (_restore, "a backup was restored"),
        (_move_away, "the ledger is that of another database"),
        (lambda harness: harness.delete("", "-wal", "-shm"), "the ledger has 3 mails that the database does not know"),
        (lambda harness: harness.delete(".ledger"), "the ledger is lost, and the database sent 3 mails"),
        (lambda harness: harness.delete("", ".ledger"), "the database is newer than the secret beside it"),
        (_delete_all_but_the_archive, "the archives have 3 mails of ours that the database does not know"),
    ],
)
def test_nothing_is_sent_until_a_person_settled_the_difference(harness: Harness, accident: Accident, says: str) -> None:
    _save(harness)
    back_up(harness.database, harness.directory / "backup", {}, harness.clock.now())
    _post(harness, "3@x")
    harness.live(Fate())
    assert _left(harness) == 3
    accident(harness)
    _post(harness, "4@x")

    harness.live(Fate())
    assert _left(harness) == 3
    assert any(says in reason for reason in _reasons(harness))

    assert any(says in reason for reason in harness.reconcile())
    assert _reasons(harness) == ()
    harness.live(Fate())
    assert _answered(harness) == ["1@x", "2@x", "3@x", "4@x"]


def test_a_deleted_write_ahead_log_repeats_nothing(harness: Harness) -> None:
    _post(harness, "3@x")
    harness.live(Fate("after settle"))  # killed, so that the log stays
    assert harness.database.with_name("d.db-wal").stat().st_size > 0
    harness.delete("-wal")
    for _ in range(2):
        harness.live(Fate())
        harness.reconcile()

    assert harness.arrived(3) == (0, 0)


@pytest.mark.parametrize("step", ["content", "dot", "250"])
def test_a_mail_of_unknown_outcome_is_found_in_the_archive_or_left_to_a_person(harness: Harness, step: str) -> None:
    _save(harness)
    _post(harness, "3@x")
    harness.live(Fate(step))
    _old_file(harness)
    harness.live(Fate())
    assert _left(harness) == (3 if step == "250" else 2)
    harness.reconcile()
    harness.settle()

    assert harness.arrived(3) == (0, 0)


def test_a_first_installation_needs_no_person(tmp_path: Path) -> None:
    with sink(tmp_path / "log") as server:
        harness = Harness(tmp_path, server)
        _post(harness, "1@x")
        harness.archive.mails.append(mail("other@example.org", "[PATCH 0/2] of somebody else"))
        harness.live(Fate())
        harness.live(Fate())

        assert (_left(harness), _reasons(harness)) == (1, ())


def test_mails_of_a_version_without_a_ledger_are_taken_into_it(harness: Harness) -> None:
    harness.delete(".ledger")
    with Repository(harness.database) as store:
        store.set_generation(0, harness.clock.now())
    _post(harness, "3@x")
    harness.live(Fate())

    assert harness.arrived(3) == (0, 0)
    state = read_ledger(ledger_path(harness.database))
    assert state is not None
    assert [attempt.state for attempt in state.attempts.values()] == ["sent"] * 3


def test_a_strangers_mail_in_our_name_stops_nothing(harness: Harness) -> None:
    forged = f"{'0' * MESSAGE_ID_DIGITS}@{OWN.partition('@')[2]}"
    harness.archive.mails.append(mail(forged, "Re: [PATCH] rust: led", to="1@x", author=OWN))
    harness.clock.time += timedelta(days=400)  # it arrived after the database was made
    _post(harness, "3@x")
    harness.live(Fate())

    assert (_left(harness), _reasons(harness)) == (3, ())


def test_what_the_ledger_cannot_take_is_not_sent(harness: Harness) -> None:
    ledger = ledger_path(harness.database)
    content = ledger.read_bytes()
    ledger.unlink()
    ledger.mkdir()
    _post(harness, "3@x")
    harness.live(Fate())
    assert _left(harness) == 2

    ledger.rmdir()
    ledger.write_bytes(content)
    harness.live(Fate())
    assert harness.arrived(3) == (0, 0)


def test_a_mail_that_waits_is_withdrawn_if_its_patches_have_their_mail(harness: Harness) -> None:
    """The same posting came by other lists after the loss, so that its mail got another message-id."""
    with Repository(harness.database) as store:
        sent = next(mail for mail in store.mails() if mail.posting_id == "1@x")
    harness.delete("", "-wal", "-shm")
    harness.live(Fate())
    other = replace(sent, message_id=f"other-{sent.message_id}", state=MailState.QUEUED, attempts=0)
    with Repository(harness.database) as store:
        _rename(store, sent.message_id, other)
    harness.reconcile()
    harness.live(Fate())

    assert _left(harness) == 2
    assert _states(harness) == ["sent", "sent", "withdrawn"]


def _rename(store: Repository, message_id: str, mail: Outgoing) -> None:
    with store._database.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table, column in (("outgoing", "message_id"), ("outgoing_part", "outgoing_id")):
            connection.exec_driver_sql(
                f"UPDATE {table} SET {column} = ? WHERE {column} = ?",
                (mail.message_id, message_id),
            )
        connection.exec_driver_sql("UPDATE outgoing SET state = 'queued' WHERE message_id = ?", (mail.message_id,))


@pytest.mark.parametrize("name", ["d.db", "d.db-wal", "d.db.ledger"])
def test_a_running_sender_notices_that_a_file_was_replaced(harness: Harness, name: str) -> None:
    with Repository(harness.database) as store:
        identity = harness.review_context(store).identity
        record = Continuity(store, LedgerFile(ledger_path(harness.database)), identity, harness.clock)
        record.start()
        PollJob([harness.archive], store, assemble, Event(), Silent()).run()
        BounceJob(store, OWN, harness.clock, Event()).run()
        record.refresh()
        assert record.problem() == ""
        path = harness.directory / name
        shutil.copyfile(path, harness.directory / "new")
        (harness.directory / "new").replace(path)

        with pytest.raises(ReplacedError, match=name):
            record.refresh()
