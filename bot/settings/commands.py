# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of commands by mail, of rules that are withheld because people dispute them, and of digests."""

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


class CommandSettings(BaseModel):
    """Commands by mail: `patchwarden: recheck`, `explain`, `not-applicable`, `fixed`, `mute`, `help`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret_file: Path | Literal[""] = Field(
        default="",
        description="A file with a secret of at least 32 characters. The addresses that accept commands are computed "
        "from it. If empty, no commands are accepted.",
    )
    mailbox: Path | Literal[""] = Field(
        default="",
        description="The Maildir of our address. It is read like an archive. If empty, only mails from lists are read.",
    )
    maintainers: tuple[Mailbox, ...] = Field(
        default=(),
        description="Addresses that may give commands about every series. The maintainers of a list may give commands "
        "about the series on their list.",
    )
    max_replies_per_person_per_day: int = Field(
        default=10, ge=0, description="Maximum number of replies to one person per day, and of re-checks."
    )
    max_replies_per_day: int = Field(
        default=100, ge=0, description="Maximum number of replies to all people per day, and of re-checks."
    )


class PrecisionSettings(BaseModel):
    """When findings of a stable rule are withheld from mails because people dispute them. Digests still report them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_dispute_rate: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Withhold a rule if people marked more than this share of its findings as not applicable.",
    )
    min_findings: int = Field(
        default=20,
        ge=1,
        description="Minimum number of reported findings for that. At least three people must have disputed some.",
    )
    exempt_rules: tuple[RuleId, ...] = Field(default=(), description="Ids of rules that are never withheld this way.")


class DigestSettings(BaseModel):
    """Digests: mails to maintainers about what happened on the lists and in this service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipients: tuple[Mailbox, ...] = Field(
        default=(),
        description="Addresses that get a digest. Maintainers get what touches their entries of MAINTAINERS or came "
        "over lists whose `maintainers` name them. Other recipients get everything.",
    )
    every: Literal["day", "week"] = Field(default="week", description="day or week.")
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        default="mon", description="The day of a weekly digest."
    )
    time: str = Field(
        default="07:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="The time of day, in the time zone `zone`."
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description='The time zone, such as "Europe/Berlin".'
    )
    mode: Literal["dry-run", "moderate", "send"] = Field(
        default="dry-run",
        description="dry-run: write files. moderate: each digest waits for approval. send: use the transport of "
        "[sending].",
    )
    inactive_days: int = Field(
        default=14, ge=1, description="Days without a mail after which a series counts as inactive."
    )
