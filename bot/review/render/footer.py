# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines at the end of a mail: the unsafe delta, what wrote this, how to answer it and how to stop it."""

from bot.mail.reply import Identity
from bot.review.finding_group import FindingGroup
from bot.review.model import Review
from bot.review.render import text as prose


def footer(review: Review, said: tuple[FindingGroup, ...], identity: Identity) -> list[str]:
    """The signature, from its `-- ` on."""
    example = min(said, key=lambda remark: remark.tier).rule
    contact = f"this mail or write to {identity.contact}" if identity.contact else "this mail"
    what = (
        f"This is a program, not a person: patchwarden {identity.version}, fixed rules, no language model. "
        f"`patchwarden rules {example}` says what that rule wants, why, and when it is silent."
    )
    how = f"If a remark is wrong, or you want no such mails, answer {contact}; a person reads the answers."
    if identity.commands:
        how += " A line `patchwarden: help` in a signed answer brings the list of commands."
    lines = ["-- "]
    if review.unsafe_delta:
        whole = "this series" if review.posting.expected > 1 else "this patch"
        lines += prose.wrap(f"Unsafe code in {whole}: {prose.prose(review.unsafe_delta)}.")
    return [*lines, *(line for paragraph in (what, how) for line in prose.wrap(paragraph))]
