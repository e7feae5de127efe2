# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits of landing trees."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2
import pytest

from bot.kernel.error import KernelError
from bot.kernel.landing import LandingRefs
from bot.kernel.repositories import KernelTrees
from bot.kernel.specs import LandingSpec, RepositorySpec, RepositorySpecs
from bot.kernel.tree import Repository
from rules.diff.patch import FileChange, Patch, Series
from rules.diff.tree import blob_id
from tests.bot.kernel.repositories import commit, repository
from tests.growth import assert_linear

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BEFORE, AFTER = "last commit before the mail", "first commit after the mail, because no earlier one is available"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """Return a repository whose branch main has three commits, ten days apart; the tags are at the first and third."""
    git_repository = repository(tmp_path / "kernel.git")
    for number, text in enumerate(("one\n", "two\n", "three\n")):
        tag = {0: "next-20260101", 2: "next-20260121"}.get(number, "")
        commit(git_repository, {"a.c": text}, int((START + 10 * number * DAY).timestamp()), tag)
    return tmp_path / "kernel.git"


def _landing(specs: RepositorySpecs, sent: datetime | None) -> list[tuple[str, str, bytes | None]]:
    """Return ref, reason and content of each landing tree."""
    trees = KernelTrees(specs).landing(sent, None)
    return [(landing.ref, landing.choice.value, tree.read("a.c")) for landing, tree in trees]


@pytest.mark.parametrize(
    ("ref", "days", "expected"),
    [
        ("mainline", None, ("main", "newest", b"three\n")),
        ("main", 25, ("main", BEFORE, b"three\n")),
        ("refs/heads/main", 15, ("main", BEFORE, b"two\n")),
        ("main", 10, ("main", BEFORE, b"two\n")),
        ("main", -5, ("main", AFTER, b"one\n")),
        ("next", None, ("next-20260121", "newest", b"three\n")),
        ("next", 15, ("next-20260101", BEFORE, b"one\n")),
        ("next", -1, ("next-20260101", AFTER, b"one\n")),
        ("next-20260121", -5, ("next-20260121", "given", b"three\n")),
        ("", 15, ("main", BEFORE, b"two\n")),
        ("absent", None, None),
    ],
)
def test_the_commit_is_the_newest_or_the_nearest_to_the_mail(
    kernel: Path, ref: str, days: int | None, expected: tuple[str, str, bytes] | None
) -> None:
    specs = RepositorySpecs((RepositorySpec(kernel),), None, (LandingSpec(ref),), lands_when_sent=days is not None)

    assert [expected] * bool(expected) == _landing(specs, None if days is None else START + days * DAY)


def test_a_repository_without_any_role_but_landing_is_used(kernel: Path) -> None:
    specs = RepositorySpecs(landing=(LandingSpec("next-20260101", kernel),))

    tree, base = KernelTrees(specs).tree(Series("x", ()), START)

    assert (None, None) == (base, tree.bindings())
    assert [("next-20260101", "given", b"one\n")] == _landing(specs, START)


@pytest.mark.parametrize("ref", ["absent", "next-2"])
def test_a_ref_that_a_named_repository_lacks_is_an_error(kernel: Path, ref: str) -> None:
    with pytest.raises(KernelError, match=f"{ref} does not exist"):
        KernelTrees(RepositorySpecs(landing=(LandingSpec(ref, kernel),)))


def test_a_commit_is_checked_once_and_not_again_after_it_was_the_base(kernel: Path) -> None:
    landing = (LandingSpec("mainline"), LandingSpec("next"), LandingSpec("next-20260101"))
    kernels = KernelTrees(RepositorySpecs((RepositorySpec(kernel, "main"),), None, landing))
    change = FileChange("a.c", "a.c", blob_before=blob_id(b"three\n")[:12])

    _, base = kernels.tree(Series("x", (Patch(1, "x", changes=(change,)),)), START)

    assert ["main", "next-20260101"] == [landing.ref for landing, _ in kernels.landing(START, None)]
    assert ["next-20260101"] == [landing.ref for landing, _ in kernels.landing(START, base)]


def test_a_repository_with_a_work_tree_works_like_a_bare_one(kernel: Path, tmp_path: Path) -> None:
    clone = pygit2.clone_repository(str(kernel), str(tmp_path / "linux"))
    assert not clone.is_bare

    specs = RepositorySpecs((RepositorySpec(tmp_path / "linux", "main"),), None, (LandingSpec("next-20260101"),))

    newest = KernelTrees(specs).newest()
    assert newest is not None
    assert b"three\n" == newest.read("a.c")
    assert [("next-20260101", "given", b"one\n")] == _landing(specs, START)


def test_many_landing_refs_and_tags_take_linear_time(tmp_path: Path) -> None:
    def make(size: int) -> LandingRefs:
        path = tmp_path / f"{size}.git"
        tip = commit(repository(path), {"a.c": "one\n"}, int(START.timestamp()))
        tags = sorted(f"led-{number}" for number in range(size))
        (path / "packed-refs").write_text("".join(f"{tip} refs/tags/{tag}\n" for tag in tags))
        refs = LandingRefs([LandingSpec(tag) for tag in tags], [Repository(path)])
        assert len(refs.tips()) == size
        return refs

    assert_linear(make, lambda refs: refs.choose(START), 300)
