# SPDX-License-Identifier: GPL-2.0-or-later
"""The outcome of a posting, small enough to keep thousands in memory."""

from typing import Self

from bot.log import Value
from bot.mail.posting import Defective, Posting, Waiting
from rules.lazy import dataclass


def series_fields(posting: Posting) -> dict[str, Value]:
    """Return the fields that identify a series in the log."""
    series = posting.series
    return {"message_id": posting.message_id, "subject": series.subject, "version": series.revision}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a posting. `refused` explains why there is no review. `mail` is its mail, `to` its recipients.

    `unmailed_reason` is why there is no mail although there are findings. `skipped` counts what was not checked, and
    the rules that failed.
    """

    posting_id: str
    subject: str
    revision: int
    patches: int
    expected: int
    findings: int = 0
    failures: int = 0
    skipped: int = 0
    mail: str = ""
    to: tuple[str, ...] = ()
    refused: str = ""
    unmailed_reason: str = ""

    @classmethod
    def of(cls, posting: Posting) -> Self:
        """Return the outcome of a posting that was not reviewed, from its state."""
        refused = ""
        if isinstance(posting.state, Waiting):
            refused = f"waiting for {posting.missing_parts}"
        elif isinstance(posting.state, Defective):
            refused = posting.state.reason
        series = posting.series
        return cls(
            posting.message_id, series.subject, series.revision, len(series.patches), posting.expected, refused=refused
        )
