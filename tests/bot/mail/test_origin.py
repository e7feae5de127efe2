# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from bot.mail.address import Address
from bot.mail.address_book import AddressBook
from bot.mail.message import Message
from bot.mail.origin import carriers, needs_recipients, original_author, with_original_author
from bot.mail.parse import parse

LIST = "rust@lists.example.org"
MUNGED = f"Ann Example via rust <{LIST}>"
BOOK = AddressBook(
    own=frozenset({"bot@bot.example.org"}),
    lists=frozenset({"kernel@corp.example.org"}),
    bots=frozenset({"robot@example.org"}),
)


def mail(sender: str, *headers: str, body: str = "A patch.", to: str = LIST) -> Message:
    lines = [f"From: {sender}", f"To: {to}", "Subject: [PATCH] rust: a", *headers, "Message-ID: <1@x>", "", body]
    message = parse("\n".join(lines).encode())
    assert isinstance(message, Message)
    return message


def author(*arguments: str, **more: str) -> str:
    author = original_author(mail(*arguments, **more), BOOK)
    return "" if author is None else author.address


@pytest.mark.parametrize(
    "reply_to",
    [
        LIST,
        "robot@example.org",
        "bot@bot.example.org",
        "victim@example.org",
        "a@example.org, b@example.org",
        "people: a@example.org, b@example.org;",
    ],
)
def test_a_genuine_from_stands_whatever_reply_to_and_the_text_say(reply_to: str) -> None:
    more = (f"Reply-To: {reply_to}", "X-Original-From: Eve <eve@example.org>")

    assert author("Ann <ann@example.org>", *more, body="From: Eve <eve@example.org>\n\nA patch.") == "ann@example.org"


@pytest.mark.parametrize(
    "sender",
    [
        MUNGED,
        f"Ann Example <{LIST}>",
        "'Ann Example' via kernel <kernel@corp.example.org>",
        '"Ann Example via B4 Relay" <devnull+ann.example.org@kernel.org>',
        "Ann Example <ann=example.org@lists.example.org>",
        "Ann Example <ann=40example.org@lists.example.org>",
        "Ann Example via odd <odd@odd.example.com>",
    ],
)
@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("Reply-To: Ann Example <ann@example.org>", "A patch."),
        ("X-Original-From: Ann Example <ann@example.org>", "A patch."),
        ("X-Original-Sender: ann@example.org", "A patch."),
        ("Author: Ann Example <ann@example.org>", "A patch."),
        ("X-Nothing: here", "From: Ann Example <ann@example.org>\nDate: today\n\nA patch."),
    ],
)
def test_the_author_behind_a_rewritten_from_is_found(sender: str, header: str, body: str) -> None:
    assert author(sender, header, body=body, to=f"{LIST}, odd@odd.example.com") == "ann@example.org"


@pytest.mark.parametrize(
    ("trailers", "expected"),
    [
        ("Signed-off-by: Ann Example <ann@example.org>", "ann@example.org"),
        ("Signed-off-by: Bo Example <bo@example.org>\nSigned-off-by: Ann Example <ann@example.org>", "ann@example.org"),
        ("Signed-off-by: Bo Example <bo@example.org>", LIST),
        ("Signed-off-by: Ann Example <a@example.org>\nSigned-off-by: Ann Example <b@example.org>", LIST),
        ("Reviewed-by: Ann Example <ann@example.org>", LIST),
        ("---\nSigned-off-by: Ann Example <ann@example.org>", LIST),
    ],
)
def test_the_author_is_else_the_one_who_signed_with_the_name_before_via(trailers: str, expected: str) -> None:
    assert author(MUNGED, body=f"A patch.\n\n{trailers}\n---\n") == expected


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("Ann via rust <ann=example.org@lists.example.org>", "ann@example.org"),
        ("Ann <ann=40example.org@corp.example.org>", "ann@example.org"),
        ("Ann <ann=40example.org@dmarc.lists.example.org>", "ann@example.org"),
        ("Ann <rust-bounces+ann=example.org@lists.example.org>", "rust-bounces+ann=example.org@lists.example.org"),
        ("Ann <ann=40example.org@dmarc.example.com>", "ann=40example.org@dmarc.example.com"),
        ("Ann via rust <ann=example.org@mail.example.com>", "ann=example.org@mail.example.com"),
        ("Ann via rust <ann=example.org@lists.example.com>", "ann=example.org@lists.example.com"),
        ("Ann <ann=example.org@mail.example.com>", "ann=example.org@mail.example.com"),
        ("Ann <ann=40example.org@mail.example.com>", "ann=40example.org@mail.example.com"),
    ],
)
def test_an_address_that_encodes_another_is_decoded_where_a_list_made_it(sender: str, address: str) -> None:
    assert author(sender) == address


@pytest.mark.parametrize(
    ("name", "expected"), [("Ann Example via rust", "Ann Example"), ("'Ann Example' via rust", "Ann Example"), ("", "")]
)
def test_an_author_whose_address_is_decoded_keeps_the_name_without_the_list(name: str, expected: str) -> None:
    author = original_author(mail(f"{name} <ann=example.org@lists.example.org>"), BOOK)

    assert author == Address(expected, "ann@example.org")


def test_the_address_that_from_encodes_goes_before_what_the_sender_asks_for() -> None:
    sender = "Ann via rust <ann=example.org@lists.example.org>"

    assert author(sender, "Reply-To: victim@example.org") == "ann@example.org"


@pytest.mark.parametrize(
    "reply_to",
    [
        "",
        "kernel@corp.example.org",
        f"Ann via rust <{LIST}>",
        "other@lists.example.org",
        "robot@example.org",
        "syzbot+abc@syzkaller.appspotmail.com",
        "bot@bot.example.org",
        "bot+token@bot.example.org",
        "no-reply@example.org",
        "Ann <1+ann@users.noreply.example.org>",
        "a@example.org, b@example.org",
        "a@example.org, undisclosed:;",
        "people: a@example.org;",
        "ann@example.org <eve@example.com>",
    ],
)
def test_what_is_not_plainly_one_person_is_no_author(reply_to: str) -> None:
    assert author(MUNGED, f"Reply-To: {reply_to}") == LIST


@pytest.mark.parametrize("reply_to", [f"Ann <ann@example.org>, {LIST}", f"{LIST}, ann@example.org"])
def test_a_list_beside_the_person_in_reply_to_does_not_matter(reply_to: str) -> None:
    assert author(MUNGED, f"Reply-To: {reply_to}") == "ann@example.org"


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        ("Ann Example <ann@example.org>, Bob <bob@example.org>", "ann@example.org"),
        ("Bob <bob@example.org>", LIST),
        ("Ann Example <ann@example.org>, Ann Example <ann@example.com>", LIST),
    ],
)
def test_the_author_in_cc_is_found_by_name_where_reply_to_is_the_list(copies: str, expected: str) -> None:
    assert author(MUNGED, f"Reply-To: {LIST}", f"Cc: {copies}") == expected


def test_two_headers_name_nobody() -> None:
    assert author(MUNGED, "Reply-To: a@example.org", "Reply-To: b@example.org") == LIST


def test_a_relay_s_user_is_the_one_whom_its_address_names() -> None:
    relay = "Ann via B4 Relay <devnull+ann.example.org@kernel.org>"

    assert author(relay, "Reply-To: victim@example.org", "X-Original-From: Ann <ann@example.org>") == "ann@example.org"
    assert author(relay, "Reply-To: victim@example.org").startswith("devnull+")


def test_a_relay_is_known_by_its_host() -> None:
    relay = "Ann via B4 Relay <devnull+victim.example.org@example.com>"

    assert author(relay, "Reply-To: victim@example.org").startswith("devnull+")


def test_headers_that_name_different_persons_name_nobody() -> None:
    assert author(MUNGED, "Reply-To: victim@example.org", "X-Original-From: ann@example.org") == LIST
    assert author(MUNGED, f"Reply-To: {LIST}", "X-Original-From: ann@example.org") == "ann@example.org"


@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        ("Eve via list <eve@example.com>", ()),
        ("Eve <eve@example.com>", ("List-Id: <eve.example.com>",)),
        ("Eve <eve@example.com>", ("List-Id: <rust.lists.example.org>", "List-Id: <eve.example.com>")),
    ],
)
def test_an_address_that_claims_to_be_the_rewriting_list_is_asked_for_consent(
    sender: str, headers: tuple[str, ...]
) -> None:
    message = mail(sender, "Reply-To: victim@example.org", *headers, to=f"{LIST}, eve@example.com")

    assert "eve@example.com" in with_original_author(message, BOOK).lists


def test_a_relay_is_not_asked_for_consent() -> None:
    message = mail("Ann via B4 Relay <devnull+ann.example.org@kernel.org>", "Reply-To: ann@example.org")

    assert with_original_author(message, BOOK).lists == (LIST,)


def test_a_list_that_only_list_id_names_is_known_by_it() -> None:
    more = ("List-Id: Odd <odd.odd.example.com>", "Reply-To: ann@example.org")

    assert author("Ann <odd@odd.example.com>", *more) == "ann@example.org"


def test_a_name_with_via_does_not_make_a_person_s_address_a_list() -> None:
    assert author("Eve via Mallory <eve@example.org>", "Reply-To: victim@example.org") == "eve@example.org"


def test_the_rewriting_list_still_counts_as_named() -> None:
    message = with_original_author(mail(MUNGED, "Reply-To: ann@example.org", to="ann@example.org"), BOOK)

    assert message.author is not None
    assert (message.author.address, message.lists) == ("ann@example.org", (LIST,))


def test_the_address_of_a_list_for_bounces_stands_for_the_list() -> None:
    sender = "Ann Example via rust <rust-bounces@lists.example.org>"
    message = with_original_author(mail(sender, "Reply-To: ann@example.org"), BOOK)

    assert message.lists == (LIST,)


@pytest.mark.parametrize("address", ["rust-request", "rust-owner", "rust+unsubscribe", "0000a1-dmarc-request"])
def test_an_address_that_list_software_reads_is_no_list(address: str) -> None:
    assert mail("Ann <ann@example.org>", to=f"{LIST}, {address}@lists.example.org").lists == (LIST,)


def test_an_address_that_a_list_makes_for_an_author_is_no_list() -> None:
    message = mail("Ann <0000a1-dmarc-request@lists.example.org>", "Reply-To: ann@example.org")

    assert with_original_author(message, BOOK).lists == (LIST,)


def test_a_person_s_rewritten_address_is_no_list() -> None:
    message = mail("Ann <ann=example.org@lists.example.org>", to=f"{LIST}, b=example.org@lists.example.org")

    assert with_original_author(message, BOOK).lists == (LIST,)


@pytest.mark.parametrize(
    ("sender", "to", "headers", "archive", "came"),
    [
        ("a@example.org", "x@lists.example.org", ("List-Id: <rust.lists.example.org>",), "", (LIST,)),
        ("a@example.org", LIST, ("List-Id: <rust.lists.example.org>", "List-Id: <x.lists.example.org>"), "", ()),
        ("a@example.org", LIST, ("List-Id: <rust.lists.example.org>",) * 2, "", (LIST,)),
        ("a@example.org", f"{LIST}, b@example.org", (), "", (LIST,)),
        ("a@example.org", f"{LIST}, x@lists.example.org", (), "", ()),
        ("a@example.org", f"{LIST}, x@lists.example.org", (), "https://lore.example.org/rust/", (LIST,)),
        ("a@example.org", f"{LIST}, x@lists.example.org", (), "/srv/rust.git", (LIST,)),
        (MUNGED, f"{LIST}, x@lists.example.org", (), "", (LIST,)),
        ("a@example.org", "b@example.org", (), "/srv/rust.git", ()),
        ("a@example.org", "kernel@corp.example.org", (), "", ("kernel@corp.example.org",)),
        ("ann=example.org@lists.example.org", f"{LIST}, b=example.org@lists.example.org", (), "", (LIST,)),
    ],
)
def test_the_lists_that_a_mail_came_through(
    sender: str, to: str, headers: tuple[str, ...], archive: str, came: tuple[str, ...]
) -> None:
    assert carriers(mail(sender, *headers, to=to), BOOK, archive) == came


@pytest.mark.parametrize(
    "sender",
    [
        "Ann <ann@example.org>",
        MUNGED,
        f"Ann Example <{LIST}>",
        '"Ann Example via B4 Relay" <devnull+ann.example.org@kernel.org>',
        "Ann Example <ann=example.org@lists.example.org>",
        "Ann Example via odd <odd@odd.example.com>",
    ],
)
@pytest.mark.parametrize("to", [LIST, "odd@odd.example.com", "ann@lists.example.org, bob@example.org"])
@pytest.mark.parametrize("headers", [(), ("List-Id: <rust.lists.example.org>",), ("List-Id: <a.b>", "List-Id: <b.c>")])
@pytest.mark.parametrize("archive", ["", "odd.git"])
def test_recipients_are_needed_where_they_decide(sender: str, to: str, headers: tuple[str, ...], archive: str) -> None:
    message = mail(sender, "Reply-To: ann@example.org", *headers, to=to)
    without = replace(message, to=(), cc=())

    if not needs_recipients(without):
        assert original_author(without, BOOK) == original_author(message, BOOK)
        assert carriers(without, BOOK, archive) == carriers(message, BOOK, archive)
    assert needs_recipients(without) == (not headers or "via" in sender or "=" in sender)
