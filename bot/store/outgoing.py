# SPDX-License-Identifier: GPL-2.0-or-later
"""The outbox's rows: each change of state is one durable commit that happens only from the state it expects."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select, update

from bot.ports import Outgoing, Pace
from bot.store.database import Database
from bot.store.tables import MessageRow, MuteRow, OutgoingRow, PostingRow, ReturnedRow

_DELIVERABLE = ("queued", "approved")
LEFT: Final = ("sending", "sent", "doubtful")  # may have left: what is in doubt counts
FILED = "dry-run"
WAITED: Final = "waited too long"
PRIVATE: Final = ("answer", "digest")  # somebody asked for them: they count, and are counted, by the hour alone


class OutgoingRows:
    """bot.ports.Outbox over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due_for_delivery(self, now: datetime, limit: int) -> Sequence[Outgoing]:
        with self._database.reading() as session:
            due = select(OutgoingRow).where(col(OutgoingRow.state).in_(_DELIVERABLE), col(OutgoingRow.due) <= now)
            rows = session.exec(due.order_by(col(OutgoingRow.created), col(OutgoingRow.message_id)).limit(limit))
            return [mail_of(row) for row in rows]

    def claim(self, message_id: str, now: datetime) -> bool:
        with self._database.writing() as session:
            mine = update(OutgoingRow).where(
                col(OutgoingRow.message_id) == message_id, col(OutgoingRow.state).in_(_DELIVERABLE)
            )
            values = {"state": "sending", "attempts": OutgoingRow.attempts + 1, "changed": now}
            return session.exec(mine.values(**values)).rowcount == 1

    def settle(
        self,
        message_id: str,
        state: str,
        now: datetime,
        *,
        reason: str = "",
        destination: str = "",
        due: datetime | None = None,
    ) -> None:
        values = {"state": state, "reason": reason, "destination": destination, "changed": now}
        with self._database.writing() as session:
            row = update(OutgoingRow).where(col(OutgoingRow.message_id) == message_id)
            session.exec(row.values(**values, **({} if due is None else {"due": due})))

    def decide(self, message_id: str, before: Sequence[str], after: str, now: datetime, reason: str) -> bool:
        with self._database.writing() as session:
            row = update(OutgoingRow).where(col(OutgoingRow.message_id) == message_id)
            row = row.where(col(OutgoingRow.state).in_(before))
            due = func.max(OutgoingRow.due, now)
            return session.exec(row.values(state=after, reason=reason, due=due, changed=now)).rowcount == 1

    def expire(self, before: datetime, now: datetime) -> int:
        with self._database.writing() as session:
            old = update(OutgoingRow).where(
                col(OutgoingRow.state) == "queued",  # what a human approved waits as long as it must
                col(OutgoingRow.mode) != FILED,
                col(OutgoingRow.created) < before,
            )
            return session.exec(old.values(state="expired", reason=WAITED, changed=now)).rowcount

    def pace(self, mail: Outgoing, now: datetime, since: datetime) -> Pace:
        with self._database.reading() as session:
            topic = select(PostingRow.topic).where(PostingRow.message_id == mail.posting_id).scalar_subquery()
            left = col(OutgoingRow.state).in_(LEFT), col(OutgoingRow.mode) != FILED
            series = session.exec(
                select(func.count(col(OutgoingRow.message_id)))
                .join(PostingRow, col(PostingRow.message_id) == col(OutgoingRow.posting_id))
                .where(*left, PostingRow.topic == topic, col(OutgoingRow.kind).not_in(PRIVATE))
            ).one()
            day = col(OutgoingRow.changed) > now - timedelta(days=1)
            recent = session.exec(select(OutgoingRow).where(*left, day)).all()
            lately = select(col(OutgoingRow.message_id)).where(day, col(OutgoingRow.changed) > since)
            rejected = session.exec(lately.where(OutgoingRow.state == "refused", OutgoingRow.attempts > 0)).all()
            news = select(ReturnedRow).where(col(ReturnedRow.noticed) > max(since, now - timedelta(days=1)))
            bounced = {row.message_id for row in session.exec(news.where(ReturnedRow.kind == "bounce"))}
            repeats = select(ReturnedRow).where(col(ReturnedRow.noticed) > since, ReturnedRow.kind == "repeat")
            repeated = session.exec(repeats.limit(1)).first()
            # By mail a list is muted by its maintainer alone; the operator's own mutes name no mail.
            mutes = select(MuteRow).where(MuteRow.scope == "list", MuteRow.message_id != "")
            muted = session.exec(mutes.where(col(MuteRow.given) > since).limit(1)).first()
        public = [row for row in recent if row.kind not in PRIVATE]
        lists = [sum(name in row.lists.split() for row in public) for name in mail.lists]
        asked_for = mail.kind in PRIVATE
        return Pace(
            series=0 if asked_for else series,
            author_day=0 if asked_for else sum(row.author == mail.author for row in public),
            list_day=0 if asked_for else max(lists, default=0),
            hour=sum(row.changed > now - timedelta(hours=1) for row in recent),
            refused=len(bounced | set(rejected)),
            tried=len(rejected) + sum(row.changed > since for row in recent),
            repeated="" if repeated is None else repeated.message_id,
            muted="" if muted is None else f"{muted.subject} by {muted.by}",
        )

    def archived(self, message_id: str) -> bool:
        with self._database.reading() as session:
            row = session.get(MessageRow, message_id)
            return row is not None and row.mail_id is not None

    def mails(self, state: str | None = None) -> Sequence[Outgoing]:
        with self._database.reading() as session:
            wanted = select(OutgoingRow)
            if state is not None:
                wanted = wanted.where(OutgoingRow.state == state)
            rows = session.exec(wanted.order_by(col(OutgoingRow.created).desc(), col(OutgoingRow.message_id)))
            return [mail_of(row) for row in rows]

    def mail(self, message_id: str) -> Outgoing | None:
        with self._database.reading() as session:
            matching = col(OutgoingRow.message_id).startswith(message_id, autoescape=True)
            rows = session.exec(select(OutgoingRow).where(matching).limit(2)).all()
            exact = [row for row in rows if row.message_id == message_id] or rows
            return mail_of(exact[0]) if len(exact) == 1 else None


def row_of(mail: Outgoing, now: datetime) -> OutgoingRow:
    """The row of a mail that is new."""
    return OutgoingRow(
        message_id=mail.message_id,
        posting_id=mail.posting_id,
        kind=mail.kind,
        envelope_from=mail.envelope_from,
        envelope_to=" ".join(mail.envelope_to),
        content=mail.content,
        mode=mail.mode,
        lists=" ".join(mail.lists),
        author=mail.author,
        state=mail.state,
        reason=mail.reason,
        destination=mail.destination,
        attempts=mail.attempts,
        due=mail.due,
        created=now,
        changed=now,
    )


def mail_of(row: OutgoingRow) -> Outgoing:
    """The mail that a row keeps."""
    return Outgoing(
        message_id=row.message_id,
        posting_id=row.posting_id,
        kind=row.kind,
        envelope_from=row.envelope_from,
        envelope_to=tuple(row.envelope_to.split()),
        content=row.content,
        due=row.due,
        mode=row.mode,
        lists=tuple(row.lists.split()),
        author=row.author,
        state=row.state,
        reason=row.reason,
        destination=row.destination,
        attempts=row.attempts,
        changed=row.changed,
    )
