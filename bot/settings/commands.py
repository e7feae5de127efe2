# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of commands by mail, of rules that are withheld because people dispute them, and of digests."""

from pathlib import Path
from typing import Annotated, Literal

from bot.settings.table import Table, setting
from bot.settings.types import Mailbox, RuleId
from rules.lazy import re


def _zone(value: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # slow, and most settings files name no zone

    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError('not a time zone such as "Europe/Berlin"') from error


class CommandSettings(Table):
    """Commands by mail: `patchwarden: recheck`, `explain`, `not-applicable`, `fixed`, `mute`, `help`."""

    secret_file: Path | Literal[""] = setting(
        "",
        "A file with a secret of at least 32 characters. The addresses that accept commands are computed from it. If "
        "empty, no commands are accepted.",
    )
    mailbox: Path | Literal[""] = setting(
        "", "The Maildir of our address. It is read like an archive. If empty, only mails from lists are read."
    )
    maintainers: tuple[Mailbox, ...] = setting(
        (),
        "Addresses that may give commands about every series. The maintainers of a list may give commands about the "
        "series on their list.",
    )
    max_replies_per_person_per_day: int = setting(
        10, "Maximum number of replies to a person per day. It also limits the re-checks that a person requests.", ge=0
    )
    max_replies_per_day: int = setting(
        100, "Maximum number of replies to all people per day. It also limits the re-checks that they request.", ge=0
    )


class PrecisionSettings(Table):
    """When findings of a stable rule are withheld from mails because people dispute them. Digests still report them."""

    max_dispute_rate: float = setting(
        0.2, "Withhold a rule if people marked more than this share of its findings as not applicable.", ge=0, le=1
    )
    min_findings: int = setting(
        20, "Minimum number of reported findings for that. At least three people must have disputed some.", ge=1
    )
    exempt_rules: tuple[RuleId, ...] = setting((), "Ids of rules that are never withheld this way.")


class DigestSettings(Table):
    """Digests: mails to maintainers about what happened on the lists and in this service."""

    recipients: tuple[Mailbox, ...] = setting(
        (),
        "Addresses that get a digest. Maintainers get what touches their entries of MAINTAINERS or came over lists "
        "whose `maintainers` name them. Other recipients get everything.",
    )
    every: Literal["day", "week"] = setting("week", "day or week.")
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = setting("mon", "The day of a weekly digest.")
    time: str = setting(
        "07:00",
        "The time of day, in the time zone `zone`.",
        pattern=re.compile(r"^([01]\d|2[0-3]):[0-5]\d$"),
        form='a time of day, such as "07:00"',
    )
    zone: Annotated[str, _zone] = setting("UTC", 'The time zone, such as "Europe/Berlin".')
    mode: Literal["dry-run", "moderate", "send"] = setting(
        "dry-run",
        "dry-run: write files. moderate: each digest waits for approval. send: use the transport of [sending].",
    )
    inactive_days: int = setting(14, "Days without a mail after which a series counts as inactive.", ge=1)
