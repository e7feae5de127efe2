# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that restarts, and connections that are cut: nothing is lost, and nothing is sent without the role."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from bot.outbox.brakes import StopFile
from bot.service.deliver import DeliverJob, SendingContext
from bot.store.error import StoreError
from bot.store.postgres import open_server
from bot.store.repository import Repository
from bot.store.roles import HeldRoles, Role, RoleTakenError, sole_worker
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import allow_all, queue_mail
from tests.fakes.postgres import server

BLOB = "a" * 40
pytestmark = pytest.mark.postgresql


class Mailer:
    """Keeps what it is given, after `before` was called with its number."""

    done = MailState.SENT
    repeatable = False

    def __init__(self, before: Callable[[int], None] = lambda _: None) -> None:
        self.taken: list[str] = []
        self._before = before

    def deliver(self, mail: Outgoing) -> str:
        self.taken.append(mail.message_id)
        self._before(len(self.taken))
        return "250 taken"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "patchwarden.db"


@pytest.fixture
def url(path: Path) -> str:
    return server().url_of(path)


def _cut(url: str) -> None:
    """End all other connections to the database of the URL."""
    with closing(open_server(url)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        connection.commit()


def _job(store: Repository, mailer: Mailer, clock: FakeClock, role: HeldRoles, folder: Path) -> DeliverJob:
    sending = SendingContext(StopFile(folder / "stop"), allow_all, role=role)
    return DeliverJob(store, {"list": mailer}, sending, clock, Event(), Silent())


def test_after_a_restart_of_the_server_the_same_store_works(store: Repository, clock: FakeClock) -> None:
    mail = queue_mail(store, clock.now(), MailState.QUEUED)
    server().stop("immediate")
    with pytest.raises(StoreError, match="the server cannot be reached"):
        store.mails()
    server().start()

    assert [stored.message_id for stored in store.mails()] == [mail.message_id]
    with store.batch():
        store.save_blobs({BLOB: b"fn main() {}"}, clock.now())
    assert store.blobs([BLOB], 99) == {BLOB: b"fn main() {}"}


def test_a_cut_connection_is_named_and_its_transaction_has_no_effect(
    store: Repository, clock: FakeClock, url: str
) -> None:
    with pytest.raises(StoreError, match="nothing was lost; it is made again"), store.batch():
        store.save_blobs({BLOB: b"fn main() {}"}, clock.now())
        _cut(url)

    assert store.blobs([BLOB], 99) == {}


def test_a_sender_that_lost_its_role_sends_nothing_more(
    tmp_path: Path, path: Path, store: Repository, clock: FakeClock, url: str
) -> None:
    mails = [queue_mail(store, clock.now(), MailState.QUEUED) for _ in range(3)]
    mailer = Mailer(lambda number: _cut(url) if number == 1 else None)
    with sole_worker(path, Role.SENDER, server=url) as role:
        job = _job(store, mailer, clock, role, tmp_path)
        with pytest.raises(StoreError, match="the sole sender was lost"):
            job.run()
        assert mailer.taken == [mails[0].message_id]
        with sole_worker(tmp_path / "there" / "d.db", Role.SENDER, server=url), pytest.raises(RoleTakenError):
            job.run()
        assert mailer.taken == [mails[0].message_id]
        job.run()

    assert sorted(mailer.taken) == sorted(mail.message_id for mail in mails)


def test_a_claimed_mail_is_not_sent_without_the_role(
    tmp_path: Path, path: Path, store: Repository, clock: FakeClock, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_mail(store, clock.now(), MailState.QUEUED)
    mailer = Mailer()
    with sole_worker(path, Role.SENDER, server=url) as role:
        job = _job(store, mailer, clock, role, tmp_path)
        claim = store.claim

        def claim_and_cut(*arguments: object) -> object:
            claimed = claim(*arguments)  # type: ignore[arg-type]
            _cut(url)
            return claimed

        monkeypatch.setattr(store, "claim", claim_and_cut)
        with pytest.raises(StoreError, match="the sole sender was lost"):
            job.run()
        assert mailer.taken == []
        assert [mail.state for mail in store.mails()] == [MailState.SENDING]
        job.run()

    assert [(mail.state, mail.reason) for mail in store.mails()] == [
        (MailState.UNCONFIRMED, "the attempt was interrupted")
    ]
