# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of a series: its findings in each revision, and what it says of series that are not reviewed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bot.mail.posting import Defective, Posting, State, Waiting
from bot.mail.refusal import refuse_repeat
from bot.review.baseline import compare
from bot.review.model import Review, ReviewFinding
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from rules.finding import Finding, Report, Severity
from tests.bot.review.factories import Maker
from tests.bot.web.conftest import NOW, Clock, save

SERIES = "/series/v1.1@example.org"


@pytest.fixture
def store(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "d.db")


@pytest.fixture
def client(store: Repository, tmp_path: Path) -> TestClient:
    return TestClient(create_app(SqliteWebStore(tmp_path / "d.db"), Clock(), "", "0"))


def _review_all(store: Repository, make: Maker, revisions: Sequence[Sequence[Finding]]) -> None:
    """Store a series of these findings, each revision compared with the one before it."""
    postings = [_sent(make.posting(revision=number), number) for number in range(1, len(revisions) + 1)]
    save(store, postings)
    previous: Review | None = None
    for posting, findings in zip(postings, revisions, strict=True):
        previous = Review(posting, compare(Report(tuple(findings)), previous))
        store.save_review(previous, None, NOW)


def _sent(posting: Posting, days: int) -> Posting:
    """Return the posting as if it was sent that number of days later."""
    assert posting.date is not None
    return replace(posting, date=posting.date + timedelta(days=days))


def _compared(text: str) -> list[list[str]]:
    """Return the cells of the comparison, without tags."""
    table = text[text.index('<h2 id="compared">') :]
    rows = re.findall(r"<tr>(<th scope=\"row\".*?)</tr>", table, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(unescape(re.sub(r"<[^>]*>", " ", cell)).split()) for cell in row] for row in cells]


def test_each_finding_is_a_row_with_its_line_in_each_revision(client: TestClient, store: Repository) -> None:
    """An edited finding is one row, two findings with the same fingerprint are two."""
    make = Maker()
    first, moved = make.finding(5, scope="fn f"), make.finding(9, scope="fn g")
    edited = replace(make.finding(10, scope="fn g"), message="`g` is edited.")
    later = replace(first, anchor=replace(first.anchor, line=7))
    again = replace(first, anchor=replace(first.anchor, line=30))
    _review_all(store, make, [[first, moved], [later, again, edited], [later, edited]])
    place = "warning missing-safety-comment rust/kernel/led.rs"

    assert moved.fingerprint != edited.fingerprint
    assert _compared(client.get(SERIES).text) == [
        [place, "new :5", "repeated :7", "repeated :7"],
        [place, "new :9", "moved :10", "repeated :10"],
        [place, "\u2013", "new :30", "resolved"],
    ]
    details = client.get("/api/series/v2.1@example.org").json()
    assert [row["states"][1] for row in details["compared"]] == ["repeated", "moved", "new"]
    assert [row["places"][1] for row in details["compared"]] == [f"rust/kernel/led.rs:{line}" for line in (7, 10, 30)]
    page = client.get("/series/v2.1@example.org").text
    links = re.findall(r'<a href="#([^"]*)">missing-safety-comment</a>', page[page.index('id="compared"') :])
    assert links == [first.fingerprint, edited.fingerprint, f"{first.fingerprint}-2"]
    assert all(f'id="{anchor}"' in page for anchor in links)


def test_a_revision_with_another_title_is_shown_with_the_series_that_it_continues(
    client: TestClient, store: Repository
) -> None:
    make = Maker()
    first, second, other = (_sent(make.posting(revision=number), number) for number in (1, 2, 3))
    cover = f"- Link to v1: https://lore.kernel.org/r/{first.message_id}/\n"
    second = replace(second, topic="another title", series=replace(second.series, cover=cover))
    save(store, [first, second, replace(other, topic="another series")])

    revisions = client.get(f"/api/series/{second.message_id}").json()["revisions"]

    assert [revision["message_id"] for revision in revisions] == [first.message_id, second.message_id]


def test_the_findings_come_before_their_comparison(client: TestClient, store: Repository) -> None:
    make = Maker()
    _review_all(store, make, [[make.finding(5)], [make.finding(6), make.finding(7)]])
    text = client.get(SERIES).text

    assert text.index('id="revisions"') < text.index('id="findings"') < text.index('id="compared"')
    rows = re.findall(r"<tr>.*?</tr>", text[: text.index('id="findings"')], re.DOTALL)
    numbers = [re.findall(r'<td class="number"[^>]*>([^<]*)</td>', row) for row in rows]
    assert numbers == [[], ["1", "1", "0", "1"], ["2", "2", "1", "2"]]


def test_reported_findings_are_named_before_all_findings(client: TestClient, store: Repository) -> None:
    """Most findings of a long series are withheld, and the reported ones are among them."""
    make = Maker()
    findings = [make.finding(line, rule=f"rule-{line}", severity=Severity.BUG) for line in (5, 9)]
    findings.append(make.finding(12, rule="rule-12"))
    posting = make.posting()
    save(store, [posting])
    withheld = ReviewFinding(findings[0], withheld="its rule is in preview")
    shown = Review(posting, (withheld, ReviewFinding(findings[2]), ReviewFinding(findings[1])))
    store.save_review(shown, None, NOW)
    text = client.get(SERIES).text

    summary = text[text.index("<p>Not withheld:</p>") : text.index("<h3>Patch 1:")]
    assert [("bug", findings[1].fingerprint, "rule-9"), ("warning", findings[2].fingerprint, "rule-12")] == re.findall(
        r'>(bug|warning)</span> <a href="#([^"]*)">([^<]*)</a> at', summary
    )
    store.save_review(replace(shown, findings=shown.findings[1:]), None, NOW)
    assert "<p>Not withheld:</p>" not in client.get(SERIES).text


def test_an_earlier_posting_is_linked(client: TestClient, store: Repository) -> None:
    make = Maker()
    first, second = make.posting(), make.posting(revision=2)
    save(store, [first, second])
    store.save_review(Review(first, ()), None, NOW)
    store.refuse(second, str(refuse_repeat(first.message_id)))

    for page in ("/", "/series/v2.1@example.org"):
        assert '<a href="/series/v1.1@example.org"><bdi>v1.1@example.org</bdi></a>' in client.get(page).text
    store.refuse(second, "mail: secret-person@example.org is unknown")
    assert "secret-person" not in client.get("/series/v2.1@example.org").text


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        (
            Waiting((1, 2, 3, 5)),
            ["Not arrived: patches 1\u20133 and 5 of 5.", "There is no review yet.", "patches are missing."],
        ),
        (Waiting((0,)), ["Not arrived: the cover letter.", "the cover letter is missing."]),
        (Defective("patch 1 is damaged"), ["patch 1 is damaged", "There is no review.", "cannot be reviewed."]),
    ],
)
def test_a_series_without_a_review_says_only_what_is_known(
    client: TestClient, store: Repository, state: State, parts: list[str]
) -> None:
    save(store, [replace(Maker().posting(state=state), expected=1 if state == Waiting((0,)) else 5)])
    text = client.get(SERIES).text

    assert [part for part in parts if part not in text] == []
    assert not [part for part in ("Unsafe code</dt>", "Kernel trees", "The rules found nothing") if part in text]


def test_a_refused_series_gets_no_review(client: TestClient, store: Repository) -> None:
    posting = Maker().posting()
    save(store, [posting])
    store.refuse(posting, "stale: it is 3 days old")
    text = client.get(SERIES).text

    assert "There is no review." in text
    assert "There is none: the series was refused." in text
    assert "not reviewed\n" in client.get(f"{SERIES}.txt").text
    assert "unsafe code" not in client.get(f"{SERIES}.txt").text


def test_a_series_of_withheld_findings_says_how_many_for_each_reason(client: TestClient, store: Repository) -> None:
    make = Maker()
    posting = make.posting()
    save(store, [posting])
    reasons = ["its rule is in preview"] * 2 + ["notes are not mailed"]
    comments = tuple(ReviewFinding(make.finding(line), withheld=reason) for line, reason in enumerate(reasons, 5))
    store.save_review(Review(posting, comments), None, NOW)
    text = " ".join(re.sub(r"<[^>]*>", "", client.get(SERIES).text).split())

    assert "No mail: all findings are withheld." in text
    assert "Not mailed: 2 findings (its rule is in preview), 1 finding (notes are not mailed)." in text
    reason = client.get("/api/series").json()["series"][0]["reason"]
    assert reason == "its rule is in preview (2), notes are not mailed (1)"


def test_the_page_lists_what_a_missing_comment_should_address(
    client: TestClient, store: Repository, make: Maker
) -> None:
    points = (("cause", "added"), ("requires", "`led_on`: `led` must be <valid>."), ("requires", "`led_on`: The lock."))
    _review_all(store, make, [[make.finding(5, facts=points)]])

    text = client.get(SERIES).text

    assert "The comment should address:" in text
    listed = [unescape(re.sub(r"<[^>]+>", "", item)) for item in re.findall(r"<li><bdi>(.*?)</bdi></li>", text)]
    assert ["led_on: led must be <valid>.", "led_on: The lock."] == [item.replace("`", "") for item in listed]
