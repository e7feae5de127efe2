# SPDX-License-Identifier: GPL-2.0-or-later
"""What we answer to a command: the words of a mail to one person, who asked for it."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from bot.mail.address import Address
from bot.mail.message import Message
from bot.mail.outgoing import COMMAND_REPLY
from bot.mail.reply import Identity, Reply
from bot.review import command_sentences as sentences
from bot.review.difference import ChangeKind, Difference
from bot.review.model import FindingStatus, Review, ReviewFinding
from bot.review.render import text as prose
from bot.review.render.quote import quoted
from rules.finding import Anchor
from rules.lint.rule import Rule

_MAX_LISTED: Final = 20
_HEADING = re.compile(r"#++\s*+(.*)")
_RE = re.compile(r"re\s*:", re.IGNORECASE)

_COMMANDS: Final = (
    ("recheck", sentences.RECHECK),
    ("explain RULE", sentences.EXPLAIN),
    ("not-applicable FINDING reason", sentences.NOT_APPLICABLE),
    ("fixed FINDING", sentences.FIXED),
    ("mute series|author|list", sentences.MUTE),
    ("help", sentences.HELP_COMMAND),
)


def answer_mail(message: Message, to: Address, paragraphs: Sequence[Sequence[str]], identity: Identity) -> Reply:
    """The mail that answers a command, to the one who gave it and nobody else; the same command makes the same mail."""
    lines = [line for paragraph in paragraphs for line in (*paragraph, "")]
    subject = " ".join(prose.visible(message.subject).split())
    when = message.date or datetime(1970, 1, 1, tzinfo=UTC)
    return Reply(
        message_id=identity.message_id(COMMAND_REPLY, message.message_id),
        date=format_datetime(when.astimezone(UTC)),
        sender=identity.sender,
        to=(to,),
        cc=(),
        subject=subject if _RE.match(subject) else f"Re: {subject}",
        in_reply_to=message.message_id,
        references=tuple(dict.fromkeys((*message.references[-_MAX_LISTED:], message.message_id))),
        body="\n".join([*lines, *_footer(identity)]) + "\n",
        headers=(("Auto-Submitted", "auto-replied"), ("X-Patchwarden-Version", identity.version)),
    )


def help_text(review: Review | None) -> list[str]:
    """The commands, and the findings of the series that they can name."""
    lines = [*prose.wrap(sentences.HELP), ""]
    for command, what in _COMMANDS:
        lines += [f"  `patchwarden: {command}`", *(f"      {line}" for line in textwrap.wrap(what, prose.WIDTH - 6))]
    found = [] if review is None else [each for each in review.comments if each.standing is not FindingStatus.RESOLVED]
    lines += ["", *prose.wrap(sentences.NAMES if found else sentences.NO_NAMES)]
    lines += [line for comment in found[:_MAX_LISTED] for line in _named(comment)]
    if len(found) > _MAX_LISTED:
        lines.append(f"  {sentences.MORE.format(count=len(found) - _MAX_LISTED)}")
    return lines


def explanation(rule: Rule | None, asked: str) -> list[str]:
    """Return a rule's page as plain text, or that there is no such rule."""
    if rule is None:
        return prose.wrap(sentences.NO_RULE.format(rule=asked))
    lines = [f"{rule.id}: {rule.severity}, {rule.status}", ""]
    for paragraph in rule.doc.strip().split("\n\n"):
        lines += [*_paragraph(paragraph), ""]
    return [*lines, sentences.EVIDENCE, *(quoted(str(evidence)) for evidence in rule.evidence)]


def unknown_finding(finding: str) -> list[str]:
    """Return that the name fits no finding of the series, or several."""
    return prose.wrap(sentences.NO_FINDING.format(finding=finding))


def recheck_text(review: Review, changed: Difference) -> list[str]:
    """What a re-check changed, for the one who asked."""
    counts = ", ".join(f"{len(changed.of(kind))} {kind}" for kind in ChangeKind)
    lines = prose.wrap(sentences.RECHECKED.format(revision=review.posting.series.revision, counts=counts))
    for kind, title, title_because in (
        (ChangeKind.NEW, sentences.NEW, sentences.NEW_BECAUSE),
        (ChangeKind.GONE, sentences.GONE, sentences.GONE_BECAUSE),
    ):
        found = changed.of(kind)
        reasons = {change.reason for change in found}
        if found:
            heading = title_because.format(reason=next(iter(reasons))) if len(reasons) == 1 else title
            lines += ["", *prose.wrap(heading)]
        for change in found[:_MAX_LISTED]:
            lines += _named(change.comment)
            if len(reasons) > 1:
                lines += [f"      {line}" for line in textwrap.wrap(f"({change.reason})", prose.WIDTH - 6)]
        if len(found) > _MAX_LISTED:
            lines.append(f"  {sentences.MORE.format(count=len(found) - _MAX_LISTED)}")
    return lines


def _named(comment: ReviewFinding) -> Iterator[str]:
    finding = comment.finding
    anchor = finding.anchor
    place = (
        f"{anchor.path}:{anchor.line}" if isinstance(anchor, Anchor) else sentences.IN_LOG.format(patch=anchor.patch)
    )
    name = f"{finding.fingerprint} {finding.rule}"
    yield f"  {name if comment.withheld is None else sentences.NOT_MAILED.format(finding=name)}"
    yield quoted(f"  {place}: {' '.join(anchor.text.split())}")


def _paragraph(text: str) -> Iterable[str]:
    """A paragraph of a rule's page: headings underlined, items and code lines as they are, prose wrapped."""
    lines = text.split("\n")
    if heading := _HEADING.match(lines[0]):
        title = prose.visible(heading[1])
        rest = "\n".join(lines[1:]).strip()
        return [title, "=" * min(len(title), prose.WIDTH), *(_paragraph(rest) if rest else ())]
    if any(line.startswith(("    ", "```", "|")) for line in lines):
        return [quoted(line) for line in lines]
    items = re.split(r"\n(?=[-*] )", text)
    return [line for item in items for line in prose.wrap(prose.prose(item))]


def _footer(identity: Identity) -> list[str]:
    contact = f" {sentences.CONTACT.format(contact=identity.contact)}" if identity.contact else ""
    return ["-- ", *prose.wrap(f"{sentences.ABOUT.format(version=identity.version)}{contact}")]
