# SPDX-License-Identifier: GPL-2.0-or-later
"""Build images: complete and verified if possible, otherwise the lines of the hunks."""

from dataclasses import replace

import pytest

from rules.bindings.tree import FileTree, NoTree, Tree
from rules.diff.apply import apply_exactly
from rules.diff.image import FileImages, Fragment, Image, build_images, build_new_file_image
from rules.diff.parse import parse
from rules.diff.patch import FileChange, Patch, Series, Unreadable
from rules.diff.tree import blob_id
from tests.growth import assert_linear

OLD = b"one\ntwo\nthree\n"
NEW = b"one\n2\nthree\n"
HUNK = "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"


def diff(hunks: str = HUNK, before: bytes = OLD, after: bytes = NEW, name: str = "a.rs") -> str:
    index = f"index {blob_id(before)[:12]}..{blob_id(after)[:12]} 100644"
    return f"diff --git a/{name} b/{name}\n{index}\n--- a/{name}\n+++ b/{name}\n{hunks}"


def changes(text: str) -> tuple[FileChange, ...]:
    parsed = parse(text)
    assert not isinstance(parsed, Unreadable), parsed
    return parsed


def series(*diffs: str) -> Series:
    return Series("s", tuple(Patch(index, "s", changes=changes(text)) for index, text in enumerate(diffs, 1)))


def images(*diffs: str, tree: Tree | None = None) -> tuple[FileImages, ...]:
    return build_images(series(*diffs), tree or NoTree()).files


def post(file: FileImages) -> Image:
    assert file.post is not None
    return file.post


def test_without_a_tree_the_hunks_are_the_only_known_lines() -> None:
    (file,) = images(diff("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n@@ -9,2 +9,3 @@\n nine\n+new\n ten\n"))

    after, before = post(file), file.pre
    assert before is not None
    assert (before.path, before.is_complete, before.touched) == ("a.rs", False, frozenset({2}))
    assert before.fragments == (Fragment(1, b"one\ntwo\nthree\n"), Fragment(9, b"nine\nten\n"))
    assert (after.path, after.is_complete, after.touched) == ("a.rs", False, frozenset({2, 10}))
    assert after.fragments == (Fragment(1, b"one\n2\nthree\n"), Fragment(9, b"nine\nnew\nten\n"))


def test_adjacent_hunks_become_one_fragment() -> None:
    (file,) = images(diff("@@ -1,2 +1,2 @@\n one\n-two\n+2\n@@ -3,1 +3,1 @@\n-three\n+3\n"))

    assert post(file).fragments == (Fragment(1, b"one\n2\n3\n"),)


@pytest.mark.parametrize("tree", [FileTree({"b.rs": OLD}), FileTree({"a.rs": OLD})])
def test_a_known_pre_image_makes_both_images_complete(tree: Tree) -> None:
    images_of_series = build_images(series(diff()), tree)
    (file,) = images_of_series.files

    assert (post(file).content, post(file).is_complete) == (NEW, True)
    assert file.pre is not None
    assert (file.pre.content, file.pre.is_complete) == (OLD, True)
    assert images_of_series.name_blobs() == {blob_id(NEW): NEW}


def test_a_tree_file_that_is_not_the_announced_blob_is_not_used() -> None:
    (file,) = images(diff(), tree=FileTree({"a.rs": b"zero\n" + OLD}))

    assert not post(file).is_complete


def test_a_hunk_that_does_not_fit_leaves_the_image_partial() -> None:
    (file,) = images(diff("@@ -1,3 +1,3 @@\n one\n-zwei\n+2\n three\n"), tree=FileTree({"a.rs": OLD}))

    assert not post(file).is_complete


def test_a_result_that_is_not_the_announced_blob_is_complete_but_unverified() -> None:
    images_of_series = build_images(series(diff(after=b"stale")), FileTree({"a.rs": OLD}))

    assert [post(file).is_complete for file in images_of_series.files] == [True]
    assert images_of_series.name_blobs() == {}


def test_an_earlier_patch_gives_a_verified_pre_image() -> None:
    new = f"diff --git a/a.rs b/a.rs\nnew file mode 100644\nindex 000000000000..{blob_id(OLD)}\n"
    new += "--- /dev/null\n+++ b/a.rs\n@@ -0,0 +1,3 @@\n+one\n+two\n+three\n"
    renamed = "diff --git a/a.rs b/b.rs\nsimilarity index 100%\nrename from a.rs\nrename to b.rs\n"
    images_of_series = build_images(series(new, diff(), renamed), NoTree())

    assert [post(file).content for file in images_of_series.files] == [OLD, NEW, NEW]
    assert images_of_series.name_blobs() == {blob_id(OLD): OLD, blob_id(NEW): NEW}


def test_a_blob_of_an_earlier_patch_is_found_under_another_name() -> None:
    new = f"diff --git a/x.rs b/x.rs\nnew file mode 100644\nindex 000000000000..{blob_id(OLD)}\n"
    new += "--- /dev/null\n+++ b/x.rs\n@@ -0,0 +1,3 @@\n+one\n+two\n+three\n"

    assert post(images(new, diff())[1]).content == NEW


def test_a_partial_image_is_not_completed_from_the_base() -> None:
    plain = "--- a/a.rs\n+++ b/a.rs\n" + HUNK.replace("one", "uno")
    files = images(plain, plain.replace("two", "2").replace("+2", "+zwei"), tree=FileTree({"a.rs": OLD}))

    assert [post(file).is_complete for file in files] == [False, False]


def test_a_plain_diff_that_fits_the_tree_is_complete_but_unverified() -> None:
    images_of_series = build_images(series("--- a/a.rs\n+++ b/a.rs\n" + HUNK), FileTree({"a.rs": OLD}))

    assert [post(file).content for file in images_of_series.files] == [NEW]
    assert images_of_series.name_blobs() == {}


def test_a_deleted_file_has_a_complete_pre_image() -> None:
    deleted = f"diff --git a/a.rs b/a.rs\ndeleted file mode 100644\nindex {blob_id(OLD)}..0000000\n"
    (file,) = images(deleted + "--- a/a.rs\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n")

    assert file.post is None
    assert file.pre is not None
    assert (file.pre.content, file.pre.touched) == (OLD, frozenset({1, 2, 3}))


def test_a_binary_change_has_no_images() -> None:
    (file,) = images("diff --git a/l.png b/l.png\nBinary files a/l.png and b/l.png differ\n")

    assert (file.pre, file.post) == (None, None)


@pytest.mark.parametrize(
    ("before", "hunk", "after"),
    [
        (b"a", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n", b"b\n"),
        (b"a\n", "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n", b"b"),
        (b"a\nb", "@@ -1 +1,2 @@\n a\n+c\n", b"a\nc\nb"),
        (b"a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n", None),
        (b"a", "@@ -1 +1 @@\n-a\n+b\n", None),
        (b"", "@@ -0,0 +1 @@\n+b\n", b"b\n"),
        (b"a\n", "@@ -1 +0,0 @@\n-a\n", b""),
        (b"a\n", "@@ -1,0 +2 @@\n+b\n", b"a\nb\n"),
        (b"a\n", "@@ -2 +2 @@\n-a\n+b\n", None),
        (b"a\n", "@@ -1 +2 @@\n-a\n+b\n", None),
        (b"a\r\n", "@@ -1 +1 @@\n-a\r\n+b\n", None),
        (b"\xff\n", "@@ -1 +1 @@\n-\udcff\n+\xe4\n", b"\xc3\xa4\n"),
    ],
)
def test_hunks_are_applied_exactly(before: bytes, hunk: str, after: bytes | None) -> None:
    (change,) = changes("diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n" + hunk)

    assert apply_exactly(before, change) == after


def test_every_line_of_a_new_file_image_is_touched() -> None:
    assert build_new_file_image("a.rs", b"one\ntwo").touched == frozenset({1, 2})
    assert build_new_file_image("a.rs", b"one\ntwo\n").lines() == {1: "one", 2: "two"}
    assert build_new_file_image("a.rs", b"").content == b""


def test_a_new_file_image_has_the_line_ends_of_a_diff() -> None:
    assert build_new_file_image("a.rs", b"one\r\n\r\ntwo\rthree\n").lines() == {1: "one", 2: "", 3: "two\rthree"}


def test_an_overlapping_hunk_is_dropped_from_the_image() -> None:
    (change,) = changes(diff("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n@@ -2,1 +2,1 @@\n-x\n+y\n"))
    (file,) = build_images(Series("s", (Patch(1, "s", changes=(replace(change, blob_before=None),)),)), NoTree()).files

    assert post(file).fragments == (Fragment(1, b"one\n2\nthree\n"),)


class _AnyPrefixTree(NoTree):
    """A tree that finds a blob by any prefix of its id, like git, and notes what it was asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[str] = []

    def blob(self, announced: str) -> bytes | None:
        self.asked.append(announced)
        return self.content if blob_id(self.content).startswith(announced) else None


@pytest.mark.parametrize(("digits", "complete"), [(6, False), (7, True), (40, True)])
def test_a_blob_is_asked_for_by_seven_digits_or_more(digits: int, complete: bool) -> None:
    tree = _AnyPrefixTree(OLD)

    (file,) = images(diff().replace(blob_id(OLD)[:12], blob_id(OLD)[:digits]), tree=tree)

    assert post(file).is_complete is complete
    assert tree.asked == [blob_id(OLD)[:digits]] * complete


def test_the_blobs_of_many_new_files_are_searched_in_linear_time() -> None:
    def make(size: int) -> Series:
        return series(*(diff(name=f"old{at}.rs") + _new_file(f"{at}.rs", f"{at}") for at in range(size)))

    assert_linear(make, lambda value: build_images(value, NoTree()), 300)


def _new_file(name: str, line: str) -> str:
    text = f"{line}\n"
    index = f"index 000000000000..{blob_id(text.encode())[:12]}"
    head = f"diff --git a/{name} b/{name}\nnew file mode 100644\n{index}\n--- /dev/null\n+++ b/{name}\n"
    return f"{head}@@ -0,0 +1 @@\n+{text}"


def test_a_blob_of_the_series_is_found_by_seven_digits() -> None:
    new = f"diff --git a/x.rs b/x.rs\nnew file mode 100644\nindex 000000000000..{blob_id(OLD)}\n"
    new += "--- /dev/null\n+++ b/x.rs\n@@ -0,0 +1,3 @@\n+one\n+two\n+three\n"

    assert post(images(new, diff().replace(blob_id(OLD)[:12], blob_id(OLD)[:7]))[1]).content == NEW
