# SPDX-License-Identifier: GPL-2.0-or-later
"""Render findings that need one line each: more places of a rule that was explained, and nits."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from bot.review.finding_group import FindingGroup, message_form
from bot.review.model import ReviewFinding
from bot.review.render import sentences
from bot.review.render import text as plain_text
from bot.review.render.finding import message_lines
from bot.review.render.quote import quoted
from rules.finding import Anchor

_MAX_NUMBERS: Final = 4  # line numbers before a quoted line
_MAX_PLACES: Final = 3  # quoted lines of a nit


def more_places(listed: Sequence[FindingGroup], several: bool) -> Iterator[str]:
    """Yield the places of findings that were explained above, one quoted line for each file, in the style of grep.

    Each message has its own block. If a rule has several messages, a block begins with the message's first sentence and
    has only the places for which this sentence is true, with the code that it names.
    """
    blocks: dict[tuple[str, str], list[ReviewFinding]] = {}
    for group in listed:
        blocks.setdefault((group.rule, message_form(group.first)), []).extend(group.findings)
    rules = Counter(rule for rule, _ in blocks)
    for (rule, _), findings in blocks.items():
        by_sentence: dict[str, list[ReviewFinding]] = {}
        for entry in findings:
            first = plain_text.sentences(plain_text.harmless(entry.finding.message))[0] if rules[rule] > 1 else ""
            by_sentence.setdefault(first, []).append(entry)
        for first, places in by_sentence.items():
            yield from (*plain_text.wrap(f"{sentences.SAME_FOR.format(rule=rule)} {first}".rstrip()), "")
            yield from _places(places, several)
            yield ""


def nits(groups: Sequence[FindingGroup], several: bool) -> Iterator[str]:
    """Yield the block of nits: for each group its quoted lines in the style of grep, and its message below them."""
    if groups:
        yield from (sentences.NITS, "")
    for group in groups:
        places = list(_places(group.findings, several))
        yield from places[:_MAX_PLACES]
        more = len(places) - _MAX_PLACES
        elsewhere = sentences.ALSO_IN_FILES.format(files=plain_text.count(more, "other file")) if more > 0 else ""
        yield from message_lines(group, suffix=elsewhere)
        yield ""


def _places(findings: Iterable[ReviewFinding], several: bool) -> Iterator[str]:
    """Yield a quoted line for each file of each patch, with all line numbers and the text of the first line."""
    for (patch, path), of_file in groupby(findings, lambda entry: (entry.finding.anchor.patch, entry.finding.path)):
        anchors = [entry.finding.anchor for entry in of_file]
        prefix = f"patch {patch}, " if several else ""
        lines = plain_text.listed([anchor.line for anchor in anchors], _MAX_NUMBERS)
        place = f"{path}:{lines}:" if isinstance(anchors[0], Anchor) else "commit message:"
        yield quoted(f"{prefix}{place} {anchors[0].text.strip()}")
