# SPDX-License-Identifier: GPL-2.0-or-later
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bot.mail.address import Address
from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting, Waiting
from bot.mail.state import MailState
from bot.review.model import FindingState, Recipients, Review, ReviewFinding
from bot.web import report as report_module
from bot.web.report import KIND, REPORT, ReplayReport
from bot.web.site import file_name, safe_name
from bot.web.static_site import static_site
from rules.registry import RULES
from tests.bot.review.factories import Maker
from tests.bot.web.conftest import CONTENT, NOW
from tests.bot.web.sites import find_problems, find_violations, read_files
from tests.bot.web.test_pages import HOSTILE
from tests.fakes.progress import CountingProgress

SERIES = "series/v2.0@example.org.html"
Results = Iterable[tuple[Review, Outgoing | None]]


def write(folder: Path, results: Results, refused: Sequence[str] = ()) -> CountingProgress:
    steps = CountingProgress()
    with tempfile.TemporaryFile() as file, static_site(folder, KIND, REPORT, "0.1.0") as site:
        report = ReplayReport(file)
        for review, mail in results:
            report.add(review, mail)
        for kind in refused:
            report.refuse(kind)
        report.write(site, RULES, {"Mails read": 1_234}, steps)
    return steps


def two_revisions(make: Maker) -> list[tuple[Review, Outgoing | None]]:
    """A resolved finding, a repeated one, a new one, and one that is withheld."""
    fixed, repeated = make.finding(5), make.finding(9)
    new = make.finding(12, rule="missing-safety-section", message="`f` has no section.\nAdd one.")
    first, second = make.posting(cover=True), make.posting(cover=True, revision=2)
    comments = (
        ReviewFinding(repeated, FindingState.REPEATED, mailed_before=1),
        ReviewFinding(new),
        ReviewFinding(make.finding(14), withheld="muted (series) by secret-muter@example.org"),
        ReviewFinding(fixed, FindingState.RESOLVED, "resolved since the previous revision", 1),
    )
    mail = Outgoing(
        *("our@bot.example.org", second.message_id, "review", "bounces+token@bot.example.org"),
        *(("secret-recipient@example.org",), CONTENT, NOW),
        state=MailState.HELD,
        reason="it is too long",
    )
    return [
        (Review(first, (ReviewFinding(fixed), ReviewFinding(repeated))), None),
        (Review(second, comments, recipients=Recipients(reason="secret-person@example.org is ignored")), mail),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "report"
    write(folder, two_revisions(Maker()), ["repeat"])
    return folder


def _text(folder: Path, name: str) -> str:
    return (folder / name).read_text("utf-8")


def test_every_link_leads_to_a_page_and_every_finding_has_an_address(folder: Path, make: Maker) -> None:
    findings = {make.finding(line).fingerprint for line in (9, 14)} | {
        make.finding(12, rule="missing-safety-section").fingerprint
    }

    assert list(find_problems(folder)) == []
    assert set(re.findall(r'<article[^>]* id="([^"]*)"', _text(folder, SERIES))) == findings
    for name, count in (("missing-safety-comment", 4), ("missing-safety-section", 1)):
        links = re.findall(r'href="\.\./(series/[^"]*#[^"]*)"', _text(folder, f"findings/{name}.html"))
        assert len(links) == count


def test_the_page_of_a_series_has_hunks_revisions_and_the_mail(folder: Path) -> None:
    text = _text(folder, SERIES)
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", text.partition('<h2 id="compared">')[2], re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]

    assert "    line_12();" in text
    assert {tuple(" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row) for row in cells} == {
        ("new :9", "repeated :9"),
        ("\u2013", "new :12"),
        ("\u2013", "new :14"),
        ("new :5", "resolved"),
    }
    assert "Our mail: would be held" in text
    assert "it is too long" in text
    assert "From here on it is wrong." in text
    assert "Not mailed: <bdi>muted (series)</bdi>." in text


def test_an_older_revision_names_the_newest(folder: Path) -> None:
    notice = re.search(r'not the newest revision\. <a href="([^"]*)"', _text(folder, "series/v1.0@example.org.html"))

    assert notice is not None
    assert notice[1] == "../series/v2.0@example.org.html"


def test_no_page_shows_an_address_of_a_person(folder: Path) -> None:
    for name, content in read_files(folder).items():
        assert not re.findall(rb"secret-[a-z]+@|bounces\+|ada@", content), name


def test_the_overview_counts_by_rule_month_list_and_reason(folder: Path) -> None:
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", _text(folder, "index.html"))).split())

    for part in (
        "1 refused: repeat",
        "2 reviewed",
        "4 reported, 1 withheld",
        "1 would be held",
        "Mails read 1,234",
        "missing-safety-comment 3 1 1",
        "2026-03 4 1 1",
        "rust-for-linux@lists.example.org 2 4 1 1",
        "muted (series) 1",
    ):
        assert part in text, part


def test_the_page_of_a_rule_has_no_figures_of_replies(folder: Path) -> None:
    text = _text(folder, "rules/missing-safety-comment.html")

    assert "Reported 3, withheld 1, resolved in the next revision 1." in text
    assert "<code>!</code> marks the lines that the rule reports" in text


def test_the_same_reviews_give_the_same_bytes(folder: Path, tmp_path: Path, make: Maker) -> None:
    steps = write(tmp_path / "again", two_revisions(make), ["repeat"])

    assert read_files(tmp_path / "again") == read_files(folder)
    assert steps.steps == [["pages of series", 2, 2]]


def test_a_report_without_series_says_so(tmp_path: Path) -> None:
    write(tmp_path / "report", [])

    assert "No series was reviewed" in _text(tmp_path / "report", "index.html")
    assert "Replay an archive that has patches" in _text(tmp_path / "report", "all.html")
    assert list(find_problems(tmp_path / "report")) == []


def _hostile(make: Maker, text: str, number: int) -> Posting:
    odd_id = f"{text}@{number}"
    posting = make.posting(
        [make.patch(subject=text, path=f"rust/{text}.rs")], author=Address(text, "ada@example.org"), subject=text
    )
    return replace(
        posting,
        message_id=odd_id,
        topic=odd_id,
        lists=(f"{text}@lists.example.org",),
        series=replace(posting.series, subject=text),
        parts=tuple(replace(part, message_id=odd_id) for part in posting.parts),
    )


TEXTS = (*HOSTILE, "../../../etc/passwd", "a/b", "A", "a", "\udc80\x00\x07", "x" * 5_000, "%2e%2e/", "~1", ".", "-rf")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, make = tmp_path_factory.mktemp("hostile") / "report", Maker()
    results = []
    for number, text in enumerate(TEXTS):
        finding = make.finding(5, path=f"rust/{text}.rs", message=f"`{text}` is wrong: {text}")
        results.append((Review(_hostile(make, text, number), (ReviewFinding(finding, withheld=text),)), None))
    write(folder, results)
    return folder


def test_hostile_names_stay_in_the_folder_and_their_text_is_text(hostile: Path) -> None:
    names = [path.relative_to(hostile).as_posix() for path in hostile.rglob("*")]
    pages = [name for name in names if name.startswith("series/")]

    assert len(pages) == len({page.lower() for page in pages}) == len(TEXTS)
    assert all(re.fullmatch(r"[a-z0-9@._~/-]+", name) for name in names if name != ".patchwarden-site")
    assert list(find_problems(hostile)) == []
    for number, text in enumerate(HOSTILE):
        page = _text(hostile, f"series/{safe_name(f'{text}@{number}')}.html")
        assert " ".join(text.split()) in unescape(re.sub(r"<[^>]*>", "", page))


def test_pages_fit_and_are_accessible(folder: Path, hostile: Path, browser: Any, axe: str) -> None:
    names = (
        *("index.html", "all.html", SERIES, "rules/missing-safety-comment.html", "months/2026-03.html"),
        "findings/missing-safety-comment.html",
    )
    odd = sorted((hostile / "series").iterdir())

    assert find_violations(browser, axe, [*(folder / name for name in names), hostile / "index.html", *odd]) == []


def test_lists_are_paged_without_gaps(tmp_path: Path, make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "_PAGE", 3)
    monkeypatch.setattr(report_module, "_FINDINGS_PAGE", 4)
    results = []
    for number in range(10):
        posting = make.posting(revision=number + 1)
        assert posting.date is not None
        posting = replace(posting, date=posting.date + timedelta(days=number))
        results.append((Review(posting, (ReviewFinding(make.finding()),)), None))
    write(tmp_path / "r", results)
    pages = [file_name(f"/all{suffix}") for suffix in ("", "~2", "~3", "~4")]
    linked = [re.findall(r'"series/v(\d+)\.1@', _text(tmp_path / "r", page)) for page in pages]
    found = [
        len(re.findall(r"#[0-9a-f]+\"", _text(tmp_path / "r", f"findings/missing-safety-comment{suffix}.html")))
        for suffix in ("", "~2", "~3")
    ]

    assert linked == [["10", "9", "8"], ["7", "6", "5"], ["4", "3", "2"], ["1"]]
    assert found == [4, 4, 2]
    assert not (tmp_path / "r" / "all~5.html").exists()
    assert list(find_problems(tmp_path / "r")) == []


def test_a_page_compares_with_the_nearest_revisions(tmp_path: Path, make: Maker) -> None:
    results = [
        (Review(make.posting(revision=number), (ReviewFinding(make.finding()),)), None) for number in range(1, 61)
    ]
    write(tmp_path / "r", results)

    def revisions(number: int) -> list[int]:
        page = _text(tmp_path / "r", f"series/v{number}.1@example.org.html")
        header = re.search(r"<thead>.*?</thead>", page.partition('<h2 id="compared">')[2], re.DOTALL)
        assert header is not None
        return list(map(int, re.findall(r">v(\d+)", header[0])))

    assert revisions(1) == list(range(1, 21))
    assert revisions(30) == list(range(21, 41))
    assert revisions(60) == list(range(51, 61))


def test_every_finding_has_its_address_though_not_all_have_hunks(tmp_path: Path, make: Maker) -> None:
    finding = make.finding()
    many = tuple(ReviewFinding(replace(finding, ordinal=number)) for number in range(300))
    write(tmp_path / "r", [(Review(make.posting(), many), None)])
    text = _text(tmp_path / "r", "series/v1.1@example.org.html")

    assert len(re.findall("<article", text)) == 300
    assert len(re.findall('<pre class="hunk"', text)) == 200
    assert list(find_problems(tmp_path / "r")) == []


def test_a_series_with_missing_parts_says_which(tmp_path: Path, make: Maker) -> None:
    posting = make.posting(state=Waiting((2, 3)))
    write(tmp_path / "r", [(Review(posting, ()), None)])

    text = _text(tmp_path / "r", "series/v1.1@example.org.html")
    assert "Not arrived: patches 2 and 3 of 1." in text
    assert "The review starts" not in text


def test_only_the_largest_lists_and_months_have_pages(
    tmp_path: Path, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_module, "_MAX_LISTS", 2)
    monkeypatch.setattr(report_module, "_MAX_MONTHS", 2)
    results = []
    for number in range(6):
        posting = make.posting(revision=number + 1)
        assert posting.date is not None
        month = number if number < 4 else 3
        results.append(
            (
                Review(
                    replace(posting, date=posting.date + timedelta(days=31 * month), lists=(f"{month}@example.org",)),
                    (ReviewFinding(make.finding()),),
                ),
                None,
            )
        )
    write(tmp_path / "r", results)

    assert sorted(path.name for path in (tmp_path / "r" / "lists").iterdir()) == [
        "0@example.org.html",
        "3@example.org.html",
    ]
    assert sorted(path.name for path in (tmp_path / "r" / "months").iterdir()) == ["2026-03.html", "2026-06.html"]
    assert "2 lists with fewer series are not shown." in _text(tmp_path / "r", "index.html")
    assert list(find_problems(tmp_path / "r")) == []
