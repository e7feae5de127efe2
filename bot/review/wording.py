# SPDX-License-Identifier: GPL-2.0-or-later
"""The sentences of one remark: the rule's message, its further places, whether it was said before, its evidence."""

from collections.abc import Iterator

from bot.review import prose
from bot.review.comment import Standing
from bot.review.lint import problems
from bot.review.quote import CUT, quoted
from bot.review.remark import Remark
from rules.finding import Anchor

_EVIDENCE_LINES = 8


def explained(remark: Remark, again: bool) -> Iterator[str]:
    """What stands under a quotation; `again` says that the rule was explained further above in the same mail."""
    yield from words(remark, "", short=again)
    if behind := " ".join(filter(None, (others(remark), _said_before(remark)))):
        yield from prose.wrap(behind)
    for evidence in remark.first.evidence:
        yield from ("", "For reference:", "", quoted(f"{evidence.origin}:"))
        yield from (quoted(f"  {line}".rstrip()) for line in evidence.lines[:_EVIDENCE_LINES])
        if len(evidence.lines) > _EVIDENCE_LINES:
            yield CUT


def words(remark: Remark, before: str = "", behind: str = "", *, short: bool = False) -> list[str]:
    """The rule's message in lines, or its first sentence where that is enough.

    Where what the message took from the patch would make the lines unfit to be sent, only the rule's id is said.
    """
    message = prose.prose(remark.first.message)
    message = prose.first_sentence(message) if short else message
    lines = prose.wrap(f"{before}{message} [{remark.rule}] {behind}".strip())
    return lines if not any(problems("\n".join(lines))) else [f"See `patchwarden rules {remark.rule}`."]


def others(remark: Remark) -> str:
    """The further places of a remark: by line in the same file, else how many."""
    anchors = [comment.finding.anchor for comment in remark.comments[1:]]
    if not anchors:
        return ""
    lines = [anchor.line for anchor in anchors if isinstance(anchor, Anchor) and anchor.path == remark.first.path]
    if len(lines) == len(anchors):
        return f"Also at {'line' if len(lines) == 1 else 'lines'} {prose.listed(lines)}."
    return f"Also in {prose.count(len(anchors), 'other place')} of this patch."


def _said_before(remark: Remark) -> str:
    known = all(comment.standing is not Standing.NEW and comment.said_before for comment in remark.comments)
    return "(As said of the previous revision.)" if known else ""
