# SPDX-License-Identifier: GPL-2.0-or-later
"""Render the body of a mail as a kernel reviewer writes it: a summary first, then each finding under its line."""

from collections.abc import Iterator, Mapping, Sequence
from email.utils import format_datetime
from itertools import groupby
from typing import Final

from bot.mail.posting import Part
from bot.mail.reply import Identity
from bot.review.finding_group import FindingGroup, group_findings, split_explained
from bot.review.model import Review
from bot.review.render import sentences
from bot.review.render import text as plain_text
from bot.review.render.finding import render_group
from bot.review.render.footer import footer, series_address
from bot.review.render.quote import CUT, quotations, quoted
from bot.review.render.short_lines import more_places, nits
from bot.review.render.summary import summary
from bot.review.review import part_to_answer
from rules.finding import Severity
from rules.lint.rule import Rule

_MAX_DISTANCE: Final = 8
"""The number of lines between a bug and a finding below it that are quoted together."""


def body(review: Review, rules: Mapping[str, Rule], identity: Identity) -> str:
    """Return the text with LF line ends, or "" if no finding is reported.

    Lines have at most 72 columns, except for quotations and an address.

    Text from the patch is only on lines that begin with `> `, except for the names that rules put between backticks.
    """
    groups = group_findings(review.reported, rules)
    if not groups:
        return ""
    several = len({patch for group in groups for patch in group.patches}) > 1
    explained, listed = split_explained(groups)
    page = series_address(review, identity)
    lines = [
        *summary(review, groups, page),
        "",
        *_explained(review, explained),
        *more_places(listed, several=several),
        *nits([group for group in groups if group.tier == 2], several=several),
        *footer(review, groups, identity, page),
    ]
    return "\n".join(lines) + "\n"


def _explained(review: Review, groups: Sequence[FindingGroup]) -> Iterator[str]:
    """Yield the groups under their quotations: bugs first, then patch by patch, each under the patch's subject.

    The patch that the mail replies to needs no subject.
    """
    part = part_to_answer(review.posting, review.findings)
    bugs = [group for group in groups if group.severity is Severity.BUG]

    def order(group: FindingGroup) -> tuple[bool, int]:
        return not any(_is_quoted_with(group, bug) for bug in bugs), group.patch

    explained: set[str] = set()
    previous = 0
    for (_, patch), of_patch in groupby(sorted(groups, key=order), order):
        if patch != previous:
            is_answered = part is not None and part.index == patch and not explained
            yield from _attribution(part) if part is not None and is_answered else _heading(review, patch)
        previous = patch
        for quotation in quotations(review.posting.series.patch(patch), tuple(of_patch)):
            yield from (*quotation.lines, "")
            for group in quotation.groups:
                yield from (*render_group(group, explained), "")


def _is_quoted_with(group: FindingGroup, bug: FindingGroup) -> bool:
    """Return whether the group is the bug, or so close below it that both need one quotation."""
    lines = group.first.anchor.line - bug.first.anchor.line
    return group is bug or (
        group.patch == bug.patch and group.first.path == bug.first.path and 0 <= lines <= _MAX_DISTANCE
    )


def _attribution(part: Part) -> Iterator[str]:
    name = plain_text.name(part.author.name)
    if name and part.date is not None:
        yield sentences.ATTRIBUTION.format(date=format_datetime(part.date)[:16], name=name)


def _heading(review: Review, patch: int) -> Iterator[str]:
    part = review.posting.part(patch)
    subject = part.subject if part is not None else review.posting.series.patch(patch).subject
    yield from (quoted(f"Subject: {subject}"), CUT)
