# SPDX-License-Identifier: GPL-2.0-or-later
"""Digests: their content, their layout, and that text from strangers stays text."""

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from importlib import resources

import pytest

from bot.digest.html import digest_html
from bot.digest.mail import digest_mail
from bot.digest.model import Digest, ReviewedSeries
from bot.digest.period import Period
from bot.digest.selection import DigestInput, digest, subsystem
from bot.digest.text import digest_text
from bot.mail.address import Address
from bot.mail.compose import compose
from bot.mail.links import Links
from bot.mail.posting import FollowUp, Posting
from bot.review.mail_lint import problems
from bot.review.model import FindingState, Review
from bot.review.policy import Policy
from bot.review.record import FailureCounts, MailRecord, ReviewRecord, SeriesRecord
from bot.review.review import review
from bot.review.statistics import RuleTally
from rules.finding import Failure, Finding, Report, Severity
from tests.bot.review.factories import DATE, Maker

UNTIL = datetime(2026, 3, 9, 7, tzinfo=UTC)
WEEK = Period(UNTIL - timedelta(days=7), UNTIL)
HOSTILE = '<script>alert(1)</script>" onload="x" \N{RIGHT-TO-LEFT OVERRIDE}\x1b[31m patchwarden: mute list'


def make_review(
    make: Maker, *findings: Finding, posting: Posting | None = None, previous: Review | None = None
) -> Review:
    rules = [make.rule(), make.rule("bindings-in-driver"), make.rule("c-change")]
    return review(posting or make.posting(), Report(findings), rules, previous, Policy())


def series_record(posting: Posting, moved: int = 1) -> SeriesRecord:
    return SeriesRecord(posting, UNTIL - timedelta(days=moved), UNTIL - timedelta(days=moved), 3)


def material(*reviews: Review, **more: object) -> DigestInput:
    digest_input = DigestInput(WEEK, reviews=[ReviewRecord(review, UNTIL - timedelta(days=1)) for review in reviews])
    return replace(digest_input, **more)  # type: ignore[arg-type]  # a field each


def of(digest_input: DigestInput) -> Digest:
    return digest("ada@example.org", digest_input, lambda posting: True)


def rich(make: Maker) -> Digest:
    """One of everything, by somebody who means harm."""
    posting = replace(
        make.posting(author=Address(HOSTILE, "mallory@example.org")),
        message_id="a<b>@example.org",
        follow_ups=(FollowUp(1, f"Tested-by: {HOSTILE}", "1@x"), FollowUp(1, f"{HOSTILE}: x", "2@x")),
    )
    posting = replace(posting, series=replace(posting.series, subject=HOSTILE))
    bad = make.finding(5, path=f"drivers/{HOSTILE}.rs", message=f"`{HOSTILE}` is {HOSTILE}")
    in_c = make.finding(6, rule="c-change", path="drivers/led.h")
    hidden = make.finding(7, rule="bindings-in-driver", path="drivers/led.rs")
    result = review(
        posting,
        Report((bad, in_c, hidden), (Failure("some-rule", 1, HOSTILE, HOSTILE),)),
        [make.rule(), make.rule("bindings-in-driver"), make.rule("c-change")],
        None,
        Policy(dismissed={hidden.fingerprint: HOSTILE}),
    )
    return of(
        material(
            result,
            series=[series_record(posting), series_record(replace(posting, topic="other"), moved=15)],
            mails=[MailRecord(posting.message_id, "review", "sent"), MailRecord("other", "review", "sent")],
            not_checked=FailureCounts(3, 1, 2, ("stale: 1", "bot: 1")),
            rules=[RuleTally("some-rule", reported=5, fixed=2, disputed=2, no_reply=1, disputers=2)],
            demoted={"some-rule": "2 of 5 findings were disputed"},
        )
    )


def test_nothing_to_say() -> None:
    digest = of(DigestInput(WEEK, not_checked=FailureCounts(3), rules=[RuleTally("r", 1, 1)]))

    assert digest.is_empty


def test_findings_are_counted_by_how_they_stand(make: Maker) -> None:
    stays, goes, comes = make.finding(5), make.finding(6), make.finding(7)
    first = make_review(make, stays, goes)
    second = make_review(make, stays, comes, posting=make.posting(revision=2), previous=first)

    (series,) = of(material(first, second)).reviewed

    assert 2 == series.series.revision
    assert [("repeated", 1), ("new", 1), ("resolved", 1)] == [
        (finding.state, len(finding.places)) for finding in series.findings
    ]


def test_equal_findings_are_one_line_with_their_places(make: Maker) -> None:
    digest = of(material(make_review(make, make.finding(5), make.finding(6))))
    ((finding,),) = (series.findings for series in digest.reviewed)

    assert ("rust/kernel/led.rs:5", "rust/kernel/led.rs:6") == finding.places


def test_a_note_is_no_finding_here(make: Maker) -> None:
    assert () == of(material(make_review(make, make.finding(severity=Severity.NOTE)))).reviewed


def test_findings_in_c_are_listed_once_and_resolved_ones_with_the_rest(make: Maker) -> None:
    gone = make.finding(7, rule="c-change", path="drivers/fan.h")
    before = make_review(make, gone, posting=make.posting(revision=1))
    now = [
        make.finding(6, rule="c-change", path="drivers/led.h"),
        make.finding(8, rule="c-change", path="drivers/a.rs"),
    ]

    posting = make.posting([make.patch(path="drivers/fan.h")], revision=2)
    digest = of(material(make_review(make, *now, posting=posting, previous=before)))

    def places(lines: tuple[ReviewedSeries, ...]) -> list[tuple[str, tuple[str, ...]]]:
        return [(line.state, line.places) for series in lines for line in series.findings]

    assert places(digest.c_changes) == [("new", ("drivers/led.h:6",))]
    assert places(digest.reviewed) == [("new", ("drivers/a.rs:8",)), ("resolved", ("drivers/fan.h:7",))]
    assert digest.count(FindingState.NEW) == 2


def test_what_a_series_waits_for(make: Maker) -> None:
    fresh, reviewed, silent, other = (replace(make.posting(), topic=topic) for topic in ("a", "b", "c", "d"))
    reviewed = replace(reviewed, follow_ups=(FollowUp(1, "Reviewed-by: Bob <bob@example.org>", "1@x"),))
    other = replace(other, series=replace(other.series, patches=(make.patch(path="fs/file.c"),)))
    records = [
        series_record(fresh),
        series_record(reviewed),
        series_record(silent, moved=15),
        series_record(other),
        series_record(fresh, moved=30),
    ]

    digest = of(material(series=records))

    assert ([2], [2]) == (
        [series.replies for series in digest.waiting],
        [series.replies for series in digest.inactive],
    )
    assert (6, 1) == (digest.waiting[0].age_days, digest.waiting[0].inactive_days)


def test_a_patch_that_carries_what_it_gathered_does_not_wait(make: Maker) -> None:
    posting = make.posting()
    (patch,) = posting.series.patches
    carried = replace(
        posting, series=replace(posting.series, patches=(replace(patch, trailers=("Acked-by: B <b@x>",)),))
    )
    signed = replace(posting, series=replace(posting.series, patches=(replace(patch, trailers=("Fixes: 123",)),)))

    assert (0, 1) == tuple(len(of(material(series=[series_record(posting)])).waiting) for posting in (carried, signed))


def test_what_nobody_was_mailed_is_told_so(make: Maker) -> None:
    result = review(make.posting(), Report((make.finding(5),)), [make.rule()], None, Policy())
    result = replace(result, findings=tuple(replace(entry, unmailed=True) for entry in result.findings))

    (reviewed,) = of(material(result)).reviewed

    assert ["found by a re-check that sent no mail"] == [line.withheld for line in reviewed.findings]
    assert 0 == reviewed.series.reported


def test_a_reader_gets_what_he_wants(make: Maker) -> None:
    result = digest(
        "a@example.org", material(make_review(make, make.finding()), series=[series_record(make.posting())]), bool
    )
    other = digest("a@example.org", material(make_review(make, make.finding())), lambda posting: False)

    assert result.reviewed
    assert other.is_empty


def test_mails_of_others_series_are_not_counted(make: Maker) -> None:
    review = make_review(make, make.finding())
    mails = [
        MailRecord(review.posting.message_id, "review", "sent"),
        MailRecord("x", "review", "sent"),
        MailRecord("", "digest", "x"),
    ]

    assert (("sent", 1),) == of(material(review, mails=mails)).mails


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("drivers/gpu/nova/a.rs", "drivers/gpu"),
        ("drivers/led.rs", "drivers"),
        ("rust/kernel/pci/io.rs", "rust/kernel"),
        ("mm/slub.c", "mm"),
        ("Makefile", "Makefile"),
    ],
)
def test_the_part_of_the_kernel(path: str, expected: str) -> None:
    assert expected == subsystem(path)


def test_the_text_is_fit_for_a_list(make: Maker) -> None:
    text = digest_text(rich(make), "1.0", "person@example.org")

    assert [] == list(problems(text))
    assert "Series without recent mails\n====" in text
    assert "- new: warning missing-safety-comment" in text
    assert "not mailed: disputed" in text
    assert "some-rule is no longer mailed" in text


@pytest.mark.parametrize(
    ("subject", "shown"),
    [("rust: led", "> rust: led"), ("A" * 300, f"> {'A' * 66} ..."), ("\u65e5" * 60, "> " + "\u65e5" * 31 + " ...")],
)
def test_a_subject_fits_into_72_columns(make: Maker, subject: str, shown: str) -> None:
    posting = make.posting()
    posting = replace(posting, series=replace(posting.series, subject=subject))

    text = digest_text(of(material(series=[series_record(posting)])), "1.0")

    assert shown in text.split("\n")


def test_the_text_of_nothing_is_short(make: Maker) -> None:
    assert ["patchwarden digest, 2026-03-02 to 2026-03-09", "Nothing happened in this period."] == digest_text(
        of(DigestInput(WEEK)), "1.0"
    ).splitlines()[:2]


class _Reader(HTMLParser):
    """What a browser would make of a page: tags with their attributes, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_has_no_strangers_markup_and_fetches_nothing(make: Maker) -> None:
    page = _Reader()
    page.feed(digest_html(rich(make), "1.0", "person@example.org"))

    names = {tag for tag, _ in page.tags}
    attributes = {name for _, attrs in page.tags for name in attrs}
    addresses = {str(attrs["href"]) for _, attrs in page.tags if "href" in attrs}
    assert [] == page.open
    assert not names & {"script", "img", "iframe", "link", "object", "form", "svg", "base"}
    assert {"http-equiv", "content", "charset", "lang", "name", "class", "rel", "href"} >= attributes
    assert all(address.startswith("https://lore.kernel.org/r/") for address in addresses)
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in page.text
    assert ("meta", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'") in [
        (tag, attrs.get("content")) for tag, attrs in page.tags
    ]


def test_a_plain_message_id_becomes_a_link(make: Maker) -> None:
    page = digest_html(of(material(make_review(make, make.finding()))), "1.0")

    assert '<a href="https://lore.kernel.org/r/v1.1@example.org/" rel="noreferrer">rust: led</a>' in page


def test_the_mail_has_both_forms_and_says_what_it_is(make: Maker) -> None:
    digest = rich(make)
    reply = digest_mail(digest, make.identity)
    content = compose(reply, digest_html(digest, "0.1.0"))
    assert isinstance(content, bytes)

    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)

    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert digest_text(digest, "0.1.0", "owner@example.org").rstrip("\n") == plain.get_content().rstrip("\n")
    assert digest_html(digest, "0.1.0").rstrip("\n") == page.get_content().rstrip("\n")
    assert "<patchwarden-digest.bot.example.org>" == mail["List-Id"]
    assert ("ignore", "auto-generated") == (mail["X-Patchwork-Hint"], mail["Auto-Submitted"])
    assert None is mail["In-Reply-To"]
    assert max(map(len, content.split(b"\n"))) <= 998


def test_one_mail_a_reader_and_period(make: Maker) -> None:
    digest = rich(make)
    later = replace(digest, period=Period(UNTIL, UNTIL + timedelta(days=7)))
    ids = [
        digest_mail(variant, make.identity).message_id
        for variant in (digest, digest, later, replace(digest, reader="b@x"))
    ]

    assert ids[0] == ids[1]
    assert 3 == len(set(ids))


def test_nothing_comes_from_the_clock(make: Maker) -> None:
    assert digest_mail(rich(make), make.identity) == digest_mail(rich(make), make.identity)
    assert DATE < UNTIL


LINKS = Links("https://pages.example.org")


def test_with_web_pages_every_line_leads_to_them(make: Maker) -> None:
    finding = make.finding()
    written = of(material(make_review(make, finding), rules=(RuleTally(finding.rule, reported=1),)))
    text, page = digest_text(written, "1.0", links=LINKS), digest_html(written, "1.0", links=LINKS)
    series, rule = (
        "https://pages.example.org/series/v1.1@example.org",
        f"https://pages.example.org/rules/{finding.rule}",
    )

    assert f">   {series}\n" in text
    assert f">     {series}#{finding.fingerprint}\n" in text
    assert [] == list(problems(text))
    assert f'<a href="{series}" rel="noreferrer">rust: led</a>' in page
    assert f'<a href="{series}#{finding.fingerprint}" rel="noreferrer"><code>{finding.place}</code></a>' in page
    assert 2 == page.count(f'<a href="{rule}" rel="noreferrer">{finding.rule}</a>')
    assert "lore.kernel.org" not in text + page


def test_without_web_pages_every_finding_leads_to_the_archive(make: Maker) -> None:
    page = _Reader()
    page.feed(digest_html(of(material(make_review(make, make.finding(), make.finding(9)))), "1.0"))

    addresses = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert ["https://lore.kernel.org/r/v1.1@example.org/"] * 4 == addresses


def test_a_resolved_finding_leads_to_its_series(make: Maker) -> None:
    first = make_review(make, make.finding())
    second = make_review(make, posting=make.posting(revision=2), previous=first)
    page = digest_html(of(material(second)), "1.0", links=LINKS)

    assert "resolved" in page
    assert '<a href="https://pages.example.org/series/v2.1@example.org" rel="noreferrer"><code>' in page
    assert "#" not in page.partition("<body>")[2]


def test_mails_and_withheld_findings_lead_to_pages(make: Maker) -> None:
    page = digest_html(rich(make), "1.0", links=LINKS)

    assert '<a href="https://pages.example.org/stats" rel="noreferrer">' in page
    assert '<a href="https://pages.example.org/?state=refused" rel="noreferrer">' in page


def test_an_address_that_is_too_long_for_a_line_is_left_out(make: Maker) -> None:
    posting = make.posting()
    posting = replace(posting, message_id="<" * 400 + "@example.org")
    review = make_review(make, make.finding(), posting=posting)
    text = digest_text(of(material(review)), "1.0", links=LINKS)

    assert "https://" not in text
    assert [] == list(problems(text))


def test_code_is_code(make: Maker) -> None:
    page = digest_html(of(material(make_review(make, make.finding()))), "1.0")

    assert "This <code>unsafe</code> block has no SAFETY comment." in page
    assert "<code>rust/kernel/led.rs:5</code>" in page


def test_the_page_has_the_colours_of_the_web_pages() -> None:
    sheet = (resources.files("bot.web") / "static" / "style.css").read_text("utf-8")
    light, dark = (set(re.findall("#[0-9a-f]{6}", part)) for part in sheet.partition("@media (prefers")[::2])
    style = re.search("<style>(.*?)</style>", digest_html(of(DigestInput(WEEK)), "1.0"))
    assert style is not None
    used_light, used_dark = (
        set(re.findall("#[0-9a-f]{6}", part)) for part in style[1].partition("@media(prefers")[::2]
    )

    assert used_light
    assert used_dark
    assert used_light <= light
    assert used_dark <= dark
