# SPDX-License-Identifier: GPL-2.0-or-later
"""Render a digest as plain text of 72 columns. Text from outside is on lines that begin with `> `."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from bot.digest import phrases, sentences
from bot.digest.address import finding_address, series_address
from bot.digest.model import CollisionLine, Digest, FindingLine, LandingSeries, ReviewedSeries, SeriesLine
from bot.mail.links import Links
from bot.review.render import text as plain_text
from bot.review.render.quote import quoted
from bot.review.render.sentence import Sentence

T = TypeVar("T")

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

    def entries(
        all_entries: Sequence[T], render: Callable[[T, Links], Iterator[str]], more: Sentence = sentences.MORE_SERIES
    ) -> Iterator[str]:
        for entry in all_entries[:max_entries]:
            yield from (*render(entry, links), "")
        if len(all_entries) > max_entries:
            yield more.format(count=len(all_entries) - max_entries)

    lines = [phrases.title(digest), *plain_text.wrap(phrases.summary(digest)), ""]
    for heading, content in (
        (sentences.WAITING_HEADING, entries(digest.waiting, _series, sentences.MORE)),
        (sentences.INACTIVE_HEADING, entries(digest.inactive, _series, sentences.MORE)),
        (sentences.FINDINGS_HEADING, entries(digest.reviewed, _with_findings)),
        (sentences.C_HEADING, entries(digest.c_changes, _with_findings)),
        (sentences.COLLISIONS_HEADING, entries(digest.collisions, _collision, sentences.MORE)),
        (sentences.LANDING_HEADING, entries(digest.landing, _with_findings)),
        (sentences.SUBSYSTEMS_HEADING, _subsystems(digest, max_entries)),
        (sentences.MAILS_HEADING, _sent(digest)),
        (sentences.NOT_CHECKED_HEADING, (line for problem in phrases.not_checked(digest) for line in _item(problem))),
        (sentences.RULES_HEADING, _rules(digest)),
    ):
        section = list(content)
        if section:
            lines += [heading, "=" * len(heading), "", *section, *([""] if section[-1] else [])]
    return "\n".join([*lines, *_footer(version, contact)]) + "\n"


def _series(line: SeriesLine, links: Links) -> Iterator[str]:
    yield from plain_text.wrap(
        sentences.SERIES.format(age=phrases.age(line), size=phrases.size(line), status=phrases.state(line))
    )
    yield from _named(line, links)


def _named(line: SeriesLine, links: Links) -> Iterator[str]:
    yield quoted(phrases.subject(line, plain_text.WIDTH - 2))
    author = plain_text.name(line.author)
    if author:
        yield quoted(f"  {author}")
    if address := series_address(line.message_id, links):
        yield quoted(f"  {address}")


def _with_findings(entry: ReviewedSeries | LandingSeries, links: Links) -> Iterator[str]:
    yield phrases.size(entry.series)
    yield from _named(entry.series, links)
    for line in entry.findings[:_MAX_FINDINGS]:
        finding = phrases.landing(line, entry.ref) if isinstance(entry, LandingSeries) else phrases.finding(line)
        yield from _item(finding)
        yield from _details(entry.series, line, links)
    if len(entry.findings) > _MAX_FINDINGS:
        yield f"  {sentences.MORE_PLACES.format(count=len(entry.findings) - _MAX_FINDINGS)}"


def _collision(line: CollisionLine, links: Links) -> Iterator[str]:
    yield from plain_text.wrap(f"{phrases.collision(line)}:")
    for series in (line.series, line.other):
        yield from _named(series, links)


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
