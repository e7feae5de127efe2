# SPDX-License-Identifier: GPL-2.0-or-later
"""A review as a mail's body, as a kernel reviewer writes it: the verdict on top, each remark under its line."""

from collections.abc import Iterator, Mapping, Sequence
from email.utils import format_datetime
from itertools import groupby
from typing import Final

from bot.mail.posting import Part
from bot.mail.reply import Identity
from bot.review.finding_group import FindingGroup, remarks, staged
from bot.review.model import Review
from bot.review.render import sentences
from bot.review.render import text as prose
from bot.review.render.finding import explained
from bot.review.render.footer import footer
from bot.review.render.quote import CUT, quotations, quoted
from bot.review.render.short_lines import further, nits
from bot.review.render.summary import verdict
from bot.review.review import answered
from rules.finding import Severity
from rules.lint.rule import Rule

_MAX_DISTANCE: Final = 8
"""The number of lines between a bug and a finding below it that are quoted together."""


def body(review: Review, rules: Mapping[str, Rule], identity: Identity) -> str:
    """The mail's text: LF line ends, at most 72 columns outside of quotations; "" where nothing is said.

    What comes from the patch stands behind `> ` alone, but for names in code that rules put between backticks.
    """
    said = remarks(review.said, rules)
    if not said:
        return ""
    several = len({patch for remark in said for patch in remark.patches}) > 1
    full, listed = staged(said)
    lines = [
        *verdict(review, said),
        "",
        *_explained(review, full),
        *further(listed, several=several),
        *nits([each for each in said if each.tier == 2], several=several),
        *footer(review, said, identity),
    ]
    return "\n".join(lines) + "\n"


def _explained(review: Review, full: Sequence[FindingGroup]) -> Iterator[str]:
    """Yield the findings under their quotations: bugs first, then patch by patch, each under the patch's subject.

    The patch that the mail replies to needs no subject.
    """
    part = answered(review.posting, review.comments)
    bugs = [group for group in full if group.severity is Severity.BUG]

    def order(group: FindingGroup) -> tuple[bool, int]:
        return not any(_is_quoted_with(group, bug) for bug in bugs), group.patch

    told: set[str] = set()
    previous = 0
    for (_, patch), groups in groupby(sorted(full, key=order), order):
        if patch != previous:
            is_answered = part is not None and part.index == patch and not told
            yield from _attribution(part) if part is not None and is_answered else _heading(review, patch)
        previous = patch
        for quotation in quotations(review.posting.series.patch(patch), groups):
            yield from (*quotation.lines, "")
            for group in quotation.remarks:
                yield from (*explained(group, told), "")


def _is_quoted_with(group: FindingGroup, bug: FindingGroup) -> bool:
    """Return whether the group is the bug, or stands so closely below it that both need one quotation."""
    lines = group.first.anchor.line - bug.first.anchor.line
    return group is bug or (
        group.patch == bug.patch and group.first.path == bug.first.path and 0 <= lines <= _MAX_DISTANCE
    )


def _attribution(part: Part) -> Iterator[str]:
    name = prose.name(part.author.name)
    if name and part.date is not None:
        yield sentences.ATTRIBUTION.format(date=format_datetime(part.date)[:16], name=name)


def _heading(review: Review, patch: int) -> Iterator[str]:
    part = review.posting.part(patch)
    subject = part.subject if part is not None else review.posting.series.patch(patch).subject
    yield from (quoted(f"Subject: {subject}"), CUT)
