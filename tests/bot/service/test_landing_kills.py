# SPDX-License-Identifier: GPL-2.0-or-later
"""The landing job, killed before and after each commit of the database: all happens once, and nothing is lost."""

import os
import signal
import sqlite3
import traceback
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from bot.store import database, sqlalchemy_dialect
from bot.store.dialect import open_file
from bot.store.repository import Repository
from tests.fakes.landing_history import USER, day, driver, linked
from tests.fakes.landing_world import LandingWorld
from tests.fakes.stored import copy_folder, opened

FAN = "rust: fan: add a driver"
TABLES = ("applied_patch", "landing_recheck", "landing_finding", "cursor", "pending", "pending_fact", "verdict")


def _prepare(folder: Path) -> LandingWorld:
    """Return a world with two pending series, in which the landing ref just applied one and broke the other."""
    with Repository(folder / "d.db") as store:
        world = LandingWorld(store, folder)
        world.post()
        world.post("fan@x", driver("fan"), FAN)
        world.job.run()
        base = world.history.commit({"Makefile": "VERSION = 8\n"}, "Linux 8.0", [world.history.base], at=day(1))
        message = linked(FAN, "https://patch.msgid.link/fan@x")
        applied = world.history.commit({**driver("fan"), "x": "1\n"}, message, [base], at=day(1))
        tip = world.history.commit(USER, linked("led: use it"), [applied], at=day(1.5))
        world.history.set_ref("refs/heads/linux-next", tip)
        return world


@dataclass(slots=True)
class _Deaths:
    """Kills this process before the commit of that number, or at the first statement or the end after it."""

    when: str
    number: int
    is_armed: bool = False
    commits: int = 0

    def meet(self, statement: str) -> None:
        is_commit = self.is_armed and statement == "COMMIT"
        is_after = self.commits == self.number and self.when == "after_commit"
        self.commits += is_commit
        is_before = is_commit and self.commits == self.number and self.when == "before_commit"
        if self.number and (is_before or is_after):
            os.kill(os.getpid(), signal.SIGKILL)


def _live(world: LandingWorld, folder: Path, when: str, number: int) -> bool:
    """Run the job in a process that dies at its commit of that number; return whether it died."""
    child = os.fork()
    if child == 0:
        try:
            deaths = _Deaths(when, number)
            _watch_statements(deaths)
            with Repository(folder / "d.db") as store:
                deaths.is_armed = True
                world.store = store
                world.job.run()
            deaths.meet("the end")
            os._exit(0)
        except BaseException:  # noqa: BLE001 a child must never run on as a second test session
            traceback.print_exc()
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL)
    return status == signal.SIGKILL


def _watch_statements(deaths: _Deaths) -> None:
    """Tell the deaths of each statement, or with a server of each commit and its end."""
    commit = psycopg.Connection.commit

    def watched(connection: psycopg.Connection[object]) -> None:
        deaths.meet("COMMIT")
        commit(connection)
        deaths.meet("")

    psycopg.Connection.commit = watched  # type: ignore[method-assign, assignment]

    def opened_file(path: Path) -> sqlite3.Connection:
        connection = open_file(path)
        connection.set_trace_callback(deaths.meet)
        return connection

    for module in (database, sqlalchemy_dialect):  # for plain statements and for sessions
        module.open_file = opened_file  # type: ignore[attr-defined]


def _rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the content of the tables, without times, and the mails about the landing ref."""
    with opened(folder / "d.db") as database:
        rows = {}
        for table in TABLES:
            columns = [column[0] for column in database.execute(f"SELECT * FROM {table} LIMIT 0").description]
            wanted = ", ".join(name for name in columns if name not in ("noted", "queued", "mailed", "value"))
            rows[table] = database.execute(f"SELECT {wanted} FROM {table} ORDER BY 1, 2").fetchall()
        landing = "SELECT message_id, posting_id, kind FROM outgoing WHERE kind LIKE 'landing-%'"
        rows["mails"] = database.execute(landing).fetchall()
        return rows


@pytest.mark.parametrize("when", ["before_commit", "after_commit"])
def test_killed_at_each_commit_everything_happens_once(tmp_path: Path, when: str) -> None:
    (tmp_path / "0").mkdir()
    world = _prepare(tmp_path / "0")
    expected: dict[str, list[tuple[object, ...]]] = {}
    kills = 0
    for number in count(1):
        folder = tmp_path / str(number)
        copy_folder(tmp_path / "0", folder, "d.db")
        was_killed = _live(world, folder, when, number)
        for _ in range(2):
            _live(world, folder, when, 0)
        if not expected:
            expected = _rows(folder)
        assert expected == _rows(folder)
        kills += was_killed
        if not was_killed:
            break

    assert kills >= 3  # what the commits apply, the images of the re-check, its review
    assert ["fan@x"] == [row[0] for row in expected["applied_patch"]]
    assert ["led@x"] == [row[0] for row in expected["landing_finding"]]
    assert ["led@x"] == [row[1] for row in expected["mails"]]
    assert ["led@x"] == [row[0] for row in expected["pending"]]
    assert [] == expected["landing_recheck"]
