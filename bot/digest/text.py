# SPDX-License-Identifier: GPL-2.0-or-later
"""Render a digest as plain text of 72 columns. Text from outside is on lines that begin with `> `."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from bot.digest import phrases, sentences
from bot.digest.address import finding_address, series_address
from bot.digest.model import CollisionLine, Digest, FindingLine, LandingSeries, ReviewedSeries, SeriesLine
from bot.mail.links import Links
from bot.review.render import text as plain_text
from bot.review.render.quote import quoted

MAX_ENTRIES: Final = 25
"""Maximum number of entries in a section."""

_NO_LINKS: Final = Links()
_MAX_FINDINGS: Final = 12
_MAX_PLACES: Final = 3


def digest_text(
    digest: Digest, version: str, contact: str = "", max_entries: int = MAX_ENTRIES, links: Links = _NO_LINKS
) -> str:
    """Return the text with LF line ends and at most `max_entries` entries in each section.

    The same digest gives the same text. It names the web pages of `links`, and without them the archive.
    """
    lines = [phrases.title(digest), *plain_text.wrap(phrases.summary(digest)), ""]
    for heading, content in (
        (sentences.WAITING_HEADING, _series(digest.waiting, max_entries, links)),
        (sentences.INACTIVE_HEADING, _series(digest.inactive, max_entries, links)),
        (sentences.FINDINGS_HEADING, _reviewed(digest.reviewed, max_entries, links)),
        (sentences.C_HEADING, _reviewed(digest.c_changes, max_entries, links)),
        (sentences.COLLISIONS_HEADING, _collisions(digest.collisions, max_entries, links)),
        (sentences.LANDING_HEADING, _landing(digest.landing, max_entries, links)),
        (sentences.SUBSYSTEMS_HEADING, _subsystems(digest, max_entries)),
        (sentences.MAILS_HEADING, _sent(digest)),
        (sentences.NOT_CHECKED_HEADING, (line for problem in phrases.not_checked(digest) for line in _item(problem))),
        (sentences.RULES_HEADING, _rules(digest)),
    ):
        section = list(content)
        if section:
            lines += [heading, "=" * len(heading), "", *section, *([""] if section[-1] else [])]
    return "\n".join([*lines, *_footer(version, contact)]) + "\n"


def _series(lines: Sequence[SeriesLine], max_entries: int, links: Links) -> Iterator[str]:
    for line in lines[:max_entries]:
        yield from plain_text.wrap(
            sentences.SERIES.format(age=phrases.age(line), size=phrases.size(line), status=phrases.state(line))
        )
        yield from _named(line, links)
        yield ""
    if len(lines) > max_entries:
        yield sentences.MORE.format(count=len(lines) - max_entries)


def _named(line: SeriesLine, links: Links) -> Iterator[str]:
    yield quoted(phrases.subject(line, plain_text.WIDTH - 2))
    author = plain_text.name(line.author)
    if author:
        yield quoted(f"  {author}")
    if address := series_address(line.message_id, links):
        yield quoted(f"  {address}")


def _reviewed(all_reviewed: Sequence[ReviewedSeries], max_entries: int, links: Links) -> Iterator[str]:
    for reviewed in all_reviewed[:max_entries]:
        yield phrases.size(reviewed.series)
        yield from _named(reviewed.series, links)
        for line in reviewed.findings[:_MAX_FINDINGS]:
            yield from _item(phrases.finding(line))
            yield from _details(reviewed.series, line, links)
        if len(reviewed.findings) > _MAX_FINDINGS:
            yield f"  {sentences.MORE_PLACES.format(count=len(reviewed.findings) - _MAX_FINDINGS)}"
        yield ""
    if len(all_reviewed) > max_entries:
        yield sentences.MORE_SERIES.format(count=len(all_reviewed) - max_entries)


def _collisions(lines: Sequence[CollisionLine], max_entries: int, links: Links) -> Iterator[str]:
    for line in lines[:max_entries]:
        yield from plain_text.wrap(f"{phrases.collision(line)}:")
        for series in (line.series, line.other):
            yield from _named(series, links)
        yield ""
    if len(lines) > max_entries:
        yield sentences.MORE.format(count=len(lines) - max_entries)


def _landing(all_series: Sequence[LandingSeries], max_entries: int, links: Links) -> Iterator[str]:
    for series in all_series[:max_entries]:
        yield phrases.size(series.series)
        yield from _named(series.series, links)
        for line in series.findings[:_MAX_FINDINGS]:
            yield from _item(phrases.landing(line, series.ref))
            yield from _details(series.series, line, links)
        if len(series.findings) > _MAX_FINDINGS:
            yield f"  {sentences.MORE_PLACES.format(count=len(series.findings) - _MAX_FINDINGS)}"
        yield ""
    if len(all_series) > max_entries:
        yield sentences.MORE_SERIES.format(count=len(all_series) - max_entries)


def _details(series: SeriesLine, line: FindingLine, links: Links) -> Iterator[str]:
    """Yield why a finding was not mailed, its places, and the page of the first."""
    if line.withheld:
        yield quoted(f"    {phrases.reason(line)}")
    for place in line.places[:_MAX_PLACES]:
        yield quoted(f"    {place}")
    if len(line.places) > _MAX_PLACES:
        yield quoted(f"    {sentences.MORE_PLACES.format(count=len(line.places) - _MAX_PLACES)}")
    if links.pages and (address := finding_address(series.message_id, line, 0, links)):
        yield quoted(f"    {address}")


def _subsystems(digest: Digest, max_entries: int) -> Iterator[str]:
    for line in digest.subsystems[:max_entries]:
        yield quoted(f"{line.subsystem:28} {phrases.delta(line)}")
    if len(digest.subsystems) > max_entries:
        yield sentences.MORE.format(count=len(digest.subsystems) - max_entries)


def _sent(digest: Digest) -> Iterator[str]:
    for state, count in digest.mails:
        yield from _item(phrases.mails(state, count))
    for reason, count in digest.withheld:
        yield from _item(
            sentences.WITHHELD.format(findings=plain_text.count(count, "finding"), reason=plain_text.harmless(reason))
        )


def _rules(digest: Digest) -> Iterator[str]:
    for tally in digest.rules:
        yield from _item(phrases.rule(tally))
    for rule, reason in digest.demoted:
        yield from _item(sentences.DEMOTED.format(rule=rule, reason=reason))


def _item(text: str) -> list[str]:
    """Return the wrapped lines of a list item."""
    return textwrap.wrap(
        text,
        plain_text.WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _footer(version: str, contact: str) -> list[str]:
    return ["-- ", *plain_text.wrap(phrases.about(version, contact))]
