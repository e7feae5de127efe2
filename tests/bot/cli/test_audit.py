# SPDX-License-Identifier: GPL-2.0-or-later
import errno
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.cli import audit as audit_command
from bot.kernel.specs import RepositorySpecs
from bot.pool.worker import Limits
from tests.bot.cli.cli_runner import Done, Run

UNDOCUMENTED = "//! LEDs.\n\n/// On.\npub fn on() {\n    unsafe { bindings::on() };\n}\n"
FINE = "//! LEDs.\n\n/// On.\npub fn on() {}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in (("b.rs", UNDOCUMENTED), ("a.rs", UNDOCUMENTED), ("fine.rs", FINE), ("led.c", "int led;\n")):
        path = tmp_path / "linux" / "rust" / "kernel" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "linux"


def test_a_tree_is_grouped_by_file_and_summed(run: Run, tree: Path) -> None:
    result = run("audit", "--rule", "missing-safety-comment", "linux")

    assert (
        """\
linux/rust/kernel/a.rs: 1 warning
  5: warning: This `unsafe` block has no `// SAFETY:` comment. It should say why `bindings::on()` may be called here. \
[missing-safety-comment]
      unsafe { bindings::on() };
      ^

linux/rust/kernel/b.rs: 1 warning
  5: warning: This `unsafe` block has no `// SAFETY:` comment. It should say why `bindings::on()` may be called here. \
[missing-safety-comment]
      unsafe { bindings::on() };
      ^

2 warnings in 2 files
  missing-safety-comment      2
"""
        == result.out
    )
    assert (1, "") == (result.status, result.err)


def test_a_clean_file(run: Run, tree: Path) -> None:
    result = run("audit", "linux/rust/kernel/fine.rs")

    assert Done(0, "no findings\n  not checked without a kernel tree (--tree REPO): 2 rules\n", "") == result


def test_a_folder_without_rust_files_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()

    assert Done(0, "no findings\n  not checked: no Rust file in docs\n", "") == run("audit", "docs")


@pytest.mark.parametrize("given", ["linux/rust", "linux/rust/kernel/a.rs", "./linux"])
def test_paths_are_as_given_and_have_no_message_id(run: Run, tree: Path, given: str) -> None:
    result = run("audit", "--format", "jsonl", given)

    data = json.loads(result.out.splitlines()[0])
    assert ("linux/rust/kernel/a.rs", 5, None) == (data["path"], data["line"], data["message_id"])


def test_the_place_in_the_kernel_counts_not_the_place_on_disk(run: Run, tmp_path: Path) -> None:
    for top in ("rust", "home/rust/linux"):
        source = tmp_path / top / "drivers" / "leds" / "lamp.rs"
        source.parent.mkdir(parents=True)
        source.write_text("use kernel::bindings;\n\nfn on(led: *mut bindings::led_classdev) {}\n")
    for mark in ("MAINTAINERS", "Kbuild"):
        (tmp_path / "home" / "rust" / "linux" / mark).write_text("")

    result = run("audit", "--format", "terse", "--rule", "bindings-in-driver", "home/rust/linux")
    assert "home/rust/linux/drivers/leds/lamp.rs:3: CHECK: " in result.out


def test_any_number_of_jobs_gives_the_same(run: Run, tree: Path) -> None:
    first, second = (run("audit", "--format", "jsonl", "--jobs", jobs, "linux") for jobs in ("1", "2"))

    assert first == second
    assert first.out


@pytest.mark.parametrize("form", ["text", "terse", "jsonl", "json", "sarif", "b4"])
def test_every_format(run: Run, tree: Path, form: str) -> None:
    result = run("audit", "--format", form, "linux")

    assert 1 == result.status
    assert "missing-safety-comment" in result.out


@pytest.mark.parametrize(
    "arguments", [[], ["--format", "mail", "linux"], ["linux/rust/kernel/led.c"], ["--rule", "x", "."]]
)
def test_bad_usage(run: Run, tree: Path, arguments: list[str]) -> None:
    assert 2 == run("audit", *arguments).status


@pytest.mark.parametrize(
    ("name", "problem"), [("gone.rs", "No such file or directory"), ("a" * 300, "File name too long")]
)
def test_a_file_that_is_not_there_is_named_and_the_others_are_checked(
    run: Run, tree: Path, name: str, problem: str
) -> None:
    result = run("audit", "--format", "terse", name, "linux/rust/kernel/a.rs")

    assert 2 == result.status
    assert f"patchwarden: {name}: {problem}\n" == result.err
    assert result.out.startswith("linux/rust/kernel/a.rs:5: WARNING")


def test_bytes_that_are_not_utf8_are_checked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.rs").write_bytes(b"fn f() { unsafe { g(\xff) } }\n")
    (tmp_path / "empty.rs").write_bytes(b"")

    result = run("audit", "--format", "terse", "odd.rs", "empty.rs")

    assert (1, "") == (result.status, result.err)
    assert result.out.startswith("odd.rs:1: WARNING: This `unsafe` block")


def test_a_file_that_cannot_be_checked_costs_no_other(run: Run, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.jobs._LIMITS", Limits(seconds=2.0))
    os.mkfifo(tree / "rust" / "kernel" / "endless.rs")
    with (tree / "rust" / "kernel" / "huge.rs").open("wb") as huge:
        huge.truncate(700 << 20)

    result = run("audit", "--jobs", "2", "--format", "terse", "--rule", "missing-safety-comment", "linux")

    assert ["linux/rust/kernel/a.rs", "linux/rust/kernel/b.rs"] == [
        line.partition(":")[0] for line in result.out.splitlines() if "[missing" in line
    ]
    assert "linux/rust/kernel/endless.rs: took longer than 2 s, 2 times" in result.err
    assert "linux/rust/kernel/huge.rs: took more than 512 MB, 2 times" in result.err
    assert 3 == result.status


def test_a_second_audit_with_a_cache_checks_only_changed_files(
    run: Run, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    audited: list[str] = []
    audit_file = audit_command._audit_file

    def counted(ids: Sequence[str], specs: RepositorySpecs, path: Path) -> object:
        audited.append(path.name)
        return audit_file(ids, specs, path)

    monkeypatch.setattr(audit_command, "_audit_file", counted)
    command = ("audit", "--no-tree", "--format", "jsonl", "linux")
    plain = run(*command)
    audited.clear()

    first, second = run(*command, "--cache"), run(*command, "--cache")
    assert (plain.out, plain.status) == (first.out, first.status) == (second.out, second.status)
    assert ["a.rs", "b.rs", "fine.rs"] == audited

    (tree / "rust" / "kernel" / "a.rs").write_text(FINE)
    assert 1 == len(run(*command, "--cache").out.splitlines()) < len(plain.out.splitlines())
    assert ["a.rs"] == audited[3:]


def test_another_rule_or_a_damaged_cache_audits_again(
    run: Run, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "cache" / "patchwarden" / "audit.json"
    command = ("audit", "--no-tree", "--cache", "linux")
    first = run(*command)

    assert "no findings\n" == run(*command, "--rule", "invariant-tag").out
    path.write_text("{")
    assert first.out == run(*command).out
    assert 3 == len(json.loads(path.read_text()))


def test_a_cache_needs_an_audit_without_a_tree(run: Run, tree: Path) -> None:
    result = run("audit", "--cache", "--tree", str(tree), "linux")

    assert 2 == result.status
    assert "--no-tree" in result.err


def test_a_file_that_is_not_a_text_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.rs").write_bytes(b"\x7fELF\0\0")

    assert Done(2, "", "patchwarden: a.rs: not a text\n") == run("audit", "a.rs")


@pytest.mark.parametrize("shut", ["linux", "linux/drivers"])
@pytest.mark.parametrize("command", ["audit", "debt"])
def test_a_folder_that_cannot_be_read_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, shut: str
) -> None:
    (tmp_path / "linux" / "drivers").mkdir(parents=True)
    (tmp_path / "linux" / "led.rs").write_text("fn on() {}\n")
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path) == str(tmp_path / shut):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", refuse)  # because root may read all folders

    result = run(command, tmp_path / "linux")

    assert 2 == result.status
    assert re.search(
        r"^patchwarden: \S*(linux|drivers|\.): (Permission denied|it cannot be read)$", result.err, re.MULTILINE
    )


def test_debt_of_a_folder_that_cannot_be_looked_at(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("bot.kernel.source_tree._is_repository", refuse)

    assert Done(2, "", f"patchwarden: {tmp_path}: Permission denied\n") == run("debt", tmp_path)
