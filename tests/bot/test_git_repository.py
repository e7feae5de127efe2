# SPDX-License-Identifier: GPL-2.0-or-later
"""Repositories whose refs libgit2 cannot read, because git keeps them in reftables."""

import gc
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from bot.git_repository import open_repository
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
