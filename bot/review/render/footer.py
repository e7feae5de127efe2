# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines at the end of a mail: the unsafe delta, what wrote the mail, how to reply and how to stop the mails."""

from bot.mail.reply import Identity
from bot.review.finding_group import FindingGroup
from bot.review.model import Review
from bot.review.render import sentences
from bot.review.render import text as plain_text


def footer(review: Review, groups: tuple[FindingGroup, ...], identity: Identity) -> list[str]:
    """Return the lines of the signature, with the separator `-- `."""
    rule = min(groups, key=lambda group: (group.tier, -group.severity.rank)).rule
    about = f"{sentences.ABOUT.format(version=identity.version)} {sentences.ABOUT_RULE.format(rule=rule)}"
    reply = sentences.REPLY_OR_WRITE.format(contact=identity.contact) if identity.contact else sentences.REPLY
    if identity.commands:
        reply += f" {sentences.COMMANDS}"
    lines = ["-- "]
    if review.unsafe_delta:
        place = sentences.THIS_SERIES if review.posting.expected > 1 else sentences.THIS_PATCH
        lines += plain_text.wrap(
            sentences.UNSAFE_CODE.format(place=place, delta=plain_text.harmless(review.unsafe_delta))
        )
    return [*lines, *(line for paragraph in (about, reply) for line in plain_text.wrap(paragraph))]
