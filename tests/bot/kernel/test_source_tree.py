# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust files of a commit or a folder."""

from pathlib import Path

import pygit2
import pytest

from bot.kernel.error import KernelError
from bot.kernel.source_tree import SourceSpec, find_source, open_source
from tests.bot.kernel.repositories import commit, repository

FILES = {"rust/kernel/led.rs": "fn a() {}\n", "drivers/b.rs": "fn b() {}\n", "drivers/b.c": "int b;\n", "z.rs": ""}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git = repository(tmp_path / "linux.git")
    commit(git, FILES, 1000, "v1")
    commit(git, {"new.rs": ""}, 2000)
    return tmp_path / "linux.git"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "linux" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "linux" / name).write_text(text)
    return tmp_path / "linux"


def test_the_rust_files_of_a_commit_are_in_order(bare: Path) -> None:
    tree = open_source(find_source(bare, "v1"))

    assert tree.rust_paths() == ["drivers/b.rs", "rust/kernel/led.rs", "z.rs"]
    assert (b"fn b() {}\n", None) == (tree.read("drivers/b.rs"), tree.read("new.rs"))


def test_without_a_ref_the_tree_is_that_of_head(bare: Path) -> None:
    assert open_source(find_source(bare, "")).rust_paths() == ["new.rs"]


def test_a_work_tree_is_read_from_its_commits(bare: Path, tmp_path: Path) -> None:
    pygit2.clone_repository(str(bare), str(tmp_path / "clone"))
    (tmp_path / "clone" / "uncommitted.rs").write_text("")

    assert open_source(find_source(tmp_path / "clone", "")).rust_paths() == ["new.rs"]


def test_the_rust_files_of_a_folder(folder: Path) -> None:
    tree = open_source(find_source(folder, ""))

    assert tree.rust_paths() == ["drivers/b.rs", "rust/kernel/led.rs", "z.rs"]
    assert (b"fn b() {}\n", None) == (tree.read("drivers/b.rs"), tree.read("new.rs"))


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "link.rs").symlink_to("z.rs")
    (folder / "loop").symlink_to(folder)

    assert "link.rs" not in open_source(find_source(folder, "")).rust_paths()
    assert len(open_source(find_source(folder, "")).rust_paths()) == 3


def test_links_of_a_commit_are_not_files(tmp_path: Path) -> None:
    git = repository(tmp_path / "linux.git")
    builder = git.TreeBuilder()
    builder.insert("link.rs", git.create_blob(b"z.rs"), pygit2.enums.FileMode.LINK)
    builder.insert("z.rs", git.create_blob(b""), pygit2.enums.FileMode.BLOB)
    who = pygit2.Signature("A", "a@example.org", 1, 0)
    git.create_commit("refs/heads/main", who, who, "x", builder.write(), [])

    assert open_source(find_source(tmp_path / "linux.git", "main")).rust_paths() == ["z.rs"]


def test_a_folder_in_a_work_tree_is_a_folder(bare: Path, tmp_path: Path) -> None:
    pygit2.clone_repository(str(bare), str(tmp_path / "clone"))
    (tmp_path / "clone" / "rust").mkdir()

    assert find_source(tmp_path / "clone" / "rust", "") == SourceSpec(tmp_path / "clone" / "rust")


@pytest.mark.parametrize(
    ("name", "ref", "reason"),
    [
        ("linux.git", "v9", "linux.git: commit v9 does not exist"),
        ("linux", "v1", "linux: not a git repository, so it has no commit v1"),
        ("nothing", "", "nothing: neither a git repository nor a folder"),
        ("empty.git", "", "empty.git: commit HEAD does not exist"),
    ],
)
def test_what_does_not_exist_is_named(
    bare: Path, folder: Path, tmp_path: Path, name: str, ref: str, reason: str
) -> None:
    repository(tmp_path / "empty.git")

    with pytest.raises(KernelError, match=f"^{tmp_path / reason}$"):
        find_source(tmp_path / name, ref)


def test_a_damaged_repository_is_an_error_and_a_missing_file_is_none(bare: Path) -> None:
    spec = find_source(bare, "v1")
    git = pygit2.Repository(str(bare))
    for path in ("drivers/b.rs", "rust"):
        object_id = str(git.revparse_single(f"v1:{path}").id)
        (bare / "objects" / object_id[:2] / object_id[2:]).unlink()

    tree = open_source(spec)

    assert tree.read("drivers/b.rs") is None
    with pytest.raises(KernelError, match=f"commit {spec.commit} is incomplete"):
        tree.rust_paths()
