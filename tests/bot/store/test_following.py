# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Sequence
from datetime import timedelta

from bot.inbox.assemble import assemble
from bot.mail.attestation import Attestation, SignatureResult
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.posting_codec import EncodedPosting
from bot.mail.refusal import RefusalContext
from bot.ports.mails import ParsedMail, ReadFailure
from bot.ports.raw_mail import Batch
from bot.service.poll import index
from bot.store.repository import Repository
from tests.fakes.mails import START, mail, patch, raw

DAY = timedelta(days=1)


def put(store: Repository, *mails: bytes) -> None:
    """Ingest, read and assemble, as polling does."""
    count = store.tally().raw
    batch = Batch("list", "0", f"list {count}", tuple(raw(content, count + at) for at, content in enumerate(mails)))
    store.ingest(batch)
    read = [index(mail) for mail in store.unparsed(100)]
    store.index(
        [mail for mail in read if isinstance(mail, ParsedMail)],
        [mail for mail in read if isinstance(mail, ReadFailure)],
    )
    for thread in store.unassembled(100):
        messages = [message for mail in thread.mails if isinstance(message := parse(mail.raw), Message)]
        store.save_threads([(thread, tuple(map(EncodedPosting.of, assemble(messages))))])


def waiting(store: Repository, after: timedelta = DAY) -> Sequence[str]:
    now = START + after
    rows = store.incomplete(now, now - timedelta(minutes=10), START - DAY, 10)
    return [row.posting.message_id for row in rows]


def test_a_series_with_a_hole_is_looked_for_once_it_has_settled(store: Repository) -> None:
    put(store, patch("1@x", number=" 1/2"), patch("whole@x", name="fan"))

    assert (waiting(store, timedelta(minutes=5)), waiting(store)) == ([], ["1@x"])


def test_a_search_is_postponed_and_concluded(store: Repository) -> None:
    put(store, patch("1@x", number=" 1/2"))
    ((posting, attempts),) = [
        (row.posting, row.attempts) for row in store.incomplete(START + DAY, START + DAY, START - DAY, 9)
    ]
    store.postpone(posting, START + 2 * DAY)
    later = store.incomplete(START + 3 * DAY, START + DAY, START - DAY, 9)
    store.conclude(posting, "found nothing", START)

    assert (attempts, waiting(store), [row.attempts for row in later], waiting(store, 9 * DAY)) == (0, [], [1], [])


def test_a_series_that_was_sent_long_ago_is_not_looked_for(store: Repository) -> None:
    put(store, patch("1@x", number=" 1/2"))

    assert not store.incomplete(START + 9 * DAY, START + 9 * DAY, START + DAY, 10)


def test_a_context_knows_newer_revisions_and_what_is_answered(store: Repository) -> None:
    put(
        store,
        patch("v1@x"),
        patch("v3@x", number=" v3"),
        patch("fix@x", to="v1@x").replace(b"led: read it", b"led: say why"),
    )
    by_id = {row.posting.message_id: store.context(row.posting) for row in store.due_for_review(10)}
    minute = timedelta(minutes=1)
    (first,) = (row.posting for row in store.due_for_review(10) if row.posting.message_id == "v1@x")

    assert by_id == {
        "v1@x": RefusalContext(START, START, newer=3),
        "v3@x": RefusalContext(START + minute, START + minute),
        "fix@x": RefusalContext(START + 2 * minute, START + 2 * minute, answers=first),
    }


def test_a_mail_is_known_with_everything_that_claims_its_id(store: Repository) -> None:
    put(store, patch("1@x"), mail("1@x", "something else"), patch("2@x", name="fan"))

    assert [(mail.state, mail.source) for mail in store.mails_with_id("1@x")] == [
        ("read", "list"),
        ("conflict", "list"),
    ]
    assert store.mails_with_id("nowhere@x") == []


def test_a_posting_is_found_by_each_of_its_parts(store: Repository) -> None:
    put(store, patch("1@x", number=" 1/2"), patch("2@x", name="fan", number=" 2/2", to="1@x"), mail("3@x", to="1@x"))

    postings = {
        number: [row.posting.message_id for row in store.postings_with_part(f"{number}@x")] for number in (1, 2, 3, 4)
    }

    assert postings == {1: ["1@x"], 2: ["1@x"], 3: [], 4: []}


def test_unreadable_mails_are_listed_and_read_again_when_released(store: Repository) -> None:
    put(store, b"\0\n\n", patch("1@x"))
    (bad,) = store.quarantined(10)
    released = store.release([bad.id])

    assert (bad.state, bool(bad.reason), released) == ("unreadable", True, 1)
    assert [mail.id for mail in store.unparsed(10)] == [bad.id]
    assert store.release([bad.id]) == 0


def test_signatures_are_verified_once_and_remembered(store: Repository) -> None:
    put(store, patch("1@x"), patch("2@x", name="fan"))
    first, second = store.unattested(START - DAY, 10)
    attestations = (
        Attestation("dkim", "example.org", SignatureResult.VALID, aligned=True, signed=frozenset({"from"})),
    )
    store.save_attestations(first.id, attestations, START)

    assert (store.attestations("1@x"), store.attestations("2@x")) == (attestations, ())
    assert [mail.id for mail in store.unattested(START - DAY, 10)] == [second.id]
    assert store.unattested(START + DAY, 10) == []
