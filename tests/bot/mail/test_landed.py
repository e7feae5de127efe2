# SPDX-License-Identifier: GPL-2.0-or-later
"""Which patches a commit applies: links, blobs and diffs, and what looks like one of them and is none."""

from dataclasses import replace

import pytest

from bot.mail.landed import (
    MAX_LINKS,
    AppliedBy,
    AppliedSearch,
    LandedCommit,
    PendingPatch,
    is_applied,
    patch_id,
    pending_patches,
    plain_title,
    read_links,
    read_reverts,
)
from rules.diff.patch import FileChange, Hunk, Line
from tests.bot.review.factories import Maker
from tests.growth import assert_linear

PATCH = PendingPatch(
    message_id="1@x",
    posting_id="0@x",
    cover_id="0@x",
    topic="ada led",
    revision=2,
    sent=100,
    title="rust: led: add a driver",
    authors=frozenset(("ada", "ada@x")),
    blobs={"led.rs": "abcdef1", "led.h": ""},
    patch_id="d1",
)
COMMIT = LandedCommit(
    commit="c" * 40,
    time=200,
    title="rust: led: add a driver",
    authors=frozenset(("ada", "ada@x")),
    links=(),
    blobs={"led.rs": "9" * 40, "led.h": ""},
)


def _applied(commit: LandedCommit, *patches: PendingPatch, patch_id: str = "other") -> list[tuple[str, str]]:
    applied = AppliedSearch(patches or (PATCH,)).search(commit, lambda: patch_id)
    return [(patch.message_id, patch.by.name) for patch in applied]


@pytest.mark.parametrize(
    "url",
    [
        "https://lore.kernel.org/r/1@x",
        "https://lore.kernel.org/rust-for-linux/1@x/",
        "https://lore.kernel.org/all/1@x/T/#u",
        "https://lore.kernel.org/all/1%40x/",
        "https://patch.msgid.link/1@x",
        "https://msgid.link/1@x",
        "https://lkml.kernel.org/r/1@x",
        "http://lkml.kernel.org/r/1@x",
    ],
)
def test_a_link_names_a_mail(url: str) -> None:
    assert ("1@x",) == read_links(f"title\n\ntext\n\nLink: {url}\nSigned-off-by: A <a@x>\n")


@pytest.mark.parametrize(
    "line",
    [
        "Closes: https://lore.kernel.org/r/1@x",
        "Link: https://lore.kernel.org/r/1@x [1]",
        "Link: https://lore.kernel.org/r/1@x # v1",
        "See Link: https://lore.kernel.org/r/1@x",
        "> Link: https://lore.kernel.org/r/1@x",
        "Link: https://bugzilla.example.org/show_bug.cgi?id=1",
        "Link: 1@x",
        "Link:",
    ],
)
def test_another_line_names_none(line: str) -> None:
    assert () == read_links(f"title\n\n{line}\n")


def test_a_commit_with_too_many_links_names_none() -> None:
    lines = [f"Link: https://lore.kernel.org/r/{number}@x\n" for number in range(MAX_LINKS + 1)]

    assert MAX_LINKS == len(read_links("".join(lines[1:])))
    assert () == read_links("".join(lines))


def test_a_title_is_compared_without_case_and_line_ends() -> None:
    assert "rust: a b" == plain_title("Rust: a\n  B\n\ntext") == plain_title("rust: A b")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"title": "led: a driver"}, True),  # the maintainer chose another title: same author, same files
        ({"title": "led: a driver", "authors": frozenset(("ada", "other@x"))}, True),
        ({"title": "led: a driver", "authors": frozenset(("bob", "bob@x"))}, False),
        ({"authors": frozenset(("bob", "bob@x"))}, True),
        ({"title": "led: a driver", "blobs": {"led.rs": "9" * 40}}, False),
        ({"blobs": {"led.rs": "9" * 40}}, True),  # the maintainer left out a file
        ({"blobs": {"fan.rs": "9" * 40}}, False),
        ({"blobs": {}}, False),
        ({"links": ("7@x",)}, False),
    ],
)
def test_a_linked_patch_is_applied_if_the_commit_looks_like_it(changes: dict[str, object], expected: bool) -> None:
    commit = replace(COMMIT, **({"links": ("1@x",)} | changes))  # type: ignore[arg-type]  # a field each

    assert [("1@x", "LINK")] * expected == _applied(commit)


def test_of_two_linked_revisions_the_newer_one_is_applied() -> None:
    older = replace(PATCH, message_id="old@x", revision=1)

    assert [("1@x", "LINK")] == _applied(replace(COMMIT, links=("1@x", "old@x")), older, PATCH)
    assert [("old@x", "LINK")] == _applied(replace(COMMIT, links=("old@x",)), older, PATCH)


def test_a_link_to_the_cover_letter_means_the_patch_of_that_title() -> None:
    other = replace(PATCH, message_id="2@x", title="rust: led: use it")
    commit = replace(COMMIT, links=("0@x",))

    assert [("1@x", "LINK")] == _applied(commit, PATCH, other)
    assert [] == _applied(replace(commit, title="rust: led: something else"), PATCH, other)
    assert [] == _applied(commit, PATCH, replace(other, title=PATCH.title))  # either of them


def test_equal_blobs_of_all_files_apply_a_patch() -> None:
    blobs = {"led.rs": "abcdef1" + "0" * 33, "led.h": ""}
    stranger = replace(COMMIT, title="something", authors=frozenset(("bob",)))

    assert [("1@x", "BLOBS")] == _applied(replace(stranger, blobs=blobs))
    assert [("1@x", "BLOBS")] == _applied(replace(stranger, blobs={**blobs, "more.rs": "1" * 40}))  # squashed
    assert [] == _applied(replace(stranger, blobs={"led.rs": blobs["led.rs"]}))
    assert [] == _applied(replace(stranger, blobs={**blobs, "led.h": "1" * 40}))  # not deleted
    assert [] == _applied(replace(stranger, blobs={**blobs, "led.rs": ""}))  # deleted
    assert [] == _applied(replace(stranger, blobs=blobs), replace(PATCH, blobs={"led.rs": None, "led.h": ""}))
    assert [] == _applied(replace(stranger, blobs=blobs), replace(PATCH, blobs={"led.h": ""}))  # proves little


def test_an_equal_patch_id_of_the_same_files_applies_a_patch() -> None:
    stranger = replace(COMMIT, title="something", authors=frozenset(("bob",)))

    assert [("1@x", "PATCH_ID")] == _applied(stranger, patch_id="d1")
    assert [] == _applied(stranger, patch_id="d2")
    assert [] == _applied(stranger, replace(PATCH, patch_id=""), patch_id="")
    assert [] == _applied(replace(stranger, blobs={**COMMIT.blobs, "more.rs": "1" * 40}), patch_id="d1")


def test_a_commit_older_than_the_mail_applies_it_by_a_link_only() -> None:
    old = replace(COMMIT, time=99)

    assert [] == _applied(old, patch_id="d1")
    assert [] == _applied(COMMIT, replace(PATCH, sent=None), patch_id="d1")
    assert [("1@x", "LINK")] == _applied(replace(old, links=("1@x",)))


def test_a_reverted_commit_applies_nothing_until_it_is_applied_again() -> None:
    search = AppliedSearch([PATCH])
    applied = replace(COMMIT, links=("1@x",))
    revert = replace(COMMIT, commit="e" * 40, title='Revert "it"', reverts=(COMMIT.commit,))
    again = replace(applied, commit="f" * 40)

    assert [] == [*search.search(revert, str), *search.search(applied, str)]
    assert {COMMIT.commit} == search.reverted
    second = AppliedSearch([PATCH])
    newest_first = [*second.search(again, str), *second.search(revert, str), *second.search(applied, str)]
    assert [again.commit] == [patch.commit for patch in newest_first]
    assert ("a" * 40,) == read_reverts(f"Revert\n\nThis reverts commit {'a' * 40}.\n")


def test_a_patch_is_found_once() -> None:
    search = AppliedSearch([PATCH])
    commit = replace(COMMIT, links=("1@x",))

    applied = [*search.search(commit, str), *search.search(replace(commit, commit="f" * 40), str)]

    assert [("c" * 40, AppliedBy.LINK)] == [(patch.commit, patch.by) for patch in applied]


def test_many_patches_and_commits_of_one_file_take_linear_time() -> None:
    def make(size: int) -> list[tuple[PendingPatch, LandedCommit]]:
        return [
            (
                replace(PATCH, message_id=f"{at}@x", blobs={"led.rs": f"{at:012x}"}, patch_id=f"d{at}"),
                replace(COMMIT, commit=f"{at:040x}", blobs={"led.rs": "9" * 40}),
            )
            for at in range(size)
        ]

    def search(pairs: list[tuple[PendingPatch, LandedCommit]]) -> None:
        applied = AppliedSearch(patch for patch, _ in pairs)
        ids = iter([patch.patch_id for patch, _ in pairs])
        found = [patch for _, commit in pairs for patch in applied.search(commit, ids.__next__)]
        assert [AppliedBy.PATCH_ID] * len(pairs) == [patch.by for patch in found]

    assert_linear(make, search, 200)


@pytest.mark.parametrize(("blob", "read"), [("9" * 40, 1), ("abcdef1" + "0" * 33, 0)])
def test_the_patch_id_of_a_commit_is_read_only_if_a_patch_is_not_found_by_its_content(blob: str, read: int) -> None:
    ids = ["other"] * 3
    commit = replace(COMMIT, blobs={"led.rs": blob, "led.h": ""})

    list(AppliedSearch([PATCH]).search(commit, ids.pop))

    assert 3 - len(ids) == read


def test_a_diff_without_lines_has_no_patch_id() -> None:
    hunk = Hunk.of(1, 0, 1, 1, "", (Line("a", None, 1),))

    assert patch_id([FileChange("a", "a", (hunk,))])
    assert "" == patch_id([]) == patch_id([FileChange("a", "a")]) == patch_id([FileChange("a", "b", (hunk,))])


def test_a_posting_is_applied_when_all_its_patches_are(make: Maker) -> None:
    posting = make.posting([make.patch(1), make.patch(2)], cover=True)
    ids = [patch.message_id for patch in pending_patches(posting)]

    assert ["v1.1@example.org", "v1.2@example.org"] == ids
    assert is_applied(posting, ids)
    assert not is_applied(posting, ids[:1])
    assert not is_applied(posting, [])
    assert not is_applied(replace(posting, parts=posting.parts[:2]), ids)
    assert not is_applied(replace(posting, series=replace(posting.series, patches=())), ids)
