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
from tests.fakes.sending_kills import OWN, Fate, World
from tests.fakes.sink import sink

Accident = Callable[[World], None]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world in which two mails left."""
    with sink(tmp_path / "log") as server:
        found = World(tmp_path, server)
        _post(found, "1@x", "2@x")
        found.live(Fate())
        assert _left(found) == 2
        yield found


def _post(world: World, *message_ids: str) -> None:
    world.archive.mails += [patch(message_id, f"led{message_id[0]}") for message_id in message_ids]


def _left(world: World) -> int:
    return len(world.read(world.server.log))


def _answered(world: World) -> list[str]:
    mails = world.read(world.server.log)
    return sorted(mail.partition(b"\r\nIn-Reply-To: <")[2].partition(b">")[0].decode() for mail in mails)


def _states(world: World) -> list[str]:
    with Repository(world.database) as store:
        return sorted(mail.state.value for mail in store.mails())


def _reasons(world: World) -> tuple[str, ...]:
    with Repository(world.database) as store:
        return difference(store, read_ledger(ledger_path(world.database)), world.clock.now()).reasons


def _save(world: World) -> Path:
    """Keep the database file as it is now, in which the two mails are sent."""
    return Path(shutil.copyfile(world.database, world.directory / "saved.db"))


def _old_file(world: World) -> None:
    world.delete("-wal", "-shm")
    (world.directory / "saved.db").replace(world.database)


def _move_away(world: World) -> None:
    world.database.replace(world.directory / "away.db")


def _restore(world: World) -> None:
    restore(world.directory / "backup", world.database, {}, world.clock.now(), force=True)


def _delete_all_but_the_archive(world: World) -> None:
    world.delete("", "-wal", "-shm", ".ledger", ".secret")
    world.clock.forward(hours=48)  # the archive had our mails before there was this database


@pytest.mark.parametrize(
    ("accident", "says"),
    [
        (_old_file, "the database is older than the ledger"),
        (_restore, "a backup was restored"),
        (_move_away, "the ledger is that of another database"),
        (lambda world: world.delete("", "-wal", "-shm"), "the ledger has 3 mails that the database does not know"),
        (lambda world: world.delete(".ledger"), "the ledger is lost, and the database sent 3 mails"),
        (lambda world: world.delete("", ".ledger"), "the database is newer than the secret beside it"),
        (_delete_all_but_the_archive, "the archives have 3 mails of ours that the database does not know"),
    ],
)
def test_nothing_is_sent_until_a_person_settled_the_difference(world: World, accident: Accident, says: str) -> None:
    _save(world)
    back_up(world.database, world.directory / "backup", {}, world.clock.now())
    _post(world, "3@x")
    world.live(Fate())
    assert _left(world) == 3
    accident(world)
    _post(world, "4@x")

    world.live(Fate())
    assert _left(world) == 3
    assert any(says in reason for reason in _reasons(world))

    assert any(says in reason for reason in world.reconcile())
    assert _reasons(world) == ()
    world.live(Fate())
    assert _answered(world) == ["1@x", "2@x", "3@x", "4@x"]


def test_a_deleted_write_ahead_log_repeats_nothing(world: World) -> None:
    _post(world, "3@x")
    world.live(Fate("after settle"))  # killed, so that the log stays
    assert world.database.with_name("d.db-wal").stat().st_size > 0
    world.delete("-wal")
    for _ in range(2):
        world.live(Fate())
        world.reconcile()

    assert world.arrived(3) == (0, 0)


@pytest.mark.parametrize("step", ["content", "dot", "250"])
def test_a_mail_of_unknown_outcome_is_found_in_the_archive_or_left_to_a_person(world: World, step: str) -> None:
    _save(world)
    _post(world, "3@x")
    world.live(Fate(step))
    _old_file(world)
    world.live(Fate())
    assert _left(world) == (3 if step == "250" else 2)
    world.reconcile()
    world.settle()

    assert world.arrived(3) == (0, 0)


def test_a_first_installation_needs_no_person(tmp_path: Path) -> None:
    with sink(tmp_path / "log") as server:
        world = World(tmp_path, server)
        _post(world, "1@x")
        world.archive.mails.append(mail("other@example.org", "[PATCH 0/2] of somebody else"))
        world.live(Fate())
        world.live(Fate())

        assert (_left(world), _reasons(world)) == (1, ())


def test_mails_of_a_version_without_a_ledger_are_taken_into_it(world: World) -> None:
    world.delete(".ledger")
    with Repository(world.database) as store:
        store.set_generation(0, world.clock.now())
    _post(world, "3@x")
    world.live(Fate())

    assert world.arrived(3) == (0, 0)
    state = read_ledger(ledger_path(world.database))
    assert state is not None
    assert [attempt.state for attempt in state.attempts.values()] == ["sent"] * 3


def test_a_strangers_mail_in_our_name_stops_nothing(world: World) -> None:
    forged = f"{'0' * MESSAGE_ID_DIGITS}@{OWN.partition('@')[2]}"
    world.archive.mails.append(mail(forged, "Re: [PATCH] rust: led", to="1@x", author=OWN))
    world.clock.time += timedelta(days=400)  # it arrived after the database was made
    _post(world, "3@x")
    world.live(Fate())

    assert (_left(world), _reasons(world)) == (3, ())


def test_what_the_ledger_cannot_take_is_not_sent(world: World) -> None:
    ledger = ledger_path(world.database)
    content = ledger.read_bytes()
    ledger.unlink()
    ledger.mkdir()
    _post(world, "3@x")
    world.live(Fate())
    assert _left(world) == 2

    ledger.rmdir()
    ledger.write_bytes(content)
    world.live(Fate())
    assert world.arrived(3) == (0, 0)


def test_a_mail_that_waits_is_withdrawn_if_its_patches_have_their_mail(world: World) -> None:
    """The same posting came by other lists after the loss, so that its mail got another message-id."""
    with Repository(world.database) as store:
        sent = next(mail for mail in store.mails() if mail.posting_id == "1@x")
    world.delete("", "-wal", "-shm")
    world.live(Fate())
    other = replace(sent, message_id=f"other-{sent.message_id}", state=MailState.QUEUED, attempts=0)
    with Repository(world.database) as store:
        _rename(store, sent.message_id, other)
    world.reconcile()
    world.live(Fate())

    assert _left(world) == 2
    assert _states(world) == ["sent", "sent", "withdrawn"]


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
def test_a_running_sender_notices_that_a_file_was_replaced(world: World, name: str) -> None:
    with Repository(world.database) as store:
        identity = world.review_context(store).identity
        record = Continuity(store, LedgerFile(ledger_path(world.database)), identity, world.clock)
        record.start()
        PollJob([world.archive], store, assemble, Event(), Silent()).run()
        BounceJob(store, OWN, world.clock, Event()).run()
        record.refresh()
        assert record.problem() == ""
        path = world.directory / name
        shutil.copyfile(path, world.directory / "new")
        (world.directory / "new").replace(path)

        with pytest.raises(ReplacedError, match=name):
            record.refresh()
