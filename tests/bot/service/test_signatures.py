# SPDX-License-Identifier: GPL-2.0-or-later
from threading import Event

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.error import InboxError
from bot.mail.attestation import Attestation, SignatureResult
from bot.pool.guard import InlineExecutor
from bot.service.poll import PollJob
from bot.service.signatures import VerifySignaturesJob
from bot.store.repository import Repository
from tests.fakes.mails import START, FakeArchive, patch
from tests.fakes.origin import FakeClock

GOOD = (Attestation("dkim", "example.org", SignatureResult.VALID, aligned=True),)


class FakeDns:
    """Signatures that are good as long as the DNS answers; counts how often it was asked."""

    def __init__(self, silent_for: int = 0) -> None:
        self.silent_for = silent_for
        self.asked = 0

    def __call__(self, raw: bytes) -> tuple[Attestation, ...]:
        self.asked += 1
        if self.asked <= self.silent_for:
            raise InboxError("DNS: timeout")
        if b"a bug" in raw:
            raise ZeroDivisionError
        return GOOD


def attesting(store: Repository, dns: FakeDns, days: int = 0) -> VerifySignaturesJob:
    clock = FakeClock(START)
    clock.forward(days=days)
    return VerifySignaturesJob(store, dns, InlineExecutor(), clock, Event(), Silent())


def fill(store: Repository, *mails: bytes) -> None:
    PollJob([FakeArchive(mails)], store, assemble, Event(), Silent()).run()


def test_each_mail_is_verified_once(store: Repository) -> None:
    fill(store, patch("1@x"), patch("2@x", "fan"))
    dns = FakeDns()
    job = attesting(store, dns)

    assert (job.run(), job.run(), dns.asked) == (2, 0, 2)
    assert (store.attestations("1@x"), store.attestations("2@x")) == (GOOD, GOOD)


def test_old_mail_is_not_verified(store: Repository) -> None:
    fill(store, patch("1@x"))

    assert attesting(store, FakeDns(), days=8).run() == 0


def test_a_dns_that_is_silent_is_asked_again_in_the_next_round(store: Repository) -> None:
    fill(store, patch("1@x"))
    job = attesting(store, FakeDns(silent_for=2))

    assert [job.run() for _ in range(4)] == [0, 0, 1, 0]
    assert store.attestations("1@x") == GOOD


def test_a_dns_that_stays_silent_holds_nobody_up(store: Repository) -> None:
    fill(store, patch("1@x"))
    job = attesting(store, FakeDns(silent_for=99))
    for _ in range(3):
        job.run()

    (attestation,) = store.attestations("1@x")
    assert (attestation.verdict, attestation.reason) == (SignatureResult.UNKNOWN, "DNS: timeout")


def test_a_bug_in_one_mail_holds_nobody_up(store: Repository) -> None:
    fill(store, patch("1@x").replace(b"Read it.", b"a bug"), patch("2@x", "fan"))

    assert attesting(store, FakeDns()).run() == 2
    assert [attestation.verdict for attestation in store.attestations("1@x")] == [SignatureResult.UNKNOWN]
    assert store.attestations("2@x") == GOOD
