# SPDX-License-Identifier: GPL-2.0-or-later
import json
from pathlib import Path

import pytest

from bot.debt.report import from_json
from bot.kernel.source_tree import SourceTree
from tests.bot.cli.cli_runner import Run
from tests.bot.kernel.repositories import commit, repository

MAINTAINERS = """\
GPU
M:\tAda <ada@example.org>
F:\tdrivers/gpu/

RUST
M:\tBea <bea@example.org>
F:\trust/

THE REST
M:\tCid <cid@example.org>
F:\t*
F:\t*/
"""
BLOCK = "fn f() {\n    unsafe { g() };\n}\n"
DOCUMENTED = "fn f() {\n    // SAFETY: It is.\n    unsafe { g() };\n}\n"
TOO_MUCH = "fn f() { unsafe { } }\n" * 2001


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    git = repository(tmp_path / "linux.git")
    old = {"MAINTAINERS": MAINTAINERS, "rust/kernel/a.rs": BLOCK, "fs/a.rs": DOCUMENTED}
    commit(git, old, 1000, "v1")
    commit(
        git, old | {"rust/kernel/a.rs": DOCUMENTED, "drivers/gpu/g.rs": BLOCK * 2, "rust/syn/a.rs": BLOCK}, 2000, "v2"
    )
    return tmp_path / "linux.git"


def test_refs_are_compared_by_subsystem(run: Run, kernel: Path) -> None:
    result = run("debt", kernel, "v1", "v2")

    assert (
        """\
         files blocks  fns impls traits undocumented TODO bindings    contracts
GPU
  v2         1      2    -     -      -            2    -        -            -
RUST
  v1         1      1    -     -      -            1    -        -            -
  v2         1      1    -     -      -            -    -        -            -
  change     =      =    =     =      =           -1    =        =            =
THE REST
  v1         1      1    -     -      -            -    -        -            -
  v2         1      1    -     -      -            -    -        -            -
  change     =      =    =     =      =            =    =        =            =
Total
  v1         2      2    -     -      -            1    -        -            -
  v2         3      4    -     -      -            2    -        -            -
  change    +1     +2    =     =      =           +1    =        =            =
"""
        in result.out
    )
    assert 0 == result.status
    assert "files of v2: 4 in " in result.err


@pytest.mark.parametrize("given", [("linux.git@v1",), ("linux.git", "v1")])
def test_a_ref_is_named_in_two_ways(run: Run, kernel: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str]) -> None:
    monkeypatch.chdir(kernel.parent)

    data = json.loads(run("debt", "--format", "json", *given).out)

    assert [ref["name"] for ref in data["refs"]] == ["v1"]
    assert [subsystem["name"] for subsystem in data["subsystems"]] == ["RUST", "THE REST"]


def test_the_default_is_head(run: Run, kernel: Path) -> None:
    data = json.loads(run("debt", "--format", "json", kernel).out)

    assert data["refs"][0]["name"] == "HEAD"
    assert data["total"]["counts"][0]["blocks"] == 4


def test_a_ref_of_the_repository_comes_before_the_others(run: Run, kernel: Path) -> None:
    data = json.loads(run("debt", "--format", "json", f"{kernel}@v2", "v1").out)

    assert [ref["name"] for ref in data["refs"]] == ["v2", "v1"]
    assert data["total"]["change"]["blocks"] == -2


def test_a_folder_has_no_refs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "linux" / "rust").mkdir(parents=True)
    (tmp_path / "linux" / "rust" / "a.rs").write_text(BLOCK)

    result = run("debt", "--format", "csv", tmp_path / "linux")

    assert result.out.splitlines() == [
        "subsystem,files,blocks,functions,impls,traits,undocumented,placeholders,bindings,requirements,addressed",
        "(no entry in MAINTAINERS),1,1,0,0,0,1,0,0,0,0",
    ]


def test_several_processes_give_the_same(run: Run, kernel: Path) -> None:
    assert run("debt", "--jobs", "2", kernel, "v1", "v2").out == run("debt", "--jobs", "1", kernel, "v1", "v2").out


def test_subsystems_are_chosen_by_name(run: Run, kernel: Path) -> None:
    result = run("debt", "--subsystem", "gp", kernel)

    assert "GPU" in result.out
    assert "RUST" not in result.out


def test_an_unknown_subsystem(run: Run, kernel: Path) -> None:
    result = run("debt", "--subsystem", "tty", kernel)

    assert (2, "") == (result.status, result.out)
    assert "no subsystem with Rust code has a name with 'tty'" in " ".join(result.err.replace("│", "").split())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("linux.git", "v9"), "linux.git: commit v9 does not exist"),
        (("linux.git@v9",), "linux.git: commit v9 does not exist"),
        (("nothing",), "nothing: neither a git repository nor a folder"),
        ((".", "v1"), ".: not a git repository, so it has no commit v1"),
    ],
)
def test_what_does_not_exist_is_named(
    run: Run, kernel: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], reason: str
) -> None:
    monkeypatch.chdir(kernel.parent)

    result = run("debt", *arguments)

    assert (2, "", f"patchwarden: {reason}\n") == (result.status, result.out, result.err)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_beyond_the_limit_is_named_and_the_rest_counted(run: Run, tmp_path: Path, jobs: str) -> None:
    git = repository(tmp_path / "linux.git")
    commit(git, {"rust/kernel/a.rs": TOO_MUCH, "rust/kernel/b.rs": BLOCK}, 1000, "v1")

    result = run("debt", "--jobs", jobs, "--format", "json", tmp_path / "linux.git", "v1")

    assert json.loads(result.out)["total"]["counts"][0]["blocks"] == 1
    assert 2 == result.status
    assert (
        "patchwarden: v1: rust/kernel/a.rs: not counted: analysis limit exceeded: the file has too much" in result.err
    )


def test_a_crash_is_named_and_the_rest_counted(run: Run, kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(path: str, content: bytes, tree: SourceTree) -> None:
        raise ValueError(path)

    monkeypatch.setattr("bot.cli.debt.count_file", crash)

    result = run("debt", "--jobs", "1", kernel, "v1")

    assert 3 == result.status
    assert "patchwarden: v1: fs/a.rs: not counted: ValueError in crash, line" in result.err


def test_a_result_is_published_without_the_folder_of_the_repository(run: Run, kernel: Path, tmp_path: Path) -> None:
    (tmp_path / "patchwarden.toml").write_text('database = "here/d.db"\n')
    for _ in range(2):
        result = run("debt", "--publish", kernel, "v1", "v2")
    stored = from_json((tmp_path / "here" / "d.db.debt.json").read_text())

    assert 0 == result.status
    assert "d.db.debt.json for the page /debt" in result.err
    assert "Unsafe code in" in result.out
    assert ("linux.git", [2, 4]) == (stored.repository, [counts.blocks for counts in stored.total.counts])
    assert ["d.db.debt.json"] == [path.name for path in (tmp_path / "here").iterdir()]


def test_a_part_of_the_subsystems_is_not_published(run: Run, kernel: Path) -> None:
    result = run("debt", "--publish", "--subsystem", "gp", kernel)

    assert 2 == result.status
    assert "leave --subsystem out" in result.err
