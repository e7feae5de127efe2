# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored values: what is decoded is what was encoded, and what earlier versions stored is read."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bot.mail.attestation import Attestation, SignatureResult
from bot.mail.packed import pack, unpack
from bot.mail.posting import Complete, Defective, Posting, Waiting
from bot.mail.posting_codec import encode_posting, no_mails
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.pending import PendingPosting
from bot.store.codec import decode, encode, fields_of, posting_of
from bot.store.history import Verified
from rules.analysis.unsafe_delta import UnsafeDelta, UnsafePlace
from rules.bindings.pending_facts import PatchIdentity, PendingFact, PendingFacts, PendingKind
from rules.diff.patch import FileChange, Hunk
from rules.finding import Anchor, Confidence, Evidence, Finding, LogAnchor, Severity
from rules.lazy import replace
from tests.fakes.outbox import series

pytestmark = pytest.mark.sqlite

POSTING = series(1)
ANCHOR = Anchor(1, "a/b.rs", "post", 3, 1, "\udcff code")
PLACES = tuple(UnsafePlace("block", 0, "a.rs", line, "fn f", "unsafe { }", "k") for line in (1, 2))
FINDINGS = tuple(
    Finding("r", Severity.BUG, Confidence.LOW, anchor, "m", evidence=(Evidence("a:1", ("x", "y")),))
    for anchor in (ANCHOR, LogAnchor(0, 2, "text"))
)
REVIEW = Review(
    POSTING,
    tuple(ReviewFinding(finding, FindingState.MOVED, withheld="because") for finding in FINDINGS),
    delta=UnsafeDelta(added=PLACES, moved=((PLACES[0], PLACES[1]),), edited=2),
)
PENDING = PendingPosting(
    *("1@x", "t", "a@example.org", "a", "s", 2),
    datetime(2026, 3, 1, 12, 0, 0, 5, UTC),
    PendingFacts((PendingFact(PendingKind.ADDED, "f", ANCHOR),), (PatchIdentity(0, "t"),), (PendingKind.ADDED,)),
    ids=("1@x", "2@x"),
)
SIGNED = Attestation(
    *("patatt", "a@example.org", SignatureResult.VALID, True, "", frozenset({"from", "date"})),
    datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=2))),
    (("1", "mute"),),
)


@pytest.mark.parametrize(
    "value",
    [
        *(replace(POSTING, state=state) for state in (Complete(), Waiting((1, 2)), Defective("why"))),
        *(REVIEW, PENDING, Verified((SIGNED, Attestation("dkim", "x", SignatureResult.UNKNOWN, aligned=False)))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_decoded_as_it_was(value: Any) -> None:
    decoded = decode(type(value), encode(value))

    assert decoded == value
    assert encode(decoded) == encode(value)  # fields that are not compared, too


def test_fields_that_are_not_compared_have_their_types() -> None:
    signed = decode(Verified, encode(Verified((SIGNED,)))).found[0]

    assert (signed.signed, signed.signed_at, signed.command_lines) == (
        SIGNED.signed,
        SIGNED.signed_at,
        SIGNED.command_lines,
    )


def test_excluded_fields_are_not_stored_and_are_passed_to_the_decoder() -> None:
    stored = encode(REVIEW, exclude=frozenset({"posting"}))

    assert "posting" not in json.loads(unpack(stored))
    assert decode(Review, stored, posting=REVIEW.posting) == REVIEW


def test_times_and_choices_are_stored_as_texts() -> None:
    fields = json.loads(unpack(encode(PENDING)))

    assert fields["sent"] == "2026-03-01T12:00:00.000005Z"
    assert fields["facts"]["truncated"] == ["added"]
    assert fields["facts"]["facts"][0]["place"]["text"] == "\udcff code"


def test_a_hunk_is_stored_with_its_lines_as_earlier_versions_read_it() -> None:
    change = FileChange("a.rs", "a.rs", (Hunk(3, 2, 3, 2, "fn a()", " a\n-b\n+c\n"),))
    stored = encode(change)
    (hunk,) = json.loads(unpack(stored))["hunks"]

    assert list(hunk.values()) == [3, 2, 3, 2, "fn a()", [["a", 3, 3], ["b", 4, None], ["c", None, 4]]]
    assert list(hunk)[-1] == "lines"
    assert decode(FileChange, stored) == change


def test_fields_that_a_class_lost_are_ignored_and_new_ones_have_their_default() -> None:
    fields = json.loads(unpack(encode(PENDING)))
    del fields["facts"]["patches"], fields["mentions"]
    fields["facts"]["cut"] = fields["facts"].pop("truncated")
    fields["old"] = fields["facts"]["facts"][0]["old"] = 1

    expected = replace(PENDING, facts=replace(PENDING.facts, patches=()))
    assert decode(PendingPosting, pack(json.dumps(fields).encode())) == expected


def test_a_field_is_read_under_the_name_that_an_earlier_version_stored() -> None:
    finding = ReviewFinding(replace(FINDINGS[0], fixed_by_patch=2), mailed_before=3, unmailed_before=True)
    fields = json.loads(unpack(encode(finding)))
    fields["said_before"], fields["unsaid_before"] = fields.pop("mailed_before"), fields.pop("unmailed_before")
    fields["finding"]["mended_by"] = fields["finding"].pop("fixed_by_patch")

    fields["standing"] = fields.pop("state")

    assert decode(ReviewFinding, pack(json.dumps(fields).encode())) == finding


def test_the_findings_of_a_review_are_read_as_an_earlier_version_stored_them() -> None:
    fields = json.loads(unpack(encode(REVIEW)))
    findings = fields["findings"]
    fields["comments"] = fields.pop("findings")
    stored = pack(json.dumps(fields).encode())

    assert decode(Review, stored) == REVIEW
    assert fields_of(Review, stored)["findings"] == findings


def test_a_value_without_a_required_field_is_refused() -> None:
    fields = json.loads(unpack(encode(POSTING)))
    del fields["topic"]

    with pytest.raises(TypeError, match="topic"):
        decode(Posting, pack(json.dumps(fields).encode()))


def test_a_posting_of_usual_size_is_decoded_once_without_its_texts() -> None:
    value = encode_posting(POSTING)

    assert posting_of(value) is posting_of(bytes(bytearray(value)))
    assert posting_of(value, no_mails) is not posting_of(value, no_mails)


def test_a_large_posting_stays_in_no_memory_however_well_it_is_compressed() -> None:
    changes = (FileChange("a.rs", "a.rs"),) * 10_000
    patches = tuple(replace(patch, changes=changes) for patch in POSTING.series.patches)
    value = encode_posting(replace(POSTING, series=replace(POSTING.series, patches=patches)))

    assert len(value) < 1000
    assert posting_of(value) == posting_of(value)
    assert posting_of(value) is not posting_of(value)
