# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.address import Address, format_address, parse_address, parse_addresses, parse_mailboxes
from tests.growth import assert_linear, repeated

PLAIN = {
    "ada@example.org": Address("", "ada@example.org"),
    "<ada@example.org>": Address("", "ada@example.org"),
    "Ada Quill <ada@example.org>": Address("Ada Quill", "ada@example.org"),
    '"Quill, Ada" <ada@example.org>': Address("Quill, Ada", "ada@example.org"),
    '"Ada \\"A\\" Quill" <ada@example.org>': Address('Ada "A" Quill', "ada@example.org"),
    "Ada Q. Quill (Example Inc) <ada@example.org>": Address("Ada Q. Quill", "ada@example.org"),
    "ada@example.org (Ada Quill)": Address("Ada Quill", "ada@example.org"),
    "=?utf-8?q?B=C3=A9la?= <bela@example.org>": Address("Béla", "bela@example.org"),
    "=?utf-8?b?QsOpbGE=?= <bela@example.org>": Address("Béla", "bela@example.org"),
    "Ada\n Quill\t<ada@example.org>": Address("Ada Quill", "ada@example.org"),
    '"ada@example.org" <ada@example.org>': Address("", "ada@example.org"),
    '"ada >> \\"ada@example.org\\"" <ada@example.org>': Address("", "ada@example.org"),
    "ada@example.org (open list:THING (and more), really)": Address(
        "open list:THING (and more), really", "ada@example.org"
    ),
    "devnull+ada.example.org@example.org": Address("", "devnull+ada.example.org@example.org"),
    "ada@example.org,": Address("", "ada@example.org"),
}

DISGUISED = [
    "alice@example.org <evil@example.net>",
    '"alice@example.org" <evil@example.net>',
    "=?utf-8?q?alice=40example=2Eorg?= <evil@example.net>",
    "evil@example.net (alice@example.org)",
    "<alice@example.org> <evil@example.net>",
    "alice@example.org, evil@example.net",
    "Alice <alice@example.org> evil",
    "alice@example.org@example.net",
    "alice @example.org",
    '"alice"@example.org',
    "alice@[127.0.0.1]",
    "unlisted-recipients:; (no To-header on input)",
    "friends: alice@example.org, bob@example.org;",
    "alice",
    "@example.org",
    "alice@",
    "",
    "(" * 5000,
    '"alice <alice@example.org>',
    "al\x00ice@example.org",
    "аlice@example.org",  # noqa: RUF001 a Cyrillic letter is the point
]


@pytest.mark.parametrize("value", PLAIN)
def test_a_plain_mailbox_is_read(value: str) -> None:
    assert PLAIN[value] == parse_address(value)


@pytest.mark.parametrize("value", DISGUISED)
def test_what_is_not_plainly_one_mailbox_is_none(value: str) -> None:
    assert parse_address(value) is None


def test_a_list_keeps_what_is_plain_and_drops_the_rest() -> None:
    value = (
        "Ada <ada@example.org>, Quill, Bela <bela@example.org>, x: a@example.org, b@example.org;, (odd, c@example.org"
    )

    assert ["ada@example.org", "bela@example.org"] == [address.address for address in parse_addresses(value)]


@pytest.mark.parametrize("filler", ["(", '"', '",', ",", "a,", "<", "a@", "\\", " ", ":,", ";", "(,", '"<', "=?a?q?"])
def test_a_header_is_read_in_linear_time(filler: str) -> None:
    assert_linear(repeated(filler), parse_addresses, 50_000)


@given(st.text(alphabet='ab@.<>"(),;:\\ =?\n\u202e\xe9', max_size=60))
def test_whatever_is_read_can_be_written_and_read_again(value: str) -> None:
    for address in parse_addresses(value):
        assert address.address.count("@") == 1
        assert parse_address(format_address(address)) == address


@given(st.text(max_size=40))
def test_no_name_breaks_out_of_the_header(name: str) -> None:
    written = format_address(Address(name, "ada@example.org"))

    assert written.endswith(("ada@example.org", "<ada@example.org>"))
    assert not set(written) & set("\r\n\0\x1b\u202e")


def test_only_an_address_can_be_written() -> None:
    with pytest.raises(ValueError, match="not an address"):
        format_address(Address("Ada", "ada@example.org>\nBcc: x@example.org"))


def test_two_spellings_have_one_key() -> None:
    assert Address("", "Ada@Example.org").key == Address("A", "ada@example.ORG").key


_PIECES = st.sampled_from(
    [*'<>@,.-+ "();:\\\n\t=', "Ada", "é", "a@b.org", "<ada@example.org>", "-x", ".", "9", "a" * 127]
)


@given(st.lists(_PIECES, max_size=12))
def test_usual_mailboxes_are_read_as_the_expression_reads_them(pieces: list[str]) -> None:
    value = "".join(pieces)
    parse_addresses.cache_clear()
    read = parse_addresses(value), parse_mailboxes(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.mail.address._read_usual", lambda _: None)
        parse_addresses.cache_clear()
        expected = parse_addresses(value), parse_mailboxes(value)
    parse_addresses.cache_clear()

    assert read == expected
