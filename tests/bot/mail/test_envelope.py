# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.mail.address import is_plain
from bot.mail.envelope import MAX_TOKENS, TOKEN_LENGTH, bounce_token, envelope_sender, is_authentic, received_tokens
from bot.mail.message import Message
from bot.mail.parse import parse

KEY = b"k" * 32
ID = "0123456789abcdef@bot.example.org"
TO = ("a@example.org", "b@example.org")
ADDRESS = "bounces+{token}@bot.example.org"
TOKEN = bounce_token(KEY, ID, TO)
SENDER = envelope_sender(ADDRESS, KEY, ID, TO)


def _tokens(header: str, address: str = ADDRESS) -> tuple[str, ...]:
    message = parse(f"From: <>\n{header}\nSubject: x\n\nbody\n".encode())
    assert isinstance(message, Message)
    return received_tokens(message, address)


def test_the_sender_is_a_plain_address_whose_token_survives_any_mail_system() -> None:
    assert SENDER == f"bounces+{TOKEN}@bot.example.org"
    assert (len(TOKEN), TOKEN.lower(), is_plain(SENDER)) == (TOKEN_LENGTH, TOKEN, True)
    assert envelope_sender("bounces@bot.example.org", KEY, ID, TO) == "bounces@bot.example.org"


def test_the_token_is_of_one_mail_to_its_recipients_in_any_order_and_case() -> None:
    assert bounce_token(KEY, ID, ("B@example.org", "A@Example.org")) == TOKEN
    others = {
        bounce_token(b"j" * 32, ID, TO),
        bounce_token(KEY, "1" + ID[1:], TO),
        bounce_token(KEY, ID, TO[:1]),
        bounce_token(KEY, ID, (*TO, "c@example.org")),
    }

    assert len(others - {TOKEN}) == 4


@pytest.mark.parametrize(
    "header",
    [
        f"To: {SENDER}",
        f"To: <{SENDER.upper()}>",
        f'To: Somebody <x@example.org>, "us" <{SENDER}>',
        f"Delivered-To: {SENDER}",
        f"X-Original-To: {SENDER}\nDelivered-To: maildir@host.example.org",
        f"envelope-to: {SENDER}",
    ],
)
def test_the_token_is_found_wherever_a_mail_system_notes_the_recipient(header: str) -> None:
    assert _tokens(header) == (TOKEN,)
    assert is_authentic(_tokens(header), KEY, ID, TO)


@pytest.mark.parametrize(
    "header",
    [
        f"Cc: {SENDER}",
        f"X-Note: {SENDER}",
        f"To: x{SENDER}",
        f"To: {SENDER}.example.com",
        f"To: {SENDER.replace('+', '-')}",
        f"To: {SENDER.replace(TOKEN, TOKEN + 'a')}",
        f"To: {SENDER.replace(TOKEN, TOKEN[1:])}",
        "To: bounces+@bot.example.org",
        "To: bounces+{token}@bot.example.org",
        f"To: bounces+{'1' * TOKEN_LENGTH}@bot.example.org",
        f"To: bounces+{chr(0x17F) * TOKEN_LENGTH}@bot.example.org",
    ],
)
def test_elsewhere_there_is_no_token(header: str) -> None:
    assert _tokens(header) == ()


def test_without_a_place_for_it_there_is_no_token() -> None:
    assert _tokens(f"To: {SENDER}", "bounces@bot.example.org") == ()
    assert _tokens(f"To: {SENDER}", "") == ()
    assert not is_authentic((), KEY, ID, TO)


def test_of_many_tokens_only_the_first_ones_are_tried() -> None:
    guesses = ", ".join(SENDER.replace(TOKEN, bounce_token(KEY, f"{n}", TO)) for n in range(500))

    assert len(_tokens(f"To: {guesses}")) == MAX_TOKENS
