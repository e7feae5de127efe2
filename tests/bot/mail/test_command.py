# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a command, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.command import (
    Command,
    Explain,
    Fixed,
    Help,
    Mute,
    NotApplicable,
    Recheck,
    Scope,
)
from bot.mail.command_reader import Ambiguous, commands
from bot.mail.message import Message
from bot.mail.parse import parse

_HEADER = "From: Ann <ann@example.org>\nTo: bot@example.org\nMessage-ID: <1@example.org>\nSubject: Re: x\n"


def message(body: str, header: str = "") -> Message:
    parsed = parse(f"{_HEADER}{header}\n{body}".encode())
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("patchwarden: recheck", Recheck()),
        ("Patchwarden:recheck  ", Recheck()),
        ("patchwarden: explain missing-safety-comment", Explain("missing-safety-comment")),
        ("patchwarden: not-applicable 0123456789abcdef", NotApplicable("0123456789abcdef")),
        (
            "patchwarden: not-applicable 0123ab  the  lock is held",
            NotApplicable("0123ab", "the lock is held"),
        ),
        (
            "patchwarden: not-applicable bindings-in-driver there is no abstraction yet",
            NotApplicable("bindings-in-driver", "there is no abstraction yet"),
        ),
        ("patchwarden: fixed 0123456789ABCDEF", Fixed("0123456789abcdef")),
        ("patchwarden: mute", Mute(Scope.SERIES)),
        ("patchwarden: mute series", Mute(Scope.SERIES)),
        ("patchwarden: mute Author", Mute(Scope.AUTHOR)),
        ("patchwarden: mute list", Mute(Scope.LIST)),
        ("patchwarden: help", Help()),
    ],
)
def test_a_line_is_a_command(line: str, expected: Command) -> None:
    assert (expected,) == commands(message(f"Hi,\n\n{line}\n\nAnn\n"))


@pytest.mark.parametrize(
    "body",
    [
        "> patchwarden: recheck\n",
        ">patchwarden: recheck\n",
        "| patchwarden: recheck\n",
        " patchwarden: recheck\n",
        "please patchwarden: recheck\n",
        "+patchwarden: recheck\n",
        "Thanks\n-- \npatchwarden: recheck\n",
        "Thanks\n--\npatchwarden: recheck\n",
        "diff --git a/x b/x\npatchwarden: recheck\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\npatchwarden: recheck\n",
        "Index: x.rs\npatchwarden: recheck\n",
        "8< ---- >8 ----\n-- >8 --\npatchwarden: recheck\n",
        "-----Original Message-----\npatchwarden: recheck\n",
        "---------- Forwarded message ---------\npatchwarden: recheck\n",
        "________________________________\nFrom: bot\npatchwarden: recheck\n",
        "On Monday, Bob <bob@example.org> wrote:\npatchwarden: recheck\n",
        "Am Montag schrieb Bob:\n\npatchwarden: recheck\n",
        "write this:\n```\npatchwarden: recheck\n```\n",
        "#syz test\n#syz invalid\n#regzbot introduced: v6.1\npw-bot: cr\n",
        "@sashiko recheck\nsyzbot: patchwarden: recheck\n",
        "patchwardens: recheck\n",
        "patchwarden recheck\n",
        "",
    ],
)
def test_a_line_is_no_command(body: str) -> None:
    assert () == commands(message(body))


@pytest.mark.parametrize(
    "body",
    [
        "patchwarden: unmute\n",
        "patchwarden: publish\n",
        "patchwarden: resend\n",
        "patchwarden: recheck now\n",
        "patchwarden:\n",
        "patchwarden: help me\n",
        "patchwarden: explain\n",
        "patchwarden: explain Bobby'; drop table\n",
        "patchwarden: fixed\n",
        "patchwarden: fixed abc\n",
        "patchwarden: not-applicable everything\n",
        "patchwarden: mute everybody\n",
        "patchwarden: recheck\npatchwarden: unmute\n",
        "patchwarden: mute series\npatchwarden: mute list\n",
        "patchwarden: fixed 0123ab\npatchwarden: not-applicable 0123ab\n",
        "patchwarden: recheck\npatchwarden: help\npatchwarden: mute\npatchwarden: fixed 0123ab\n",
    ],
)
def test_what_is_not_plain_is_void_as_a_whole(body: str) -> None:
    assert isinstance(commands(message(body)), Ambiguous)


def test_commands_stand_between_quotations() -> None:
    body = (
        "On Mon, 1 Jan 2029, patchwarden wrote:\n> > + unsafe { f() };\n> This needs a comment.\n"
        "patchwarden: not-applicable 0123ab held by the caller\n> more\npatchwarden: recheck\npatchwarden: recheck\n"
    )

    assert (NotApplicable("0123ab", "held by the caller"), Recheck()) == commands(message(body))


def test_a_flowed_line_that_runs_on_begins_no_command() -> None:
    flowed = "Content-Type: text/plain; format=flowed\n"

    assert () == commands(message("you can write \npatchwarden: recheck\n", flowed))
    assert (Recheck(),) == commands(message("so be it.\npatchwarden: recheck\n", flowed))


_PARTS = (
    "--xx\nContent-Type: {first}\n\nHi\n{one}\n"
    "--xx\nContent-Type: {second}; name=a.patch\nContent-Disposition: attachment; filename=a.patch\n\n"
    "From 0123 Mon Sep 17 00:00:00 2001\n{two}\n---\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--xx--\n"
)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"first": "text/plain", "second": "text/x-patch", "one": "patchwarden: help", "two": "-"}, (Help(),)),
        ({"first": "text/plain", "second": "text/x-patch", "one": "-", "two": "patchwarden: help"}, ()),
        ({"first": "text/plain", "second": "text/plain", "one": "-", "two": "patchwarden: help"}, ()),
        ({"first": "text/html", "second": "text/plain", "one": "patchwarden: help", "two": "patchwarden: help"}, ()),
    ],
)
def test_only_the_first_part_counts(parts: dict[str, str], expected: tuple[Command, ...]) -> None:
    mixed = message(_PARTS.format(**parts), 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="xx"\n')

    assert expected == commands(mixed)


def test_a_command_in_an_encoded_body() -> None:
    quoted = message("L=C3=B6we\npatchwarden: rec=\nheck\n", "Content-Transfer-Encoding: quoted-printable\n")

    assert (Recheck(),) == commands(quoted)


@given(st.text())
def test_reading_never_raises_and_never_gives_more_than_three(body: str) -> None:
    result = commands(message(body))

    assert isinstance(result, Ambiguous) or len(result) <= 3


def test_absurd_lines_take_no_time() -> None:
    hostile = "\n".join(piece * 90_000 for piece in ("patchwarden:", "- ", "wrote ", "from ", "> ", "-"))

    assert isinstance(commands(message(hostile)), Ambiguous)
