# SPDX-License-Identifier: GPL-2.0-or-later
"""Repositories that libgit2 cannot read: git keeps their refs in reftables, or their objects are damaged."""

import gc
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pygit2
import pytest

from bot.git_repository import open_repository
from bot.inbox.error import InboxError
from bot.inbox.git_archive import GitArchive
from bot.kernel.error import KernelError
from bot.kernel.tree import Repository
from tests.bot.kernel.repositories import commit, repository
from tests.fakes.mails import append_mail, git_archive

_KNOWS_REFTABLES = re.compile(r"git version (?:2\.(?:4[5-9]|[5-9]\d)|[3-9])")
_EXTENSION = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\trefstorage = reftable\n"


class Tables:
    """A repository whose refs are listed by a script in place of git, because the git of this machine may be old."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self._listed = folder / "listed"
        repository(path)
        (path / "config").write_text(_EXTENSION)
        (path / "HEAD").write_text("ref: refs/heads/.invalid\n")
        (path / "reftable").mkdir()
        (folder / "git").write_text(f'#!/bin/sh\ncat "{self._listed}" || exit 128\n')
        (folder / "git").chmod(0o755)

    def write(self, refs: Mapping[str, str], head: str = "") -> None:
        """Replace the refs. `head` is the branch to which HEAD points."""
        lines = [f"{commit} {name} \n" for name, commit in refs.items()]
        self._listed.write_text("".join([f"{refs[head]} HEAD {head}\n" if head else "", *lines]))
        (self.path / "reftable" / "new").write_text("0x1-0x2.ref\n")
        (self.path / "reftable" / "new").rename(self.path / "reftable" / "tables.list")


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return Tables(tmp_path / "tables.git", tmp_path / "bin")


def _commits(tables: Tables, number: int) -> list[str]:
    objects = repository(tables.path.parent / "files.git")
    ids = [commit(objects, {"a": f"{at}\n"}, at) for at in range(number)]
    (tables.path / "objects" / "info" / "alternates").write_text(f"{objects.path}objects\n")
    return ids


def test_refs_are_those_that_git_lists(tables: Tables) -> None:
    first, second = _commits(tables, 2)
    tables.write({"refs/heads/main": second, "refs/tags/v1": first}, head="refs/heads/main")
    opened = open_repository(tables.path)
    gc.collect()

    assert (second, "refs/heads/main") == (str(opened.head.target), opened.head.name)
    assert [first, second] == [str(opened.revparse_single(name).id) for name in ("v1", "main")]
    assert ["refs/heads/main", "refs/tags/v1"] == list(opened.references)
    with pytest.raises(KeyError):
        opened.revparse_single("v2")


def test_refs_are_listed_again_after_a_change(tables: Tables) -> None:
    first, second = _commits(tables, 2)
    tables.write({"refs/heads/main": first}, head="refs/heads/main")
    kernel = Repository(tables.path)
    before = [str(tip.id) for name, tip in kernel.tips if name == "refs/heads/main"]
    tables.write({"refs/heads/main": second}, head="refs/heads/main")

    assert [first, second] == [*before, *(str(tip.id) for name, tip in kernel.tips if name == "refs/heads/main")]
    assert second == str(kernel.git.head.target)


def test_a_repository_without_a_commit_has_no_head(tables: Tables) -> None:
    tables.write({})

    assert open_repository(tables.path).head_is_unborn


def test_a_failure_of_git_names_the_repository(tables: Tables) -> None:
    with pytest.raises(KernelError, match=r"tables\.git: .*for-each-ref: .*No such file"):
        Repository(tables.path)


def test_a_missing_git_is_an_error_of_the_repository(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.write({})
    monkeypatch.setenv("PATH", "")

    with pytest.raises(KernelError, match=r"tables\.git: git for-each-ref: .*'git'"):
        Repository(tables.path)


def test_real_reftables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
    if not _KNOWS_REFTABLES.match(version):
        pytest.skip(f"{version.strip()} cannot write reftables")
    monkeypatch.setenv("GIT_DEFAULT_REF_FORMAT", "reftable")
    path = git_archive(tmp_path / "list.git", [b"one", b"two"])
    archive = GitArchive(path)
    (batch,) = archive.batches({})
    append_mail(path, b"three")
    (later,) = archive.batches({batch.epoch: batch.cursor})

    assert [b"one", b"two"] == [mail.raw for mail in batch.mails]
    assert [b"three"] == [mail.raw for mail in later.mails]


def test_refs_in_files_need_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository(tmp_path / "files.git"), {"a": "1\n"}, 1)
    monkeypatch.setenv("PATH", "")

    assert isinstance(open_repository(tmp_path / "files.git"), pygit2.Repository)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_the_error_about_a_repository_of_another_user_names_it_once_and_says_what_to_do(tmp_path: Path) -> None:
    commit(repository(tmp_path / "theirs.git"), {"a": "1\n"}, 1)
    os.chown(tmp_path / "theirs.git", 65534, 65534)

    with pytest.raises(KernelError) as caught:
        Repository(tmp_path / "theirs.git")

    advice = f"`git config --global --add safe.directory {tmp_path}/theirs.git` permits to read it"
    assert f"{tmp_path}/theirs.git: it belongs to another user; {advice}" == str(caught.value)


_READS: tuple[Callable[[pygit2.Repository, str], object], ...] = (
    lambda opened, name: opened[name],
    lambda opened, name: opened[name[:9]],
    lambda opened, name: opened.odb.read(name),
    lambda opened, name: opened.odb.read_header(name),
    lambda opened, _: opened.revparse_single("main"),
    lambda opened, _: list(opened.walk(opened.references["refs/heads/main"].target)),
)


@pytest.mark.parametrize("read", _READS)
@pytest.mark.parametrize("size", [0, 1, 5, -1])
def test_a_truncated_object_is_an_error_that_names_its_file(
    tmp_path: Path, read: Callable[[pygit2.Repository, str], object], size: int
) -> None:
    name = commit(repository(tmp_path / "files.git"), {"a": "1\n"}, 1)
    loose = _damage(tmp_path / "files.git", name, lambda content: content[:size])

    with pytest.raises(pygit2.GitError, match=f"the object {name} is truncated: {loose}"):
        read(open_repository(tmp_path / "files.git"), name)


def test_a_damaged_object_is_an_error_that_names_its_file(tmp_path: Path) -> None:
    name = commit(repository(tmp_path / "files.git"), {"a": "1\n"}, 1)
    loose = _damage(tmp_path / "files.git", name, lambda content: content[:9] + b"\xff\xff\xff" + content[12:])

    with pytest.raises(pygit2.GitError, match=rf"the object {name} is damaged: .*: {loose}"):
        open_repository(tmp_path / "files.git")[name]


def test_a_truncated_object_that_a_repository_borrows_is_an_error(tmp_path: Path) -> None:
    name = commit(repository(tmp_path / "lender.git"), {"a": "1\n"}, 1)
    for borrower, lender in (("middle.git", "lender.git"), ("last.git", "middle.git")):
        repository(tmp_path / borrower)
        (tmp_path / borrower / "objects/info/alternates").write_text(f"# it borrows\n../../{lender}/objects\n")
    assert name == str(open_repository(tmp_path / "last.git")[name].id)

    _damage(tmp_path / "lender.git", name, lambda content: content[:-1])

    with pytest.raises(pygit2.GitError, match=f"the object {name} is truncated"):
        open_repository(tmp_path / "last.git")[name]


@pytest.mark.parametrize("borrowed", ["\0" * 64, "loop\n", "\n".join(f"..{'/.' * at}/objects" for at in range(60))])
def test_a_file_of_borrowed_folders_that_is_damaged_or_names_its_own_stops_nothing(
    tmp_path: Path, borrowed: str
) -> None:
    name = commit(repository(tmp_path / "files.git"), {"a": "1\n"}, 1)
    objects = tmp_path / "files.git" / "objects"
    (objects / "loop").symlink_to("loop")
    (objects / "info" / "alternates").write_text(borrowed)

    assert name == str(open_repository(tmp_path / "files.git")[name].id)


def test_a_truncated_object_is_an_error_in_a_linked_work_tree(tmp_path: Path) -> None:
    name = commit(repository(tmp_path / "files.git"), {"a": "1\n"}, 1)
    add = ["git", "-C", f"{tmp_path}/files.git", "worktree", "add", "-q", "--detach", f"{tmp_path}/linked", "main"]
    subprocess.run(add, check=True)
    _damage(tmp_path / "files.git", name, lambda content: content[:-1])

    file = tmp_path / "files.git" / "objects" / name[:2] / name[2:]
    with pytest.raises(pygit2.GitError, match=f"the object {name} is truncated: {file}"):
        open_repository(tmp_path / "linked")[name]


def test_an_object_that_is_also_in_a_pack_is_read_from_there(tmp_path: Path) -> None:
    name = commit(repository(tmp_path / "files.git"), {"a": "1\n"}, 1)
    subprocess.run(["git", "-C", tmp_path / "files.git", "repack", "-aq"], check=True)
    _damage(tmp_path / "files.git", name, lambda content: content[:-1])

    assert name == str(open_repository(tmp_path / "files.git")[pygit2.Oid(hex=name)].id)


@pytest.mark.parametrize("size", [0, 40, -1])
def test_a_truncated_pack_of_a_multi_pack_index_is_an_error_that_names_it(tmp_path: Path, size: int) -> None:
    path = tmp_path / "kernel.git"
    first = commit(repository(path), {"a": "1\n"}, 1)
    for command in (["repack", "-adq"], ["multi-pack-index", "write"]):
        subprocess.run(["git", "-C", path, *command], check=True, capture_output=True)
    (pack,) = (path / "objects" / "pack").glob("*.pack")
    content = pack.read_bytes()
    pack.unlink()
    pack.write_bytes(content[:size])
    kernel = Repository(path)

    for read in (lambda: kernel.commit("main"), lambda: kernel.commit(first), lambda: kernel.tips):
        with pytest.raises(KernelError, match=rf"kernel\.git: .*{pack.name}"):
            read()
    with pytest.raises(InboxError, match=rf"kernel\.git: .*{pack.name}"):
        list(GitArchive(path).batches({}))


def _damage(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """Change the file of a loose object, and return it."""
    loose = path / "objects" / name[:2] / name[2:]
    content = loose.read_bytes()
    loose.unlink()
    loose.write_bytes(change(content))
    return loose
