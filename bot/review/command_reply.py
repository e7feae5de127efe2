# SPDX-License-Identifier: GPL-2.0-or-later
"""Draft the reply to a command. It goes only to the person who sent the command."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from bot.mail.authority import ProvenSender
from bot.mail.message import Message
from bot.mail.outgoing import COMMAND_REPLY
from bot.mail.reply import Identity, Reply
from bot.review import command_sentences as sentences
from bot.review.difference import ChangeKind, Difference
from bot.review.model import Review, ReviewFinding
from bot.review.render import text as plain_text
from bot.review.render.quote import quoted
from rules.finding import Anchor
from rules.lazy import re
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


def command_reply(
    message: Message, sender: ProvenSender, paragraphs: Sequence[Sequence[str]], identity: Identity
) -> Reply:
    """Return the reply to the mail with the command. The same command gives the same reply."""
    lines = [line for paragraph in paragraphs for line in (*paragraph, "")]
    subject = " ".join(plain_text.visible(message.subject).split())
    date = message.date or datetime(1970, 1, 1, tzinfo=UTC)
    return Reply(
        message_id=identity.message_id(COMMAND_REPLY, sender.keys[0]),
        date=format_datetime(date.astimezone(UTC)),
        sender=identity.sender,
        to=(sender.address,),
        cc=(),
        subject=subject if _RE.match(subject) else f"Re: {subject}",
        in_reply_to=message.message_id,
        references=tuple(dict.fromkeys((*message.references[-_MAX_LISTED:], message.message_id))),
        body="\n".join([*lines, *_footer(identity)]) + "\n",
        headers=(("Auto-Submitted", "auto-replied"), ("X-Patchwarden-Version", identity.version)),
    )


def help_text(review: Review | None) -> list[str]:
    """Return the commands, and the findings of the series that a command can name."""
    lines = [*plain_text.wrap(sentences.HELP), ""]
    for command, effect in _COMMANDS:
        lines += [f"  `patchwarden: {command}`", *_indented(effect)]
    findings = () if review is None else review.current
    lines += ["", *plain_text.wrap(sentences.NAMES if findings else sentences.NO_NAMES)]
    lines += [line for entry in findings[:_MAX_LISTED] for line in _listed(entry)]
    if len(findings) > _MAX_LISTED:
        lines.append(f"  {sentences.MORE.format(count=len(findings) - _MAX_LISTED)}")
    return lines


def explanation(rule: Rule | None, rule_id: str) -> list[str]:
    """Return a rule's page as plain text, or a sentence that there is no such rule."""
    if rule is None:
        return plain_text.wrap(sentences.NO_RULE.format(rule=rule_id))
    lines = [f"{rule.id}: {rule.severity}, {rule.status}", ""]
    for paragraph in rule.doc.strip().split("\n\n"):
        lines += [*_paragraph(paragraph), ""]
    return [*lines, sentences.EVIDENCE, *(quoted(str(evidence)) for evidence in rule.evidence)]


def unknown_finding(finding: str) -> list[str]:
    """Return a sentence that the name matches no finding of the series, or several."""
    return plain_text.wrap(sentences.NO_FINDING.format(finding=finding))


def recheck_text(review: Review, changed: Difference) -> list[str]:
    """Return the findings that a re-check added and removed, with the reasons."""
    counts = ", ".join(f"{len(changed.of(kind))} {kind}" for kind in ChangeKind)
    lines = plain_text.wrap(sentences.RECHECKED.format(revision=review.posting.series.revision, counts=counts))
    for kind, title, title_because in (
        (ChangeKind.NEW, sentences.NEW, sentences.NEW_BECAUSE),
        (ChangeKind.GONE, sentences.GONE, sentences.GONE_BECAUSE),
    ):
        changes = changed.of(kind)
        reasons = {change.reason for change in changes}
        if changes:
            heading = title_because.format(reason=next(iter(reasons))) if len(reasons) == 1 else title
            lines += ["", *plain_text.wrap(heading)]
        for change in changes[:_MAX_LISTED]:
            lines += _listed(change.entry)
            if len(reasons) > 1:
                lines += _indented(f"({change.reason})")
        if len(changes) > _MAX_LISTED:
            lines.append(f"  {sentences.MORE.format(count=len(changes) - _MAX_LISTED)}")
    return lines


def _indented(text: str) -> list[str]:
    return [f"      {line}" for line in textwrap.wrap(text, plain_text.WIDTH - 6)]


def _listed(entry: ReviewFinding) -> Iterator[str]:
    finding = entry.finding
    anchor = finding.anchor
    place = (
        f"{anchor.path}:{anchor.line}" if isinstance(anchor, Anchor) else sentences.IN_LOG.format(patch=anchor.patch)
    )
    name = f"{finding.fingerprint} {finding.rule}"
    yield f"  {name if entry.withheld is None else sentences.NOT_MAILED.format(finding=name)}"
    yield quoted(f"  {place}: {' '.join(anchor.text.split())}")


def _paragraph(text: str) -> Iterable[str]:
    """Return the lines of a paragraph of a rule's page. A heading is underlined, text is wrapped, code is not."""
    lines = text.split("\n")
    if heading := _HEADING.match(lines[0]):
        title = plain_text.visible(heading[1])
        rest = "\n".join(lines[1:]).strip()
        return [title, "=" * min(len(title), plain_text.WIDTH), *(_paragraph(rest) if rest else ())]
    if any(line.startswith(("    ", "```", "|")) for line in lines):
        return [quoted(line) for line in lines]
    items = re.split(r"\n(?=[-*] )", text)
    return [line for item in items for line in plain_text.wrap(plain_text.harmless(item))]


def _footer(identity: Identity) -> list[str]:
    contact = f" {sentences.CONTACT.format(contact=identity.contact)}" if identity.contact else ""
    return ["-- ", *plain_text.wrap(f"{sentences.ABOUT.format(version=identity.version)}{contact}")]
