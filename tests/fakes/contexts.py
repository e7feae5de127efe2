# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test knows of people and lists."""

from collections.abc import Callable

from bot.review.consent import Consent
from bot.review.recipients import RecipientContext


def consenting(consent: Consent | None = None) -> Callable[[], RecipientContext]:
    """Return what gives a context in which every list consented so."""
    context = RecipientContext(consent=lambda _: consent or Consent())
    return lambda: context
