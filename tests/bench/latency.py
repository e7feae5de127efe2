# SPDX-License-Identifier: GPL-2.0-or-later
"""Seconds from a commit in an archive to the stored review of the running service, and its processor time when idle."""

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.bench.target import Target, Value
from tests.bench.throughput import Usage
from tests.fakes.mails import git_archive, patch

TARGETS: Final = {
    "arrival to stored review, median": Target(5, "s"),
    "idle": Target(0.1, "% of a core"),
}
_MAILS: Final = 7
_SETTLE_SECONDS: Final = 10
_IDLE_SECONDS: Final = 120
_MAX_SECONDS: Final = 120


def measure() -> Mapping[str, Value]:
    """Return the values of the targets."""
    with tempfile.TemporaryDirectory(prefix="patchwarden-bench-") as name:
        folder = Path(name)
        raws = [patch("0@x")]
        git_archive(folder / "list.git", raws)
        command = [sys.executable, "-m", "bot", "run", "--archive", "list.git"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
            try:
                _wait(lambda: _reviews(folder) == 1)
                latencies = []
                for number in range(1, _MAILS + 1):
                    raws.append(patch(f"{number}@x", f"led{number}"))
                    git_archive(folder / "list.git", raws)
                    latencies.append(_wait(lambda: _reviews(folder) == len(raws)))
                time.sleep(_SETTLE_SECONDS)
                usage = Usage(service.pid)
                usage.look(with_memory=False)
                before = usage.total
                time.sleep(_IDLE_SECONDS)
                usage.look(with_memory=False)
                idle = (usage.total - before) / _IDLE_SECONDS
            finally:
                service.terminate()
    median = sorted(latencies)[_MAILS // 2]
    return {
        "arrival to stored review, median": Value(median, f"{max(latencies):.2f} s at most"),
        "idle": Value(idle * 100, f"in {_IDLE_SECONDS} s"),
    }


def _wait(is_done: Callable[[], bool]) -> float:
    """Return the seconds until the condition is true."""
    start = time.monotonic()
    while not is_done():
        if time.monotonic() > start + _MAX_SECONDS:
            raise SystemExit(f"no review within {_MAX_SECONDS} s")
        time.sleep(0.02)
    return time.monotonic() - start


def _reviews(folder: Path) -> int:
    """Return the number of stored reviews."""
    path = folder / "var" / "patchwarden.db"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM review").fetchone()[0])
    except sqlite3.OperationalError:  # the service has not made its tables yet
        return 0
