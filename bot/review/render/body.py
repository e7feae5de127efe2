# SPDX-License-Identifier: GPL-2.0-or-later
"""A review as a mail's body, as a kernel reviewer writes it: the verdict on top, each remark under its line."""

from collections.abc import Iterator, Mapping, Sequence
from email.utils import format_datetime

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
from rules.lint.rule import Rule


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
    """The remarks under their quotations, patch by patch, under the patch's subject unless that is what is answered."""
    part = answered(review.posting, review.comments)
    told: set[str] = set()
    for patch in sorted({remark.patch for remark in full}):
        yield from _attribution(part) if part is not None and part.index == patch else _heading(review, patch)
        for quotation in quotations(review.posting.series.patch(patch), [each for each in full if each.patch == patch]):
            yield from (*quotation.lines, "")
            for remark in quotation.remarks:
                yield from (*explained(remark, told), "")


def _attribution(part: Part) -> Iterator[str]:
    name = prose.name(part.author.name)
    if name and part.date is not None:
        yield sentences.ATTRIBUTION.format(date=format_datetime(part.date)[:16], name=name)


def _heading(review: Review, patch: int) -> Iterator[str]:
    part = review.posting.part(patch)
    subject = part.subject if part is not None else review.posting.series.patch(patch).subject
    yield from (quoted(f"Subject: {subject}"), CUT)
