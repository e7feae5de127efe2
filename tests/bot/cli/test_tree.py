# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden tree`, and `--tree` of the commands that check."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bot.kernel.repositories import commit, repository
from tests.fakes.mails import git_archive
from tests.rules.bindings.trees import FILES, edited, whole_change

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    commit(repository(tmp_path / "kernel.git"), FILES, 1_767_225_600, "v1")
    return tmp_path / "kernel.git"


def _patch() -> str:
    path = "include/linux/lamp.h"
    change = whole_change(path, edited(path, "int lamp_on(", "long lamp_on("))
    (hunk,) = change.hunks
    lines = "\n".join(line.marker + line.text for line in hunk.lines)
    return (
        "From: A <a@example.org>\nSubject: [PATCH] lamp: long\nMessage-ID: <1@example.org>\n"
        "Date: Thu, 1 Jan 2026 00:00:00 +0000\n\nText.\n\nSigned-off-by: A <a@example.org>\n---\n"
        f"diff --git a/{path} b/{path}\nindex {change.blob_before}..{change.blob_after} 100644\n"
        f"--- a/{path}\n+++ b/{path}\n@@ -1,{hunk.before_count} +1,{hunk.after_count} @@\n{lines}\n"
    )


def test_used_by_lists_the_users(patchwarden: Call, kernel: Path) -> None:
    status, out, _ = patchwarden("tree", "used-by", "lamp_level", "--tree", str(kernel))

    assert 0 == status
    assert "rust/kernel/lamp.rs:7: bindings: unsafe { bindings::lamp_level(lamp) + (*lamp).level }" in out
    assert "rust/helpers/lamp.c:3: helper: int rust_helper_lamp_level(const struct lamp *)" in out


def test_used_by_says_that_nobody_does(patchwarden: Call, kernel: Path) -> None:
    assert (1, "no Rust code uses lamp_off\n") == patchwarden("tree", "used-by", "lamp_off", "--tree", f"{kernel}@v1")[
        :2
    ]


def test_show_says_what_c_declares(patchwarden: Call, kernel: Path) -> None:
    status, out, _ = patchwarden("tree", "show", "LAMP_CAST", "--tree", str(kernel))

    assert 0 == status
    assert "include/linux/lamp.h:5: macro: #define LAMP_CAST ((__force u32)7)" in out
    assert "available in Rust as RUST_CONST_HELPER_LAMP_CAST" in out


def test_a_field_is_asked_for_by_its_struct(patchwarden: Call, kernel: Path) -> None:
    status, out, _ = patchwarden("tree", "used-by", "colour.red", "--tree", str(kernel))
    assert (0, "rust/kernel/lamp.rs:10: field red: unsafe { (*lamp).colour.red }\n") == (status, out)

    status, out, _ = patchwarden("tree", "show", "lamp.level", "--tree", str(kernel))
    assert (0, "include/linux/lamp.h:11: struct: struct lamp\n    int level\n") == (status, out)

    assert 1 == patchwarden("tree", "show", "lamp.nothing", "--tree", str(kernel))[0]
    assert 1 == patchwarden("tree", "used-by", "lamp.owner", "--tree", str(kernel))[0]


@pytest.mark.parametrize(
    "arguments", [("tree", "show", "x"), ("tree", "sync"), ("tree", "show", "x", "--tree", "nowhere")]
)
def test_without_a_kernel_it_says_so(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    status, _, err = patchwarden(*arguments)

    assert 2 == status
    assert err


def test_sync_fetches_what_the_settings_name(patchwarden: Call, kernel: Path, tmp_path: Path) -> None:
    settings = tmp_path / "s.toml"
    settings.write_text(
        f'[[kernel.repositories]]\npath = "{tmp_path}/mirror.git"\nremote = "{kernel}"\nrefs = ["refs/tags/v*"]\n'
    )

    fetched = patchwarden("--config", str(settings), "tree", "sync")
    status, out, _ = patchwarden("--config", str(settings), "tree", "show", "light")

    assert 0 == fetched[0], fetched
    assert (0, "include/linux/light.h:1: function: int light(void)\n") == (status, out)


def test_sync_works_with_a_git_that_makes_repositories_of_another_format(
    patchwarden: Call, kernel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")  # as git 3.0
    settings = tmp_path / "s.toml"
    settings.write_text(
        f'[[kernel.repositories]]\npath = "{tmp_path}/mirror.git"\nremote = "{kernel}"\nrefs = ["refs/tags/v*"]\n'
    )

    assert 0 == patchwarden("--config", str(settings), "tree", "sync")[0]


def test_sync_says_on_one_line_why_a_repository_cannot_be_fetched(
    patchwarden: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "s.toml"
    settings.write_text(
        f'[[kernel.repositories]]\npath = "{tmp_path}/m.git"\nremote = "{tmp_path}/none"\nrefs = ["refs/tags/v1"]\n'
    )

    status, _, refused = patchwarden("--config", str(settings), "tree", "sync")
    monkeypatch.setenv("PATH", "")
    missing = patchwarden("--config", str(settings), "tree", "sync")

    assert 3 == status
    assert refused.startswith(f"patchwarden: {tmp_path}/m.git: fatal: ")
    assert "access rights and the repository exists." in refused
    assert (3, True) == (missing[0], "m.git: [Errno 2] No such file or directory: 'git'" in missing[2])


def test_check_judges_c_against_the_tree(patchwarden: Call, kernel: Path, tmp_path: Path) -> None:
    patch = tmp_path / "a.patch"
    patch.write_text(_patch())

    checked = patchwarden("check", str(patch), "--tree", str(kernel), "--format", "terse")
    alone = patchwarden("check", str(patch), "--no-tree", "--format", "terse")
    both = patchwarden("check", str(patch), "--no-tree", "--tree", str(kernel))

    assert 1 == checked[0]
    assert "c-change-breaks-rust" in checked[1].lower()
    assert (0, 2) == (alone[0], both[0])


def test_check_says_why_a_tree_that_was_named_is_not_asked(patchwarden: Call, kernel: Path, tmp_path: Path) -> None:
    plain = "--- " + _patch().partition("\n--- ")[2]
    other = plain.replace(" struct lamp {", " struct lamp_of_old {")
    for name, text in (("plain.diff", plain), ("other.diff", other)):
        (tmp_path / name).write_text(text)
    assert plain != other

    fitting = patchwarden("check", str(tmp_path / "plain.diff"), "--tree", f"{kernel}@v1", "--format", "terse")
    unfit = patchwarden("check", str(tmp_path / "other.diff"), "--tree", f"{kernel}@v1", "--format", "terse")

    assert (1, "") == (fitting[0], fitting[2])
    assert "c-change-breaks-rust" in fitting[1].lower()
    assert 0 == unfit[0]
    assert (
        "patchwarden: a diff without a mail: the series is made for another tree, 1 of 1 files do not fit v1 "
        "(include/linux/lamp.h): the bindings of the tree are not used\n" == unfit[2]
    )


def test_replay_counts_how_certain_the_trees_are(patchwarden: Call, kernel: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_text("From mboxrd@z Thu Jan  1 00:00:00 1970\n" + _patch())

    status, out, _ = patchwarden("replay", str(tmp_path / "a.mbox"), "--jobs", "1", "--tree", f"{kernel}@v1")
    alone = patchwarden("replay", str(tmp_path / "a.mbox"), "--jobs", "1", "--no-tree")

    counted = dict(line.rsplit(maxsplit=1) for line in out.splitlines() if line.startswith("  "))
    assert 0 == status
    assert ("1", "0") == (counted["  certain"], counted["  likely"])
    assert "files whose ids match the tree" in out
    assert "1 of 1" in out
    assert "certain" not in alone[1]


def test_all_outputs_name_the_tree_of_a_series_and_why(patchwarden: Call, kernel: Path, tmp_path: Path) -> None:
    settings, patch = tmp_path / "s.toml", tmp_path / "a.patch"
    settings.write_text(f'database = "{tmp_path}/p.db"\n[[kernel.repositories]]\npath = "{kernel}"\n')
    patch.write_text(_patch())
    archive = git_archive(tmp_path / "list.git", (_patch().encode(),))
    checked = re.compile(r"v1 \([0-9a-f]{12}\), chosen by blob ids, 1 of 1 blob ids match \(certainty high\)")
    options = ("--config", str(settings))

    ran = patchwarden(*options, "run", "--once", "--archive", str(archive))
    explained = patchwarden(*options, "explain", "1@example.org")
    text = patchwarden(*options, "check", str(patch))
    rows = json.loads(patchwarden(*options, "check", str(patch), "--format", "json")[1])
    replayed = patchwarden(*options, "replay", str(archive), "--jobs", "1", "--format", "jsonl")

    assert 0 == ran[0], ran
    assert checked.search(explained[1]), explained
    assert checked.search(text[1]), text
    assert all(checked.fullmatch(row["base"]) for row in [*rows, json.loads(replayed[1])])
    assert rows
