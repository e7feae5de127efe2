# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of what people answered; like all rows they never leave this folder."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class DispositionRow(SQLModel, table=True):
    """What somebody answered to a finding of a series, the last word of each person; see bot.review.disposition."""

    __tablename__ = "disposition"

    topic: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    by: str = Field(primary_key=True)
    rule: str = Field(index=True)
    answer: str
    reason: str
    message_id: str
    given: datetime


class MuteRow(SQLModel, table=True):
    """A series, an author or a list that is silent."""

    __tablename__ = "mute"

    scope: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    by: str
    message_id: str
    given: datetime


class HeardRow(SQLModel, table=True):
    """A mail to us that was looked at once and for ever, and what came of it."""

    __tablename__ = "heard"

    message_id: str = Field(primary_key=True)
    sender: str = Field(index=True)
    outcome: str
    answered: bool
    heard: datetime


class VerdictRow(SQLModel, table=True):
    """A verdict that was mailed, or kept as a mail, on a posting: none is mailed twice."""

    __tablename__ = "verdict"

    posting_id: str = Field(primary_key=True)
    verdict: str = Field(primary_key=True)
    said: datetime
