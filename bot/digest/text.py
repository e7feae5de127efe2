# SPDX-License-Identifier: GPL-2.0-or-later
"""A digest as plain text that a mail reader shows as it is: 72 columns, what strangers wrote behind `> `."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from bot.digest import phrases as words
from bot.digest import sentences
from bot.digest.model import Digest, FindingLine, ReviewedSeries, SeriesLine
from bot.review.render import text as prose
from bot.review.render.quote import quoted

MOST: Final = 25
"""Maximum number of entries of a section."""

_FINDINGS: Final = 12
_PLACES: Final = 3


def digest_text(found: Digest, version: str, contact: str = "", most: int = MOST) -> str:
    """The text, with LF line ends, of each section no more than `most` entries; the same digest gives the same text."""
    lines = [words.title(found), *prose.wrap(words.summary(found)), ""]
    for heading, content in (
        (sentences.WAITING_HEADING, _series(found.waiting, most)),
        (sentences.QUIET_HEADING, _series(found.went_quiet, most)),
        (sentences.FINDINGS_HEADING, _judged(found.judged, most)),
        (sentences.C_HEADING, _judged(found.c_changes, most)),
        (sentences.SUBSYSTEMS_HEADING, _subsystems(found, most)),
        (sentences.MAILS_HEADING, _sent(found)),
        (sentences.TROUBLE_HEADING, (line for each in words.trouble(found) for line in _item(each))),
        (sentences.RULES_HEADING, _rules(found)),
    ):
        section = list(content)
        if section:
            lines += [heading, "=" * len(heading), "", *section, *([""] if section[-1] else [])]
    return "\n".join([*lines, *_footer(version, contact)]) + "\n"


def _series(lines: Sequence[SeriesLine], most: int) -> Iterator[str]:
    for line in lines[:most]:
        yield from prose.wrap(
            sentences.SERIES.format(age=words.age(line), size=words.size(line), status=words.state(line))
        )
        yield from _named(line)
        yield ""
    if len(lines) > most:
        yield sentences.MORE.format(count=len(lines) - most)


def _named(line: SeriesLine) -> Iterator[str]:
    yield quoted(words.subject(line, prose.WIDTH - 2))
    author = prose.name(line.author)
    if author:
        yield quoted(f"  {author}")
    if words.address(line):
        yield quoted(f"  {words.address(line)}")


def _judged(judged: Sequence[ReviewedSeries], most: int) -> Iterator[str]:
    for each in judged[:most]:
        yield words.size(each.series)
        yield from _named(each.series)
        for line in each.findings[:_FINDINGS]:
            yield from _finding(line)
        if len(each.findings) > _FINDINGS:
            yield f"  {sentences.MORE_PLACES.format(count=len(each.findings) - _FINDINGS)}"
        yield ""
    if len(judged) > most:
        yield sentences.MORE_SERIES.format(count=len(judged) - most)


def _finding(line: FindingLine) -> Iterator[str]:
    yield from _item(words.finding(line))
    if line.withheld:
        yield quoted(f"    {words.reason(line)}")
    for place in line.places[:_PLACES]:
        yield quoted(f"    {place}")
    if len(line.places) > _PLACES:
        yield quoted(f"    {sentences.MORE_PLACES.format(count=len(line.places) - _PLACES)}")


def _subsystems(found: Digest, most: int) -> Iterator[str]:
    for line in found.subsystems[:most]:
        yield quoted(f"{line.subsystem:28} {words.delta(line)}")
    if len(found.subsystems) > most:
        yield sentences.MORE.format(count=len(found.subsystems) - most)


def _sent(found: Digest) -> Iterator[str]:
    for state, number in found.mails:
        yield from _item(words.mails(state, number))
    for reason, number in found.withheld:
        yield from _item(sentences.WITHHELD.format(findings=prose.count(number, "finding"), reason=prose.prose(reason)))


def _rules(found: Digest) -> Iterator[str]:
    for tally in found.rules:
        yield from _item(words.rule(tally))
    for rule, why in found.demoted:
        yield from _item(sentences.DEMOTED.format(rule=rule, reason=why))


def _item(text: str) -> list[str]:
    """An item of a list, wrapped under its mark."""
    return textwrap.wrap(
        text,
        prose.WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _footer(version: str, contact: str) -> list[str]:
    return ["-- ", *prose.wrap(words.about(version, contact))]
