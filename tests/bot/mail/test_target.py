# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.mail.target import MAX_ID, target

ID = "20260301120000.1-2-author@example.org"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"<{ID}>",
        f"  <{ID}>\n",
        f"https://lore.kernel.org/rust-for-linux/{ID}/",
        f"https://lore.kernel.org/rust-for-linux/{ID}",
        f"https://lore.kernel.org/all/{ID}/raw",
        f"https://lore.kernel.org/all/{ID}/T/#u",
        f"https://lore.kernel.org/all/{ID}/t.mbox.gz",
        f"https://lore.kernel.org/all/{ID.replace('@', '%40')}/",
        f"https://lore.kernel.org/r/{ID}",
        f"https://lore.kernel.org/{ID}/T/",
        f"https://patch.msgid.link/{ID}",
        f"https://lkml.kernel.org/r/{ID}",
        f"http://127.0.0.1:8080/some-list/{ID}/?x=t#r",
    ],
)
def test_a_mail_is_found_by_its_id_or_its_address(text: str) -> None:
    assert target(text) == ID


@pytest.mark.parametrize(("length", "is_found"), [(MAX_ID, True), (MAX_ID + 1, False)])
def test_an_id_has_a_longest_length(length: int, is_found: bool) -> None:
    text = f"{'a' * (length - len('@example.org'))}@example.org"

    assert target(text) == (text if is_found else None)


def test_a_slash_in_an_id_is_kept_when_the_address_quotes_it() -> None:
    assert target("https://lore.kernel.org/all/a%2Fb@example.org/") == "a/b@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "no-at-sign",
        "two words@example.org",
        "a@b\r\nBcc: c@example.org",
        "a@b@c d",
        "<a@b",
        "a@b>",
        '"quoted"@example.org',
        "../../etc/passwd@example.org",
        "a@" + "x" * 300,
        "é@example.org",
        "a\x00@example.org",
        "https://lore.kernel.org/",
        "https://lore.kernel.org/rust-for-linux/",
        f"https://lore.kernel.org/rust-for-linux/{ID}/other/thing",
        f"https://lore.kernel.org/rust-for-linux/{ID}/s",
        "https://lore.kernel.org/all/%2e%2e%2fx@example.org/",
        "https://lore.kernel.org/all/a%0d%0ab@example.org/",
        "https://[broken/all/a@example.org",
        f"ftp://lore.kernel.org/all/{ID}/",
        f"file:///all/{ID}",
    ],
)
def test_what_names_no_mail_is_refused(text: str) -> None:
    assert target(text) is None
