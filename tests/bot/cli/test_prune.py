# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden prune` says what it removes, and the other commands say what is gone."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Call


def test_the_command_says_what_it_removes_and_explain_what_is_gone(
    tmp_path: Path, patchwarden: Call, archive: Path
) -> None:
    (tmp_path / "patchwarden.toml").write_text("[retention]\nraw_mail_days = 30\nreviews_days = 90\n")
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    with closing(sqlite3.connect("var/patchwarden.db")) as connection, connection:
        for column, table in (("arrived", "mail"), ("reviewed", "review"), ("changed", "outgoing")):
            connection.execute(f"UPDATE {table} SET {column} = ?", ("2020-01-01 00:00:00.000000",))

    status, out, _ = patchwarden("prune", "--dry-run")
    assert (status, out.startswith("would remove: 5 mails, 2 series, ")) == (0, True)
    status, out, _ = patchwarden("prune")
    assert (status, out.startswith("removed: 5 mails, 2 series, "), "bytes smaller" in out) == (0, True, True)

    _, out, _ = patchwarden("explain", "1@x")
    assert "was read (removed by retention on " in out
    assert "series c@x, pruned: removed by retention on " in out
    assert "our reply: " in out
    status, out, _ = patchwarden("explain", "4@x")
    assert (status, "in no series: its text was removed" in out) == (0, True)
    ids = [line.split()[0] for line in patchwarden("outbox", "list")[1].splitlines() if "filed" in line]
    status, out, err = patchwarden("outbox", "show", ids[0])
    assert (status, out, "its text was removed by retention" in err) == (0, "", True)
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    assert len(list(Path("var/outbox").glob("*.eml"))) == 1


@pytest.mark.parametrize(("name", "days"), [("raw_mail_days", 29), ("reviews_days", 89), ("raw_mail_days", -1)])
def test_less_than_what_the_service_needs_is_refused(tmp_path: Path, patchwarden: Call, name: str, days: int) -> None:
    (tmp_path / "patchwarden.toml").write_text(f"[retention]\n{name} = {days}\n")

    status, _, err = patchwarden("prune")

    assert (status, f"retention.{name}" in err) == (2, True)


def test_without_retention_nothing_is_pruned(patchwarden: Call, archive: Path) -> None:
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0

    assert patchwarden("prune")[0] == 2
