# SPDX-License-Identifier: GPL-2.0-or-later
"""The feeds meet the requirements of RFC 4287, whatever the texts of mails and the parameters are."""

from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from starlette.testclient import TestClient

from bot.mail.address import Address
from bot.review.model import Review, ReviewFinding
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from tests.bot.review.factories import Maker
from tests.bot.web.atom_rules import problems
from tests.bot.web.conftest import NOW, Clock, save

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = (
    "/atom",
    "/atom?list=rust-for-linux@lists.example.org",
    "/atom?rule=missing-safety-comment",
    "/atom?for=ada@example.org",
    "/atom?list=rust-for-linux@lists.example.org&rule=missing-safety-section&for=ada@example.org",
    "/atom?list=none@lists.example.org",
    "/atom?for=" + quote('<&>"]]>\x00\x1b\u202e\U0001f980 @x'),
    "/atom?list=%ff%ed%a0%80&for=%0d%0a&other=<x>",
)
HOSTILE = (
    "<script>&amp;]]>",
    "\x00\x1b\x0b\ufffe",
    "\u202e\u200b\U0001f980",
    " ",
    "\ud800".encode("utf-8", "replace").decode(),
)


def _message_id(number: int) -> str:
    return f"{number}\"<>&'%#?/ {{}}|\\^`é@example.org"


@pytest.fixture
def hostile(path: Path, make: Maker) -> TestClient:
    with Repository(path) as store:
        for number, text in enumerate(HOSTILE, 20):
            posting = make.posting(author=Address(text, "ada@example.org"), revision=number)
            message_id = _message_id(number)
            parts = tuple(replace(part, message_id=message_id) for part in posting.parts)
            series = replace(posting.series, subject=text)
            posting = replace(posting, message_id=message_id, parts=parts, series=series, topic=str(number))
            save(store, [posting])
            finding = make.finding(5, path=f"rust/{text}.rs", message=text)
            store.save_review(Review(posting, (ReviewFinding(finding),)), None, NOW)
    return TestClient(create_app(SqliteWebStore(path), Clock(), "https://pages.example.org/", "0"))


@pytest.mark.parametrize("address", FEEDS)
def test_a_feed_meets_every_requirement(hostile: TestClient, address: str) -> None:
    answer = hostile.get(address)

    assert answer.headers["content-type"] == "application/atom+xml"
    assert problems(answer.content) == []


def test_feeds_and_plain_texts_spell_out_what_could_reorder_their_lines(hostile: TestClient) -> None:
    """Unlike a page, they have no element that isolates a text from the rest of its line."""
    feed = hostile.get("/atom").text
    series = f"/series/{quote(_message_id(22), safe='')}.txt"

    for text in (feed, hostile.get(series).text):
        assert "rust/<U+202E><U+200B>\U0001f980.rs" in unescape(text)
        assert {char for char in text if not char.isprintable()} <= {"\n"}


def test_feeds_have_ids_of_their_own_and_link_to_themselves(hostile: TestClient) -> None:
    feeds = [ET.fromstring(hostile.get(address).content) for address in FEEDS]

    assert len({feed.findtext(f"{ATOM}id") for feed in feeds}) == len(FEEDS)
    for feed in feeds:
        links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
        assert links["self"] == feed.findtext(f"{ATOM}id")
    assert len(feeds[0].findall(f"{ATOM}entry")) == 2 + len(HOSTILE)


def test_an_entry_leads_to_the_page_of_its_series(hostile: TestClient) -> None:
    for entry in ET.fromstring(hostile.get("/atom").content).findall(f"{ATOM}entry"):
        address = entry.findtext(f"{ATOM}id") or ""

        assert hostile.get(address.removeprefix("https://pages.example.org")).status_code == 200


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<updated>2026", "<updated>26"),
        ("<id>https://pages.example.org/atom</id>", ""),
        ("<id>https://pages.example.org/atom</id>", "<id>/atom</id>"),
        ("<title>patchwarden</title>", "<title>a</title><title>b</title>"),
        ("<author><name>patchwarden</name></author>", "<author><email>a@b</email></author>"),
        ("<title>patchwarden</title>", "<title><b>a</b></title>"),
        ('type="text/html"', 'type="html"'),
        ("<title>patchwarden</title>", "<title>a</title><summary>b</summary>"),
        ('<content type="text">', '<content type="texts">'),
    ],
)
def test_a_damaged_feed_is_noticed(hostile: TestClient, old: str, new: str) -> None:
    text = hostile.get("/atom").text

    assert old in text
    assert problems(text.replace(old, new, 1).encode()) != []
