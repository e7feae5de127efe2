# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits of landing refs, and the patches that they apply."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.posting_codec import PostingBytes, ReadMails, encode_posting
from bot.ports.landing import LandingMove, LandingNews, LandingRecheck
from bot.ports.pending import PendingUpdate
from bot.review.model import Review
from bot.store.applied import applied_postings
from bot.store.blocks import BlockReader
from bot.store.codec import posting_of
from bot.store.database import Database
from bot.store.dialect import LISTED, Plain, iterate
from bot.store.outgoing import store_mail
from bot.store.pending import forget_pending, update_pending
from bot.store.reviews import save_review
from bot.store.times import text_of, time_of

MAX_NAMES: Final = 500
"""Changed names that a re-check looks for."""
_SOURCE: Final = "landing"  # the source of the cursors of landing refs
_RECENT: Final = "SELECT value FROM posting WHERE +state = 'complete' AND arrived >= ? {condition} ORDER BY arrived"
_RECHECKS: Final = "SELECT value, ref, commit_id, names FROM landing_recheck JOIN posting ON message_id = posting_id"
_SAVE_COMMIT: Final = """
INSERT INTO cursor (source, epoch, position) VALUES (?, ?, ?)
ON CONFLICT (source, epoch) DO UPDATE SET position = excluded.position"""
_REMOVED: Final = f"SELECT posting_id FROM applied_patch WHERE landing = ? AND commit_id IN {LISTED}"  # noqa: S608 constants
_REMOVE: Final = f"DELETE FROM applied_patch WHERE landing = ? AND commit_id IN {LISTED}"  # noqa: S608 constants
_APPLIED: Final = """
INSERT INTO applied_patch (message_id, landing, posting_id, ref, commit_id, decided_by, noted)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (message_id, landing) DO UPDATE SET posting_id = excluded.posting_id, ref = excluded.ref,
  commit_id = excluded.commit_id, decided_by = excluded.decided_by, noted = excluded.noted"""
_COMPARED: Final = f"UPDATE posting SET compared = 1 WHERE message_id IN {LISTED}"  # noqa: S608 constants
_AFFECTED: Final = f"SELECT message_id, name FROM pending_fact WHERE kind = ? AND name IN {LISTED}"  # noqa: S608 constants
_QUEUE: Final = """
INSERT INTO landing_recheck (posting_id, ref, commit_id, names, queued) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (posting_id) DO UPDATE SET ref = excluded.ref, commit_id = excluded.commit_id, names = excluded.names"""
_FORGET_RECHECKS: Final = f"DELETE FROM landing_recheck WHERE posting_id IN {LISTED}"  # noqa: S608 constants
_DEQUEUE: Final = "DELETE FROM landing_recheck WHERE posting_id = ? AND commit_id = ? AND names = ?"
_FINDING: Final = """
INSERT INTO landing_finding (posting_id, fingerprint, ref, commit_id, noted) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""
_VERDICT: Final = "INSERT INTO verdict (posting_id, verdict, mailed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


class LandingRows:
    """bot.service.landing.LandingStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def landing_commits(self) -> Mapping[str, str]:
        """Return the commit up to which each landing ref was read, by the name of the ref."""
        with self._database.rows() as connection:
            return dict(connection.execute("SELECT epoch, position FROM cursor WHERE source = ?", (_SOURCE,)))

    def recent_postings(self, since: datetime, *, uncompared: bool = False) -> Iterator[Posting]:
        """Yield the complete postings that arrived since then, oldest first.

        With `uncompared`, yield only those that were never compared with commits that had landed before.
        """
        query = _RECENT.format(condition="AND compared = 0" if uncompared else "")
        with self._database.rows() as connection:
            mails = BlockReader(connection).mails
            for (value,) in iterate(connection, query, (text_of(since),)):
                yield posting_of(value, mails)

    def save_landing(self, moves: Sequence[LandingMove], compared: Collection[str], now: datetime) -> Collection[str]:
        """Store in one transaction how landing refs moved, what they apply, and which postings were compared.

        Applied postings are not pending any more. Pending postings with affected facts are due for a re-check. Return
        the ids of the postings all of whose patches are applied now and were not before.
        """
        removed = [(move.name, json.dumps(sorted(move.removed))) for move in moves if move.removed]
        patches = [
            (patch.message_id, move.name, patch.posting_id, move.ref, patch.commit, patch.by.value, text_of(now))
            for move in moves
            for patch in move.applied
        ]
        with self._database.changing() as connection:
            touched = {patch.posting_id for move in moves for patch in move.applied}
            for values in removed:
                touched.update(posting_id for (posting_id,) in connection.execute(_REMOVED, values))
            before = applied_postings(connection, touched)
            connection.executemany(_REMOVE, removed)
            connection.executemany(_SAVE_COMMIT, [(_SOURCE, move.name, move.commit) for move in moves])
            connection.executemany(_APPLIED, patches)
            connection.execute(_COMPARED, (json.dumps(sorted(compared)),))
            applied = applied_postings(connection, touched)
            returned = before - applied
            forget_pending(connection, applied)
            connection.execute(_FORGET_RECHECKS, (json.dumps(sorted(applied)),))
            for move in moves:
                affected = _affected(connection, move)
                # A posting that is pending again has to be analysed again to be known as pending.
                for posting_id in sorted({*affected, *(returned if move.removed else ())}):
                    _queue(connection, posting_id, move, affected.get(posting_id, set()), now)
            return applied - before

    def landing_rechecks(self, limit: int) -> Sequence[LandingRecheck]:
        """Return the postings that are due for a re-check, in the order in which they became due."""
        with self._database.rows() as connection:
            mails = BlockReader(connection).mails
            rows = connection.execute(f"{_RECHECKS} ORDER BY queued, posting_id LIMIT ?", (limit,))
            return [_recheck_of(mails, *row) for row in rows]

    def landing_recheck(self, posting_id: str) -> LandingRecheck | None:
        """Return the re-check of a posting if one is due."""
        with self._database.rows() as connection:
            row = connection.execute(f"{_RECHECKS} WHERE posting_id = ?", (posting_id,)).fetchone()
            return None if row is None else _recheck_of(BlockReader(connection).mails, *row)

    def end_landing_recheck(self, recheck: LandingRecheck, pending: PendingUpdate | None, now: datetime) -> None:
        """Store that a re-check found nothing new, and what is pending; nothing if it is due in another way."""
        with self._database.changing() as connection:
            if _dequeue(connection, recheck) and pending is not None:
                update_pending(connection, pending, now)

    def landing_findings(self, posting_id: str) -> frozenset[str]:
        """Return the fingerprints of all findings of the posting that were new after a landing ref moved."""
        with self._database.rows() as connection:
            rows = connection.execute("SELECT fingerprint FROM landing_finding WHERE posting_id = ?", (posting_id,))
            return frozenset(fingerprint for (fingerprint,) in rows)

    def save_landing_review(
        self, review: Review, mail: Outgoing | None, news: LandingNews, pending: PendingUpdate | None, now: datetime
    ) -> bool:
        """Store a re-check with new findings, its mail, what is pending, and its end in one transaction.

        The review keeps the time of the earlier one, so that a digest lists only the new findings. Nothing is stored
        if the re-check is due in another way. Return whether the mail was stored.
        """
        posting, recheck, noted = review.posting, news.recheck, text_of(now)
        of_posting = (posting.message_id,)
        with self._database.changing() as connection:
            if not _dequeue(connection, recheck):
                return False
            earlier = connection.execute("SELECT reviewed FROM review WHERE posting_id = ?", of_posting).fetchone()
            reviewed = now if earlier is None else time_of(earlier[0])
            save_review(connection, review, reviewed, PostingBytes(encode_posting(posting)))
            if pending is not None:
                update_pending(connection, pending, now)
            is_kept = mail is not None and store_mail(connection, posting, mail, now)
            findings = [
                (*of_posting, fingerprint, recheck.ref, recheck.commit, noted) for fingerprint in news.fingerprints
            ]
            connection.executemany(_FINDING, findings)
            connection.executemany(_VERDICT, [(*of_posting, verdict, noted) for verdict in news.verdicts])
            return is_kept


def _affected(connection: Plain, move: LandingMove) -> dict[str, set[str]]:
    """Return the pending postings that have an affected fact, each with the names of those facts."""
    names_by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, name in move.affected:
        names_by_kind[kind.value].append(name)
    affected: dict[str, set[str]] = defaultdict(set)
    for kind_and_names in ((kind, json.dumps(names)) for kind, names in names_by_kind.items()):
        for message_id, name in connection.execute(_AFFECTED, kind_and_names):
            affected[message_id].add(name)
    return affected


def _queue(connection: Plain, posting_id: str, move: LandingMove, names: set[str], now: datetime) -> None:
    """Let a posting be due for a re-check. A posting that is due already keeps its place."""
    row = connection.execute("SELECT names FROM landing_recheck WHERE posting_id = ?", (posting_id,)).fetchone()
    earlier = () if row is None else json.loads(row[0])
    all_names = json.dumps(sorted({*earlier, *names})[:MAX_NAMES])
    connection.execute(_QUEUE, (posting_id, move.ref, move.commit, all_names, text_of(now)))


def _recheck_of(mails: ReadMails, value: bytes, ref: str, commit: str, names: str) -> LandingRecheck:
    return LandingRecheck(posting_of(value, mails), ref, commit, tuple(json.loads(names)))


def _dequeue(connection: Plain, recheck: LandingRecheck) -> bool:
    """Let the posting be due no longer. Return False if another process did, or if more names changed meanwhile."""
    values = recheck.posting.message_id, recheck.commit, json.dumps(recheck.names)
    return connection.execute(_DEQUEUE, values).rowcount == 1
