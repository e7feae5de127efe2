# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue of procrastinate in a PostgreSQL database of the store.

The rows of mails, postings and re-checks are the truth; a job of the queue only wakes a worker. Triggers add a job in
the transaction that makes a row due. A queue that lost its jobs is filled again from the rows.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from bot.ports.postings import DuePosting, FirstPosting
from bot.store.database import Database
from bot.store.dialect import Plain, run_script
from bot.store.error import StoreError
from bot.store.postgres import INSTALL
from bot.store.postings import due_postings

QUEUE: Final = "patchwarden"
"""The name of the queue of reviews and re-checks."""
ASSEMBLY: Final = "patchwarden-assembly"
"""The name of the queue whose job threads and assembles the stored mails."""
REVIEW: Final = "review"
RECHECK: Final = "recheck"
ASSEMBLE: Final = "assemble"
READ: Final = "read"
"""The names of the tasks. `review` and `recheck` have the message-id of a posting as argument, `read` a source."""
HEARTBEAT_SECONDS: Final = 5.0
STALLED_SECONDS: Final = 20.0
"""How long a worker that gives no sign of life keeps its jobs."""
_START_SECONDS: Final = 15  # in which a worker gets a job that it fetched
_LONGEST_SECONDS: Final = 3_600  # of a job; its own limits end it much earlier
_FORGOTTEN_SECONDS: Final = 86_400  # after which no worker reads a source any more
_SOON: Final = 1_000_000_000
"""The priority of reading. Reviews have negative ones: earlier postings are fetched first, and second tries last."""

_COLUMNS: Final = "queue_name, task_name, priority, lock, queueing_lock, args"
_INSTALLED: Final = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL"


def _digest(text: str) -> str:
    """Return the SQL of a hash: an index limits the length of its keys, and topics are as long as authors want."""
    return f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"


def _minutes(time: str) -> str:
    """Return the SQL of the minutes since 1970, as a number that fits into a priority."""
    return f"CAST(least(greatest(extract(epoch FROM {time}) / 60, 0), 100000000) AS integer)"


def _review_values(row: str) -> str:
    return (
        f"'{QUEUE}', '{REVIEW}', -{_minutes(f'{row}.arrived')} - {_SOON} * least({row}.tries, 1), "
        f"{_digest(f'{row}.topic')}, {_digest(f'{row}.message_id')}, "
        f"json_build_object('posting_id', {row}.message_id)"
    )


def _is_due(row: str) -> str:
    return f"{row}.state = 'complete' AND {row}.verdict = ''"


_RECHECK_LOCK: Final = f"'recheck ' || {_digest('posting.message_id')}"
# A re-check has the lock of its topic, so that no review of the series runs at the same time.
_RECHECK_VALUES: Final = (
    f"'{QUEUE}', '{RECHECK}', -{_minutes('landing_recheck.queued')}, {_digest('posting.topic')}, {_RECHECK_LOCK}, "
    "json_build_object('posting_id', posting.message_id)"
)
_RECHECKS: Final = "landing_recheck JOIN posting ON posting.message_id = landing_recheck.posting_id"
_UNASSEMBLED: Final = (
    "(EXISTS (SELECT 1 FROM mail WHERE state = 'new') OR EXISTS (SELECT 1 FROM thread WHERE changed > assembled))"
)
_ASSEMBLE_NEW: Final = f"""
INSERT INTO procrastinate_jobs ({_COLUMNS})
SELECT '{ASSEMBLY}', '{ASSEMBLE}', {_SOON}, '{ASSEMBLE}', '{ASSEMBLE}', '{{}}' WHERE {_UNASSEMBLED}"""
_TRIGGERS: Final = f"""
CREATE OR REPLACE FUNCTION posting_defer_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO procrastinate_jobs ({_COLUMNS}) VALUES ({_review_values("NEW")}) ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER posting_defer_review AFTER INSERT OR UPDATE OF state, verdict, tries ON posting
FOR EACH ROW WHEN ({_is_due("NEW")}) EXECUTE FUNCTION posting_defer_review();
CREATE OR REPLACE FUNCTION landing_defer_recheck() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO procrastinate_jobs ({_COLUMNS}) SELECT {_RECHECK_VALUES} FROM {_RECHECKS}
  WHERE landing_recheck.posting_id = NEW.posting_id ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER landing_defer_recheck AFTER INSERT OR UPDATE ON landing_recheck
FOR EACH ROW EXECUTE FUNCTION landing_defer_recheck();
CREATE OR REPLACE FUNCTION cursor_defer_assembly() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {_ASSEMBLE_NEW} ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER cursor_defer_assembly AFTER INSERT OR UPDATE ON cursor
FOR EACH ROW EXECUTE FUNCTION cursor_defer_assembly();
CREATE INDEX IF NOT EXISTS patchwarden_jobs_lock ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing');
"""  # noqa: S608 constants
_LOST: Final = f"""
DELETE FROM procrastinate_jobs AS job WHERE left(queue_name, {len(QUEUE)}) = '{QUEUE}' AND (
  status NOT IN ('todo', 'doing')
  OR (status = 'todo' AND scheduled_at < now() - interval '{_FORGOTTEN_SECONDS} seconds')
  OR (status = 'doing' AND (
    worker_id IS NULL
    OR (worker_id IN (SELECT CAST(value AS bigint) FROM json_each(?))
      AND id NOT IN (SELECT CAST(value AS bigint) FROM json_each(?))
      AND EXISTS (
        SELECT 1 FROM procrastinate_events WHERE job_id = job.id AND type = 'started'
        AND at < now() - interval '{_START_SECONDS} seconds'))
    OR EXISTS (
      SELECT 1 FROM procrastinate_workers WHERE id = worker_id
      AND last_heartbeat < now() - interval '{STALLED_SECONDS} seconds')
    OR EXISTS (
      SELECT 1 FROM procrastinate_events WHERE job_id = job.id AND type = 'started'
      AND at < now() - interval '{_LONGEST_SECONDS} seconds'))))"""  # noqa: S608 constants
_HAS_JOB: Final = "SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND queueing_lock ="
_REFILL: Final = (
    f"""
INSERT INTO procrastinate_jobs ({_COLUMNS})
SELECT {_review_values("posting")} FROM posting WHERE {_is_due("posting")}
AND NOT EXISTS ({_HAS_JOB} {_digest("posting.message_id")})
ORDER BY tries, arrived, sent, message_id ON CONFLICT DO NOTHING""",  # noqa: S608 constants
    f"""
INSERT INTO procrastinate_jobs ({_COLUMNS}) SELECT {_RECHECK_VALUES} FROM {_RECHECKS}
WHERE NOT EXISTS ({_HAS_JOB} {_RECHECK_LOCK}) ORDER BY queued, posting_id ON CONFLICT DO NOTHING""",  # noqa: S608
    f"{_ASSEMBLE_NEW} AND NOT EXISTS ({_HAS_JOB} '{ASSEMBLE}') ON CONFLICT DO NOTHING",
)
_READ_LATER: Final = f"""
INSERT INTO procrastinate_jobs ({_COLUMNS}, scheduled_at)
SELECT value, '{READ}', {_SOON}, value, value, CAST(? AS jsonb),
  now() + CAST(? AS double precision) * interval '1 second'
FROM json_each(?) WHERE """  # noqa: S608 constants
_READ_IF_MISSING: Final = f"{_READ_LATER} NOT EXISTS ({_HAS_JOB} value) ON CONFLICT DO NOTHING"
_READ_NEXT: Final = f"{_READ_LATER} true ON CONFLICT DO NOTHING"
_READ_NOW: Final = f"""{_READ_LATER} true
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO UPDATE SET scheduled_at = excluded.scheduled_at"""
_POSTPONE: Final = f"""
INSERT INTO procrastinate_jobs ({_COLUMNS}, scheduled_at)
SELECT {_review_values("posting")}, now() + CAST(? AS double precision) * interval '1 second'
FROM posting WHERE message_id = ? AND {_is_due("posting")} ON CONFLICT DO NOTHING"""  # noqa: S608 constants
_ORDER: Final = f"""
SELECT message_id FROM posting WHERE {_is_due("posting")} AND tries = ?
ORDER BY arrived, sent, message_id LIMIT ?"""  # noqa: S608 constants
_FIRST: Final = f"""
SELECT message_id, EXISTS (
  SELECT 1 FROM procrastinate_jobs WHERE status = 'doing' AND lock = {_digest("posting.topic")})
FROM posting WHERE {_is_due("posting")} AND tries = ? ORDER BY arrived, sent, message_id LIMIT 1"""  # noqa: S608
# Boosted first tries come before the others, and boosted second tries after all first tries.
_REORDER: Final = f"""
UPDATE procrastinate_jobs AS job SET priority = boosted.priority, scheduled_at = NULL FROM (
  SELECT {_digest("message_id")} AS name, {_SOON // 2} - {_SOON} * least(tries, 1)
    - CAST(row_number() OVER (ORDER BY arrived, sent, message_id) AS integer) AS priority
  FROM posting WHERE {_is_due("posting")} AND tries = ? ORDER BY arrived, sent, message_id LIMIT ?) AS boosted
WHERE status = 'todo' AND queueing_lock = boosted.name"""  # noqa: S608 constants
_DUE: Final = f"""
SELECT value, arrived, tries FROM posting WHERE message_id = ? AND {_is_due("posting")}"""  # noqa: S608 constants


def queue_of(source: str) -> str:
    """Return the name of the queue of a source: only workers that have the source take its jobs."""
    # The name of a channel of PostgreSQL has at most 63 bytes, and procrastinate puts 23 bytes before this one.
    return f"{QUEUE}-{READ}-{hashlib.sha256(source.encode('utf-8', 'surrogateescape')).hexdigest()[:20]}"


class JobQueue:
    """The jobs of procrastinate for the rows of a database on a server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def install(self) -> None:
        """Create the tables of procrastinate if they are missing, and the triggers that add the jobs."""
        try:
            from procrastinate.schema import SchemaManager
        except ImportError as error:
            raise StoreError(f"procrastinate is missing; {INSTALL}") from error

        with self._database.changing() as connection:
            if not connection.execute(_INSTALLED).fetchone()[0]:
                run_script(connection, SchemaManager.get_schema())
            run_script(connection, _TRIGGERS)

    def is_installed(self) -> bool:
        """Return whether a worker ever used the database."""
        with self._database.rows() as connection:
            return bool(connection.execute(_INSTALLED).fetchone()[0])

    def repair(self, sources: Sequence[str] = (), workers: Sequence[int] = (), held: Sequence[int] = ()) -> int:
        """Remove the jobs of dead workers, and add a job for each row that is due and has none.

        A source is read if it has no job. `workers` are the numbers of this process, and `held` those of the jobs that
        it has. If the database says that it has another one, a connection lost the start or the end of that job. Return
        the number of added jobs.
        """
        with self._database.changing() as connection:
            connection.execute(_LOST, (json.dumps(workers), json.dumps(held)))
            added = sum(connection.execute(query).rowcount for query in _REFILL)
            return added + sum(_read(connection, _READ_IF_MISSING, source, 0) for source in sources)

    def read_later(self, source: str, seconds: float) -> None:
        """Add the next job of a source, unless there is one."""
        with self._database.changing() as connection:
            _read(connection, _READ_NEXT, source, seconds)

    def read_now(self, source: str) -> None:
        """Let a source be read as soon as possible, once more if it is being read."""
        with self._database.changing() as connection:
            _read(connection, _READ_NOW, source, 0)

    def assemble(self) -> None:
        """Add a job if there are mails to thread, or threads to assemble."""
        with self._database.changing() as connection:
            connection.execute(f"{_ASSEMBLE_NEW} ON CONFLICT DO NOTHING")

    def postpone(self, posting_id: str, seconds: float) -> None:
        """Add a job for a posting that cannot be reviewed yet."""
        with self._database.changing() as connection:
            connection.execute(_POSTPONE, (seconds, posting_id))

    def first(self, tries: int) -> FirstPosting | None:
        """Return the posting that is reviewed next of those that are due after that many tries."""
        with self._database.rows() as connection:
            row = connection.execute(_FIRST, (tries,)).fetchone()
            return None if row is None else FirstPosting(*row)

    def reorder(self, posting_id: str, tries: int, limit: int) -> None:
        """Add a job for a posting that came too early. The jobs of the first postings come next, in their order."""
        with self._database.changing() as connection:
            for (first,) in connection.execute(_ORDER, (tries, 1)).fetchall():
                connection.execute(_POSTPONE, (0, first))
            connection.execute(_POSTPONE, (0, posting_id))
            connection.execute(_REORDER, (tries, limit))

    def due(self, posting_id: str) -> DuePosting | None:
        """Return the posting if it is due."""
        with self._database.rows() as connection:
            rows = connection.execute(_DUE, (posting_id,)).fetchall()
            return next(iter(due_postings(connection, rows)), None)

    def order(self, tries: int, limit: int) -> Sequence[str]:
        """Return the ids of the first postings that are due after that many tries, in the order of their reviews."""
        with self._database.rows() as connection:
            return [row[0] for row in connection.execute(_ORDER, (tries, limit))]


def _read(connection: Plain, query: str, source: str, seconds: float) -> int:
    values = (json.dumps({"source": source}), seconds, json.dumps([queue_of(source)]))
    return int(connection.execute(query, values).rowcount)
