# SPDX-License-Identifier: GPL-2.0-or-later
"""Comment lines that belong together."""

from rules.source.rust.source import RustSource


def test_ordinary_lines_of_one_column_are_one() -> None:
    blocks = RustSource("// a\n// b\n    // c\n/// d\n\n// e\nf(); // g\n// h\n/* i\n * j */\n", 3).comment_blocks

    assert [(block.starts_line, [text for _, text in block.lines]) for block in blocks] == [
        (True, ["a", "b"]),
        (True, ["c"]),
        (True, ["e"]),
        (False, ["g"]),
        (True, ["h"]),
        (True, ["i", "j"]),
    ]


def test_a_comment_that_may_continue_below_is_cut() -> None:
    text = "// a\nf();\n// b"
    first, last = RustSource(text, 3, is_complete=False).comment_blocks

    assert [block.is_cut for block in (first, last)] == [False, True]
    assert (last.first_line, last.lines, last.end) == (5, ((5, "b"),), len(text))
    assert not any(block.is_cut for block in RustSource(text, 3).comment_blocks)
