# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of retention: how long texts are kept."""

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MIN_MAIL_DAYS: Final = 30
MIN_REVIEW_DAYS: Final = 90


def _at_least(minimum: int) -> AfterValidator:
    def check(days: int) -> int:
        if days and days < minimum:
            raise ValueError(f"0 (for ever), or at least {minimum} days")
        return days

    return AfterValidator(check)


class RetentionSettings(BaseModel):
    """How long texts are kept. Message-ids, hashes, states and verdicts are kept for ever: nothing is sent twice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    raw_mail_days: Annotated[int, _at_least(MIN_MAIL_DAYS)] = Field(
        default=0,
        ge=0,
        description="Remove the texts of mails, and of the series in them, so many days after the last mail of their "
        f"thread; 0: never, else {MIN_MAIL_DAYS} or more.",
    )
    reviews_days: Annotated[int, _at_least(MIN_REVIEW_DAYS)] = Field(
        default=0,
        ge=0,
        description="Remove what reviews quote, and the texts of sent mails, after so many days; 0: never, else "
        f"{MIN_REVIEW_DAYS} or more.",
    )
