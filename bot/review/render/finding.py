# SPDX-License-Identifier: GPL-2.0-or-later
"""The sentences of one remark: the rule's message, its further places, whether it was said before, its evidence."""

from collections.abc import Iterator

from bot.review.finding_group import FindingGroup
from bot.review.mail_lint import problems
from bot.review.model import FindingStatus
from bot.review.render import sentences
from bot.review.render import text as prose
from bot.review.render.quote import CUT, quoted

_EVIDENCE_LINES = 8


def explained(remark: FindingGroup, told: set[str]) -> Iterator[str]:
    """What stands under a quotation; sentences of the rule that were `told` before, but for the first, are left out."""
    yield from words(remark, told=told)
    if behind := " ".join(filter(None, (_others(remark), _said_before(remark)))):
        yield from prose.wrap(behind)
    if remark.first.evidence:
        yield from ("", sentences.FOR_REFERENCE, "")
    for evidence in remark.first.evidence:
        yield quoted(f"{evidence.origin}:")
        yield from (quoted(f"  {line}".rstrip()) for line in evidence.lines[:_EVIDENCE_LINES])
        if len(evidence.lines) > _EVIDENCE_LINES:
            yield CUT


def words(remark: FindingGroup, *, behind: str = "", told: set[str] | None = None) -> list[str]:
    """The rule's message in lines.

    Where what the message took from the patch would make the lines unfit to be sent, only the rule's id is said.
    """
    first, *more = prose.sentences(prose.prose(remark.first.message)) or [""]
    message = " ".join([first, *(each for each in more if told is None or each not in told)])
    if told is not None:
        told.update(more)
    lines = prose.wrap(f"{message} [{remark.rule}] {behind}".strip())
    return lines if not any(problems("\n".join(lines))) else [sentences.UNFIT_MESSAGE.format(rule=remark.rule)]


def _others(remark: FindingGroup) -> str:
    """The lines of the further places."""
    lines = [comment.finding.anchor.line for comment in remark.comments[1:]]
    if len(lines) == 1:
        return sentences.ALSO_AT_LINE.format(line=lines[0])
    return sentences.ALSO_AT_LINES.format(lines=prose.listed(lines)) if lines else ""


def _said_before(remark: FindingGroup) -> str:
    if not all(comment.standing is not FindingStatus.NEW and comment.said_before for comment in remark.comments):
        return ""
    unsent = any(comment.unsaid_before for comment in remark.comments)
    return sentences.REPORTED_ON_EARLIER if unsent else sentences.REPORTED_ON_PREVIOUS
