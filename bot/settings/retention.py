# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of retention: how long texts are stored."""

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MIN_MAIL_DAYS: Final = 30
MIN_REVIEW_DAYS: Final = 90


def _at_least(minimum: int) -> AfterValidator:
    def check(days: int) -> int:
        if days and days < minimum:
            raise ValueError(f"must be 0 (for ever) or at least {minimum} days")
        return days

    return AfterValidator(check)


class RetentionSettings(BaseModel):
    """How long texts are stored. Message-ids, hashes, states and verdicts stay for ever, so no mail is sent twice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    raw_mail_days: Annotated[int, _at_least(MIN_MAIL_DAYS)] = Field(
        default=0,
        ge=0,
        description="Days after the last mail of a thread when the texts of its mails and series are removed. 0 means "
        f"never; else at least {MIN_MAIL_DAYS}.",
    )
    reviews_days: Annotated[int, _at_least(MIN_REVIEW_DAYS)] = Field(
        default=0,
        ge=0,
        description="Days after which the quotes in reviews and the texts of sent mails are removed. 0 means never; "
        f"else at least {MIN_REVIEW_DAYS}.",
    )
