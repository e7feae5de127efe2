# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden pending`: the pending series, those with a name, and one with its collisions."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.mails import git_archive
from tests.fakes.pending import DAY, colliding

Call = Callable[..., tuple[int, str, str]]
PATH = "rust/kernel/lamp.rs"


@pytest.fixture
def service(patchwarden: Call, tmp_path: Path) -> Call:
    """A command line on a database with two series that collide."""
    now = datetime.now(UTC)
    mails = [colliding("ada", 2, sent=now - 2 * DAY), colliding("ben", 3, sent=now - DAY)]
    archive = git_archive(tmp_path / "list.git", mails, int(now.timestamp()))
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    return patchwarden


def test_all_pending_series_are_listed(service: Call) -> None:
    status, out, _ = service("pending")

    assert status == 0
    assert "v1 rust: lamp: glow for ada" in out
    assert "rewrites 1" in out
    assert "ben.1@example.org" in out


@pytest.mark.parametrize("name", [PATH, f"{PATH}:1"])
def test_the_series_with_a_name_are_printed(service: Call, name: str) -> None:
    status, out, _ = service("pending", name)

    assert status == 0
    if name == PATH:
        assert out.count(f"  rewrites lines of:\n    {PATH}\n") == 2
    else:
        assert out == f"No pending series changes, uses or adds {name}.\n"


@pytest.mark.parametrize("target", ["ben.1@example.org", "https://lore.kernel.org/r/ben.1@example.org/"])
def test_a_series_is_printed_with_its_collisions(service: Call, target: str) -> None:
    status, out, _ = service("pending", target)

    assert status == 0
    assert out.startswith("ben.1@example.org\n  v1 rust: lamp: glow for ben, ben@example.org, ")
    assert "  collides with\n    ada.1@example.org\n" in out
    assert f"      same-lines {PATH}: {PATH}:13, there {PATH}:13\n" in out


def test_the_output_for_programs(service: Call) -> None:
    everything = json.loads(service("pending", "--format", "json")[1])
    named = json.loads(service("pending", PATH, "--format", "json")[1])
    posting = json.loads(service("pending", "ada.1@example.org", "--format", "json")[1])

    assert [record["message_id"] for record in everything] == ["ada.1@example.org", "ben.1@example.org"]
    assert [record["facts"][0]["line"] for record in named] == [13, 13]
    assert posting["facts"][0]["name"] == PATH
    (collision,) = posting["collisions"]
    assert (collision["message_id"], collision["facts"][0]["collision"]) == ("ben.1@example.org", "same-lines")
    assert (collision["facts"][0]["this"]["name"], collision["facts"][0]["other"]["name"]) == (PATH, PATH)
    assert posting["truncated"] == []


def test_a_rebuild_makes_the_lost_table_anew(service: Call) -> None:
    before = service("pending", "--format", "json")[1]
    with closing(sqlite3.connect("var/patchwarden.db")) as database, database:
        database.execute("DELETE FROM pending")
        database.execute("DELETE FROM pending_fact")
    assert service("pending")[1] == "No series is pending.\n"

    status, out, _ = service("pending", "--rebuild")

    assert (status, out) == (0, "2 pending series\n")
    assert service("pending", "--format", "json")[1] == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cy@example.org",), "no pending series contains cy@example.org"),
        (("--rebuild", "led"), "--rebuild concerns all series"),
    ],
)
def test_bad_usage(service: Call, arguments: tuple[str, ...], message: str) -> None:
    status, _, err = service("pending", *arguments)

    assert status == 2
    assert message in " ".join(err.replace("│", " ").split())


def test_without_a_database_nothing_is_listed(patchwarden: Call) -> None:
    status, _, err = patchwarden("pending")

    assert (status, "does not exist yet" in err) == (2, True)
