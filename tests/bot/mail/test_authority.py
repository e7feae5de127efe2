# SPDX-License-Identifier: GPL-2.0-or-later
"""Roles and what they may; tokens; what proves a sender. The forged mails are in tests/bot/service/test_commands.py."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.mail.address import Address
from bot.mail.attestation import Attestation, SignatureResult
from bot.mail.authority import (
    MUST_BE_SIGNED,
    Parties,
    ProvenSender,
    Role,
    Unproven,
    is_for_us,
    maintained_lists,
    may,
    names_series,
    parties_roles,
    plausible_sender,
    proven_sender,
    reply_address,
)
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
from bot.mail.message import Message
from bot.mail.parse import parse

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = b"s" * 32
OWN = "bot@bot.example.org"
PROOF = Attestation("dkim", "example.org", SignatureResult.VALID, aligned=True, signed=MUST_BE_SIGNED)


def message(to: str = "bot+x@bot.example.org", head: str = "") -> Message:
    raw = (
        f"From: Ada <ada@example.org>\nTo: {to}\nSubject: Re: x\nDate: Mon, 02 Mar 2026 11:00:00 +0000\n"
        f"Message-ID: <1@example.org>\n{head}\npatchwarden: help\n"
    )
    parsed = parse(raw.encode())
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize(
    ("roles", "commands"),
    [
        (set(), set()),
        ({Role.OWNER}, {"Recheck", "Explain", "NotApplicable", "Fixed", "Help", "series"}),
        ({Role.AUTHOR}, {"Recheck", "Explain", "NotApplicable", "Fixed", "Help", "series", "author"}),
        ({Role.MAINTAINER}, {"Recheck", "Explain", "NotApplicable", "Fixed", "Help", "series", "author", "list"}),
    ],
)
def test_what_each_role_may(roles: set[Role], commands: set[str]) -> None:
    known: dict[str, Command] = {
        "Recheck": Recheck(),
        "Explain": Explain("a-b"),
        "NotApplicable": NotApplicable("a-b"),
        "Fixed": Fixed("a-b"),
        "Help": Help(),
        **{scope.value: Mute(scope) for scope in Scope},
    }

    assert commands == {name for name, command in known.items() if may(frozenset(roles), command)}


def test_somebody_may_be_several_things_at_once() -> None:
    parties = Parties("ada@example.org", frozenset({"ada@example.org", "bob@example.org"}))

    assert {Role.AUTHOR, Role.OWNER} == parties_roles(Address("", "Ada@Example.org"), parties)
    assert {Role.OWNER} == parties_roles(Address("", "bob@example.org"), parties)
    assert set() == parties_roles(Address("ada@example.org", "eve@example.org"), parties)


def test_a_maintainer_of_one_list_is_none_of_another() -> None:
    chief, one = Address("", "chief@example.org"), Address("", "one@example.org")
    of_lists = {"a@lists.example.org": frozenset({one.key}), "b@lists.example.org": frozenset({"two@example.org"})}
    parties = Parties("ada@example.org", maintainers=frozenset({chief.key}), of_lists=of_lists)
    lists = ("A@lists.example.org", "b@lists.example.org", "c@lists.example.org")

    assert {Role.MAINTAINER} == parties_roles(one, parties) == parties_roles(chief, parties)
    assert ("a@lists.example.org",) == maintained_lists(one, parties, lists)
    assert tuple(name.lower() for name in lists) == maintained_lists(chief, parties, lists)
    assert () == maintained_lists(Address("", "ada@example.org"), parties, lists)


def test_each_series_has_its_own_address_and_each_secret_too() -> None:
    addresses = {reply_address(OWN, secret, topic) for secret in (SECRET, b"t" * 32) for topic in ("a", "b", "\udce9")}

    assert 6 == len(addresses)
    assert reply_address(OWN, SECRET, "a") == reply_address(OWN, SECRET, "a")


def test_a_mail_names_the_series_whose_token_it_has() -> None:
    mail = message(f"patchwarden <{reply_address(OWN, SECRET, 'a').upper()}>, list@lists.example.org")

    assert is_for_us(mail, OWN)
    assert names_series(mail, OWN, SECRET, "a")
    assert not names_series(mail, OWN, SECRET, "b")
    assert not names_series(mail, OWN, b"t" * 32, "a")
    assert not is_for_us(message("bot@bot.example.org, bot+x@bot.example.com"), OWN)


def test_one_good_signature_is_enough() -> None:
    bad = Attestation("dkim", "lists.example.org", SignatureResult.INVALID, aligned=False, reason="does not fit")

    proven = proven_sender(message(), [bad, PROOF], NOW)

    assert isinstance(proven, ProvenSender)
    assert proven.address == Address("Ada", "ada@example.org")
    assert Unproven("does not fit") == proven_sender(message(), [bad], NOW)
    assert Unproven("no signature") == proven_sender(message(), [], NOW)


def test_a_developer_signature_is_no_dkim_signature() -> None:
    patatt = Attestation("patatt", "ada@example.org", SignatureResult.VALID, aligned=True, signed=MUST_BE_SIGNED)

    assert Unproven("a developer signature needs a one-time token in the text") == proven_sender(
        message(), [patatt], NOW
    )


@pytest.mark.parametrize("header", sorted(MUST_BE_SIGNED))
def test_every_header_that_is_read_must_be_signed(header: str) -> None:
    proof = Attestation("dkim", "example.org", SignatureResult.VALID, aligned=True, signed=MUST_BE_SIGNED - {header})

    assert Unproven(f"does not sign {header}") == proven_sender(message(), [proof], NOW)


@pytest.mark.parametrize(
    ("after", "plausible"),
    [(timedelta(0), True), (timedelta(days=6), True), (timedelta(days=7), False), (timedelta(hours=-3), False)],
)
def test_only_a_mail_of_the_last_days_counts(after: timedelta, plausible: bool) -> None:
    assert plausible is isinstance(plausible_sender(message(), NOW + after), Address)


@pytest.mark.parametrize("head", ["X-Odd\n", "X: a\x01\n\x0bFrom: eve@example.org\n", "Subject: second\n", " : x\n:\n"])
def test_a_header_that_can_be_read_in_two_ways_proves_nothing(head: str) -> None:
    assert isinstance(proven_sender(message(head=head), [PROOF], NOW), Unproven)


def framed(head: str, body: str) -> Message:
    raw = message(head=head).raw
    parsed = parse(raw[: raw.index(b"\n\n") + 2] + body.encode())
    assert isinstance(parsed, Message)
    return parsed


ASKED = "Hello,\n\npatchwarden: mute\n"
QUOTED = "Somebody told me =\npatchwarden: mute author\n"
PART = "--abc\nContent-Type: text/plain\n\n"
PARTS = f"{PART}Hello.\n\n{PART}patchwarden: mute author\n--abc--\n"


@pytest.mark.parametrize(
    ("head", "body", "proven"),
    [
        ("", ASKED, True),
        ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\nMIME-Version: 1.0\n", ASKED, True),
        ("Content-Type: multipart/alternative; boundary=abc\n", PARTS.replace("Hello.", "patchwarden: mute"), True),
        # The line before runs on into the command, or does not, depending on a header that is not signed.
        ("", QUOTED, False),
        ("Content-Transfer-Encoding: 8bit\n", QUOTED, False),
        ("", "Somebody told me \npatchwarden: mute author\n", False),
        ("Content-Type: text/plain; format=flowed\n", "Somebody told me \npatchwarden: mute author\n", False),
        # Encodings that make a command of what is none.
        ("Content-Transfer-Encoding: quoted-printable\n", "patch=77arden: mute author\n", False),
        ("Content-Transfer-Encoding: base64\n", "cGF0Y2h3YXJkZW46IG11dGUgYXV0aG9yCg==\n", False),
        ("Content-Type: text/plain; charset=utf-16-le\n", "\0".join("\npatchwarden: mute\n") + "\0", False),
        # A multipart that is read as text, or split at another line.
        ("Content-Type: text/plain\n", PARTS, False),
        ("", PARTS, False),
        ("", f"This is a message in several parts.\n{PARTS}", False),
        ('Content-Type: text/plain; x="multipart/"; boundary=abc\n', PARTS, False),
        ("Content-Type: multipart/mixed; boundary=x\n", f"--abc\n\n--x\n\npatchwarden: mute\n--x--\n{PARTS}", False),
        ('Content-Type: multipart/mixed; x="boundary=abc"; boundary=x\n', f"--abc\n\n--x\n\n{ASKED}--x--\n", False),
        ("Content-Type: multipart/mixed; boundary=ab\n", PARTS.replace("--abc\n", "--abc\n--ab\n\n", 1) + ASKED, False),
    ],
)
def test_an_unsigned_header_that_changes_the_text_proves_nothing(head: str, body: str, proven: bool) -> None:
    sender = proven_sender(framed(head, body), [PROOF], NOW)

    assert proven == isinstance(sender, ProvenSender), sender
    signed = Attestation(
        "dkim",
        "example.org",
        SignatureResult.VALID,
        aligned=True,
        signed=MUST_BE_SIGNED | {"content-type", "content-transfer-encoding"},
    )
    assert isinstance(proven_sender(framed(head, body), [signed], NOW), ProvenSender)


@pytest.mark.parametrize("name", ["Content-Type", "Content-Transfer-Encoding", "MIME-Version", "From", "To", "Subject"])
def test_a_header_that_comes_twice_proves_nothing(name: str) -> None:
    values = {"From": "Eve <eve@example.org>", "To": "eve@example.org", "Content-Type": "text/plain"}
    twice = f"{name}: {values.get(name, '1.0')}\n" * 2

    assert isinstance(plausible_sender(message(head=twice), NOW), Unproven)


def test_a_header_behind_a_thousand_others_does_not_hide() -> None:
    raw = message().raw
    forged = parse(raw[: raw.index(b"\n\n") + 1].replace(b"Ada <ada", b"Eve <eve") + b"X: y\n" * 1000 + raw)

    assert isinstance(forged, Message)
    assert forged.author == Address("Eve", "eve@example.org")
    assert plausible_sender(forged, NOW) == Unproven("its header can be read in two ways")
