# SPDX-License-Identifier: GPL-2.0-or-later
"""What a line each is enough for: further places of a rule that was explained, and nits."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from bot.review.finding_group import FindingGroup, message_form
from bot.review.model import ReviewFinding
from bot.review.render import sentences
from bot.review.render import text as prose
from bot.review.render.finding import words
from bot.review.render.quote import quoted
from rules.finding import Anchor

_LINES: Final = 4  # numbers before a quoted line
_PLACES: Final = 3  # quoted lines of a nit


def further(listed: Sequence[FindingGroup], several: bool) -> Iterator[str]:
    """Yield the places of findings that were explained above, each as grep prints it, all lines of a file on one.

    Each message has a block of its own; if a rule has several, the block begins with the message's first sentence.
    """
    blocks: dict[tuple[str, str], list[FindingGroup]] = {}
    for group in listed:
        blocks.setdefault((group.rule, message_form(group.first)), []).append(group)
    rules = Counter(rule for rule, _ in blocks)
    for (rule, _), groups in blocks.items():
        first = prose.sentences(prose.prose(groups[0].first.message))[:1] if rules[rule] > 1 else []
        yield from (*prose.wrap(" ".join([sentences.SAME_FOR.format(rule=rule), *first])), "")
        for group in groups:
            yield from _places(group.comments, several)
        yield ""


def nits(remarks: Sequence[FindingGroup], several: bool) -> Iterator[str]:
    """Tier 2 in one block, each rule once: quoted lines as grep prints them, and a sentence below."""
    if remarks:
        yield from (sentences.NITS, "")
    for remark in remarks:
        places = list(_places(remark.comments, several))
        yield from places[:_PLACES]
        more = len(places) - _PLACES
        elsewhere = sentences.ALSO_IN_FILES.format(files=prose.count(more, "other file")) if more > 0 else ""
        yield from words(remark, behind=elsewhere)
        yield ""


def _places(comments: Iterable[ReviewFinding], several: bool) -> Iterator[str]:
    """One quoted line for each file of each patch, with the numbers of all lines and the text of the first."""
    for (patch, path), group in groupby(comments, lambda comment: (comment.finding.anchor.patch, comment.finding.path)):
        anchors = [comment.finding.anchor for comment in group]
        before = f"patch {patch}, " if several else ""
        lines = prose.listed([anchor.line for anchor in anchors], _LINES)
        place = f"{path}:{lines}:" if isinstance(anchors[0], Anchor) else "commit message:"
        yield quoted(f"{before}{place} {anchors[0].text.strip()}")
