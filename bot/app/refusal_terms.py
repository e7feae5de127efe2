# SPDX-License-Identifier: GPL-2.0-or-later
"""Which postings are refused, from the settings."""

from datetime import timedelta
from typing import Final

from bot.app.identity import can_send
from bot.mail.refusal import RefusalTerms
from bot.settings.tables import Settings

_STALE_HOURS: Final = 48


def build_refusal_terms(settings: Settings) -> RefusalTerms:
    """Return which postings are refused. Old postings are refused if mails can be sent or lists are followed."""
    review = settings.review
    live = bool(settings.lore.all_lists) or can_send(settings)
    hours = review.stale_hours or (_STALE_HOURS if live else 0)
    return RefusalTerms(
        own=frozenset({settings.identity.address.lower()}),
        bots=frozenset(address.lower() for address in review.bots),
        stale=timedelta(hours=hours) if hours else None,
        newest_only=live,
    )
