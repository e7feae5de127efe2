# SPDX-License-Identifier: GPL-2.0-or-later
"""A digest as plain text that a mail reader shows as it is: 72 columns, what strangers wrote behind `> `."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from bot.digest import phrases as words
from bot.digest.model import Digest, FindingLine, ReviewedSeries, SeriesLine
from bot.review.render import text as prose
from bot.review.render.quote import quoted

MOST: Final = 25
"""So many entries of a section are shown; more is a list nobody reads."""

_FINDINGS: Final = 12
_PLACES: Final = 3


def digest_text(found: Digest, version: str, contact: str = "", most: int = MOST) -> str:
    """The text, with LF line ends, of each section no more than `most` entries; the same digest gives the same text."""
    lines = [words.title(found), *prose.wrap(words.summary(found)), ""]
    for heading, content in (
        ("Series that wait for review", _series(found.waiting, most)),
        ("Series that went quiet", _series(found.went_quiet, most)),
        ("What the rules found", _judged(found.judged, most)),
        ("C changes that touch Rust", _judged(found.c_changes, most)),
        ("Unsafe code and bindings by subsystem", _subsystems(found, most)),
        ("Sent and withheld", _sent(found)),
        ("Not read, not judged", (line for each in words.trouble(found) for line in _item(each))),
        ("Rules so far", _rules(found)),
    ):
        section = list(content)
        if section:
            lines += [heading, "=" * len(heading), "", *section, *([""] if section[-1] else [])]
    return "\n".join([*lines, *_footer(version, contact)]) + "\n"


def _series(lines: Sequence[SeriesLine], most: int) -> Iterator[str]:
    for line in lines[:most]:
        yield from prose.wrap(f"{words.age(line)}: {words.size(line)}; {words.state(line)}")
        yield from _named(line)
        yield ""
    if len(lines) > most:
        yield f"And {len(lines) - most} more."


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
            yield f"  and {len(each.findings) - _FINDINGS} more"
        yield ""
    if len(judged) > most:
        yield f"And {len(judged) - most} more series."


def _finding(line: FindingLine) -> Iterator[str]:
    yield from _item(words.finding(line))
    if line.withheld:
        yield quoted(f"    {words.reason(line)}")
    for place in line.places[:_PLACES]:
        yield quoted(f"    {place}")
    if len(line.places) > _PLACES:
        yield quoted(f"    and {len(line.places) - _PLACES} more")


def _subsystems(found: Digest, most: int) -> Iterator[str]:
    for line in found.subsystems[:most]:
        yield quoted(f"{line.subsystem:28} {words.delta(line)}")
    if len(found.subsystems) > most:
        yield f"And {len(found.subsystems) - most} more."


def _sent(found: Digest) -> Iterator[str]:
    for state, number in found.mails:
        yield from _item(words.mails(state, number))
    for reason, number in found.withheld:
        yield from _item(f"{prose.count(number, 'finding')} withheld: {prose.prose(reason)}")


def _rules(found: Digest) -> Iterator[str]:
    for tally in found.rules:
        yield from _item(f"{tally.rule}: {words.rule(tally)}")
    for rule, why in found.demoted:
        yield from _item(f"{rule} is silent in mails now and speaks here only: {why}")


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
    who = f" A person reads {contact}." if contact else ""
    return ["-- ", *prose.wrap(f"patchwarden {version}, a program; you get this because its settings name you.{who}")]
