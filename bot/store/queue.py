# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue of procrastinate in a PostgreSQL database of the store.

The rows of postings are the truth; a job of the queue only wakes a worker. A trigger adds the job in the transaction
that makes a posting due. A queue that lost its jobs is filled again from the rows.
"""

from collections.abc import Sequence
from typing import Final

from bot.ports.postings import DuePosting
from bot.store.database import Database
from bot.store.dialect import INSTALL, run_script
from bot.store.error import StoreError
from bot.store.postings import due_posting

QUEUE: Final = "patchwarden"
REVIEW: Final = "review"
"""The name of the task that reviews a posting, whose message-id is the argument `posting_id`."""
HEARTBEAT_SECONDS: Final = 5.0
STALLED_SECONDS: Final = 20.0
"""How long a worker that gives no sign of life keeps its jobs."""
_UNFINISHED_SECONDS: Final = 60  # after which a job of a reviewed posting lost its end with a connection
_LONGEST_SECONDS: Final = 1_800  # of a job; the limits of a review end it much earlier

_COLUMNS: Final = "queue_name, task_name, priority, lock, queueing_lock, args"
# Hashes, because an index limits the length of its keys, and topics are as long as their authors want.
_VALUES: Final = f"""
'{QUEUE}', '{REVIEW}', -{{row}}.tries, encode(sha256(convert_to({{row}}.topic, 'UTF8')), 'hex'),
encode(sha256(convert_to({{row}}.message_id, 'UTF8')), 'hex'), json_build_object('posting_id', {{row}}.message_id)"""
_IS_DUE: Final = "{row}.state = 'complete' AND {row}.verdict = ''"
_INSTALLED: Final = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL"
_TRIGGER: Final = f"""
CREATE OR REPLACE FUNCTION posting_defer_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO procrastinate_jobs ({_COLUMNS}) VALUES ({_VALUES.format(row="NEW")}) ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER posting_defer_review AFTER INSERT OR UPDATE OF state, verdict, tries ON posting
FOR EACH ROW WHEN ({_IS_DUE.format(row="NEW")}) EXECUTE FUNCTION posting_defer_review();"""  # noqa: S608 constants
_LOST: Final = f"""
DELETE FROM procrastinate_jobs AS job WHERE queue_name = '{QUEUE}' AND (
  status NOT IN ('todo', 'doing')
  OR (status = 'doing' AND (
    worker_id IS NULL
    OR EXISTS (
      SELECT 1 FROM procrastinate_workers WHERE id = worker_id
      AND last_heartbeat < now() - interval '{STALLED_SECONDS} seconds')
    OR EXISTS (
      SELECT 1 FROM procrastinate_events WHERE job_id = job.id AND type = 'started' AND (
        at < now() - interval '{_LONGEST_SECONDS} seconds'
        OR (at < now() - interval '{_UNFINISHED_SECONDS} seconds' AND NOT EXISTS (
          SELECT 1 FROM posting WHERE message_id = job.args ->> 'posting_id'
          AND {_IS_DUE.format(row="posting")})))))))"""  # noqa: S608 constants
_REFILL: Final = f"""
INSERT INTO procrastinate_jobs ({_COLUMNS})
SELECT {_VALUES.format(row="posting")} FROM posting WHERE {_IS_DUE.format(row="posting")} AND NOT EXISTS (
  SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing')
  AND queueing_lock = encode(sha256(convert_to(posting.message_id, 'UTF8')), 'hex'))
ORDER BY tries, arrived, sent, message_id ON CONFLICT DO NOTHING"""  # noqa: S608 constants
_POSTPONE: Final = f"""
INSERT INTO procrastinate_jobs ({_COLUMNS}, scheduled_at)
SELECT {_VALUES.format(row="posting")}, now() + CAST(? AS double precision) * interval '1 second'
FROM posting WHERE message_id = ? AND {_IS_DUE.format(row="posting")} ON CONFLICT DO NOTHING"""  # noqa: S608 constants
_ORDER: Final = f"""
SELECT message_id FROM posting WHERE {_IS_DUE.format(row="posting")} AND tries = ?
ORDER BY arrived, sent, message_id"""  # noqa: S608 constants
_DUE: Final = f"""
SELECT value, arrived, tries FROM posting WHERE message_id = ? AND {_IS_DUE.format(row="posting")}"""  # noqa: S608 constants


class JobQueue:
    """The jobs of procrastinate for the postings of a database on a server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def install(self) -> None:
        """Create the tables of procrastinate if they are missing, and the trigger that adds the jobs."""
        try:
            from procrastinate.schema import SchemaManager
        except ImportError as error:
            raise StoreError(f"procrastinate is missing; {INSTALL}") from error

        with self._database.changing() as connection:
            if not connection.execute(_INSTALLED).fetchone()[0]:
                run_script(connection, SchemaManager.get_schema())
            run_script(connection, _TRIGGER)

    def is_installed(self) -> bool:
        """Return whether a worker ever used the database."""
        with self._database.rows() as connection:
            return bool(connection.execute(_INSTALLED).fetchone()[0])

    def repair(self) -> int:
        """Remove the jobs of dead workers, and add a job for each posting that is due and has none.

        Return the number of added jobs.
        """
        with self._database.changing() as connection:
            connection.execute(_LOST)
            return connection.execute(_REFILL).rowcount

    def postpone(self, posting_id: str, seconds: float) -> None:
        """Add a job for a posting that cannot be reviewed yet."""
        with self._database.changing() as connection:
            connection.execute(_POSTPONE, (seconds, posting_id))

    def due(self, posting_id: str) -> DuePosting | None:
        """Return the posting if it is due."""
        with self._database.rows() as connection:
            row = connection.execute(_DUE, (posting_id,)).fetchone()
            return None if row is None else due_posting(*row)

    def order(self, tries: int) -> Sequence[str]:
        """Return the ids of the postings that are due after that many tries, in the order of their reviews."""
        with self._database.rows() as connection:
            return [row[0] for row in connection.execute(_ORDER, (tries,))]
