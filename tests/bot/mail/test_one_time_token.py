# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.address import Address
from bot.mail.command import Help
from bot.mail.command_reader import Ambiguous, commands, one_time_token
from bot.mail.message import Message
from bot.mail.one_time_token import NUMBER_DIGITS, SERIES_DIGITS, OneTimeToken, read_token, series_token
from bot.mail.parse import parse

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = OneTimeToken("a1" * 12, NOW.date(), "0f" * 8)
TOKENS = st.builds(
    OneTimeToken,
    st.text("0123456789abcdef", min_size=SERIES_DIGITS, max_size=SERIES_DIGITS),
    st.dates(min_value=date(1000, 1, 1)),
    st.text("0123456789abcdef", min_size=NUMBER_DIGITS, max_size=NUMBER_DIGITS),
)


def message(body: str) -> Message:
    parsed = parse(f"From: ada@example.org\nMessage-ID: <1@example.org>\n\n{body}".encode())
    assert isinstance(parsed, Message)
    return parsed


@given(TOKENS)
def test_a_token_is_read_as_it_is_written(token: OneTimeToken) -> None:
    assert read_token(str(token)) == read_token(str(token).upper()) == token
    assert len(f"patchwarden: token {token}") < 72  # Mailers wrap longer lines.


@given(st.text() | st.from_regex(r"[0-9a-f]{24}-[0-9]{8}-[0-9a-f]{16}") | TOKENS.map(lambda token: f"{token} "))
def test_what_is_read_is_a_token_and_nothing_else(text: str) -> None:
    token = read_token(text)

    assert token is None or str(token) == text.lower()


@given(TOKENS.map(str), st.integers(min_value=0, max_value=49), st.characters())
def test_a_changed_token_is_another_or_none(text: str, place: int, character: str) -> None:
    changed = text[:place] + character + text[place + 1 :]

    assert read_token(changed) != read_token(text) or changed.lower() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        str(TOKEN)[:-1],
        f"{TOKEN}0",
        str(TOKEN).replace("20260302", "20260231"),
        str(TOKEN).replace("-", "", 1),
        str(TOKEN).replace("20260302", "\u0662\u0660260302"),
        str(TOKEN).replace("20260302", "2026W103"),
    ],
)
def test_what_is_nearly_a_token_is_none(text: str) -> None:
    assert read_token(text) is None


@pytest.mark.parametrize(
    ("days", "is_current"), [(-2, False), (-1, True), (0, True), (7, True), (8, False), (-700, False)]
)
def test_a_token_is_current_for_seven_days(days: int, is_current: bool) -> None:
    assert TOKEN.is_current(NOW + timedelta(days=days)) is is_current


def test_each_person_uses_up_a_token_for_themselves() -> None:
    ada, upper, bob = Address("", "ada@example.org"), Address("Ada", "ADA@example.org"), Address("", "bob@example.org")

    assert TOKEN.key(ada) == TOKEN.key(upper) != TOKEN.key(bob)
    assert TOKEN.key(ada) != OneTimeToken(TOKEN.series, date(2026, 3, 1), TOKEN.number).key(ada)


@pytest.mark.parametrize(
    ("address", "token"),
    [
        (f"bot+{TOKEN.series}@bot.example.org", TOKEN.series),
        (f"Bot+{TOKEN.series.upper()}@bot.example.org", TOKEN.series),
        ("bot@bot.example.org", ""),
        (f"bot+{TOKEN.series}0@bot.example.org", ""),
        (f"bot+{TOKEN.series}@a@b", ""),
        ("person@example.org", ""),
    ],
)
def test_the_series_is_read_from_its_address(address: str, token: str) -> None:
    assert series_token(address) == token


def test_a_token_is_no_command() -> None:
    mail = message(f"patchwarden: help\nPatchwarden: Token {str(TOKEN).upper()} \n")

    assert commands(mail) == (Help(),)
    assert one_time_token(mail) == TOKEN
    assert commands(message(f"patchwarden: token {TOKEN}\n")) == ()
    assert one_time_token(message("patchwarden: help\n")) is None


@pytest.mark.parametrize(
    "lines",
    [["token"], ["token x"], [f"token {TOKEN}", "token x"], [f"token {TOKEN}", f"token {TOKEN}".replace("f", "e")]],
)
def test_a_mail_with_a_wrong_token_is_not_understood(lines: list[str]) -> None:
    body = "".join(f"patchwarden: {line}\n" for line in ["help", *lines])

    assert isinstance(commands(message(body)), Ambiguous)
