# SPDX-License-Identifier: GPL-2.0-or-later
"""Odd and hostile mails from their bytes to the pages: a browser shows their texts as they are, and runs nothing."""

import json
import re
from collections.abc import Iterator
from email.charset import BASE64, Charset
from email.header import Header
from threading import Event
from typing import Any
from urllib.request import urlopen
from xml.etree import ElementTree as ET

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.review.render.text import visible
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from bot.web.text import plain
from rules.registry import active
from tests.bot.inbox.test_oddities import CASES
from tests.bot.web.atom_rules import problems
from tests.bot.web.conftest import Clock
from tests.bot.web.servers import running
from tests.fakes.mails import FakeArchive, patch
from tests.fakes.origin import FakeClock

_ID = re.compile(rb"<([a-z0-9]+)@x")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></pre></bdi></style><svg/onload=alert(1)>",
    "{{7*7}}{%raw%}&lt;b&gt;&amp;&#0;",
    "javascript:alert(1)//'`",
    "]]>--><!--<![CDATA[<plaintext>",
    "\u202egnp.exe\u202c\u2066\u200b\ufeff\u0301\U0001f980",
)


def _odd() -> Iterator[bytes]:
    """Yield the mails of every case, with message-ids of their own."""
    for number, (mails, _) in enumerate(CASES.values()):
        for content in mails:
            yield _ID.sub(rb"<\1.%d@x" % number, content)


def _hostile() -> Iterator[bytes]:
    """Yield patches with each text as the subject, the author, a path, a comment and code."""
    charset = Charset("utf-8")  # b4 changes the process-wide charset: once it is loaded, headers would not be encoded.
    charset.header_encoding = BASE64
    for number, text in enumerate(HOSTILE):
        word = text.replace("/", "\u2215")
        head, _, body = patch(f"h{number}@x", word).decode().partition("\n\n")
        subject = Header(f"[PATCH] rust: {text}", charset, maxlinelen=10_000).encode()
        author = Header(text, charset).encode()
        lines = [line for line in head.split("\n") if not line.startswith(("Subject:", "From:"))]
        head = "\n".join([f"Subject: {subject}", f"From: {author} <ada@example.org>", *lines])
        body = body.replace("*address }", f"*address }} // {text}").replace("Read it.", f"Read {text} it.")
        yield f"{head}\nContent-Type: text/plain; charset=utf-8\n\n{body}".encode()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("odd") / "d.db"
    mails = [*_odd(), *_hostile()]
    with Repository(path) as store:
        PollJob([FakeArchive(mails)], store, assemble, Event(), Silent()).run()
        context = ReviewContext(active())
        ReviewJob(store, Analyser(), context, FakeClock(), Event(), Silent()).run()
    with running(create_app(SqliteWebStore(path), Clock(), "", "0")) as base:
        yield base


def _json(address: str) -> Any:
    with urlopen(address) as answer:
        return json.load(answer)


def _series(address: str) -> list[dict[str, Any]]:
    series: list[dict[str, Any]] = []
    following = "?"
    while following:
        page = _json(f"{address}/api/series{following}")
        series += page["series"]
        following = page["next"]
    return series


def _seen(text: str) -> str:
    """Return a text as a reader sees it."""
    return " ".join(plain(text).split())


def test_a_browser_shows_every_text_as_it_is(address: str, browser: Any) -> None:
    all_series = _series(address)
    assert len(all_series) > 80
    asked: list[str] = []
    ran: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    page.on("console", lambda message: ran.append(message.text))
    shown = 0
    for series in all_series:
        details = _json(f"{address}/api{series['path']}")
        page.goto(f"{address}{series['path']}")
        assert _seen(page.locator("h1").text_content()) == _seen(series["subject"])
        author = _seen(series["author"]) or "unknown author"
        assert _seen(page.locator("p.lead bdi").first.text_content()) == author
        findings = [finding for finding in details["findings"] if finding["state"] != "resolved"]
        articles = page.locator("article.finding")
        assert articles.count() == len(findings)
        texts = _seen(" ".join(articles.all_text_contents()))
        for finding in findings:
            shown += 1
            # The hunk is that of the mail, in which no character is invisible.
            assert _seen(visible(finding["text"])) in texts
            assert _seen(f"{finding['path']}:{finding['line']}") in texts
            assert _seen(finding["message"].replace("`", "")) in texts
    for path in ("/", "/queue", "/bindings", "/stats", "/rules/missing-safety-comment"):
        page.goto(f"{address}{path}")
    listed = _seen(" ".join(page.locator("aside bdi").all_text_contents()))
    page.close()

    assert shown >= len(HOSTILE)
    assert any(_seen(text) in listed for text in HOSTILE)
    assert ran == []
    assert [url for url in asked if not url.startswith(f"{address}/")] == []


def test_hostile_texts_reach_the_pages(address: str) -> None:
    """Nothing loses the texts on the way to what the test above compares. Headers lose invisible characters."""
    for number, text in enumerate(HOSTILE):
        details = _json(f"{address}/api/series/h{number}@x")

        assert _seen(text) in _seen(details["findings"][0]["text"])


def test_every_text_is_in_the_feed_as_it_is(address: str) -> None:
    with urlopen(f"{address}/atom") as answer:
        content = answer.read()
    titles = [title.text or "" for title in ET.fromstring(content).iter("{http://www.w3.org/2005/Atom}title")]

    assert problems(content) == []
    reviewed = [series for series in _series(address) if series["findings"]][:40]
    assert [_seen(title) for title in titles[1:]] == [
        _seen(f"{series['subject']} (v{series['revision']})") for series in reviewed
    ]
