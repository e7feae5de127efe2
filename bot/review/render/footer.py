# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines at the end of a mail: the unsafe delta, what wrote the mail, how to reply and how to stop the mails."""

from bot.mail.reply import Identity
from bot.review.finding_group import FindingGroup
from bot.review.model import Review
from bot.review.render import sentences
from bot.review.render import text as prose


def footer(review: Review, said: tuple[FindingGroup, ...], identity: Identity) -> list[str]:
    """Return the signature, from its `-- ` on."""
    rule = min(said, key=lambda group: group.tier).rule
    about = f"{sentences.ABOUT.format(version=identity.version)} {sentences.ABOUT_RULE.format(rule=rule)}"
    reply = sentences.REPLY_OR_WRITE.format(contact=identity.contact) if identity.contact else sentences.REPLY
    if identity.commands:
        reply += f" {sentences.COMMANDS}"
    lines = ["-- "]
    if review.unsafe_delta:
        place = sentences.THIS_SERIES if review.posting.expected > 1 else sentences.THIS_PATCH
        lines += prose.wrap(sentences.UNSAFE_CODE.format(place=place, delta=prose.prose(review.unsafe_delta)))
    return [*lines, *(line for paragraph in (about, reply) for line in prose.wrap(paragraph))]
