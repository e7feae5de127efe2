# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden rebuild` adds the subsystems of reviews that were stored without a kernel repository."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.bot.cli.conftest import Call
from tests.bot.kernel.repositories import commit, repository
from tests.fakes.mails import git_archive, patch

MAINTAINERS = "LAMPS\nM:\tAda <ada@example.org>\nF:\trust/\n\n"


def test_a_rebuild_adds_subsystems_if_there_is_a_kernel(tmp_path: Path, patchwarden: Call) -> None:
    git_archive(tmp_path / "list.git", [patch("1@x", "led")])
    assert patchwarden("run", "--once", "--archive", "list.git")[0] == 0

    status, out, _ = patchwarden("rebuild")
    assert (status, "they need a kernel repository" in out, _subsystems()) == (0, True, [])

    commit(repository(tmp_path / "kernel.git"), {"MAINTAINERS": MAINTAINERS}, 1_000_000_000)
    Path("patchwarden.toml").write_text('[kernel]\nrepositories = [{ path = "kernel.git" }]\n')
    outputs = [patchwarden("rebuild")[:2] for _ in range(2)]

    text = "rebuilt\nadded subsystems, or the lines of MAINTAINERS that match, to {} reviews\n"
    texts = [text.format(number) for number in (1, 0)]
    assert outputs == [(0, text) for text in texts]
    assert _subsystems() == [("LAMPS", "F: rust/", "rust/kernel/led.rs")]


def test_a_kernel_that_cannot_be_read_is_an_error_before_the_rebuild(tmp_path: Path, patchwarden: Call) -> None:
    git_archive(tmp_path / "list.git", [patch("1@x", "led")])
    assert patchwarden("run", "--once", "--archive", "list.git")[0] == 0
    Path("patchwarden.toml").write_text('[kernel]\nrepositories = [{ path = "missing.git" }]\n')

    status, out, err = patchwarden("rebuild")

    assert (status, out, "missing.git" in err) == (2, "", True)


def _subsystems() -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect("var/patchwarden.db")) as connection:
        return connection.execute("SELECT subsystem, pattern, path FROM posting_subsystem").fetchall()
