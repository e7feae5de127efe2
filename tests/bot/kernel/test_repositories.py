# SPDX-License-Identifier: GPL-2.0-or-later
"""The commit that a series is checked against."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2
import pytest

from bot.kernel import repositories
from bot.kernel.base import Chosen
from bot.kernel.error import KernelError
from bot.kernel.index import Index
from bot.kernel.repositories import KernelTrees, check_refs, refs_digests
from bot.kernel.specs import LandingSpec, RepositorySpec, RepositorySpecs
from bot.kernel.tree import GitTree, Repository
from rules.bindings.tree import FileTree
from rules.diff.patch import FileChange, Patch, Series
from rules.diff.tree import blob_id
from rules.finding import Confidence
from tests.bot.kernel.repositories import commit, repository

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def _kernel(tmp_path: Path) -> tuple[RepositorySpecs, str]:
    git_repository = repository(tmp_path / "kernel.git")
    first = commit(git_repository, {"a.c": "one\n", "b.c": "one\n"}, int(START.timestamp()), "v1")
    commit(git_repository, {"a.c": "two\n", "b.c": "two\n"}, int((START + 60 * DAY).timestamp()), "v2")
    return RepositorySpecs((RepositorySpec(tmp_path / "kernel.git"),)), first


def _series(*files: tuple[str, str], base: str | None = None) -> Series:
    changes = tuple(FileChange(path, path, blob_before=blob_id(text.encode())[:12]) for path, text in files)
    return Series("x", (Patch(1, "x", changes=changes),), base_commit=base)


@pytest.mark.parametrize(
    ("series", "sent", "ref", "chosen", "certainty"),
    [
        (_series(("a.c", "one\n"), ("b.c", "one\n")), START + 90 * DAY, "v1", Chosen.BLOBS, Confidence.HIGH),
        (_series(("a.c", "two\n"), ("b.c", "two\n")), START, "v2", Chosen.BLOBS, Confidence.HIGH),
        (_series(("a.c", "three\n"), ("b.c", "four\n")), START + 30 * DAY, "v1", Chosen.NEWEST_BEFORE, Confidence.LOW),
        (_series(), START + 90 * DAY, "v2", Chosen.NEWEST_BEFORE, Confidence.MEDIUM),
        (_series(), START + 900 * DAY, "v2", Chosen.NEWEST, Confidence.LOW),
        (_series(), START - DAY, "v2", Chosen.NEWEST, Confidence.LOW),
        (_series(), None, "v2", Chosen.NEWEST, Confidence.LOW),
    ],
)
def test_the_base_is_chosen_by_blobs_then_by_date(
    tmp_path: Path, series: Series, sent: datetime | None, ref: str, chosen: Chosen, certainty: Confidence
) -> None:
    places, _ = _kernel(tmp_path)

    tree, base = KernelTrees(places).tree(series, sent)

    assert base is not None
    assert (ref, chosen, certainty) == (base.ref, base.chosen, base.certainty)
    assert (certainty is Confidence.LOW) is (tree.bindings() is None)


def test_a_tree_that_each_series_needs_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git_repository = repository(tmp_path / "kernel.git")
    ids = [commit(git_repository, {"a.c": f"{at}\n"}, 1000 + at, f"v{at}") for at in range(4)]
    trees = KernelTrees(RepositorySpecs((RepositorySpec(tmp_path / "kernel.git"),)))
    made: list[str] = []

    def make(opened: Repository, found: pygit2.Commit, index: Index, others: tuple[Repository, ...]) -> GitTree:
        made.append(str(found.id))
        return GitTree(opened, found, index, others)

    monkeypatch.setattr(repositories, "GitTree", make)
    monkeypatch.setattr(repositories, "_MAX_TREES", 2)
    for base in ids[1:]:
        for needed in (ids[0], base):
            trees.tree(_series(base=needed), None)
    assert made == ids


def test_a_repository_without_a_commit_is_an_error(tmp_path: Path) -> None:
    repository(tmp_path / "kernel.git")
    trees = KernelTrees(RepositorySpecs((RepositorySpec(tmp_path / "kernel.git"),)))

    with pytest.raises(KernelError, match=r"kernel\.git: no branch or tag has a commit"):
        trees.tree(_series(), START)


def test_an_announced_base_commit_comes_before_all(tmp_path: Path) -> None:
    places, first = _kernel(tmp_path)

    tree, base = KernelTrees(places).tree(_series(("a.c", "one\n"), base=first), START + 90 * DAY)

    assert base is not None
    assert (first, Chosen.ANNOUNCED, Confidence.HIGH) == (base.commit, base.chosen, base.certainty)
    assert b"one\n" == tree.read("a.c")
    assert str(base) == f"{first[:12]}, announced by the series, 1 of 1 blob ids match"


def test_a_given_ref_is_taken_as_it_is(tmp_path: Path) -> None:
    places, first = _kernel(tmp_path)
    given = RepositorySpecs((RepositorySpec(places.repositories[0].path, "v1"),))

    _, base = KernelTrees(given, explicit=True).tree(_series(("a.c", "two\n")), START)

    assert base is not None
    assert (first, Chosen.GIVEN) == (base.commit, base.chosen)
    assert str(base).startswith(f"v1 ({first[:12]}), requested for this check, ")
    with pytest.raises(KernelError, match="commit v9 does not exist"):
        KernelTrees(RepositorySpecs((RepositorySpec(places.repositories[0].path, "v9"),)))


def test_a_file_that_the_series_makes_is_not_asked_for(tmp_path: Path) -> None:
    places, _ = _kernel(tmp_path)
    change = FileChange(None, "c.c", blob_after="1" * 12)
    changed = FileChange("c.c", "c.c", blob_before="1" * 12)

    _, base = KernelTrees(places).tree(
        Series("x", (Patch(1, "x", changes=(change,)), Patch(2, "y", changes=(changed,)))), START
    )

    assert base is not None
    assert 0 == base.evidence.files


def test_stored_images_stand_in_for_what_the_tree_lacks(tmp_path: Path) -> None:
    places, _ = _kernel(tmp_path)
    text = b"three\n"
    stored = FileTree({"a.rs": text})

    tree, _ = KernelTrees(places, stored).tree(_series(("a.c", "one\n")), START)
    alone, base = KernelTrees(RepositorySpecs(), stored).tree(_series(), START)

    assert (text, text) == (tree.blob(blob_id(text)[:12]), alone.blob(blob_id(text)[:12]))
    assert None is base
    assert b"one\n" == tree.blob(blob_id(b"one\n")[:12])


def test_a_copy_with_other_branches_and_tags_is_refused(tmp_path: Path) -> None:
    specs, first = _kernel(tmp_path)
    digests = refs_digests(specs)
    check_refs(specs, digests)

    (tmp_path / "kernel.git" / "refs" / "tags" / "v3").write_text(f"{first}\n")

    with pytest.raises(KernelError, match="its branches and tags"):
        check_refs(specs, digests)


def test_specs_for_processes_in_other_folders_have_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    landing = (LandingSpec("next"), LandingSpec("master", Path("next.git")))

    specs = RepositorySpecs((RepositorySpec(Path("a.git"), "v1"),), landing=landing).absolute()

    assert specs.repositories == (RepositorySpec(tmp_path / "a.git", "v1"),)
    assert specs.landing == (LandingSpec("next"), LandingSpec("master", tmp_path / "next.git"))
