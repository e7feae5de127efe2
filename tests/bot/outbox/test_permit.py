# SPDX-License-Identifier: GPL-2.0-or-later
"""A mail that an archive has was sent: it is not sent again, whatever else holds now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.mail.state import MailState
from bot.outbox.permit import permit
from bot.ports.outbox import AlreadySent, Candidate, Hold, Pace, Send, Wait
from bot.store.repository import Repository
from tests.fakes.outbox import allow_all, look_at, queue_mail, refuse_recipients

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def candidate(store: Repository) -> Candidate:
    return look_at(store, queue_mail(store, NOW).message_id, NOW)


@pytest.mark.parametrize(
    ("attempts", "reason"),
    [(0, "an archive has it, but it was not sent from here"), (1, "found in the archive"), (2, "found in the archive")],
)
def test_an_archived_mail_counts_as_sent(candidate: Candidate, attempts: int, reason: str) -> None:
    tried = replace(candidate, mail=replace(candidate.mail, attempts=attempts))
    rules = allow_all(stopped="by hand", recipients_of=refuse_recipients)

    assert permit(tried, rules, NOW, is_archived=True) == AlreadySent(reason)


def test_a_dry_run_writes_its_file_although_an_archive_has_such_a_mail(candidate: Candidate) -> None:
    filed = replace(candidate, mail=replace(candidate.mail, mode="dry-run"))

    assert permit(filed, allow_all(), NOW, is_archived=True) == Send()


def test_a_mute_or_many_refusals_halt_all_sending(candidate: Candidate) -> None:
    muted = replace(candidate, pace=Pace(muted="list@example.org by ada@example.org"))

    decision = permit(muted, allow_all(), NOW, is_archived=False)

    reason = "the list list@example.org by ada@example.org was muted"
    assert decision == Wait(reason, NOW + timedelta(minutes=1), halts=True)


@pytest.mark.parametrize("mode", ["dry-run", "list"])
def test_a_mail_without_a_transport_is_held(candidate: Candidate, mode: str) -> None:
    mail = replace(candidate, mail=replace(candidate.mail, mode=mode, state=MailState.APPROVED))

    decision = permit(mail, allow_all(transports=frozenset({"author"})), NOW, is_archived=False)

    assert decision == Hold(f"no transport is set for mode {mode}")
