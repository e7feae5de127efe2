# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines at the end of a mail: the unsafe delta, what wrote the mail, where to read more, and how to stop mails."""

from typing import Final

from bot.mail.reply import Identity
from bot.review.finding_group import FindingGroup
from bot.review.model import Review
from bot.review.render import sentences
from bot.review.render import text as plain_text

_MAX_ADDRESS: Final = 900
"""Characters of an address, which is one line of the mail."""


def series_address(review: Review, identity: Identity) -> str:
    """Return the address of the page of the series, "" if there is none or if no line can hold it."""
    address = identity.links.series(review.posting.message_id)
    return address if len(address) <= _MAX_ADDRESS else ""


def footer(review: Review, groups: tuple[FindingGroup, ...], identity: Identity, page: str) -> list[str]:
    """Return the lines of the signature, with the separator `-- `. `page` is the address of the series, or ""."""
    lines = ["-- "]
    if review.unsafe_delta:
        place = sentences.THIS_SERIES if review.posting.expected > 1 else sentences.THIS_PATCH
        lines += plain_text.wrap(
            sentences.UNSAFE_CODE.format(place=place, delta=plain_text.harmless(review.unsafe_delta))
        )
    about = sentences.ABOUT.format(version=identity.version)
    reply = sentences.REPLY_OR_WRITE.format(contact=identity.contact) if identity.contact else sentences.REPLY
    rule = min(groups, key=lambda group: (group.tier, -group.severity.rank)).rule
    if address := page or identity.links.rule(rule):
        more = sentences.FINDINGS_PAGE if page else sentences.RULE_PAGE.format(rule=rule)
        pages = [*plain_text.wrap(more), address]
        if identity.commands and page:
            pages += [*plain_text.wrap(sentences.COMMANDS_PAGE), identity.links.commands(review.posting.message_id)]
        commands = f" {sentences.COMMANDS}" if identity.commands and not page else ""
        return [*lines, *plain_text.wrap(about), *pages, *plain_text.wrap(f"{reply}{commands}")]
    more = sentences.RULE_COMMAND.format(rule=rule) if identity.commands else sentences.RULE_NAMES
    return [*lines, *(line for paragraph in (f"{about} {more}", reply) for line in plain_text.wrap(paragraph))]
