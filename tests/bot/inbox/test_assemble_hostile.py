# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that only an attacker would send."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.posting import Complete, Defective, Waiting
from tests.growth import assert_linear

DIFF = "---\ndiff --git a/x.rs b/x.rs\n--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-a\n+b\n"


def mail(name: str, subject: str, body: str, above: str = "", sender: str = "ada") -> Message:
    head = f"From: {sender}@example.org\nMessage-ID: <{name}@example.org>\nSubject: {subject}\n"
    answers = f"In-Reply-To: <{above}@example.org>\n" if above else ""
    message = parse(f"{head}{answers}\n{body}".encode())
    assert isinstance(message, Message)
    return message


HOSTILE: dict[str, Callable[[int], Message]] = {
    "a log of trailers": lambda size: mail("p", "[PATCH] x", "a: b\n" * size + DIFF),
    "a log of words": lambda size: mail("p", "[PATCH] x", "A-" * size + "\n" + DIFF),
    "blank lines": lambda size: mail("p", "[PATCH] x", "\n \n" * size + DIFF),
    "footers": lambda size: mail("p", "[PATCH] x", DIFF + "base-commit: 0\n" * size),
    "brackets": lambda size: mail("p", "[PATCH" + "[" * (size // 2) + "]" * (size // 2) + " x", DIFF),
    "a huge count": lambda size: mail("p", f"[PATCH 1/{'9' * size}] x", DIFF),
    "a subject without an end": lambda size: mail("p", "[PATCH] " + "[" * size, DIFF),
    "a huge revision": lambda size: mail("p", f"[PATCH v{'9' * size}] x", DIFF),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_patch_is_assembled_in_linear_time(name: str) -> None:
    assert 1 == len(assemble([HOSTILE[name](300)]))
    assert_linear(HOSTILE[name], lambda message: assemble([message]), 50_000)


@pytest.mark.parametrize(("sender", "state"), [("ada", Defective), ("eve", Complete)])
def test_only_the_author_can_make_a_series_ambiguous(sender: str, state: type) -> None:
    """A stranger can use the name of the author, and an id that looks like one of the same run."""
    run = "20260302090000.1"
    first, second = (mail(f"{run}-{n}-ada", f"[PATCH {n}/2] x", DIFF, f"{run}-1-ada" * (n - 1)) for n in (1, 2))
    other = mail(f"{run}-3-ada", "[PATCH 2/2] x", f"Other.\n{DIFF}", f"{run}-1-ada", sender)

    (posting,) = assemble([first, second, other])

    assert isinstance(posting.state, state)
    assert [part.message_id for part in posting.parts] == [first.message_id, second.message_id]


def test_a_stranger_who_is_faster_takes_no_place_in_a_series() -> None:
    """The stranger knows the id of the first patch as soon as an archive has it, and uses the name of the author."""
    run = "20260302090000.1"
    first, second = (mail(f"{run}-{n}-ada", f"[PATCH {n}/2] x", DIFF, f"{run}-1-ada" * (n - 1)) for n in (1, 2))
    other = mail(f"{run}-3-ada", "[PATCH 2/2] x", f"Other.\n{DIFF}", f"{run}-1-ada", "eve")

    for messages in ([first, other, second], [other, first, second]):
        (posting,) = assemble(messages)

        assert isinstance(posting.state, Complete)
        assert [part.message_id for part in posting.parts] == [first.message_id, second.message_id]


def test_a_long_count_is_bounded() -> None:
    assert 1 == len(assemble([mail("p", "[PATCH 1/9999] x", DIFF)]))


@pytest.mark.parametrize(
    ("before", "unit"),
    [
        ("", "a: b@c\n"),
        ("Reviewed-by: ", "a@"),
        ("Fixes: abcdef123 (", "x\n"),
        ("", "Reviewed-by: a\n"),
        ("Reviewed-by: x", " #"),
        ("Reviewed-by: ada@example.org\n", "\n\t\n"),
        ("", "Reviewed-by: " + "(" * 220 + " ada@example.org\n"),
    ],
)
def test_a_reply_is_assembled_in_linear_time(before: str, unit: str) -> None:
    patch = mail("p", "[PATCH] x", DIFF)

    def make(size: int) -> Message:
        return mail("r", "Re: [PATCH] x", f"Fixes: x\n{before}{unit * (size // len(unit))}", "p")

    assert 1 == len(assemble([patch, make(100_000)]))
    assert_linear(make, lambda reply: assemble([patch, reply]), 50_000)


@pytest.mark.parametrize("word", ["=?utf-8?b?a?=", "=?utf-8?q?a?= <a@example.org> \u00f6 <\u00f6@example.org>", "=?"])
def test_malformed_encoded_words_hide_no_series(word: str) -> None:
    encoded = b64encode(f"{word} b".encode()).decode()
    thread = [
        mail("p", "[PATCH] x", DIFF),
        mail("r", "Re: [PATCH] x", f"Reviewed-by: {word} <ada@example.org>\n", above="p"),
        mail("q", f"[PATCH] y {word}", DIFF, above="p"),
        mail("t", f"[PATCH] =?utf-8?b?{encoded}?=", DIFF, above="p"),
    ]

    assert [posting.message_id for posting in assemble(thread)] == ["p@example.org", "q@example.org", "t@example.org"]


def test_an_encoded_word_in_a_trailer_is_decoded() -> None:
    thread = [
        mail("p", "[PATCH] x", DIFF),
        mail("r", "Re: [PATCH] x", "Acked-by: =?utf-8?b?SsO2?= <ada@example.org>\n", above="p"),
    ]

    ((follow_up,),) = [posting.follow_ups for posting in assemble(thread)]
    assert follow_up.trailer == "Acked-by: J\u00f6 <ada@example.org>"


def test_a_number_no_database_holds_is_a_defect() -> None:
    (posting,) = assemble([HOSTILE["a huge revision"](300)])

    assert isinstance(posting.state, Defective)
    assert posting.series.revision < 2**31


def test_a_thousand_patches_of_one_number_are_one_defect() -> None:
    def make(size: int) -> list[Message]:
        patches = [mail(f"p{at}", "[PATCH 1/2] x", DIFF.replace("+b", f"+{at}"), "c") for at in range(size)]
        return [mail("c", "[PATCH 0/2] x", "Text.\n"), *patches]

    assert [Defective("two different mails are patch 1 of 2")] == [posting.state for posting in assemble(make(1000))]
    assert_linear(make, assemble, 200)


_NAMES = st.sampled_from("abcdefg")
_SUBJECTS = st.builds(
    "{}[{} {}{}] x".format,
    st.sampled_from(["", "", "", "Re: "]),
    st.sampled_from(["PATCH", "RFC PATCH", "PATCH RESEND"]),
    st.sampled_from(["", "v2 ", "v3 "]),
    st.sampled_from(["", "0/2", "1/2", "2/2", "1/3", "2/3", "3/3", "4/3", "0/0"]),
)
_MAILS = st.builds(
    mail,
    _NAMES,
    _SUBJECTS,
    st.sampled_from([DIFF, "Text.\n", "Reviewed-by: ada@example.org\n"]),
    _NAMES,
    st.sampled_from(["ada", "bela"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_MAILS, max_size=9))
def test_any_thread_gives_postings_that_make_sense(messages: list[Message]) -> None:
    postings = assemble(messages)

    names = [part.message_id for posting in postings for part in posting.parts if part.index]
    assert len(names) == len(set(names))
    for posting in postings:
        indices = [part.index for part in posting.parts]
        assert sorted(set(indices)) == indices
        assert [index for index in indices if index] == [patch.index for patch in posting.series.patches] != []
        assert posting.message_id == posting.parts[0].message_id
        if isinstance(posting.state, Complete):
            assert set(range(1, posting.expected + 1)) <= set(indices)
        if isinstance(posting.state, Waiting):
            assert not set(posting.state.missing) & set(indices)


def test_only_the_names_of_trailers_are_decoded() -> None:
    body = (
        "Closes: https://example.org/?a=?utf-8?q?b?=\n"
        "Acked-by: =?utf-8?q?Ada?= <ada@example.org>\n"
        "Tested-by: =?utf-8?q?Ada?= <ada@example.com>\n"
    )
    thread = [mail("p", "[PATCH] x", DIFF), mail("r", "Re: [PATCH] x", body, "p")]
    thread[1] = replace(thread[1], author=Address("Ada", "ada@example.org"))
    (posting,) = assemble(thread)

    trailers = [follow_up.trailer for follow_up in posting.follow_ups]
    assert trailers == ["Closes: https://example.org/?a=?utf-8?q?b?=", "Acked-by: Ada <ada@example.org>"]
