# SPDX-License-Identifier: GPL-2.0-or-later
"""The name, the generation and the secret of a database, and mails in archives that may be ours."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select, update

from bot.mail.outgoing import Outgoing
from bot.mail.state import WAITING, MailState
from bot.ports.installation import Attempt, Claim, Installation
from bot.store.database import Database
from bot.store.dialect import Plain
from bot.store.error import SecretError
from bot.store.listing import FILED
from bot.store.outgoing import NEW_PART, change_state, insert_mail, make_change, store_delivery, stored_mail
from bot.store.secret import create_secret, fingerprint, read_secret, secret_path
from bot.store.sqlalchemy_dialect import insert
from bot.store.tables import InstallationRow, OutgoingPartRow, OutgoingRow, UnknownMailRow
from rules.lazy import replace

_ANSWER: Final = "SELECT outgoing_id FROM outgoing_part WHERE message_id = ? AND kind = ?"


class InstallationRows:
    """bot.ports.Installations over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def installation(self, now: datetime) -> Installation:
        with self._database.reading() as session:
            row = session.get(InstallationRow, 1)
        if row is None:
            with self._database.writing() as session:
                row = _installation(session, now)
        knows_secret = bool(row.secret) or not secret_path(self._database.path).exists()
        return Installation(row.name, row.created, row.generation, knows_secret)

    def set_generation(self, generation: int, now: datetime) -> None:
        with self._database.writing() as session:
            _installation(session, now).generation = generation

    def secret(self, now: datetime, *, settle: bool = False) -> bytes:
        """Return the secret of this database. The first call for a new database creates it.

        A database that is newer than the secret beside it uses that secret, but stores its fingerprint only with
        `settle`, which also replaces a lost secret. Raises SecretError if the secret is lost, damaged, readable by
        other users, or the secret of another database.
        """
        path = self._database.path
        with self._database.writing() as session:  # if two processes start at the same time, only one creates it
            row, secret = _installation(session, now), read_secret(path)
            if secret is None:
                if row.secret and not settle:
                    raise SecretError(
                        f"secret {secret_path(path)}: it is lost, and mails were sent with it; restore it from a "
                        "backup with `patchwarden restore`, or run `patchwarden outbox reconcile --apply` to create a "
                        "new secret"
                    )
                secret = create_secret(path)
                row.secret = fingerprint(secret)
            elif row.secret and row.secret != fingerprint(secret):
                raise SecretError(
                    f"secret {secret_path(path)}: it is not the secret of the database {path}; restore both from the "
                    "same backup with `patchwarden restore`"
                )
            elif settle:
                row.secret = fingerprint(secret)
            return secret

    def has_secret(self) -> bool:
        """Return whether the database has, or had, a secret beside it."""
        with self._database.reading() as session:
            row = session.get(InstallationRow, 1)
        return bool(row and row.secret) or secret_path(self._database.path).exists()

    def attempted(self) -> Sequence[Attempt]:
        with self._database.reading() as session:
            rows = select(OutgoingRow).where(OutgoingRow.mode != FILED, col(OutgoingRow.attempts) > 0)
            attempted = session.exec(rows.order_by(col(OutgoingRow.changed))).all()
            return [_attempt(row, _parts(session, row.message_id)) for row in attempted]

    def answered_parts(self, message_id: str) -> tuple[str, ...]:
        with self._database.reading() as session:
            return _parts(session, message_id)

    def mail_state(self, message_id: str) -> MailState | None:
        with self._database.reading() as session:
            row = session.get(OutgoingRow, message_id)
            return None if row is None else MailState(row.state)

    def adopt(self, attempt: Attempt, state: MailState, reason: str, content: bytes, now: datetime) -> None:
        """Add a mail that the ledger or an archive contains, so that its posting gets no second mail.

        Mails about the same patches that wait in the outbox are withdrawn.
        """
        with self._database.changing() as connection:
            mail = stored_mail(connection, attempt.message_id)
            if mail is None:
                mail = _adopted(attempt, content, now)
                insert_mail(connection, mail, now)
            mail = replace(mail, attempts=max(mail.attempts, attempt.count))
            if mail.state in (*WAITING, MailState.UNCONFIRMED):
                for after in _steps(mail.state, state):
                    change = make_change(mail, after, now, reason)
                    self._database.note(change)
                    mail = change.mail
            store_delivery(connection, mail)  # once, because each stored end of an attempt counts as a delivery
            for part in dict.fromkeys(attempt.parts):
                self._answer(connection, part, attempt, now)

    def _answer(self, connection: Plain, part: str, attempt: Attempt, now: datetime) -> None:
        """Note that the attempt answers that part. A mail in the outbox about the part is withdrawn."""
        known = connection.execute(_ANSWER, (part, attempt.kind)).fetchone()
        if known is None:
            connection.execute(NEW_PART, (part, attempt.kind, attempt.message_id))
        elif known[0] != attempt.message_id:
            other = stored_mail(connection, known[0])
            if other is not None and other.state in WAITING and other.mode != FILED:
                reason = f"answered by {attempt.message_id}"
                self._database.note(change_state(connection, other, MailState.WITHDRAWN, now, reason))

    def set_claim_status(self, message_ids: Sequence[str], status: str) -> None:
        with self._database.writing() as session:
            for message_id in message_ids:
                row = update(UnknownMailRow).where(col(UnknownMailRow.message_id) == message_id)
                session.exec(row.values(status=status))


def save_claim(session: Session, claim: Claim) -> None:
    """Store a mail that may be ours. A known mail keeps its status."""
    values = {
        "message_id": claim.message_id,
        "in_reply_to": claim.in_reply_to,
        "arrived": claim.arrived,
        "raw_mail": claim.mail,
        "status": "",
    }
    session.exec(insert(UnknownMailRow).values(**values).on_conflict_do_nothing())


def _steps(before: MailState, after: MailState) -> Iterator[MailState]:
    """Yield the states through which a mail that waits, or is unconfirmed, becomes sent or unconfirmed."""
    if before is after:
        return
    if after is MailState.UNCONFIRMED:
        yield from (MailState.APPROVED,) if before is MailState.HELD else ()
        yield MailState.SENDING
    yield after


def _parts(session: Session, message_id: str) -> tuple[str, ...]:
    rows = select(OutgoingPartRow.message_id).where(OutgoingPartRow.outgoing_id == message_id)
    return tuple(session.exec(rows.order_by(OutgoingPartRow.message_id)))


def _attempt(row: OutgoingRow, parts: tuple[str, ...]) -> Attempt:
    """Return the mail as an attempt of the ledger."""
    is_open = row.state in (MailState.SENDING, MailState.UNCONFIRMED)
    state = "" if is_open else "sent" if row.state == MailState.SENT else "failed"
    return Attempt(row.message_id, row.kind, row.posting_id, parts, row.attempts, state)


def _adopted(attempt: Attempt, content: bytes, now: datetime) -> Outgoing:
    return Outgoing(
        message_id=attempt.message_id,
        posting_id=attempt.posting_id,
        kind=attempt.kind,
        envelope_from="",
        envelope_to=(),
        content=content,
        due=now,
        mode="list",
        state=MailState.APPROVED,
        attempts=attempt.count,
        changed=now,
    )


def _installation(session: Session, now: datetime) -> InstallationRow:
    row = session.get(InstallationRow, 1)
    if row is None:
        row = InstallationRow(name=uuid.uuid4().hex, created=now)
        session.add(row)
    return row
