# SPDX-License-Identifier: GPL-2.0-or-later
"""The sentences of one remark: the rule's message, its further places, whether it was said before, its evidence."""

from collections.abc import Iterator

from bot.review.finding_group import FindingGroup
from bot.review.mail_lint import problems
from bot.review.model import FindingStatus
from bot.review.render import text as prose
from bot.review.render.quote import CUT, quoted

_EVIDENCE_LINES = 8


def explained(remark: FindingGroup, told: set[str]) -> Iterator[str]:
    """What stands under a quotation; sentences of the rule that were `told` before, but for the first, are left out."""
    yield from words(remark, told=told)
    if behind := " ".join(filter(None, (_others(remark), _said_before(remark)))):
        yield from prose.wrap(behind)
    if remark.first.evidence:
        yield from ("", "For reference:", "")
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
    return lines if not any(problems("\n".join(lines))) else [f"See `patchwarden rules {remark.rule}`."]


def _others(remark: FindingGroup) -> str:
    """The lines of the further places."""
    lines = [comment.finding.anchor.line for comment in remark.comments[1:]]
    return f"Also at {'line' if len(lines) == 1 else 'lines'} {prose.listed(lines)}." if lines else ""


def _said_before(remark: FindingGroup) -> str:
    if not all(comment.standing is not FindingStatus.NEW and comment.said_before for comment in remark.comments):
        return ""
    silent = any(comment.unsaid_before for comment in remark.comments)
    return f"(As said of {'an earlier' if silent else 'the previous'} revision.)"
