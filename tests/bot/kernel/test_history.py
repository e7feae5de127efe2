# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits by which a ref moves, also when it is rebased."""

from pathlib import Path

import pygit2
import pytest

from bot.kernel.error import KernelError
from bot.kernel.history import commit_patch_id, landed_commits, removed_commits
from bot.kernel.tree import Repository
from bot.mail.landed import LandedCommit, patch_id
from rules.diff.parse import read_patch
from tests.fakes.landing_history import History, day, driver, linked


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "kernel.git")


def _read(history: History, tip: str, before: str = "", since: int = 0) -> list[LandedCommit | None]:
    repository = Repository(history.path)
    commit = repository.commit(tip)
    assert commit is not None
    return list(landed_commits(repository, commit, repository.commit(before) if before else None, since))


def _ids(commits: list[LandedCommit | None]) -> list[str]:
    return [commit.commit if commit is not None else "merge" for commit in commits]


def test_new_commits_come_newest_first_and_merges_are_only_counted(history: History) -> None:
    first = history.commit(driver("a"), linked("One", "https://patch.msgid.link/1@x"), [history.base], at=day(1))
    second = history.commit(driver("b"), "Two", [history.base], author="Bob <b@example.org>", at=day(2))
    merge = history.commit(driver("b"), linked("Merge", "https://patch.msgid.link/2@x"), [first, second], at=day(3))

    commits = _read(history, merge, history.base)

    assert ["merge", second, first] == _ids(commits)
    assert commits[2] is not None
    assert ("1@x",) == commits[2].links
    assert frozenset(("ada", "ada@example.org")) == commits[2].authors
    assert ["rust/kernel/a.rs"] == list(commits[2].blobs)
    assert ["merge", second] == _ids(_read(history, merge, since=int(day(2).timestamp())))
    assert [] == _read(history, merge, merge)
    assert history.base == _ids(_read(history, merge))[-1]


def test_of_a_rebased_ref_the_new_commits_are_read_and_the_old_ones_are_removed(history: History) -> None:
    old = history.commit(driver("b"), "B", [history.commit(driver("a"), "A", [history.base], at=day(1))], at=day(2))
    kept = history.commit(driver("a"), "A", [history.commit({"c": "1\n"}, "C", [history.base], at=day(3))], at=day(4))
    repository = Repository(history.path)
    before, now = repository.commit(old), repository.commit(kept)
    assert before is not None
    assert now is not None

    assert 2 == len(_read(history, kept, old))
    assert 2 == len(removed_commits(repository, now, before, 10))
    assert 1 == len(removed_commits(repository, now, before, 1))
    assert frozenset() == removed_commits(repository, now, now, 10) == removed_commits(repository, now, None, 10)


def test_deleted_files_and_submodules_are_told_apart(history: History) -> None:
    tip = history.commit({"rust/kernel/led.rs": None, "Makefile": "x\n"}, "It", [history.base])

    (commit,) = _read(history, tip, history.base)

    assert commit is not None
    assert {"rust/kernel/led.rs": "", "Makefile": str(pygit2.hash(b"x\n"))} == commit.blobs


def test_the_patch_id_of_a_commit_is_that_of_its_mail(history: History) -> None:
    tip = history.commit({**driver("a"), "Makefile": "VERSION = 9\n", "rust/kernel/led.rs": None}, "It", [history.base])
    raw = history.mail("1@x", tip).decode()
    patch = read_patch(1, "It", raw.partition("\n\n")[2])

    assert 3 == len(patch.changes)
    assert patch_id(patch.changes) == commit_patch_id(Repository(history.path), tip)
    assert "" == commit_patch_id(Repository(history.path), "f" * 40)


def test_bytes_that_are_no_text_are_read(history: History) -> None:
    tip = history.commit(
        {"cafe": "caf\udce9\n".encode("utf-8", "surrogateescape").decode("latin-1")}, "Caf", [history.base]
    )

    (commit,) = _read(history, tip, history.base)

    assert commit is not None
    assert commit_patch_id(Repository(history.path), tip)


def test_a_missing_commit_is_an_error_of_the_repository(history: History) -> None:
    first = history.commit(driver("a"), "A", [history.base], at=day(1))
    second = history.commit(driver("b"), "B", [first], at=day(2))
    (history.path / "objects" / first[:2] / first[2:]).unlink()

    with pytest.raises(KernelError, match=f"^{history.path}: the repository is damaged or incomplete: .*{first}"):
        _read(history, second)
