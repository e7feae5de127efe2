# SPDX-License-Identifier: GPL-2.0-or-later
"""A digest as one HTML page: no script, nothing fetched from anywhere, every stranger's word escaped."""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.digest import phrases as words
from bot.digest import sentences
from bot.digest.markup import Markup, element, joined, link
from bot.digest.model import Digest, FindingLine, ReviewedSeries, SeriesLine
from bot.review.model import FindingStatus
from bot.review.render import text as prose

MOST: Final = 50
"""Maximum number of entries of a section."""

_FINDINGS: Final = 20
_PLACES: Final = 5
_SUBJECT: Final = 150
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


def digest_html(found: Digest, version: str, contact: str = "", most: int = MOST) -> str:
    """The page, of each section no more than `most` entries; the same digest gives the same page."""
    sections = (
        (sentences.WAITING_HEADING, _series(found.waiting, most)),
        (sentences.QUIET_HEADING, _series(found.went_quiet, most)),
        (sentences.FINDINGS_HEADING, _judged(found.judged, most)),
        (sentences.C_HEADING, _judged(found.c_changes, most)),
        (sentences.SUBSYSTEMS_HEADING, _subsystems(found, most)),
        (sentences.MAILS_HEADING, _sent(found)),
        (sentences.TROUBLE_HEADING, _list(words.trouble(found))),
        (sentences.RULES_HEADING, _rules(found)),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name_="viewport", content="width=device-width"),
        element("title", words.title(found)),
        element("style", _STYLE),
    )
    body = element(
        "body",
        element("h1", words.title(found)),
        element("p", words.summary(found)),
        *(joined(element("h2", heading), content) for heading, content in sections if content),
        element("footer", words.about(version, contact)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _series(lines: Sequence[SeriesLine], most: int) -> Markup:
    if not lines:
        return Markup()
    rows = [
        element(
            "tr",
            element("td", words.age(line), class_="n"),
            element("td", _named(line), class_="s"),
            element("td", words.state(line)),
        )
        for line in lines[:most]
    ]
    head = element(
        "tr",
        element("th", sentences.AGE_COLUMN, class_="n"),
        element("th", sentences.SERIES_COLUMN),
        element("th", sentences.STATUS_COLUMN),
    )
    return joined(element("table", head, *rows), _more(len(lines) - most))


def _named(line: SeriesLine) -> Markup:
    by = ", ".join(filter(None, (prose.name(line.author), words.size(line))))
    return joined(link(words.subject(line, _SUBJECT), words.address(line)), element("div", by, class_="by"))


def _judged(judged: Sequence[ReviewedSeries], most: int) -> Markup:
    if not judged:
        return Markup()
    rows = [
        element(
            "tr",
            element("td", _named(each.series), class_="s"),
            element("td", _findings(each.findings), class_="s"),
        )
        for each in judged[:most]
    ]
    head = element("tr", element("th", sentences.SERIES_COLUMN), element("th", sentences.FINDINGS_COLUMN))
    return joined(element("table", head, *rows, class_="j"), _more(len(judged) - most))


def _findings(lines: Sequence[FindingLine]) -> Markup:
    return joined(*(_finding(line) for line in lines[:_FINDINGS]), _more(len(lines) - _FINDINGS))


def _finding(line: FindingLine) -> Markup:
    word = line.standing
    said = joined(element("span", word, class_=f"tag {word}"), words.finding(line).removeprefix(f"{word}:"))
    shown = [element("div", element("code", place), class_="by") for place in line.places[:_PLACES]]
    message = (
        element("div", prose.prose(line.message)) if word != FindingStatus.RESOLVED and not line.withheld else Markup()
    )
    why = element("div", words.reason(line), class_="by") if line.withheld else Markup()
    return element("div", said, message, why, *shown, _more(len(line.places) - _PLACES), class_="f")


def _subsystems(found: Digest, most: int) -> Markup:
    if not found.subsystems:
        return Markup()
    rows = [
        element("tr", element("td", element("code", line.subsystem)), element("td", words.delta(line)))
        for line in found.subsystems[:most]
    ]
    return joined(element("table", *rows), _more(len(found.subsystems) - most))


def _sent(found: Digest) -> Markup:
    items = [words.mails(state, number) for state, number in found.mails]
    items += [
        sentences.WITHHELD.format(findings=prose.count(number, "finding"), reason=why) for why, number in found.withheld
    ]
    return _list(items)


def _rules(found: Digest) -> Markup:
    if not found.rules:
        return Markup()
    heads = (
        sentences.RULE_COLUMN,
        sentences.REPORTED_COLUMN,
        sentences.FIXED_COLUMN,
        sentences.DISPUTED_COLUMN,
        sentences.UNANSWERED_COLUMN,
    )
    head = element("tr", *(element("th", each, class_="n" if number else "") for number, each in enumerate(heads)))
    rows = [
        element(
            "tr",
            element("td", element("code", tally.rule)),
            *(
                element("td", str(number), class_="n")
                for number in (tally.said, tally.fixed, tally.not_applicable, tally.unanswered)
            ),
        )
        for tally in found.rules
    ]
    silent = [sentences.DEMOTED.format(rule=rule, reason=why) for rule, why in found.demoted]
    return joined(element("table", head, *rows), _list(silent))


def _list(items: Iterable[str]) -> Markup:
    lines = [element("li", item) for item in items]
    return element("ul", *lines) if lines else Markup()


def _more(number: int) -> Markup:
    return element("p", sentences.MORE.format(count=number), class_="by") if number > 0 else Markup()
