# SPDX-License-Identifier: GPL-2.0-or-later
"""A process that follows a list and is there to be killed: `python -m tests.fakes.poller URL FOLDER MINUTES ROUNDS`.

MINUTES are added to the clock, so that a restart need not wait for the archive's pace. It says "ready" when it starts
to poll, and ends after so many ROUNDS.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.git_archive import GitArchive
from bot.inbox.http_client import Agent, HttpClient
from bot.inbox.http_pace import Pace
from bot.inbox.lore import FollowPolicy, LoreArchive
from bot.service.poll import PollJob
from bot.store.repository import Repository


class Clock:
    """The machine's time and some minutes."""

    def __init__(self, minutes: float) -> None:
        self.ahead = timedelta(minutes=minutes)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def main(url: str, folder: Path, minutes: float, rounds: int) -> None:
    clock = Clock(minutes)
    http = HttpClient(Agent("patchwarden/1+test"), Pace(folder / "pace.json", clock), clock)
    archive = LoreArchive(url, folder / "lore", http, clock, GitArchive, FollowPolicy(window=timedelta(days=3650)))
    with Repository(folder / "warden.db") as store:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in range(rounds):
            summary = PollJob([archive], store, assemble, Event(), Silent()).run()
            for problem in summary.problems:
                sys.stderr.write(f"{problem}\n")
            clock.ahead += timedelta(minutes=2)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
