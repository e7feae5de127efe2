# SPDX-License-Identifier: GPL-2.0-or-later
"""Usual subjects and series are read without b4, with its result: the contract with b4."""

import subprocess
import sys
from itertools import product

import pytest

from bot.inbox import b4_series
from bot.inbox.assemble import candidate
from bot.inbox.grouping import Group, group_candidates
from bot.inbox.series_facts import SeriesFacts, read_plain_series, read_subject
from bot.mail.message import Message
from bot.mail.parse import parse
from tests.fakes.mails import DIFF, mail

HASH = "0123456789abcdef0123456789abcdef01234567"
TAGS = ("PATCH", "RFC PATCH", "patch", "PATCHv2", "RESEND PATCH net-next v03", "PATCH 1/2", "PATCH, V2; 0/11", "1/2")
MORE_TAGS = (
    "",
    "PATCH v2 v3 1/2 2/3",
    "RFCv1",
    "v2",
    "PATCH 12345/6",
    "PATCH rust-next,v4",
    "x_y/z",
    "PATCH-v2 3/4",
    "REPOST PATCH",
    "PATCH Resent v2",
)
TITLES = (
    "rust: led: read it",
    "two  blanks\tand a tab",
    "a=?b",
    "a[1] b",
    "a[1][2/3] b [v9]",
    "a [b [1/2]]",
    "a [1/2",
    "\v[v3] b",
    "ab: [v3] c",
    "abcd: [v3] c",
    "x] y",
    "",
    "[v2] z",
    "=?utf-8?q?a?=",
    "Ä v7 1/2",
)
UNUSUAL = ("base-commit: v7.1-rc1\n", "change-id: \v\v\n", "change-id: \t\nbase-commit: AB12\n")
FOOTERS = (
    "",
    f"base-commit: {HASH}\nchange-id: 20260101-led-0123456789ab\n",
    f"prerequisite-patch-id: {HASH}\nprerequisite-patch-id: {HASH[::-1]}\nbase-commit: {HASH[::-1]}\n",
    f"base-commit: {HASH}\nbase-commit: {HASH[::-1]}\nprerequisite-message-id: <a@example.org>\n",
    "change-id: a\nprerequisite-change-id: b:v2\n",
    f"base-commit: {HASH} (v7.1-rc1)\nchange-id: two words\nprerequisite-patch-id: 12\v34 \n",
    f"base-commit: {HASH} \nchange-id: three\xa0short words\n",
    *UNUSUAL,
    " 1 file changed, 2 insertions(+)\n",
)


@pytest.mark.parametrize("tag", [*TAGS, *MORE_TAGS])
def test_a_subject_is_read_as_b4_reads_it(tag: str) -> None:
    for title, space in product(TITLES, ("", " ", "  ")):
        subject = f"[{tag}]{space}{title}"
        assert b4_series.read_unusual_subject(subject) == read_subject(subject)


@pytest.mark.parametrize(
    "subject", ["Re: [PATCH] x", "AW: [PATCH 1/2] x", "[PATCH x", "re: x", "Fwd: x [1/2]", *TITLES]
)
def test_a_subject_without_a_tag_is_read_as_b4_reads_it(subject: str) -> None:
    assert b4_series.read_unusual_subject(subject) == read_subject(subject)


def patch(number: int, expected: int, *, body: str = "Why.\n", title: str = "rust: led: read it") -> bytes:
    """A part of a series, number 0 being the cover letter."""
    diff = DIFF.format(name=f"led{number}", blob="1" * 12) if number else ""
    to = "0@x" if number else ""
    return mail(f"{number}@x", f"[PATCH {number}/{expected}] {title}", to=to, body=f"{body}\n{diff}")


def _group(*mails: bytes) -> Group:
    messages = [message for mail in mails if isinstance(message := parse(mail), Message)]
    candidates = [parsed for message in messages if (parsed := candidate(message)) is not None]
    (group,) = group_candidates(candidates, {message.message_id: message for message in messages})
    return group


def _both(group: Group) -> tuple[SeriesFacts | None, SeriesFacts]:
    return read_plain_series(group), b4_series.read_series(group, None, {})


@pytest.mark.parametrize("of_cover", FOOTERS)
def test_the_footers_are_read_as_b4_reads_them(of_cover: str) -> None:
    read = []
    for of_patch in FOOTERS:
        cover = patch(0, 2, body=f"Why.\n\n{of_cover}")
        group = _group(cover, patch(1, 2, body=f"Why.\n---\n{of_patch}"), patch(2, 2))
        plain, of_b4 = _both(group)
        assert plain in (None, of_b4)
        read.append(plain)
    assert any(facts is not None for facts in read) == (of_cover not in UNUSUAL)


def test_an_incomplete_series_is_read_without_b4() -> None:
    plain, of_b4 = _both(_group(patch(2, 3), patch(3, 3)))

    assert plain == of_b4 == SeriesFacts(frozenset((2, 3)))


@pytest.mark.parametrize(
    ("title", "is_plain"),
    [("a `&mut [u8]` b", True), ("a [2/3] #[b] c[v4]", True), ("a [b", False), ("a=?b", False)],
)
def test_only_a_series_with_unusual_titles_is_left_to_b4(title: str, *, is_plain: bool) -> None:
    plain, of_b4 = _both(_group(patch(0, 1), patch(1, 1, title=title)))

    assert plain == (of_b4 if is_plain else None)


def test_the_trailers_in_replies_are_read_as_b4_reads_them() -> None:
    trailers = ("Reviewed-by: Ada <ada@example.org>\n", 'Acked-by: Bob <bob@example.org>\nFixes: 0123456789ab ("a")\n')
    fields = ("From", "Author", "Cc", "To", "Date", "Subject", "Subscribe", "Unsubscribe", "Base-commit", "Change-id")
    no_trailers = "".join(
        f"{field}: Ada <ada@example.org>\n{field}: 0123456789ab\n" for field in (*fields, "Message-id")
    )
    texts = (trailers[0], trailers[1], "".join(trailers), f"> {trailers[0]}No.\n", trailers[0], no_trailers, "")
    group = _group(patch(0, 2), patch(1, 2), patch(2, 2))
    replies: dict[str, list[Message]] = {}
    for number, text in enumerate(texts):
        reply = parse(mail(f"r{number}@x", "Re: x", body=text))
        assert isinstance(reply, Message)
        replies.setdefault(f"{number % 3}@x", []).append(reply)

    follow_ups = b4_series.read_follow_ups(group, replies)

    assert follow_ups == b4_series.read_series(group, None, replies).follow_ups
    assert {follow_up.index for follow_up in follow_ups} == {0, 1, 2}


def test_b4_is_loaded_only_for_a_series_with_replies() -> None:
    script = """
import sys
from bot.inbox.assemble import assemble
from bot.mail.parse import parse
from tests.fakes.mails import DIFF, mail, patch
diff = DIFF.format(name="led", blob="1" * 12)
unusual = mail("2@x", "[RFC PATCH !UPSTREAM] rust: led: use `&mut [u8]`", body=diff)
series = [parse(patch("1@x")), parse(unusual), parse(mail("4@x", "The led of the month"))]
assert len(assemble(series)) == 2
print("b4" in sys.modules)
reply = mail("3@x", "Re: [PATCH] rust: led: read it", to="1@x", body="Reviewed-by: Ada <ada@example.org>\\n")
print(len(assemble([*series, parse(reply)])[0].follow_ups), "b4" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "1", "True"]
