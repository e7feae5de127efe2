# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse the diffs of mails. A damaged diff is refused with the number of the faulty line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.diff.parse import MAX_FILES, _read_exact_hunks, _read_usual_hunks, parse, read_patch
from rules.diff.patch import FileChange, Hunk, Unreadable
from tests.growth import assert_linear, repeated

HEADER = "diff --git a/a.rs b/a.rs\nindex 1111111..2222222 100644\n--- a/a.rs\n+++ b/a.rs\n"
HUNK = "@@ -1,2 +1,3 @@ fn a()\n one\n+two\n three\n"
BODY = f"""\
From: A Author <author@example.org>

Say why.

@@ -1,2 +1,2 @@ is not a hunk here

Signed-off-by: A Author <author@example.org>
---
v2: nothing
 a.rs | 1 +
 1 file changed, 1 insertion(+)

{HEADER}{HUNK}--{" "}
2.43.0

"""


def parse_one(diff: str) -> FileChange:
    changes = parse(diff)
    assert not isinstance(changes, Unreadable), changes
    assert len(changes) == 1
    return changes[0]


def parse_damaged(diff: str) -> Unreadable:
    changes = parse(diff)
    assert isinstance(changes, Unreadable)
    return changes


def test_a_mail_is_parsed_into_log_trailers_notes_and_changes() -> None:
    patch = read_patch(3, "rust: a: add two", BODY)

    assert patch.index == 3
    assert patch.log == "Say why.\n\n@@ -1,2 +1,2 @@ is not a hunk here"
    assert patch.trailers == ("Signed-off-by: A Author <author@example.org>",)
    assert patch.notes.startswith("v2: nothing")
    assert patch.damage is None
    assert [(line.marker, line.text, line.before, line.after) for line in patch.changes[0].hunks[0].lines] == [
        (" ", "one", 1, 1),
        ("+", "two", None, 2),
        (" ", "three", 2, 3),
    ]


def test_a_mail_without_a_diff_is_a_patch_without_changes() -> None:
    patch = read_patch(0, "cover", "Hello.\n\n a | 2 +-\n-- \n2.43.0\n")

    assert (patch.changes, patch.damage) == ((), None)


def test_a_mail_with_crlf_is_parsed_like_one_with_lf() -> None:
    assert read_patch(1, "s", BODY.replace("\n", "\r\n")) == read_patch(1, "s", BODY)


def test_the_index_line_gives_blob_ids() -> None:
    change = parse_one(HEADER + HUNK)

    assert (change.blob_before, change.blob_after) == ("1111111", "2222222")


@pytest.mark.parametrize("short", ["2222", "222222"])
def test_zero_and_short_blob_ids_prove_nothing(short: str) -> None:
    for ids in (f"0000000..{short}", f"{short}..0000000"):
        change = parse_one(HEADER.replace("1111111..2222222", ids) + HUNK)

        assert (change.blob_before, change.blob_after) == (None, None)


def test_form_feed_and_line_separators_do_not_end_a_line() -> None:
    change = parse_one(HEADER + "@@ -1 +1 @@\n-a\fb\x85\n+a\u2028b\x1c\n")

    assert [line.text for line in change.hunks[0].lines] == ["a\fb\x85", "a\u2028b\x1c"]


def test_a_context_line_stripped_to_nothing_is_an_empty_context_line() -> None:
    change = parse_one(HEADER + "@@ -1,2 +1,3 @@\n\n+two\n three\n\n\n")

    assert change.hunks[0].text == " \n+two\n three\n"


def test_a_line_of_a_carriage_return_is_a_context_line() -> None:
    change = parse_one(HEADER + "@@ -1,2 +1,3 @@\n\r\n+two\n\rx\n-- \n2.43.0\n".replace("\r\n", "\r\r\n"))

    assert change.hunks[0].text == " \r\n+two\n \rx\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("-a\n\\ No newline at end of file\n+b\n", (True, False)),
        ("-a\n+b\n\\ No newline at end of file\n", (False, True)),
        ("-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n", (True, True)),
    ],
)
def test_a_missing_newline_is_recorded_for_its_side(lines: str, expected: tuple[bool, bool]) -> None:
    change = parse_one(HEADER + "@@ -1 +1 @@\n" + lines)

    assert (change.ends_without_newline_before, change.ends_without_newline_after) == expected
    assert change.hunks[0].text == "-a\n+b\n"


def test_a_missing_newline_below_a_context_line_is_recorded_for_both_sides() -> None:
    change = parse_one(HEADER + "@@ -1,2 +1 @@\n-a\n\n\\ No newline at end of file\n")

    assert (change.ends_without_newline_before, change.ends_without_newline_after) == (True, True)
    assert change.hunks[0].text == "-a\n \n"


@pytest.mark.parametrize("marker", "+-")
def test_the_texts_of_a_hunk_with_one_kind_of_lines(marker: str) -> None:
    range_of = {marker: "1,3", "+-".replace(marker, ""): "0,0"}
    header = f"@@ -{range_of['-']} +{range_of['+']} @@"
    change = parse_one(f"{HEADER}{header}\n{marker}a\n{marker}{marker}b\n{marker}\n")

    assert change.texts(marker) == ["a", f"{marker}b", ""]
    assert change.texts("+-".replace(marker, "")) == []


def test_lines_have_the_numbers_of_their_sides() -> None:
    change = parse_one(HEADER + "@@ -7,3 +9,3 @@\n a\n-b\n+c\n d\n@@ -20 +23,2 @@\n-e\n+f\n+g\n")
    lines = [line for hunk in change.hunks for line in hunk.lines]

    assert lines == [
        ("a", 7, 9),
        ("b", 8, None),
        ("c", None, 10),
        ("d", 9, 11),
        ("e", 20, None),
        ("f", None, 23),
        ("g", None, 24),
    ]
    assert change.added_lines() == [line for line in lines if line.is_added]
    assert change.removed_lines() == [line for line in lines if line.is_removed]
    assert (change.texts("+"), change.texts("-")) == (["c", "f", "g"], ["b", "e"])
    assert (change.hunks[0].text_on("pre"), change.hunks[1].text_on("post")) == ("a\nb\nd\n", "f\ng\n")
    hunk = change.hunks[0]
    assert Hunk.of(7, 3, 9, 3, "", hunk.lines) == hunk
    assert hunk.added == {line.after: line.text for line in hunk.lines if line.is_added}
    assert hunk.removed == {line.before: line.text for line in hunk.lines if line.is_removed}


def test_a_hunk_that_only_adds_lines_has_no_line_before() -> None:
    hunk = parse_one(HEADER + "@@ -4,0 +5,3 @@\n+a\n++b\n+\n").hunks[0]

    assert (hunk.added, hunk.removed) == ({5: "a", 6: "+b", 7: ""}, {})
    assert (hunk.text_on("pre"), hunk.text_on("post")) == ("", "a\n+b\n\n")


@pytest.mark.parametrize("path", ["a.rs", "d/a b.rs", "d/a\\b", "b/a", 'd/"a', "d/\xe4.rs"])
def test_a_usual_header_is_read_like_an_extended_one(path: str) -> None:
    names = f"diff --git a/{path} b/{path}\n"
    rest = f"index 1111111..22222222 100644\n--- a/{path}\n+++ b/{path}\n{HUNK}"

    assert (
        parse_one(names + rest)
        == parse_one(f"{names}old mode 100644\n{rest}")
        == FileChange(path, path, parse_one(HEADER + HUNK).hunks, "1111111", "22222222")
    )


@pytest.mark.parametrize("path", ["../a", "d//a", "d/./a", "d/\x01", "a" * 5_000])
def test_a_usual_header_with_a_bad_path_is_damage(path: str) -> None:
    assert parse_damaged(HEADER.replace("a.rs", path) + HUNK).line == 1


def test_a_new_or_deleted_file_has_only_one_path() -> None:
    new = parse_one(
        "diff --git a/x y.rs b/x y.rs\nnew file mode 100755\nindex 000000000000..1234567890ab\n"
        "--- /dev/null\n+++ b/x y.rs\t\n@@ -0,0 +1 @@\n+one\n"
    )
    deleted = parse_one(
        "diff --git a/x b/x\ndeleted file mode 100644\nindex 1234567890ab..000000000000\n"
        "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n"
    )

    assert (new.before, new.after, new.blob_before) == (None, "x y.rs", None)
    assert (deleted.before, deleted.after, deleted.blob_after) == ("x", None, None)


def test_an_empty_new_file_has_no_hunks() -> None:
    change = parse_one("diff --git a/e b/e\nnew file mode 100644\nindex 000000000000..e69de29bb2d1\n")

    assert (change.before, change.after, change.hunks) == (None, "e", ())


def test_a_rename_copy_or_mode_change_needs_no_hunks() -> None:
    rename = parse_one("diff --git a/o.rs b/n.rs\nsimilarity index 100%\nrename from o.rs\nrename to n.rs\n")
    copy = parse_one("diff --git a/o.rs b/n.rs\nsimilarity index 100%\ncopy from o.rs\ncopy to n.rs\n")
    mode = parse_one("diff --git a/o.rs b/o.rs\nold mode 100644\nnew mode 100755\n")

    assert (rename.before, rename.after, rename.is_renamed, rename.copied) == ("o.rs", "n.rs", True, False)
    assert (copy.before, copy.after, copy.is_renamed, copy.copied) == ("o.rs", "n.rs", False, True)
    assert (mode.path, mode.is_renamed, mode.hunks) == ("o.rs", False, ())


@pytest.mark.parametrize(
    "tail", ["Binary files a/l.png and b/l.png differ\n", "GIT binary patch\nliteral 3\nKcmZ\n@@ -\n"]
)
def test_a_binary_change_has_no_hunks(tail: str) -> None:
    change = parse_one("diff --git a/l.png b/l.png\nindex 1111111..2222222 100644\n" + tail)

    assert (change.binary, change.hunks) == (True, ())


def test_octal_escapes_in_quoted_paths_are_resolved() -> None:
    name = r"d/\"q\"\303\244\\.rs"
    paths = f'"a/{name}" "b/{name}"'

    change = parse_one(f'diff --git {paths}\nindex 1111111..2222222\n--- "a/{name}"\n+++ "b/{name}"\n{HUNK}')
    mode_change = parse_one(f"diff --git {paths}\nnew mode 100755\n")

    assert change.path == 'd/"q"ä\\.rs'
    assert mode_change.path == change.path


@pytest.mark.parametrize(
    "header",
    [
        "--- a/d/a.c\n+++ b/d/a.c\n",
        "--- linux.orig/d/a.c\t2026-01-01 00:00:00\n+++ linux/d/a.c\t2026-01-02 00:00:00\n",
        "Index: linux/d/a.c\n====\n--- linux.orig/d/a.c\n+++ linux/d/a.c\n",
        "diff --git d/a.c d/a.c\n--- d/a.c\n+++ d/a.c\n",
        "diff --git ./d/a.c ./d/a.c\n--- ./d/a.c\n+++ ./d/a.c\n",
        "diff --git i/d/a.c w/d/a.c\n--- i/d/a.c\n+++ w/d/a.c\n",
        "--- a/d/a.c 2026-01-01 00:00:00.000000000 +0000\n+++ b/d/a.c  2026-01-02 00:00:00.000000000 +0000\n",
        "--- a/d/a.c       Thu Jan  1 00:00:00 2026 +0100\n+++ b/d/a.c Fri Jan  2 00:00:00 2026 +0100\n",
        "--- d/a.c    (revision 1)\n+++ d/a.c (working copy)\n",
    ],
)
def test_prefixes_of_other_tools_are_removed(header: str) -> None:
    patch = read_patch(1, "s", "Why.\n\n" + header + HUNK)

    assert patch.damage is None
    assert patch.paths == ("d/a.c",)


@pytest.mark.parametrize(
    "header",
    [
        "diff --git old/rust/a.rs new/rust/a.rs\n--- old/rust/a.rs\n+++ new/rust/a.rs\n",
        "diff --git net/rust/a.rs net-next/rust/a.rs\n--- net/rust/a.rs\n+++ net-next/rust/a.rs\n",
        "--- mm.orig/rust/a.rs\n+++ mm/rust/a.rs\n",
        "diff --git linux/rust/a.rs linux/rust/a.rs\n--- linux/rust/a.rs\n+++ linux/rust/a.rs\n",
        "diff --git x/old/rust/a.rs x/new/rust/a.rs\n--- x/old/rust/a.rs\n+++ x/new/rust/a.rs\n",
        "diff --git rust/a.rs rust/a.rs\n--- rust/a.rs\n+++ rust/a.rs\n",
        "diff --git old/rust/a.rs new/rust/a.rs\nnew file mode 100644\n--- /dev/null\n+++ new/rust/a.rs\n",
        "diff --git rust/a.rs rust/a.rs\nnew file mode 100644\n--- /dev/null\n+++ rust/a.rs\n",
        "--- /dev/null\n+++ rust/a.rs\n",
        "--- /dev/null\n+++ linux-next/rust/a.rs\n",
        "--- /dev/null\n+++ ../x/new/rust/a.rs\n",
        "--- /dev/null\n+++ /usr/src/linux/rust/a.rs\n",
        "--- ./a/rust/a.rs\n+++ ./b/rust/a.rs\n",
        "--- ./linux.orig/rust/a.rs\n+++ ./linux/rust/a.rs\n",
        "--- kernel.orig/rust/a.rs\n+++ kernel/rust/a.rs\n",
        "--- /usr/src/linux-7.3/rust/a.rs\n+++ /usr/src/linux/rust/a.rs\n",
        "--- /usr/src/linux/rust/a.rs\n+++ /usr/src/linux/rust/a.rs\n",
        "--- ../lib/old/linux/rust/a.rs\n+++ ../lib/new/linux/rust/a.rs\n",
        "--- a/linux-7.3/rust/a.rs\n+++ b/linux-7.3/rust/a.rs\n",
        "diff --git a/old/rust/a.rs b/new/rust/a.rs\n--- a/old/rust/a.rs\n+++ b/new/rust/a.rs\n",
        "diff --git a/x/lib/rust/a.rs b/x/mm/rust/a.rs\n--- a/x/lib/rust/a.rs\n+++ b/x/mm/rust/a.rs\n",
    ],
)
def test_a_prefix_of_any_length_ends_at_the_top_of_the_tree(header: str) -> None:
    hunk = "@@ -0,0 +1 @@\n+x\n" if "/dev/null" in header else HUNK

    assert parse_one(header + hunk).path == "rust/a.rs"


def test_a_tree_below_the_usual_prefix_is_removed_from_the_usual_header() -> None:
    path = "linux/rust/a.rs"
    header = f"diff --git a/{path} b/{path}\nindex 11111111..22222222 100644\n--- a/{path}\n+++ b/{path}\n"

    assert parse_one(header + HUNK).path == "rust/a.rs"


@pytest.mark.parametrize("path", ["src/tools/a.rs", "linux-user/include/a.rs", "src/linux/arch/a.rs", "linux/d/a.rs"])
def test_a_usual_prefix_is_all_that_is_removed(path: str) -> None:
    assert parse_one(f"--- a/{path}\n+++ b/{path}\n{HUNK}").path == path


def test_a_plain_diff_tells_a_new_file_by_its_numbers() -> None:
    assert parse_one("--- /dev/null\n+++ b/d/a.c\n@@ -0,0 +1 @@\n+x\n").is_new
    assert parse_one("--- t.orig/d/a.c\n+++ t/d/a.c\n@@ -0,0 +1 @@\n+x\n").is_new


def test_a_plain_diff_with_contradicting_lines_keeps_its_path() -> None:
    deleted = parse_one("--- a/d/a.c\n+++ /dev/null\n@@ -0,0 +1 @@\n+x\n")
    new = parse_one("--- /dev/null\n+++ b/d/a.c\n@@ -1 +0,0 @@\n-x\n")

    assert (deleted.path, deleted.is_deleted, new.path, new.is_new) == ("d/a.c", True, "d/a.c", True)


@pytest.mark.parametrize(
    "end",
    [
        "-- \n2.43.0\n",
        "\n-- \n2.43.0\n",
        "\n---\nbase-commit: 12345678\nchange-id: x\n",
        "\n\n",
        "_____\nlist\n",
        "\n---------------\nTo unsubscribe, write to the list.\n",
        "\n+++++ this mail was scanned +++++\n",
        "\n+++ this mail was scanned +++\n",
        "\n--- this mail was scanned ---\n",
        " \n-- \n2.43.0\n",
        "\n+-------+\n| a box |\n+-------+\n",
        "\n-\nTo unsubscribe, write to the list.\n",
        "\n- To unsubscribe, write to the list.\n",
        "\n- sent from my telephone\n",
        "\n-- Ann\n- one\n+ two\n",
        "----------\nTo unsubscribe, write to the list.\n",
        "+++++ checked by the gate +++++\n",
        "+-------+\n| a box |\n+-------+\n",
        "-end-\n",
        "--- cut here ---\n",
        "+ end of the patch +\n",
        "+49 (30) 123-4567\n",
        "+49.30.1234567 \nAnn\n",
    ],
)
def test_text_after_the_last_hunk_is_ignored(end: str) -> None:
    assert parse_one(HEADER + HUNK + end).hunks == parse_one(HEADER + HUNK).hunks


def test_a_blank_context_line_that_was_dropped_at_the_end_is_read() -> None:
    whole = parse_one(HEADER + "@@ -1,2 +1,3 @@\n one\n+two\n \n")

    assert parse_one(HEADER + "@@ -1,2 +1,3 @@\n one\n+two\n") == whole
    assert parse_one(HEADER + "@@ -1,2 +1,3 @@\n one\n+two") == whole


def test_a_footer_may_stand_below_the_blank_context_line_at_the_end() -> None:
    blank = "@@ -1,2 +1,3 @@\n one\n+two\n\n"

    assert parse_one(HEADER + blank + "- scanned by the gate -\n").hunks == parse_one(HEADER + blank).hunks


@pytest.mark.parametrize(
    ("diff", "line", "word"),
    [
        (HEADER + "@@ -1,3 +1,4 @@\n one\n+two\n", 7, "shorter"),
        (HEADER + "@@ -1,1 +1,2 @@\n one\n", 6, "shorter"),
        (HEADER + "@@ -1,2 +1,3 @@\n one\n+two wrapped\nline\n three\n", 8, "shorter"),
        (HEADER + "@@ -1,1 +1,1 @@\n one\n two\n", 7, "longer"),
        (HEADER + "@@ -1,1 +1,1 @@\n one\n\n+two\n", 8, "longer"),
        (HEADER + "@@ -1,1 +1,1 @@\n one\n\n- * two\n", 8, "longer"),
        *(
            (HEADER + f"@@ -1,1 +1,1 @@\n one\n{line}\n", 7, "longer")
            for line in ("-end", "+end-", "+i++", "-count--;", "+49,", "+1 - 2", "+\t+49 30 1234567", "+49 30 1234567;")
        ),
        (HEADER + "@@ -1,1 +1,1 @@\n one\n two\n" + HUNK, 8, "longer"),
        (HEADER + HUNK + "wrapped\n" + HUNK, 9, "between"),
        (HEADER + "@@ -1,2 +1,3 @@\n one\n\xa0two\n three\n", 7, "no-break"),
        (HEADER + "@@ -1,2 +1,3 @@\n one\n+  \xa0two\n three\n", 7, "no-break"),
        (HEADER + HUNK + HEADER + HUNK, 9, "several patches"),
        (HEADER + "> @@ -1,2 +1,3 @@\n one\n+two\n three\n@@ -9,1 +10,2 @@\n nine\n+ten\n", 5, "damaged"),
        ("diff --git a/a.rs b/a.rs\nnew file mode 100644\n--- /dev/null\n+++ b/a.rs\n@@ -0,0 +1\n+x\n", 5, "damaged"),
        ("diff --git a/a.rs b/a.rs\nnew file mode 100644\nindex 0000000..1111111\n", 1, "without a change"),
        (HEADER + "@@ -x +1,3 @@\n one\n", 5, "damaged"),
        (HEADER + "@@ -1,1 +1 1 @@\n one\n", 5, "damaged"),
        ("diff --git a/a.rs b/a.rs\n@@ -1 +1 x\n--- a/a.rs\n+++ b/a.rs\n" + HUNK, 2, "damaged"),
        (HEADER + "@@ -1,9" + "9" * 5000 + " +1 @@\n one\n", 5, "integer|digits|limit"),
        ("diff --cc a.rs\nindex 1,2..3\n", 1, "combined"),
        ("diff --git a/a.rs b/a.rs\nindex 1111111..2222222 100644\n", 1, "without a change"),
        ("diff --git a/../x b/../x\nnew mode 100755\n", 1, "leaves"),
        ('diff --git "a/x\\ny" "b/x\\ny"\nnew mode 100755\n', 1, "control"),
        ("diff --git \nnew mode 100755\n", 1, "name"),
    ],
)
def test_damage_is_reported_with_its_line(diff: str, line: int, word: str) -> None:
    problem = parse_damaged(diff)

    assert any(part in problem.reason for part in word.split("|")), problem
    assert problem.line == line


@pytest.mark.parametrize(
    ("path", "line"), [("a.rst", "+\xa0two"), ("a.rs", "+// a\xa0b"), ("a.rs", "-\xa0two\n+two"), ("a.c", "+ *\xa0a")]
)
def test_a_no_break_space_of_the_author_is_no_damage(path: str, line: str) -> None:
    counts = "-1,2 +1,2" if line.startswith("-") else "-1,1 +1,2"

    assert parse_one(f"--- a/{path}\n+++ b/{path}\n@@ {counts} @@\n one\n{line}\n").path == path


def test_a_file_may_be_deleted_and_made_anew() -> None:
    deleted = "diff --git a/a.rs b/a.rs\ndeleted file mode 120000\nindex 1111111..0000000\n"
    new = "diff --git a/a.rs b/a.rs\nnew file mode 100644\nindex 0000000..e69de29\n"

    assert ["a.rs", "a.rs"] == [change.path for change in read_patch(1, "s", deleted + new).changes]


def test_a_diff_may_begin_without_the_line_of_git_below_the_notes() -> None:
    plain = "--- a/b.rs\n+++ b/b.rs\n" + HUNK

    assert read_patch(1, "s", "Why.\n---\nnotes\n" + plain + HEADER + HUNK).paths == ("b.rs", "a.rs")
    assert read_patch(1, "s", f"As in\n{plain}\n---\nnotes\n" + HEADER + HUNK).paths == ("a.rs",)
    assert read_patch(1, "s", f"As in\n{plain}\n" + HEADER + HUNK).paths == ("a.rs",)


def test_damage_has_the_line_of_the_mail_and_removes_all_changes() -> None:
    body = "Why.\n---\n" + HEADER + HUNK + HEADER + "@@ -1,2 +1,3 @@\n one\n"

    patch = read_patch(1, "s", body)

    assert patch.changes == ()
    assert patch.damage is not None
    assert patch.damage.line == 2 + 8 + 6


@given(st.text(alphabet=st.sampled_from(list('+- @\\\nabd/"-,0123 \t\r\f')), max_size=300))
def test_no_text_raises_an_exception(noise: str) -> None:
    parse(HEADER + HUNK + noise)
    parse(HEADER + "@@ -1,2 +1,3 @@" + noise)
    read_patch(1, "", "diff --git " + noise)


_LINES = ("", " ", " a", "+", "+b", "-", "-c", "\\ No newline", "-- ", "--", "\r", "\rd", "@@", "@@ -1,2 +1,2 @@ f")


@given(st.lists(st.sampled_from(_LINES), max_size=8), st.tuples(*[st.integers(0, 4)] * 4))
def test_usual_hunks_are_those_that_unidiff_reads_if_it_reads_any(lines: list[str], numbers: tuple[int, ...]) -> None:
    text = "\n@@ -{},{} +{},{} @@\n".format(*numbers) + "".join(f"{line}\n" for line in lines)

    usual, exact = _read_usual_hunks(text), _read_exact_hunks(text, is_cut=False)

    assert usual is None or isinstance(exact, Unreadable) or usual == exact


@pytest.mark.parametrize(
    "unit",
    [" and ", "://x ", 'a/" "b/', "@@ -1 +1 @@\n", "--- a\n+++ b\n@@ -1 +1 @@\n", "diff --git a/a b/a\n", "\\\n"],
)
def test_parsing_hostile_text_takes_linear_time(unit: str) -> None:
    for head in ("", "diff --git ", "Binary files ", HEADER + HUNK, HEADER + HUNK + "Binary files ", "--- a\n+++ "):
        make = repeated(unit, head)
        assert isinstance(read_patch(1, "", make(500_000)).changes, tuple)
        assert_linear(make, lambda text: read_patch(1, "", text), 50_000)


def test_a_patch_with_too_many_files_is_refused() -> None:
    change = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-a\n+b\n"
    full = "".join(change.format(number) for number in range(MAX_FILES))

    changes = parse(full)

    assert not isinstance(changes, Unreadable) and len(changes) == MAX_FILES
    assert parse(full + change.format("x")) == Unreadable("more than 10,000 files")
