# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands show of landing trees and applied series."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pygit2
import pytest

from bot.app.clock import SystemClock
from tests.bot.cli.conftest import Call
from tests.fakes.landing_history import build
from tests.fakes.mails import START

SETTINGS = """\
[kernel]
repositories = [{ path = "kernel.git" }]
landing = ["next"]
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a repository and an archive, where three days have passed since the first mails."""
    build(tmp_path)
    Path("patchwarden.toml").write_text(SETTINGS)
    monkeypatch.setattr(SystemClock, "now", lambda _: START + timedelta(days=3))
    return tmp_path


def test_an_applied_series_is_explained_and_waits_no_more(world: Path, patchwarden: Call) -> None:
    status, *_ = patchwarden("run", "--once", "--archive", "list.git")
    assert 0 == status

    explained = {name: patchwarden("explain", f"{name}@example.org")[1] for name in ("fan", "led2", "clk")}
    digest = json.loads(patchwarden("digest", "--format", "json", "--since", "2026-03-01", "--until", "2026-03-06")[1])
    rechecked = patchwarden("recheck", "--list", "rust-for-linux@lists.example.org", "--since", "2026-03-01")[1]

    assert "in next-20260304 (Link trailer)\n" in explained["fan"]
    assert "in next-20260304 (post-image blobs)\n" in explained["led2"]
    assert "applied as" not in explained["clk"]
    assert ["clk@example.org"] == [line["message_id"] for line in digest["waiting"]]
    assert "1 series sent since 2026-03-01" in rechecked


def test_a_second_run_changes_nothing(world: Path, patchwarden: Call) -> None:
    outputs = []
    for _ in range(2):
        patchwarden("run", "--once", "--archive", "list.git")
        outputs.append(patchwarden("explain", "fan@example.org"))

    assert outputs[0] == outputs[1]
    assert 1 == outputs[0][1].count("applied as")


def test_the_doctor_names_the_landing_trees_and_those_that_are_missing(world: Path, patchwarden: Call) -> None:
    status, out, _ = patchwarden("doctor")
    days = (datetime.now(tz=START.tzinfo) - START).days - 2
    assert 0 == status
    assert "ok    kernel tree: next-20260304 (" in out
    assert "ok    landing tree: next: next-20260304 (" in out
    assert f"newest, {days} days old" in out

    Path("patchwarden.toml").write_text(SETTINGS.replace('["next"]', '["next", "rust-next"]'))
    status, out, _ = patchwarden("doctor")
    assert 2 == status
    assert "wrong landing tree: rust-next: no repository has it\n" in out

    Path("patchwarden.toml").write_text(SETTINGS.replace('landing = ["next"]\n', ""))
    status, out, _ = patchwarden("doctor")
    assert 0 == status
    assert "ok    landing tree: rust-next: no repository has it, so it is not used\n" in out

    Path("patchwarden.toml").write_text(SETTINGS.replace("kernel.git", "lost.git"))
    status, out, _ = patchwarden("doctor")
    assert 2 == status
    assert "wrong kernel tree: " in out

    pygit2.init_repository("lost.git", bare=True)
    status, out, _ = patchwarden("doctor")
    assert 2 == status
    assert "no branch or tag has a commit; `patchwarden tree sync` fetches them\n" in out
