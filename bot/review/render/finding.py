# SPDX-License-Identifier: GPL-2.0-or-later
"""Render a group of findings: the message, the other places, whether it was reported before, and the evidence."""

from collections.abc import Iterator

from bot.mail.target import is_message_id
from bot.review.finding_group import FindingGroup, code_names
from bot.review.mail_lint import problems
from bot.review.model import FindingState
from bot.review.render import sentences
from bot.review.render import text as plain_text
from bot.review.render.quote import CUT, quoted
from rules.finding import Evidence

_MAX_EVIDENCE_LINES = 8
_MAX_EVIDENCE = 3  # of several findings, such as collisions with several series


def render_group(group: FindingGroup, explained: set[str]) -> Iterator[str]:
    """Yield the lines below a quotation, without the explanations that are in `explained`, and add to those."""
    yield from message_lines(group, explained=explained)
    if notes := " ".join(filter(None, (_other_places(group), _already_reported(group)))):
        yield from plain_text.wrap(notes)
    found = tuple(dict.fromkeys(_evidence(group)))
    shown = found[: max(_MAX_EVIDENCE, len(group.first.evidence))]
    if shown:
        yield from ("", sentences.FOR_REFERENCE, "")
    for evidence in shown:
        yield quoted(f"{evidence.origin}:")
        yield from (quoted(f"  {line}".rstrip()) for line in evidence.lines[:_MAX_EVIDENCE_LINES])
        if len(evidence.lines) > _MAX_EVIDENCE_LINES:
            yield CUT
    if len(found) > len(shown):
        yield CUT


def _evidence(group: FindingGroup) -> Iterator[Evidence]:
    """Yield the evidence of the findings at the first place, and mails that are evidence at other places.

    The code that is evidence at another place is mostly like that of the first one. Another mail is another series.
    """
    seen = set[str]()
    for finding in (entry.finding for entry in group.findings):
        for evidence in finding.evidence:
            if finding.anchor == group.first.anchor or (is_message_id(evidence.origin) and evidence.origin not in seen):
                yield evidence
            seen.add(evidence.origin)


def message_lines(group: FindingGroup, *, suffix: str = "", explained: set[str] | None = None) -> list[str]:
    """Return the message in lines, with the rule's id and the suffix.

    The first sentence names the problem, the others explain it. Those in `explained` are left out. If names from the
    patch make the lines unfit for a mail, return only the rule.
    """
    first, *others = plain_text.sentences(plain_text.harmless(group.first.message)) or [""]
    message = " ".join([first, *(sentence for sentence in others if explained is None or sentence not in explained)])
    if explained is not None:
        explained.update(others)
    lines = plain_text.wrap(f"{message} [{group.rule}] {suffix}".strip())
    if any(problems("\n".join(lines))):
        return plain_text.wrap(sentences.UNFIT_MESSAGE.format(rule=group.rule))
    return lines


def _other_places(group: FindingGroup) -> str:
    """Return the line numbers of all places but the first, each with the code that its message names instead."""
    named = code_names(group.first)
    lines = list[str]()
    for finding in (entry.finding for entry in group.findings if entry.finding.anchor != group.first.anchor):
        other = [name for name in code_names(finding) if name not in named]
        names = f" ({plain_text.harmless(', '.join(other))})" if other else ""
        lines.append(f"{finding.anchor.line}{names}")
    lines = list(dict.fromkeys(lines))
    if len(lines) == 1:
        return sentences.ALSO_AT_LINE.format(line=lines[0])
    return sentences.ALSO_AT_LINES.format(lines=plain_text.listed(lines)) if lines else ""


def _already_reported(group: FindingGroup) -> str:
    if not all(entry.state is not FindingState.NEW and entry.mailed_before for entry in group.findings):
        return ""
    is_previous_unsent = any(entry.unmailed_before for entry in group.findings)
    return sentences.REPORTED_ON_EARLIER if is_previous_unsent else sentences.REPORTED_ON_PREVIOUS
