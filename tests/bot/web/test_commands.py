# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of the commands by mail: it offers what is obeyed, and changes nothing."""

import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import time_machine
from starlette.testclient import TestClient

from bot.mail.authority import token_names_series
from bot.mail.command import Mute
from bot.mail.command_reader import commands, one_time_token
from bot.mail.message import Message
from bot.mail.outgoing import Outgoing
from bot.mail.parse import parse
from bot.review.model import Review, ReviewFinding
from bot.store.repository import Repository
from bot.store.tables import metadata
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from tests.bot.review.factories import Maker
from tests.bot.web.conftest import CONTENT, NOW, Clock, fill, save
from tests.fakes.commanding import ADA, CHIEF, OTHER, OWN, PATCH, RULE, SECRET, Harness
from tests.fakes.signing import SIGNED, Developer
from tests.fakes.stored import opened

PAGE = "/commands/v2.0@example.org"


def mails(page: str) -> dict[str, tuple[str, Mapping[str, str]]]:
    """The address and the fields of the mail that each command of the page offers."""
    links = re.findall(r'<a href="(mailto:[^"]*)"[^>]*aria-label="Write the mail: ([^"]*)"', page)
    parts = ((unescape(words), urlsplit(unescape(link))) for link, words in links)
    return {words: (unquote(link.path), dict(parse_qsl(link.query, strict_parsing=True))) for words, link in parts}


def rows(path: Path) -> list[object]:
    """All rows of the database."""
    with opened(path) as connection:
        return [connection.execute(f"SELECT * FROM {table.name}").fetchall() for table in metadata.sorted_tables]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "patchwarden.db"


@pytest.fixture
def client(path: Path) -> TestClient:
    return TestClient(create_app(SqliteWebStore(path), Clock(), "", "0"))


def test_the_page_offers_a_mail_for_each_command(client: TestClient, path: Path) -> None:
    fill(path)
    offered = mails(client.get(PAGE).text)

    assert list(offered) == [
        *("recheck", "mute series", "mute author", "mute list", "help"),
        *(
            f"{verb} {rule}"
            for rule in (RULE, "missing-safety-section")
            for verb in ("not-applicable", "fixed", "explain")
        ),
    ]
    for words, (to, fields) in offered.items():
        assert to == "bot+0123456789abcdef01234567@bot.example.org"
        assert set(fields) == {"subject", "In-Reply-To", "body"}
        assert fields["In-Reply-To"] == "<our@bot.example.org>"
        assert fields["body"].startswith(
            f"patchwarden: {words}\r\npatchwarden: token 0123456789abcdef01234567-20260303-"
        )


def test_the_page_says_what_a_command_would_do(client: TestClient, path: Path) -> None:
    fill(path)
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", client.get(PAGE).text)).split())

    assert f"2 findings of {RULE} would not be reported again in any revision." in text
    assert "1 finding of missing-safety-section would count as fixed in the next revision." in text
    assert "No more mails about any revision of this series. 1 mail that did not leave yet would be with" in text
    assert "secret-" not in text


def test_each_view_has_tokens_of_its_own_and_changes_nothing(client: TestClient, path: Path) -> None:
    fill(path)
    before = rows(path)
    pages = [client.get(PAGE).text for _ in range(2)]
    bodies = [fields["body"] for page in pages for _, fields in mails(page).values()]

    assert len({re.search(r"token (\S+)", body)[1] for body in bodies}) == len(bodies) > 10  # type: ignore[index]
    assert client.head(PAGE).status_code == 200
    assert {client.request(method, PAGE).status_code for method in ("POST", "PUT", "DELETE", "PATCH")} == {405}
    assert rows(path) == before


def test_the_page_of_a_series_leads_to_it(client: TestClient, path: Path) -> None:
    fill(path)

    assert f'href="{PAGE}"' in client.get("/series/v2.0@example.org").text
    assert "/commands/" not in client.get("/series/v1.0@example.org").text


def test_a_phone_shows_the_mail_of_each_command_without_scrolling(client: TestClient, path: Path) -> None:
    fill(path)
    page = client.get(PAGE).text

    assert '<table class="cards">' in page
    assert page.count(">Write the mail</a>") == len(mails(page))


def test_a_series_without_an_address_has_no_commands(client: TestClient, path: Path) -> None:
    fill(path)
    page = client.get("/commands/v1.0@example.org").text

    assert mails(page) == {}
    assert "none of our mails about it names an address" in page


@pytest.mark.parametrize("message_id", ["unknown@example.org", "%0d%0aSet-Cookie:x", "", "..%2f..%2fetc"])
def test_an_unknown_series_is_not_found(client: TestClient, path: Path, message_id: str) -> None:
    fill(path)
    response = client.get(f"/commands/{message_id}")

    assert (response.status_code, "set-cookie" in response.headers) == (404, False)


@pytest.mark.parametrize(
    "subject", ['x" onclick="alert(1)', "a&body=patchwarden: mute list", "a?b#c%0Ad\r\nBcc: e@x", "\u202e" * 300]
)
def test_a_hostile_subject_stays_in_its_field(client: TestClient, path: Path, subject: str) -> None:
    make = Maker()
    posting = make.posting()
    part = replace(posting.parts[0], subject=subject)
    posting = replace(posting, parts=(part,), series=replace(posting.series, subject=subject))
    with Repository(path) as store:
        save(store, [posting])
        outgoing = Outgoing("our@bot.example.org", posting.message_id, "review", "b@x", ("r@x",), CONTENT, NOW)
        store.save_review(Review(posting, (ReviewFinding(make.finding(5)),)), outgoing, NOW)
    page = client.get(f"/commands/{posting.message_id}").text

    for words, (to, fields) in mails(page).items():
        assert to == "bot+0123456789abcdef01234567@bot.example.org"
        assert set(fields) == {"subject", "In-Reply-To", "body"}
        assert fields["body"].startswith(f"patchwarden: {words}\r\n")
        assert fields["subject"].isprintable()
        assert len(fields["subject"]) <= 204
    assert ' onclick="' not in page


def test_what_the_page_offers_is_obeyed_once_if_it_is_signed(path: Path, tmp_path: Path) -> None:
    """From the page over the mail to the effect: with a developer signature, and with DKIM as kernel.org signs."""
    with Repository(path) as store:
        harness = Harness(store, keyring=tmp_path / "keyring")
        client = TestClient(create_app(SqliteWebStore(path), harness.clock, "", "0"))
        chief = Developer(CHIEF, tmp_path / "chief")
        chief.publish(tmp_path / "keyring")
        page = mails(client.get(f"/commands/{PATCH}").text)
        to, fields = page["mute series"]
        changes = {"To": to, "Subject": fields["subject"], "In-Reply-To": fields["In-Reply-To"], "References": ""}
        mail = harness.mail(fields["body"].replace("\r\n", "\n"), **changes)
        unsigned = mail.replace(b"<command.1@", b"<unsigned@")
        by_chief = chief.sign(mail.replace(ADA.encode(), CHIEF.encode()).replace(b"Ada", b"Chief"), harness.clock.now())
        by_ada = harness.sign(mail, headers=[name for name in SIGNED if name != b"message-id"])

        parsed = parse(mail)
        assert isinstance(parsed, Message)
        token = one_time_token(parsed)
        assert token is not None
        assert commands(parsed) == (Mute(),)
        assert token_names_series(token, SECRET, harness.topic())
        assert not token_names_series(token, SECRET, harness.topic(OTHER))
        outcomes = [result.outcome for result in harness.receive(unsigned, by_chief, by_ada)]
        assert outcomes == ["no signature", "mute series", "mute series"]
        with time_machine.travel(harness.clock.now(), tick=False):
            again = [by_chief.replace(b"<command.1@", b"<again@"), by_ada.replace(b"<command.1@", b"<again@")]
        assert [result.outcome for result in harness.receive(*again)] == ["processed before", "processed before"]
        assert OWN not in {mute.by for mute in store.mutes()}
