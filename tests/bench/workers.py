# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure workers that share a PostgreSQL database, beside one process: `python -m tests.bench.workers ARCHIVE`.

The mails of an archive are read and reviewed by `run --once` on SQLite and on PostgreSQL, and by 1, 2 and 4 workers on
PostgreSQL, in turns. Then all series are reviewed once more. Workers wait for work when the time begins; the time of
`run --once` for an empty archive is subtracted from the other times of `run --once`. The server is on the same machine,
in memory, and does not wait for a disk. Each figure is the best of its runs, and the ratios are to the first row.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.store.dialect import Plain
from bot.store.postgres import open_server
from tests.bench.throughput import Usage
from tests.fakes.postgres import Server

_SETTINGS: Final = """\
{database}archives = ["list.git"]
[review]
stale_hours = 1000000
workers = 2
[schedule]
poll_seconds = 1
review_seconds = 600
jitter_seconds = 0
"""
_WORKERS: Final = (1, 2, 4)
_JOBS: Final = 500
_LOOK_SECONDS: Final = 0.05
_MAX_SECONDS: Final = 1_800
_ARE_WAITING: Final = (
    "SELECT (SELECT count(*) FROM procrastinate_workers) = ? AND EXISTS"
    " (SELECT 1 FROM procrastinate_jobs WHERE task_name = 'read' AND scheduled_at IS NOT NULL)"
)
_IS_REVIEWED: Final = (
    "SELECT EXISTS (SELECT 1 FROM cursor WHERE position = ?) AND NOT EXISTS (SELECT 1 FROM mail WHERE state = 'new')"
    " AND NOT EXISTS (SELECT 1 FROM thread WHERE changed > assembled)"
    " AND NOT EXISTS (SELECT 1 FROM posting WHERE state = 'complete' AND verdict = '')"
)
_REVIEW_AGAIN: Final = "UPDATE posting SET verdict = '' WHERE verdict = 'reviewed'"


@dataclass(frozen=True)
class Time:
    """Seconds of the clock, of the processors for the program, and for the server."""

    wall: float
    program: float
    server: float = 0.0

    def __sub__(self, other: "Time") -> "Time":
        return Time(self.wall - other.wall, self.program - other.program, self.server - other.server)


@dataclass
class Run:
    """What one run took: to do everything, and to review all again."""

    name: str
    everything: Time
    reviews: Time


@dataclass
class Bench:
    """The part of an archive that is measured, and a server with a new database for each run."""

    archive: Path
    head: str
    folder: Path
    server: Server
    number: int = 0
    reviews: int = 0

    def once(self, name: str, *, on_server: bool) -> Run:
        """Measure `run --once`."""
        home = self._home(on_server=on_server)
        start = self._once(home)
        self._publish(home)
        everything = self._once(home) - start
        self._change(home, _REVIEW_AGAIN, on_server=on_server)
        return Run(name, everything, self._once(home) - start)

    def workers(self, count: int) -> Run:
        """Measure that many workers, each with one review at a time."""
        home = self._home(on_server=True)
        processes = [self._start(home, "worker") for _ in range(count)]
        usages = [Usage(process.pid) for process in processes]
        try:
            with closing(open_server(self.server.url_of(home))) as connection:

                def until(query: str, *values: object) -> Time:
                    return self._until(connection, (query, values), processes, usages)

                until("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
                begin = until(_ARE_WAITING, 2 * count)
                self._publish(home)
                everything = until(_IS_REVIEWED, self.head) - begin
                (self.reviews,) = connection.execute("SELECT count(*) FROM review").fetchone()
                connection.commit()
                begin = until("SELECT true")
                connection.execute(_REVIEW_AGAIN)
                connection.commit()
                reviews = until(_IS_REVIEWED, self.head) - begin
        finally:
            _end(processes)
        return Run(f"{count} worker{'s' if count > 1 else ''}", everything, reviews)

    def empty_jobs(self) -> Time:
        """Return what one job takes that finds nothing to do."""
        home = self._home(on_server=True)
        process = self._start(home, "worker")
        usage = Usage(process.pid)
        try:
            with closing(open_server(self.server.url_of(home))) as connection:

                def until(query: str, *values: object) -> Time:
                    return self._until(connection, (query, values), [process], [usage])

                until("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
                begin = until(_ARE_WAITING, 2)
                connection.execute(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args) "
                    "SELECT 'patchwarden', 'review', CAST(number AS text), json_build_object('posting_id', number) "
                    "FROM generate_series(1, ?) AS number",
                    (_JOBS,),
                )
                connection.commit()
                taken = until("SELECT NOT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE task_name = 'review')") - begin
        finally:
            _end([process])
        return Time(*(seconds / _JOBS for seconds in (taken.wall, taken.program, taken.server)))

    def _home(self, *, on_server: bool) -> Path:
        """Return a folder with an archive without mails."""
        self.number += 1
        home = self.folder / str(self.number)
        home.mkdir()
        _git("clone", "--quiet", "--bare", "--shared", self.archive, home / "list.git")
        _git("-C", home / "list.git", "update-ref", "-d", "refs/heads/master")
        database = f'database = "{self.server.url_of(home)}"\n' if on_server else ""
        (home / "patchwarden.toml").write_text(_SETTINGS.format(database=database))
        return home

    def _publish(self, home: Path) -> None:
        _git("-C", home / "list.git", "update-ref", "refs/heads/master", self.head)

    def _change(self, home: Path, query: str, *, on_server: bool) -> None:
        if on_server:
            connection: Plain = open_server(self.server.url_of(home))
        else:
            import sqlite3

            connection = sqlite3.connect(home / "var" / "patchwarden.db")
        with closing(connection):
            connection.execute(query)
            connection.commit()

    def _once(self, home: Path) -> Time:
        server, start = self._server_seconds(), time.monotonic()
        process = self._start(home, "run", "--once")
        usage = Usage(process.pid)
        while process.poll() is None:
            usage.look(with_memory=False)
            time.sleep(_LOOK_SECONDS)
        if process.returncode:
            raise SystemExit((home / "log").read_text()[-500:])
        return Time(time.monotonic() - start, usage.total, self._server_seconds() - server)

    def _start(self, home: Path, *arguments: str) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        with (home / "log").open("ab") as log:
            command = [sys.executable, "-m", "bot", *arguments]
            return subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)

    def _until(
        self,
        connection: Plain,
        query: tuple[str, Sequence[object]],
        processes: Sequence["subprocess.Popen[bytes]"],
        usages: Sequence[Usage],
    ) -> Time:
        """Wait until the query returns true. Return the clock, and what was used so far."""
        end = time.monotonic() + _MAX_SECONDS
        while time.monotonic() < end and all(process.poll() is None for process in processes):
            (is_true,) = connection.execute(*query).fetchone()
            connection.rollback()
            now = time.monotonic()
            for usage in usages:
                usage.look(with_memory=False)
            if is_true:
                return Time(now, sum(usage.total for usage in usages), self._server_seconds())
            time.sleep(_LOOK_SECONDS)
        raise SystemExit(f"not done: {query}")

    def _server_seconds(self) -> float:
        """Return the processor seconds of the server and of its processes that ended."""
        pid = int((self.server.folder / "data" / "postmaster.pid").read_text().split()[0])
        ended = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]
        usage = Usage(pid)
        usage.look(with_memory=False)
        return usage.total + sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(120)


def _git(*arguments: str | Path) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, check=True, text=True).stdout.strip()


def _best(times: Sequence[Time]) -> Time:
    return Time(
        *(min(getattr(part, name) for part in times) for name in ("wall", "program", "server")),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.workers", description=__doc__)
    parser.add_argument("archive", type=Path, help="a public-inbox archive, a bare repository with the branch master")
    parser.add_argument("--mails", type=int, default=0, help="only that many mails, the oldest")
    parser.add_argument("--runs", type=int, default=2, help="runs of each kind")
    chosen = parser.parse_args()
    archive = chosen.archive.resolve()
    commits = _git("-C", archive, "rev-list", "--reverse", "master").split()
    mails = min(chosen.mails or len(commits), len(commits))
    server = Server()
    try:
        with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
            bench = Bench(archive, commits[mails - 1], Path(name), server)
            kinds: list[Callable[[], Run]] = [
                lambda: bench.once("`run --once`, SQLite", on_server=False),
                lambda: bench.once("`run --once`, PostgreSQL", on_server=True),
                *((lambda count=count: bench.workers(count)) for count in _WORKERS),
            ]
            job = bench.empty_jobs()
            turns = [[kind() for kind in kinds] for _ in range(chosen.runs)]
            print(
                f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {mails:,} mails, {bench.reviews} reviews"
            )
            _print(list(zip(*turns, strict=True)))
            print(
                f"one job that finds nothing to do: {1000 * job.program:.1f} ms of processor time of the worker, "
                f"{1000 * job.server:.1f} ms of the server"
            )
    finally:
        server.remove()
    return 0


def _print(kinds: Sequence[Sequence[Run]]) -> None:
    print("| | read and review | ratio | processor | server | review again | ratio | processor | server |")
    print("|---|---|---|---|---|---|---|---|---|")
    firsts = [_best([part(run) for run in kinds[0]]).wall for part in (_everything, _reviews)]
    for runs in kinds:
        cells = [runs[0].name]
        for part, first in zip((_everything, _reviews), firsts, strict=True):
            best = _best([part(run) for run in runs])
            cells += [f"{best.wall:.1f} s", f"{first / best.wall:.2f}", f"{best.program:.1f} s", f"{best.server:.1f} s"]
        print(f"| {' | '.join(cells)} |")


def _everything(run: Run) -> Time:
    return run.everything


def _reviews(run: Run) -> Time:
    return run.reviews


if __name__ == "__main__":
    sys.exit(main())
