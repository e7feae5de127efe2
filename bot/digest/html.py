# SPDX-License-Identifier: GPL-2.0-or-later
"""Render a digest as one HTML page. It has no script, fetches nothing, and escapes all text from outside."""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.digest import phrases, sentences
from bot.digest.markup import Markup, element, joined, link
from bot.digest.model import CollisionLine, Digest, FindingLine, LandingSeries, ReviewedSeries, SeriesLine
from bot.mail.target import archive_address
from bot.review.model import FindingStatus
from bot.review.render import text as plain_text

MAX_ENTRIES: Final = 50
"""Maximum number of entries in a section."""

_MAX_FINDINGS: Final = 20
_MAX_PLACES: Final = 5
_MAX_SUBJECT: Final = 150  # columns
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE: Final = Markup(
    "body{font:15px/1.5 system-ui,sans-serif;color:#1d2125;background:#fff;max-width:60rem;margin:1.5rem auto;"
    "padding:0 1rem}"
    "h1{font-size:1.35rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:2rem 0 .5rem;padding-bottom:.25rem;"
    "border-bottom:1px solid #c9ced4}"
    "p{margin:.25rem 0}table{border-collapse:collapse;width:100%}"
    "th{text-align:left;font-weight:600;color:#4c545d;font-size:.85rem}"
    "td,th{padding:.35rem .75rem .35rem 0;vertical-align:top;border-bottom:1px solid #e8ebee}"
    "td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "td.s{overflow-wrap:anywhere}a{color:#0b57a4}code{font-size:.9em;overflow-wrap:anywhere}"
    ".by{color:#4c545d;font-size:.9rem}"
    ".f{margin-bottom:.5rem}.tag{display:inline-block;min-width:4.8rem;font-size:.85rem;font-weight:600}"
    ".new{color:#a4320b}.repeated,.moved{color:#7a5a00}.resolved{color:#1b6b34}"
    "footer{margin-top:2.5rem;color:#4c545d;font-size:.85rem}"
    "@media(prefers-color-scheme:dark){body{background:#16191c;color:#dfe3e7}td,th{border-color:#2b3035}"
    "h2{border-color:#454c54}a{color:#7db4f0}th,.by,footer{color:#a3abb4}.new{color:#f0906c}"
    ".repeated,.moved{color:#d9b653}.resolved{color:#74c78d}}"
    "@media(max-width:40rem){.j th{display:none}.j td{display:block;padding-right:0}.j td+td{margin-bottom:1rem}"
    ".j td:first-child{border:0;padding-bottom:0}}"
)


def digest_html(digest: Digest, version: str, contact: str = "", max_entries: int = MAX_ENTRIES) -> str:
    """Return the page, with at most `max_entries` entries in each section. The same digest gives the same page."""
    sections = (
        (sentences.WAITING_HEADING, _series(digest.waiting, max_entries)),
        (sentences.QUIET_HEADING, _series(digest.went_quiet, max_entries)),
        (sentences.FINDINGS_HEADING, _reviewed(digest.judged, max_entries)),
        (sentences.C_HEADING, _reviewed(digest.c_changes, max_entries)),
        (sentences.COLLISIONS_HEADING, _collisions(digest.collisions, max_entries)),
        (sentences.LANDING_HEADING, _landing(digest.landing, max_entries)),
        (sentences.SUBSYSTEMS_HEADING, _subsystems(digest, max_entries)),
        (sentences.MAILS_HEADING, _sent(digest)),
        (sentences.TROUBLE_HEADING, _list(phrases.trouble(digest))),
        (sentences.RULES_HEADING, _rules(digest)),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name_="viewport", content="width=device-width"),
        element("title", phrases.title(digest)),
        element("style", _STYLE),
    )
    body = element(
        "body",
        element("h1", phrases.title(digest)),
        element("p", phrases.summary(digest)),
        *(joined(element("h2", heading), content) for heading, content in sections if content),
        element("footer", phrases.about(version, contact)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _series(lines: Sequence[SeriesLine], max_entries: int) -> Markup:
    if not lines:
        return Markup()
    rows = [
        element(
            "tr",
            element("td", phrases.age(line), class_="n"),
            element("td", _named(line), class_="s"),
            element("td", phrases.state(line)),
        )
        for line in lines[:max_entries]
    ]
    head = element(
        "tr",
        element("th", sentences.AGE_COLUMN, class_="n"),
        element("th", sentences.SERIES_COLUMN),
        element("th", sentences.STATUS_COLUMN),
    )
    return joined(element("table", head, *rows), _more(len(lines) - max_entries))


def _named(line: SeriesLine) -> Markup:
    by = ", ".join(filter(None, (plain_text.name(line.author), phrases.size(line))))
    return joined(
        link(phrases.subject(line, _MAX_SUBJECT), archive_address(line.message_id)), element("div", by, class_="by")
    )


def _reviewed(all_reviewed: Sequence[ReviewedSeries], max_entries: int) -> Markup:
    columns = (sentences.SERIES_COLUMN, sentences.FINDINGS_COLUMN)
    rows = [(_named(reviewed.series), _findings(reviewed.findings)) for reviewed in all_reviewed[:max_entries]]
    return _table(columns, rows, len(all_reviewed) - max_entries)


def _collisions(lines: Sequence[CollisionLine], max_entries: int) -> Markup:
    rows = [(joined(_named(line.series), _named(line.other)), phrases.collision(line)) for line in lines[:max_entries]]
    return _table((), rows, len(lines) - max_entries)


def _landing(all_series: Sequence[LandingSeries], max_entries: int) -> Markup:
    columns = (sentences.SERIES_COLUMN, sentences.LANDING_COLUMN, sentences.FINDINGS_COLUMN)
    rows = [
        (_named(series.series), plain_text.visible(series.ref), _findings(series.findings))
        for series in all_series[:max_entries]
    ]
    return _table(columns, rows, len(all_series) - max_entries)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], left_out: int) -> Markup:
    """Return a table whose rows become blocks on a narrow screen; nothing without a row."""
    if not rows:
        return Markup()
    head = [element("tr", *(element("th", column) for column in columns))] if columns else []
    body = (element("tr", *(element("td", cell, class_="s") for cell in row)) for row in rows)
    return joined(element("table", *head, *body, class_="j"), _more(left_out))


def _findings(lines: Sequence[FindingLine]) -> Markup:
    return joined(*(_finding(line) for line in lines[:_MAX_FINDINGS]), _more(len(lines) - _MAX_FINDINGS))


def _finding(line: FindingLine) -> Markup:
    status = line.standing
    summary = joined(element("span", status, class_=f"tag {status}"), phrases.finding(line).removeprefix(f"{status}:"))
    places = [element("div", element("code", place), class_="by") for place in line.places[:_MAX_PLACES]]
    message = (
        element("div", plain_text.harmless(line.message))
        if status != FindingStatus.RESOLVED and not line.withheld
        else Markup()
    )
    reason = element("div", phrases.reason(line), class_="by") if line.withheld else Markup()
    return element("div", summary, message, reason, *places, _more(len(line.places) - _MAX_PLACES), class_="f")


def _subsystems(digest: Digest, max_entries: int) -> Markup:
    if not digest.subsystems:
        return Markup()
    rows = [
        element("tr", element("td", element("code", line.subsystem)), element("td", phrases.delta(line)))
        for line in digest.subsystems[:max_entries]
    ]
    return joined(element("table", *rows), _more(len(digest.subsystems) - max_entries))


def _sent(digest: Digest) -> Markup:
    items = [phrases.mails(state, count) for state, count in digest.mails]
    items += [
        sentences.WITHHELD.format(findings=plain_text.count(count, "finding"), reason=reason)
        for reason, count in digest.withheld
    ]
    return _list(items)


def _rules(digest: Digest) -> Markup:
    if not digest.rules:
        return Markup()
    columns = (
        sentences.RULE_COLUMN,
        sentences.REPORTED_COLUMN,
        sentences.FIXED_COLUMN,
        sentences.DISPUTED_COLUMN,
        sentences.UNANSWERED_COLUMN,
    )
    head = element("tr", *(element("th", column, class_="n" if index else "") for index, column in enumerate(columns)))
    rows = [
        element(
            "tr",
            element("td", element("code", tally.rule)),
            *(
                element("td", str(count), class_="n")
                for count in (tally.said, tally.fixed, tally.not_applicable, tally.unanswered)
            ),
        )
        for tally in digest.rules
    ]
    demoted = [sentences.DEMOTED.format(rule=rule, reason=reason) for rule, reason in digest.demoted]
    return joined(element("table", head, *rows), _list(demoted))


def _list(items: Iterable[str]) -> Markup:
    lines = [element("li", item) for item in items]
    return element("ul", *lines) if lines else Markup()


def _more(count: int) -> Markup:
    return element("p", sentences.MORE.format(count=count), class_="by") if count > 0 else Markup()
