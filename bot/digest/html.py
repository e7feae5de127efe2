# SPDX-License-Identifier: GPL-2.0-or-later
"""Render a digest as one HTML page, in the design of the web pages.

It has no script, fetches nothing, and escapes all text from outside. Mail programs ignore style sheets with variables,
so the colours stand in the rules; a test compares them with those of the web pages.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from bot.digest import phrases, sentences
from bot.digest.address import finding_address, series_address
from bot.digest.markup import Markup, element, joined, link
from bot.digest.model import CollisionLine, Digest, FindingLine, LandingSeries, ReviewedSeries, SeriesLine
from bot.mail.links import Links
from bot.review.model import FindingState
from bot.review.render import text as plain_text
from bot.review.render.code import spans

T = TypeVar("T")

MAX_ENTRIES: Final = 50
"""Maximum number of entries in a section."""

_NO_LINKS: Final = Links()
_MAX_FINDINGS: Final = 20
_MAX_PLACES: Final = 5
_MAX_SUBJECT: Final = 150  # columns
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE: Final = Markup(
    "body{font:100%/1.5 system-ui,'Segoe UI',Cantarell,'Noto Sans','DejaVu Sans',sans-serif;color:#1e2422;"
    "background:#fbfaf7;max-width:46rem;margin:1.25rem auto;padding:0 1rem;overflow-wrap:anywhere}"
    "h1{font-size:1.4rem;line-height:1.25;margin:0 0 .4rem;font-weight:650}"
    "h2{font-size:1.1rem;margin:2rem 0 .4rem;font-weight:650}p{margin:.4rem 0}"
    "a{color:#0b5a52;text-underline-offset:.15em}"
    "ul{list-style:none;margin:0;padding:0;border-top:1px solid #d5d1c4}"
    "li{padding:.6rem 0;border-bottom:1px solid #d5d1c4}"
    ".s{font-weight:600}.by,footer{color:#555d59;font-size:.9rem}"
    "code{font-family:ui-monospace,'SF Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:.875em;"
    "background:#f1efe8;padding:.05em .25em;border-radius:3px}"
    ".f{border-left:3px solid #d5d1c4;margin:.6rem 0;padding-left:.75rem}"
    ".f.bug{border-color:#a3231b}.f.warning{border-color:#7d4e00}.f.nit{border-color:#2f5a8a}"
    "b.bug,.new{color:#a3231b}b.warning,.repeated,.moved{color:#7d4e00}b.nit{color:#2f5a8a}"
    "b.note{color:#555d59}.resolved{color:#1f6130}.tag{font-weight:600}"
    "table{border-collapse:collapse;width:100%;font-size:.9375rem}"
    "th{text-align:left;font-weight:600}td,th{padding:.3rem .75rem .3rem 0;vertical-align:top;"
    "border-bottom:1px solid #d5d1c4}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}"
    "tr>th:first-child{font-weight:400}"
    "footer{margin-top:2.5rem;padding-top:1rem;border-top:1px solid #d5d1c4}"
    "@media(prefers-color-scheme:dark){body{background:#161a19;color:#e4e6e1}a{color:#7fcabd}"
    "ul,li,td,th,.f,footer{border-color:#3a423f}.by,footer,b.note{color:#a7b0ab}code{background:#1f2523}"
    ".f.bug{border-color:#ff9c8f}.f.warning{border-color:#e7b863}.f.nit{border-color:#9cc3ef}"
    "b.bug,.new{color:#ff9c8f}b.warning,.repeated,.moved{color:#e7b863}b.nit{color:#9cc3ef}"
    ".resolved{color:#93d3a2}}"
    "@media(max-width:30rem){td,th{padding-right:.4rem}table{font-size:.8125rem}}"
)


def digest_html(
    digest: Digest, version: str, contact: str = "", max_entries: int = MAX_ENTRIES, links: Links = _NO_LINKS
) -> str:
    """Return the page, with at most `max_entries` entries in each section. The same digest gives the same page.

    Its lines lead to the web pages of `links`, and without them to the archive.
    """
    renderer = _Renderer(max_entries, links)
    sections = (
        (sentences.WAITING_HEADING, renderer.entries(digest.waiting, renderer.series)),
        (sentences.INACTIVE_HEADING, renderer.entries(digest.inactive, renderer.series)),
        (sentences.FINDINGS_HEADING, renderer.entries(digest.reviewed, renderer.reviewed)),
        (sentences.C_HEADING, renderer.entries(digest.c_changes, renderer.reviewed)),
        (sentences.COLLISIONS_HEADING, renderer.entries(digest.collisions, renderer.collision)),
        (sentences.LANDING_HEADING, renderer.entries(digest.landing, renderer.landing)),
        (sentences.SUBSYSTEMS_HEADING, renderer.subsystems(digest)),
        (sentences.MAILS_HEADING, renderer.sent(digest)),
        (sentences.NOT_CHECKED_HEADING, renderer.facts(phrases.not_checked(digest), "/?state=refused")),
        (sentences.RULES_HEADING, renderer.rules(digest)),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("title", phrases.title(digest)),
        element("style", _STYLE),
    )
    main = element(
        "main",
        element("h1", phrases.title(digest)),
        element("p", phrases.summary(digest)),
        *(joined(element("h2", heading), content) for heading, content in sections if content),
    )
    body = element("body", main, element("footer", phrases.about(version, contact)))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


class _Renderer:
    """Renders the sections, each with at most `max_entries` entries."""

    def __init__(self, max_entries: int, links: Links) -> None:
        self._max_entries = max_entries
        self._links = links

    def entries(self, entries: Sequence[T], render: Callable[[T], Markup]) -> Markup:
        """Return a list of the entries."""
        if not entries:
            return Markup()
        items = (element("li", render(entry)) for entry in entries[: self._max_entries])
        return joined(element("ul", *items), _more(len(entries) - self._max_entries))

    def series(self, line: SeriesLine) -> Markup:
        return joined(self._named(line), _by(phrases.age(line), phrases.state(line)))

    def reviewed(self, entry: ReviewedSeries) -> Markup:
        return joined(self._named(entry.series), self._findings(entry.series, entry.findings))

    def collision(self, line: CollisionLine) -> Markup:
        collision = element("div", _code(phrases.collision(line)))
        return joined(collision, self._named(line.series), self._named(line.other))

    def landing(self, entry: LandingSeries) -> Markup:
        since = _by(sentences.SINCE.format(ref=plain_text.visible(entry.ref)))
        return joined(self._named(entry.series), since, self._findings(entry.series, entry.findings))

    def subsystems(self, digest: Digest) -> Markup:
        if not digest.subsystems:
            return Markup()
        rows = [
            element("tr", element("th", element("code", line.subsystem)), element("td", phrases.delta(line)))
            for line in digest.subsystems[: self._max_entries]
        ]
        return joined(element("table", *rows), _more(len(digest.subsystems) - self._max_entries))

    def sent(self, digest: Digest) -> Markup:
        items = [phrases.mails(state, count) for state, count in digest.mails]
        items += [
            sentences.WITHHELD.format(findings=plain_text.count(count, "finding"), reason=reason)
            for reason, count in digest.withheld
        ]
        return self.facts(items, "/stats")

    def facts(self, items: Iterable[str], page: str) -> Markup:
        """Return a list of facts, which lead to a page that shows more of them."""
        address = f"{self._links.pages}{page}" if self._links.pages else ""
        lines = [element("li", link(_code(item), address)) for item in items]
        return element("ul", *lines) if lines else Markup()

    def rules(self, digest: Digest) -> Markup:
        if not digest.rules:
            return Markup()
        columns = (
            sentences.RULE_COLUMN,
            sentences.REPORTED_COLUMN,
            sentences.FIXED_COLUMN,
            sentences.DISPUTED_COLUMN,
            sentences.NO_REPLY_COLUMN,
        )
        head = element(
            "tr", *(element("th", column, class_="n" if index else "") for index, column in enumerate(columns))
        )
        rows = [
            element(
                "tr",
                element("th", link(tally.rule, self._links.rule(tally.rule))),
                *(
                    element("td", str(count), class_="n")
                    for count in (tally.reported, tally.fixed, tally.disputed, tally.no_reply)
                ),
            )
            for tally in digest.rules
        ]
        demoted = [
            element("p", link(sentences.DEMOTED.format(rule=rule, reason=reason), self._links.rule(rule)))
            for rule, reason in digest.demoted
        ]
        return joined(element("table", head, *rows), *demoted)

    def _named(self, line: SeriesLine) -> Markup:
        """Return the subject, which leads to the series, its author and its size."""
        address = series_address(line.message_id, self._links)
        subject = link(phrases.subject(line, _MAX_SUBJECT), address)
        return joined(element("div", subject, class_="s"), _by(plain_text.name(line.author), phrases.size(line)))

    def _findings(self, series: SeriesLine, lines: Sequence[FindingLine]) -> Markup:
        shown = (self._finding(series, line) for line in lines[:_MAX_FINDINGS])
        return joined(*shown, _more(len(lines) - _MAX_FINDINGS))

    def _finding(self, series: SeriesLine, line: FindingLine) -> Markup:
        """Return the findings of a line: what and where they are, each with its link."""
        state = line.state
        addresses = [finding_address(series.message_id, line, index, self._links) for index in range(len(line.places))]
        rest = phrases.finding(line).removeprefix(f"{state}: {line.severity} {line.rule}")
        summary = joined(
            element("span", state, class_=f"tag {state}"),
            " ",
            element("b", line.severity, class_=line.severity),
            " ",
            link(line.rule, self._links.rule(line.rule) or next(iter(addresses), "")),
            rest,
        )
        message = (
            element("div", _code(plain_text.harmless(line.message)))
            if state != FindingState.RESOLVED and not line.withheld
            else Markup()
        )
        reason = _by(phrases.reason(line)) if line.withheld else Markup()
        places = [
            element("div", link(element("code", place), address))
            for place, address in list(zip(line.places, addresses, strict=True))[:_MAX_PLACES]
        ]
        more = _more(len(line.places) - _MAX_PLACES)
        return element("div", summary, message, reason, *places, more, class_=f"f {line.severity}")


def _by(*parts: str) -> Markup:
    """Return the parts in a line below a subject, without the empty ones."""
    return element("div", ", ".join(filter(None, parts)), class_="by")


def _code(text: str) -> Markup:
    """Return the text with its code as code."""
    return joined(*(element("code", span.text) if span.is_code else span.text for span in spans(text)))


def _more(count: int) -> Markup:
    return element("p", sentences.MORE.format(count=count), class_="by") if count > 0 else Markup()
