# SPDX-License-Identifier: GPL-2.0-or-later
"""How sure the base of a series is, by what its files say: for every way of choosing it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.kernel.base import Base, Chosen
from bot.kernel.repositories import KernelTrees
from bot.kernel.specs import RepositorySpec, RepositorySpecs
from rules.bindings.tree import Tree
from rules.diff.parse import parse
from rules.diff.patch import FileChange, Patch, Series
from rules.diff.tree import blob_id
from rules.finding import Confidence
from tests.bot.kernel.repositories import commit, repository

START = datetime(2026, 1, 1, tzinfo=UTC)
LAMP, ROOM = "one\ntwo\nthree\nfour\n", "door\nwindow\n"
FILES = {"rust/lamp.c": LAMP, "rust/room.c": ROOM, "rust/wall.c": "brick\n"}
NOT_USED = "the bindings of the tree are not used"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    git_repository = repository(tmp_path / "kernel.git")
    commit(git_repository, {"rust/lamp.c": "another\n"}, 1000, "v0")
    commit(git_repository, FILES, 2000, "v1")
    return tmp_path / "kernel.git"


def _diff(path: str, before: str, removed: str, added: str, *, ids: bool = False) -> str:
    """A change of one line with all others as context, as `diff -u` or as git writes it."""
    lines = before.splitlines()
    shown = "\n".join(f"-{line}\n+{added}" if line == removed else f" {line}" for line in lines)
    index = f"diff --git a/{path} b/{path}\nindex {blob_id(before.encode())[:12]}..{'1' * 12} 100644\n" if ids else ""
    return f"{index}--- a/{path}\n+++ b/{path}\n@@ -1,{len(lines)} +1,{len(lines)} @@\n{shown}\n"


def _series(*diffs: str, base: str | None = None) -> Series:
    changes = parse("".join(diffs))
    assert isinstance(changes, tuple)
    return Series("x", (Patch(1, "x", changes=changes),), base_commit=base)


def _named(kernel: Path, series: Series, *, explicit: bool) -> tuple[Tree, Base]:
    tree, base = KernelTrees(RepositorySpecs((RepositorySpec(kernel, "v1"),)), explicit=explicit).tree(series, START)
    assert base is not None
    return tree, base


OWN = _diff("rust/lamp.c", LAMP, "two", "2", ids=True)
PLAIN = _diff("rust/lamp.c", LAMP, "two", "2")
MOVED = _diff("rust/lamp.c", "two\nthree\nfour\n", "three", "3", ids=True)  # its id is another one's, its lines stand
OTHER = _diff("rust/lamp.c", "one\nsomething else\n", "one", "1", ids=True)
OTHER_PLAIN = _diff("rust/lamp.c", "one\nsomething else\n", "one", "1")
ABSENT = _diff("rust/cellar.c", "dark\n", "dark", "light")
SECOND = _diff("rust/room.c", ROOM, "door", "gate", ids=True)
SECOND_PLAIN = _diff("rust/room.c", ROOM, "door", "gate")
ADDING = "--- /dev/null\n+++ b/rust/new.c\n@@ -0,0 +1 @@\n+new\n"
MADE_ALREADY = "--- /dev/null\n+++ b/rust/wall.c\n@@ -0,0 +1 @@\n+brick\n"


@pytest.mark.parametrize(
    ("series", "by_author", "by_settings"),
    [
        (_series(OWN), Confidence.HIGH, Confidence.HIGH),
        (_series(PLAIN), Confidence.HIGH, Confidence.MEDIUM),
        (_series(MOVED), Confidence.HIGH, Confidence.MEDIUM),
        (_series(OTHER), Confidence.LOW, Confidence.LOW),
        (_series(OTHER_PLAIN), Confidence.LOW, Confidence.LOW),
        (_series(ABSENT), Confidence.LOW, Confidence.LOW),
        (_series(OWN, ABSENT), Confidence.LOW, Confidence.LOW),
        (_series(OWN, SECOND, ABSENT), Confidence.MEDIUM, Confidence.MEDIUM),
        (_series(PLAIN, SECOND_PLAIN, ABSENT), Confidence.MEDIUM, Confidence.LOW),
        (_series(OWN, ADDING), Confidence.HIGH, Confidence.HIGH),
        (_series(ADDING), Confidence.HIGH, Confidence.LOW),
        (_series(MADE_ALREADY), Confidence.LOW, Confidence.LOW),
        (_series(OWN, MADE_ALREADY), Confidence.LOW, Confidence.LOW),
    ],
)
def test_a_ref_that_somebody_named_is_as_certain_as_the_files_say(
    kernel: Path, series: Series, by_author: Confidence, by_settings: Confidence
) -> None:
    for explicit, chosen, certainty in ((True, Chosen.GIVEN, by_author), (False, Chosen.FIXED, by_settings)):
        tree, base = _named(kernel, series, explicit=explicit)

        assert (chosen, certainty) == (base.chosen, base.certainty)
        assert (certainty is Confidence.LOW) is (tree.bindings() is None)
        assert (certainty is Confidence.LOW) is base.doubt.endswith(NOT_USED)
        assert (LAMP.encode() if certainty is Confidence.HIGH else None) == (
            tree.read("rust/lamp.c") if certainty is not Confidence.MEDIUM else None
        )


def test_one_file_that_does_not_fit_is_not_the_trees(kernel: Path) -> None:
    series = _series(SECOND, _diff("rust/wall.c", "brick\n", "brick", "glass", ids=True), OTHER)

    tree, base = _named(kernel, series, explicit=True)

    assert ("rust/lamp.c",) == base.evidence.missed
    assert "made for v1, but rust/lamp.c does not fit: the tree is not used for it" == base.doubt
    assert (None, ROOM.encode()) == (tree.read("rust/lamp.c"), tree.read("rust/room.c"))
    assert None is not tree.bindings()
    assert "2 of 3 blob ids match, 1 file does not fit" in str(base)


def test_files_that_do_not_fit_are_named_in_the_plural(kernel: Path) -> None:
    wall = _diff("rust/wall.c", "brick\n", "brick", "glass", ids=True)

    _, base = _named(kernel, _series(OWN, SECOND, wall, ABSENT, ABSENT.replace("cellar", "loft")), explicit=True)

    assert "made for v1, but rust/cellar.c, rust/loft.c do not fit: the tree is not used for them" == base.doubt


def test_the_doubt_names_the_files(kernel: Path) -> None:
    _, single = _named(kernel, _series(OTHER, ADDING), explicit=True)
    _, many = _named(kernel, _series(*(ABSENT.replace("cellar", f"cellar{n}") for n in range(5))), explicit=True)
    _, none = _named(kernel, _series(ADDING), explicit=False)

    assert f"the series is made for another tree, 1 of 1 files do not fit v1 (rust/lamp.c): {NOT_USED}" == single.doubt
    assert "5 of 5 files do not fit v1 (rust/cellar0.c, rust/cellar1.c, rust/cellar2.c and 2 more)" in many.doubt
    assert f"no evidence that the series is made for v1: {NOT_USED}" == none.doubt


def test_of_several_refs_the_one_that_fits_is_taken(kernel: Path) -> None:
    kernels = KernelTrees(RepositorySpecs((RepositorySpec(kernel, "v0"), RepositorySpec(kernel, "v1"))))

    _, fitting = kernels.tree(_series(PLAIN), START)
    _, neither = kernels.tree(_series(ABSENT), START)

    assert fitting is not None
    assert neither is not None
    assert ("v1", "v0") == (fitting.ref, neither.ref)


def test_only_the_first_change_of_a_file_is_compared(kernel: Path) -> None:
    first, later = parse(OWN), parse(_diff("rust/lamp.c", "one\n2\nthree\nfour\n", "2", "second"))
    assert isinstance(first, tuple)
    assert isinstance(later, tuple)

    _, base = _named(kernel, Series("x", (Patch(1, "x", changes=first), Patch(2, "y", changes=later))), explicit=True)

    assert (1, 1, ()) == (base.evidence.files, base.evidence.matched, base.evidence.missed)


def test_a_change_without_lines_of_the_file_tells_nothing(kernel: Path) -> None:
    bare = "--- a/rust/lamp.c\n+++ b/rust/lamp.c\n@@ -2,0 +3 @@\n+new\n"
    mode = FileChange("rust/room.c", "rust/room.c")

    _, nothing = _named(kernel, _series(bare), explicit=False)
    _, there = _named(kernel, Series("x", (Patch(1, "x", changes=(mode,)),)), explicit=False)

    assert (0, Confidence.LOW) == (nothing.evidence.files, nothing.certainty)
    assert (1, Confidence.MEDIUM) == (there.evidence.fitting, there.certainty)


@pytest.mark.parametrize(
    ("diff", "chosen", "ref", "certainty"),
    [
        (OWN, Chosen.ANNOUNCED, "", Confidence.HIGH),
        (PLAIN, Chosen.ANNOUNCED, "", Confidence.HIGH),
        (ADDING, Chosen.ANNOUNCED, "", Confidence.HIGH),
        (OTHER, Chosen.ANNOUNCED, "", Confidence.LOW),
        (_diff("rust/lamp.c", "another\n", "another", "1", ids=True), Chosen.BLOBS, "v0", Confidence.HIGH),
    ],
)
def test_an_announced_base_has_to_fit_too(
    kernel: Path, diff: str, chosen: Chosen, ref: str, certainty: Confidence
) -> None:
    given, announced = RepositorySpecs((RepositorySpec(kernel),)), RepositorySpec(kernel, "v1")
    _, named = KernelTrees(RepositorySpecs((announced,))).tree(_series(), START)
    assert named is not None

    tree, base = KernelTrees(given).tree(_series(diff, base=named.commit), START)

    assert base is not None
    assert (chosen, ref or named.commit, certainty) == (base.chosen, base.ref, base.certainty)
    assert (certainty is Confidence.LOW) is (tree.bindings() is None)


@pytest.mark.parametrize(("diff", "certainty"), [(PLAIN, Confidence.MEDIUM), (OTHER_PLAIN, Confidence.LOW)])
def test_a_guess_is_likely_where_the_lines_stand(kernel: Path, diff: str, certainty: Confidence) -> None:
    for sent, chosen in ((START, Chosen.NEWEST), (datetime.fromtimestamp(3000, UTC), Chosen.NEWEST_BEFORE)):
        _, base = KernelTrees(RepositorySpecs((RepositorySpec(kernel),))).tree(_series(diff), sent)

        assert base is not None
        assert ("v1", chosen, certainty) == (base.ref, base.chosen, base.certainty)
