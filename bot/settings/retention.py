# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of retention: how long texts are stored."""

from collections.abc import Callable
from typing import Annotated, Final

from bot.settings.table import Table, setting

MIN_MAIL_DAYS: Final = 30
MIN_REVIEW_DAYS: Final = 90


def _at_least(minimum: int) -> Callable[[int], None]:
    def check(days: int) -> None:
        if days and days < minimum:
            raise ValueError(f"must be 0 (for ever) or at least {minimum} days")

    return check


class RetentionSettings(Table):
    """How long texts are stored. Message-ids, hashes, states and verdicts stay for ever, so no mail is sent twice."""

    raw_mail_days: Annotated[int, _at_least(MIN_MAIL_DAYS)] = setting(
        0,
        "Days after the last mail of a thread when the texts of its mails and series are removed. 0 means "
        f"never; else at least {MIN_MAIL_DAYS}.",
        ge=0,
    )
    reviews_days: Annotated[int, _at_least(MIN_REVIEW_DAYS)] = setting(
        0,
        "Days after which the quotes in reviews and the texts of sent mails are removed. 0 means never; "
        f"else at least {MIN_REVIEW_DAYS}.",
        ge=0,
    )
