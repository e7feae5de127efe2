# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a repository has an object is known without git's search."""

import subprocess
from pathlib import Path

import pygit2
import pytest

from bot.kernel.objects import Objects
from bot.kernel.tree import Repository
from tests.bot.kernel.repositories import commit, repository

_ABSENT = "0123456789ab"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    commit(repository(tmp_path / "k.git"), {"a": "a\n", "b": "b\n"}, 1_767_225_600, "v1")
    return tmp_path / "k.git"


def _packed(path: Path) -> None:
    subprocess.run(["git", "-C", str(path), "repack", "-q", "-a", "-d"], check=True)


@pytest.mark.parametrize("packed", [False, True])
def test_it_has_what_git_has_and_nothing_else(path: Path, packed: bool) -> None:
    if packed:
        _packed(path)
    ids = [str(object_id) for object_id in pygit2.Repository(str(path)).odb]
    objects = Objects(path / "objects")

    assert ids
    assert all(objects.may_have(object_id[:length]) for object_id in ids for length in (7, 12, 40))
    assert not objects.may_have(_ABSENT)
    assert not objects.may_have(ids[0][:7] + ("0" if ids[0][7] != "0" else "1"))


@pytest.mark.parametrize("packed", [False, True])
def test_what_comes_later_is_seen(path: Path, packed: bool) -> None:
    known = Repository(path)
    git = pygit2.Repository(str(path))
    new = str(pygit2.hash(b"new\n"))

    assert known.blob(new[:12]) is None
    assert new == str(git.create_blob(b"new\n"))
    if packed:
        commit(git, {"new": "new\n"}, 1_767_225_601, "v2")
        _packed(path)
    assert known.blob(new[:12]) == b"new\n"


def test_what_another_repository_stores_for_it_is_found(path: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", "--shared", str(path), str(tmp_path / "s.git")], check=True)

    assert Repository(tmp_path / "s.git").blob(str(pygit2.hash(b"a\n"))[:12]) == b"a\n"


def test_git_does_not_search_for_what_is_not_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Repository(path)
    asked: list[str] = []

    class Git:
        path = known.git.path

        def __getitem__(self, name: str) -> None:
            asked.append(name)
            raise KeyError(name)

    monkeypatch.setattr(known, "git", Git())

    assert known.blob(_ABSENT) is None
    assert not asked
