# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of what people answer: commands by mail, rules that fall silent by themselves, digests."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.settings.types import Mailbox, RuleId


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError('not a time zone such as "Europe/Berlin"') from error
    return value


class AnswerSettings(BaseModel):
    """Commands by mail: `patchwarden: recheck`, `explain`, `not-applicable`, `fixed`, `mute`, `help`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret_file: Path | Literal[""] = Field(
        default="",
        description="A file with 32 characters or more that nobody else knows; from them come the addresses under "
        "which commands are heard. None: there are no commands by mail.",
    )
    mailbox: Path | Literal[""] = Field(
        default="", description="The Maildir of our address, read like an archive; none: only what comes over lists."
    )
    maintainers: tuple[Mailbox, ...] = Field(
        default=(), description="Addresses that may give commands about every series, as those of a list about its own."
    )
    most_a_day: int = Field(
        default=10, ge=0, description="So many answers at most to one person in a day, and as many re-checks."
    )
    most_a_day_in_all: int = Field(
        default=100, ge=0, description="So many answers in a day to all together, and as many re-checks."
    )


class PrecisionSettings(BaseModel):
    """When a stable rule falls silent by itself and speaks in the digest only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    most_not_applicable: float = Field(
        default=0.2, ge=0, le=1, description="More than this share of its remarks was called not applicable,"
    )
    least_said: int = Field(default=20, ge=1, description="out of at least so many remarks, by at least three people.")
    kept: tuple[RuleId, ...] = Field(default=(), description="Ids of rules that are never silenced so.")


class DigestSettings(BaseModel):
    """Digests: what happened on the lists and here, by mail to maintainers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipients: tuple[Mailbox, ...] = Field(
        default=(),
        description="Who gets one: what touches their entries of MAINTAINERS or came over lists that they are "
        "maintainers of in these settings; those who are neither get all.",
    )
    every: Literal["day", "week"] = Field(default="week", description="day or week.")
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        default="mon", description="The day of a weekly one."
    )
    time: str = Field(
        default="07:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="The time of day, there where zone says."
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(default="UTC", description="A time zone, as Europe/Berlin.")
    mode: Literal["dry-run", "moderate", "send"] = Field(
        default="dry-run", description="dry-run: files; moderate: waits for approval; send: by [sending]'s transport."
    )
    quiet_days: int = Field(default=14, ge=1, description="A series without a mail for so long went quiet.")
