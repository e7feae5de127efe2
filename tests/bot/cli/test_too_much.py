# SPDX-License-Identifier: GPL-2.0-or-later
"""Input that exceeds a limit is skipped with a reason: neither a pass for the author nor an alarm for the operator."""

from pathlib import Path

import pytest

from rules.source.rust.work_limit import MAX_FILE_WORK
from tests.bot.cli.cli_runner import Run
from tests.bot.cli.conftest import Call
from tests.fakes.mails import git_archive, patch

WHY = (
    "rust/kernel/valve.rs: analysis limit exceeded: the file has too much unsafe code, "
    "or too much text that is not Rust"
)
CODE = "    unsafe { open() };\n" * (MAX_FILE_WORK + 1)
DIFF = (
    "diff --git a/rust/kernel/valve.rs b/rust/kernel/valve.rs\nnew file mode 100644\n--- /dev/null\n"
    f"+++ b/rust/kernel/valve.rs\n@@ -0,0 +1,{MAX_FILE_WORK + 1} @@\n" + CODE.replace("    ", "+    ")
)


@pytest.fixture
def large() -> bytes:
    head, _, _ = patch("large@x").partition(b"\ndiff --git ")
    return head + b"\n" + DIFF.encode() + b"-- \n2.43.0\n"


def test_check_says_where_and_why_and_is_not_clean(run: Run, large: bytes) -> None:
    result = run("check", "--no-tree", "-", stdin=large)

    assert (2, f"patchwarden: patch 1, {WHY}\n") == (result.status, result.err)
    assert '"unreadable"' in run("check", "--no-tree", "--format", "b4", "-", stdin=large).out.replace("\\", "")


@pytest.mark.parametrize("sign", ["Binary files a/{0} and b/{0} differ\n", "GIT binary patch\nliteral 3\nKcmb<m\n\n"])
def test_a_source_file_that_git_takes_for_binary_is_named(run: Run, sign: str) -> None:
    head, _, _ = patch("large@x").partition(b"\ndiff --git ")
    diffs = (f"diff --git a/{path} b/{path}\n{sign.format(path)}" for path in ("rust/a.rs", "lib/a.c", "a.png"))

    result = run("check", "--no-tree", "-", stdin=head + b"\n" + "".join(diffs).encode() + b"-- \n2.43.0\n")

    why = "not checked, because it is a binary file to git: the diff does not show its text"
    problems = "".join(f"patchwarden: patch 1, {path}: {why}\n" for path in ("rust/a.rs", "lib/a.c"))
    assert (2, problems) == (result.status, result.err)


def test_audit_names_the_file_as_it_was_given(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rust" / "kernel" / "valve.rs"
    file.parent.mkdir(parents=True)
    file.write_text(CODE)

    result = run("audit", "--no-tree", "rust")

    assert (2, f"patchwarden: {WHY}\n") == (result.status, result.err)


def test_the_service_goes_on_and_explains(patchwarden: Call, tmp_path: Path, large: bytes) -> None:
    archive = git_archive(tmp_path / "list.git", (large, patch("good@x", "fan")))

    status, out, _ = patchwarden("run", "--once", "--archive", str(archive))

    assert status == 0
    assert "1 of them checked only in part; `patchwarden explain` says why: large@x" in out
    status, out, _ = patchwarden("explain", "large@x")
    assert f"reviewed: no finding to report; patch 1, {WHY}" in out


def test_the_service_names_a_diff_that_cannot_be_read(patchwarden: Call, tmp_path: Path) -> None:
    head, _, _ = patch("long@x").partition(b"\ndiff --git ")
    too_long = DIFF.replace(f"+1,{MAX_FILE_WORK + 1} ", f"+1,{MAX_FILE_WORK} ").encode()
    archive = git_archive(tmp_path / "list.git", (head + b"\n" + too_long + b"-- \n2.43.0\n", patch("good@x", "fan")))

    _, out, _ = patchwarden("run", "--once", "--archive", str(archive))

    assert "1 of them checked only in part" in out
    _, out, _ = patchwarden("explain", "long@x")
    assert "reviewed: no finding to report; patch 1: its diff cannot be read: " in out


def test_replay_counts_and_names_it(run: Run, tmp_path: Path, large: bytes) -> None:
    result = run("replay", "--no-tree", "--jobs", "1", git_archive(tmp_path / "list.git", (large,)))

    assert result.status == 0
    assert "places that were not checked" in result.out
    assert f"patchwarden: large@x: patch 1, {WHY}" in result.err
