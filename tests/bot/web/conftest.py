# SPDX-License-Identifier: GPL-2.0-or-later
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.debt.counts import Counts
from bot.debt.report import Ref, as_json, build_report
from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.posting_codec import EncodedPosting
from bot.mail.state import MailState
from bot.ports.mails import ParsedMail
from bot.ports.raw_mail import Batch
from bot.review.model import Basis, FindingState, Recipients, Review, ReviewFinding
from bot.store.debt import debt_path
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from rules.finding import Evidence, LogAnchor, Severity
from tests.bot.review.factories import AUTHOR, Maker
from tests.fakes.mails import mail, raw
from tests.fakes.postgres import server
from tests.fakes.stored import opened
from tests.npm import npm_package

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
RECIPIENT, BOUNCE = "secret-recipient@example.org", "bounces+token@bot.example.org"
CONTENT = b"""From: patchwarden <patchwarden@bot.example.org>
To: Someone <secret-recipient@example.org>
Cc: other <secret-copy@example.org>
Reply-To: bot+0123456789abcdef01234567@bot.example.org, person@bot.example.org
Subject: Re: [PATCH] rust: led
Message-ID: <our@bot.example.org>
In-Reply-To: <v2.0@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

1 bug in this patch.

From here on it is wrong.
"""

CHROMIUM = shutil.which("chromium")


class Clock:
    def now(self) -> datetime:
        return NOW


def save(store: Repository, postings: Sequence[Posting]) -> None:
    """Store the postings, with a mail for each part, as one thread."""
    parts = [part.message_id for posting in postings for part in posting.parts]
    store.ingest(Batch("l", "0", str(parts), tuple(raw(mail(name), n) for n, name in enumerate(parts))))
    parsed = zip(store.unparsed(999), parts, strict=True)
    store.index([ParsedMail(stored.id, name, (parts[0],), "d") for stored, name in parsed], [])
    (thread,) = store.unassembled(10)
    store.save_threads([(thread, list(map(EncodedPosting.of, postings)))])


def fill(path: Path) -> None:
    """Write two reviewed revisions: a resolved, a repeated, a new and a withheld finding."""
    make = Maker()
    fixed, repeated = make.finding(5, severity=Severity.BUG), make.finding(9)
    new = make.finding(12, rule="missing-safety-section", message="`f` has no section.\nAdd one.")
    reference = (Evidence("rust/kernel/a.rs:3", ("/// # Safety", "///")),)
    in_log = replace(make.finding(1, severity=Severity.NIT), anchor=LogAnchor(1, 2, "a typo"), evidence=reference)
    first, second = make.posting(cover=True), make.posting(cover=True, revision=2)
    with Repository(path) as store:
        save(store, [first, second])
        store.save_review(Review(first, (ReviewFinding(fixed), ReviewFinding(repeated))), None, NOW)
        review = Review(
            second,
            (
                ReviewFinding(repeated, FindingState.REPEATED, mailed_before=1),
                ReviewFinding(new),
                ReviewFinding(in_log, withheld="muted (series) by secret-muter@example.org"),
                ReviewFinding(fixed, FindingState.RESOLVED, "resolved since the previous revision", 1),
            ),
            recipients=Recipients((AUTHOR,)),
            unsafe_delta="1 block added",
            basis=Basis(base="linus v7.3, because the series names it"),
        )
        outgoing = Outgoing(
            *("our@bot.example.org", second.message_id, "review", BOUNCE, (RECIPIENT,), CONTENT, NOW),
            state=MailState.QUEUED,
            reason="550 <secret-recipient@example.org> is unknown",
        )
        store.save_review(review, outgoing, NOW)
    with opened(path) as connection:
        connection.execute(
            "INSERT INTO disposition VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(second.topic, repeated.fingerprint, "secret-disputer@example.org", repeated.rule, "not-applicable"),
                *("it is fine", "reply@example.org", "2026-03-03 12:00:00.000000"),
            ),
        )


def fill_debt(path: Path) -> None:
    """Publish the debt of two refs for the pages of a database."""
    old = {"LEDS": Counts(2, 10, 1, requirements=4, addressed=1), "IDLE": Counts(1)}
    new = {
        "LEDS": Counts(3, 1200, 1, 2, 1, undocumented=5, placeholders=3, bindings=2, requirements=8, addressed=4),
        "GPU DRIVERS (of a long name, which takes more than the width of a phone)": Counts(1, 7),
        "IDLE": Counts(1),
    }
    report = build_report("linux.git", (Ref("v6.12", "1" * 40), Ref("v7.3", "2" * 40)), [old, new])
    debt_path(path).write_text(as_json(report))


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("web") / "d.db"
    fill(path)
    return path


@cache
def _filled_on_server(path: Path) -> Path:
    """Fill the database of the server that stands for the file, once in a session."""
    fill(path)
    return path


@pytest.fixture
def path(filled: Path, tmp_path: Path, database_kind: str) -> Path:
    """A database with two revisions of a series."""
    if database_kind == "postgresql":
        server().copy(_filled_on_server(filled), tmp_path / "d.db")
        return tmp_path / "d.db"
    return Path(shutil.copy(filled, tmp_path / "d.db"))


@pytest.fixture
def client(path: Path) -> TestClient:
    return TestClient(create_app(SqliteWebStore(path), Clock(), "", "0.1.0"))


Get = Callable[[str], str]


@pytest.fixture
def get(client: TestClient) -> Get:
    """Return the text of a page that must exist."""

    def fetch(address: str) -> str:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    return fetch


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser without windows."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian's chromium)")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    return (npm_package("axe-core") / "axe.min.js").read_text()
