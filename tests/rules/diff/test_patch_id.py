# SPDX-License-Identifier: GPL-2.0-or-later
"""The patch-id is that of `git patch-id --stable`."""

import subprocess
from pathlib import Path

import pytest

from rules.diff.parse import read_patch
from rules.diff.patch import Patch, Unreadable
from rules.diff.patch_id import stable_patch_id

_BEFORE = {"a.c": "one\ntwo\n\tthree  four\nfive\nsix\nseven\neight\n", "dir/b.rs": "fn b() {}\n", "gone": "x\ny\n"}


def _git(folder: Path, *arguments: str, stdin: str = "") -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def _write(folder: Path, files: dict[str, str | None]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_text(content)


@pytest.mark.parametrize(
    "changed",
    [
        {"a.c": "one\ntwo\n\tthree   four\nfive\nsix and more\nseven\neight\n"},
        {
            "a.c": _BEFORE["a.c"].replace("two\n", "").replace("seven", "SEVEN"),
            "dir/b.rs": "fn b() -> u8 {\n    1\n}\n",
        },
        {"new.h": "int a(void);\n", "gone": None},
        {"dir/b.rs": "fn b() {}\nno newline"},
        {"dir/b.rs": 'fn b() { "\N{GREEK SMALL LETTER ALPHA}" }\n'},
        {"gone": "x\n--- y\n+++ z\n"},
    ],
)
def test_a_patch_has_the_id_that_git_computes(tmp_path: Path, changed: dict[str, str | None]) -> None:
    _git(tmp_path, "init", "-q")
    _write(tmp_path, dict(_BEFORE))
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "commit", "-qm", "before")
    _write(tmp_path, changed)
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "commit", "-qm", "after")
    text = _git(tmp_path, "format-patch", "-1", "--stdout")
    expected = _git(tmp_path, "patch-id", "--stable", stdin=text).split()[0]

    assert stable_patch_id(read_patch(1, "after", text.partition("\n\n")[2])) == expected


def test_other_line_numbers_and_white_space_have_the_same_id() -> None:
    diff = "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -{0},2 +{0},2 @@\n a\n-b\n+{1}c\n"
    ids = {
        stable_patch_id(read_patch(1, "s", diff.format(line, space))) for line, space in ((1, ""), (70, ""), (1, "  "))
    }

    assert len(ids) == 1


@pytest.mark.parametrize(
    "diff",
    [
        "diff --git a/a.c b/b.c\nsimilarity index 100%\nrename from a.c\nrename to b.c\n",
        'diff --git "a/\\303\\244" "b/\\303\\244"\n--- "a/\\303\\244"\n+++ "b/\\303\\244"\n@@ -1 +1 @@\n-a\n+b\n',
        "no diff",
    ],
)
def test_an_id_that_depends_on_unknown_data_is_unknown(diff: str) -> None:
    assert stable_patch_id(read_patch(1, "s", diff)) == ""


def test_a_damaged_patch_has_no_id() -> None:
    assert stable_patch_id(Patch(1, "s", damage=Unreadable("cut off"))) == ""


def test_a_hunk_without_lines_adds_nothing() -> None:
    diff = "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-a\n+b\n"

    assert stable_patch_id(read_patch(1, "a", f"{diff}@@ -9,0 +9,0 @@\n")) == stable_patch_id(read_patch(1, "a", diff))
