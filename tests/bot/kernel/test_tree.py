# SPDX-License-Identifier: GPL-2.0-or-later
"""A commit of a bare repository as rules see it, and the index of its bindings."""

import multiprocessing
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from bot.kernel.base import Chosen, make_base
from bot.kernel.commit import CommitTree
from bot.kernel.error import KernelError
from bot.kernel.evidence import matching, weigh
from bot.kernel.files import _FILE, _FOLDER, _find
from bot.kernel.index import Index
from bot.kernel.record import VERSION
from bot.kernel.tree import GitTree, Repository
from rules.bindings.index import Bindings
from rules.diff.patch import FileChange
from rules.diff.tree import blob_id
from tests.bot.kernel.repositories import commit, repository
from tests.rules.bindings.trees import FILES


@pytest.fixture
def kernel(tmp_path: Path) -> Repository:
    git_repository = repository(tmp_path / "kernel.git")
    commit(git_repository, FILES, 1000, "v1")
    commit(git_repository, FILES | {"include/linux/light.h": "long light(void);\n"}, 2000, "v2")
    return Repository(tmp_path / "kernel.git")


def _tree(kernel: Repository, ref: str, index: Index) -> GitTree:
    commit = kernel.commit(ref)
    assert commit is not None
    return GitTree(kernel, commit, index)


def test_files_and_blobs_are_read(kernel: Repository) -> None:
    tree, text = _tree(kernel, "v1", Index(None)), FILES["include/linux/lamp.h"].encode()

    assert text == tree.read("include/linux/lamp.h")
    assert text == tree.blob(blob_id(text)[:12])
    assert None is tree.read("include/linux")
    assert None is tree.read("no/such/file")
    assert None is tree.blob(blob_id(text)[:6])
    assert None is tree.blob("z" * 12)


@pytest.mark.parametrize("what", ["tree", "range", "evidence"])
def test_names_that_were_looked_up_are_released(kernel: Repository, what: str) -> None:
    """pygit2 1.21 leaks a reference to each name that it searches in a tree."""
    at = kernel.commit("v1")
    assert at is not None
    names = "".join(["ab", "sent"]), "".join(["inc", "lude"]), "".join(["include/linux", "/lamp.h"])
    look_up: dict[str, Callable[[str], object]] = {
        "tree": _tree(kernel, "v1", Index(None)).read,
        "range": CommitTree(kernel, at).read,
        "evidence": lambda name: (
            weigh(kernel.files(at), [FileChange(name, name)]),
            matching(kernel.files(at), [(name, "1" * 12)]),
        ),
    }
    for name in names:
        look_up[what](name)  # the name of a file is kept once
    before = [sys.getrefcount(name) for name in names]

    for name in names * 3:
        look_up[what](name)

    assert before == [sys.getrefcount(name) for name in names]


def test_a_folder_has_files_and_folders_with_any_ids() -> None:
    other, wanted = b" a\0".ljust(20, b"4"), bytes(range(20))
    folder = b"40000 a\0%b100644 b\0%b160000 c\0%b120000 aa\0%b" % (wanted, other, other, other)

    folders = {name: _find(folder, name, _FOLDER) for name in ("a", "b", "c", "")}
    assert folders == {"a": wanted, "b": None, "c": None, "": None}
    files = {name: _find(folder, name, _FILE) for name in ("a", "aa", "b", "c", "a\0", "")}
    assert files == {"a": None, "aa": other, "b": other, "c": None, "a\0": None, "": None}


def test_the_border_equals_that_of_the_files(kernel: Repository) -> None:
    ours = _tree(kernel, "v1", Index(None)).bindings()
    theirs = Bindings.of_files({path: text.encode() for path, text in FILES.items()})

    assert ours is not None
    assert theirs.used_names == ours.used_names
    assert theirs.names == ours.names
    assert theirs.paths == ours.paths
    assert set(theirs.included_by) == set(ours.included_by)
    for name in theirs.used_names:
        assert theirs.users(name) == ours.users(name)
        assert theirs.bound_declarations(name) == ours.bound_declarations(name)
    assert theirs.member_users("lamp", "level") == ours.member_users("lamp", "level")


def test_the_index_is_read_again_and_shared_between_commits(kernel: Repository, tmp_path: Path) -> None:
    path = tmp_path / "var" / "index.sqlite"
    first = _tree(kernel, "v1", Index(path)).bindings()
    assert first is not None
    was = [declaration.declaration.type for declaration in first.declarations("light")]

    second = _tree(kernel, "v2", Index(path)).bindings()

    assert second is not None
    assert (["int"], ["long"]) == (was, [declaration.declaration.type for declaration in second.declarations("light")])
    assert first.users("lamp_on") == second.users("lamp_on")


def test_an_index_that_cannot_be_kept_is_kept_in_memory(kernel: Repository, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    garbage = tmp_path / "garbage.sqlite"
    garbage.with_name(f"garbage.sqlite.{VERSION}").write_bytes(b"this is not a database, not even a short one" * 100)

    for path in (tmp_path / "file" / "index.sqlite", garbage):
        bindings = _tree(kernel, "v1", Index(path)).bindings()
        assert bindings is not None
        assert bindings.declarations("lamp_on")


@pytest.mark.parametrize("packed", [False, True])
def test_refs_that_are_fetched_later_are_seen(kernel: Repository, packed: bool) -> None:
    known = [name for name, _ in kernel.tips]

    commit = kernel.commit(known[0])
    assert commit is not None
    subprocess.run(["git", "-C", kernel.path, "update-ref", "refs/tags/later", str(commit.id)], check=True)
    if packed:
        subprocess.run(["git", "-C", kernel.path, "pack-refs", "--all"], check=True)

    assert sorted([*known, "refs/tags/later"]) == sorted(name for name, _ in kernel.tips)


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="nowhere"):
        Repository(tmp_path / "nowhere")


def _short(path: Path, what: str) -> None:
    """Looks for what is not there, with next to no memory left."""
    kernel = Repository(path)
    used = int(re.findall(r"VmData:\s+(\d+)", Path("/proc/self/status").read_text())[0]) << 10
    resource.setrlimit(resource.RLIMIT_DATA, (used + (2 << 20), used + (2 << 20)))
    looks: dict[str, Callable[[], object]] = {
        "blob": lambda: kernel.blob("1" * 12),
        "commit": lambda: kernel.commit("1" * 40),
    }
    try:
        looks[what]()
    except MemoryError:
        os._exit(3)


@pytest.mark.parametrize("what", ["blob", "commit"])
def test_near_the_limit_of_memory_nothing_is_called_absent(kernel: Repository, what: str) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_short, args=(kernel.path, what))
    process.start()
    process.join()

    assert process.exitcode == 3


def test_a_damaged_repository_is_no_repository_without_the_blob(kernel: Repository) -> None:
    text = FILES["include/linux/lamp.h"].encode()
    name = blob_id(text)
    loose = kernel.path / "objects" / name[:2] / name[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"no object")

    with pytest.raises(KernelError):
        kernel.blob(name[:12])
    with pytest.raises(KernelError):
        kernel.blob(name)


def test_a_damaged_tree_is_named_with_its_repository(kernel: Repository) -> None:
    commit = kernel.commit("v2")
    assert commit is not None
    name = str(commit.tree.id)
    loose = kernel.path / "objects" / name[:2] / name[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"no object")
    again = Repository(kernel.path)
    commit = again.commit("v2")
    assert commit is not None

    with pytest.raises(KernelError, match=f"^{kernel.path}: the repository is damaged or incomplete: "):
        GitTree(again, commit, Index(None))
    change = FileChange("include/linux/lamp.h", "include/linux/lamp.h")
    with pytest.raises(KernelError, match=f"^{kernel.path}: the repository is damaged or incomplete: "):
        make_base(again, "v2", commit, Chosen.NEWEST, [change])


def _tree_with(kernel: Repository, folder: bytes, mode: bytes = b"40000") -> GitTree:
    """A tree in which the object of the folder `rust` has that content."""
    git = pygit2.Repository(kernel.path)
    top = git.odb.write(ObjectType.TREE, mode + b" rust\0" + git.odb.write(ObjectType.TREE, folder).raw)
    person = pygit2.Signature("A", "a@example.org")
    git.create_commit("refs/tags/written", person, person, "written", top, [])
    commit = kernel.commit("written")
    assert commit is not None
    return GitTree(kernel, commit, Index(None))


@pytest.mark.parametrize("folder", [b"100644 lib.rs", b"100644 lib.rs\0" + b"a" * 19])
def test_a_folder_without_the_form_of_one_is_damage(kernel: Repository, folder: bytes) -> None:
    tree = _tree_with(kernel, folder)

    message = f"^{kernel.path}: the repository is damaged or incomplete: the folder rust is malformed; "
    with pytest.raises(KernelError, match=message):
        tree.read("rust/lib.rs")


def test_an_include_may_name_a_path_of_any_depth(kernel: Repository) -> None:
    assert _tree(kernel, "v1", Index(None)).read("a/" * 100_000 + "lamp.h") is None


def test_the_mode_of_a_folder_may_have_a_zero_before_it(kernel: Repository) -> None:
    blob = pygit2.Repository(kernel.path).create_blob(b"fn a() {}")

    assert b"fn a() {}" == _tree_with(kernel, b"100644 lib.rs\0" + blob.raw, b"040000").read("rust/lib.rs")


@pytest.mark.parametrize("path", ["include", "include/linux/lamp.h"])
def test_a_missing_object_is_an_error_and_no_missing_file(kernel: Repository, path: str) -> None:
    name = str(kernel.git.revparse_single(f"v2:{path}").id)
    (kernel.path / "objects" / name[:2] / name[2:]).unlink()
    again = Repository(kernel.path)
    commit = again.commit("v2")
    assert commit is not None

    with pytest.raises(KernelError, match=f"^{kernel.path}/?: the repository is damaged or incomplete: "):
        GitTree(again, commit, Index(None)).read("include/linux/lamp.h")


def test_the_error_of_a_partial_clone_says_how_to_get_its_files(kernel: Repository, tmp_path: Path) -> None:
    def git(path: Path, *arguments: str) -> None:
        subprocess.run(["git", "-C", str(path), *arguments], check=True, capture_output=True)

    git(kernel.path, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--bare", "--filter=blob:none", kernel.path.as_uri(), "partial.git")
    partial = Repository(tmp_path / "partial.git")
    commit = partial.commit("v2")
    assert commit is not None

    with pytest.raises(KernelError, match=r"partial\.git: the repository is a partial clone.* fetch --refetch "):
        GitTree(partial, commit, Index(None)).read("include/linux/lamp.h")

    git(partial.path, "fetch", "--refetch", "--no-filter", "origin")

    assert GitTree(Repository(partial.path), commit, Index(None)).read("include/linux/lamp.h")
