# SPDX-License-Identifier: GPL-2.0-or-later
"""Comment lines that belong together."""

from rules.source.rust.code import Code
from rules.source.rust.comments import paragraphs


def test_ordinary_lines_of_one_column_are_one() -> None:
    code = Code("// a\n// b\n    // c\n/// d\n\n// e\nf(); // g\n// h\n/* i\n * j */\n", 3)

    assert [(one.kind, one.alone, [text for _, text in one.lines]) for one in paragraphs(code, whole=True)] == [
        ("line", True, ["a", "b"]),
        ("line", True, ["c"]),
        ("line", True, ["e"]),
        ("line", False, ["g"]),
        ("line", True, ["h"]),
        ("block", True, ["i", "j"]),
    ]


def test_a_comment_that_may_continue_below_is_cut() -> None:
    code = Code("// a\nf();\n// b", 3)
    first, last = paragraphs(code, whole=False)

    assert [paragraph.cut_below for paragraph in (first, last)] == [False, True]
    assert (last.first, last.last, last.end) == (5, 5, len(code.text))
    assert not any(paragraph.cut_below for paragraph in paragraphs(code, whole=True))
