# SPDX-License-Identifier: GPL-2.0-or-later
"""Comment lines that belong together."""

import random

import pytest

from rules.source.rust.comments import TAG_WORDS
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


_PARTS = (
    "// SAFETY: a\n",
    "// a\n",
    "    // a\n",
    "/// # Safety\n",
    "/// a\n",
    "/* a\n * SAFETY: b */\n",
    "/* a */ // safety: b\n",
    "f(); // Safety: a\n",
    "fn f() {}\n",
    "pub unsafe fn g() {}\n",
    '"// SAFETY: a\n// b"\n',
    "\n",
)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_complete", [True, False])
def test_comments_with_a_word_are_found_without_the_others(seed: int, is_complete: bool) -> None:
    chosen = random.Random(seed)
    for _ in range(200):
        text = "".join(chosen.choice(_PARTS) for _ in range(12))
        source = RustSource(text, 3, is_complete=is_complete)
        some, blocks = source.comments_near(*TAG_WORDS), source.comment_blocks_with(*TAG_WORDS)
        items = source.documented_items_with(*TAG_WORDS)

        assert set(some) <= set(source.comments)
        assert set(blocks) <= set(source.comment_blocks)
        assert set(items) <= set(source.documented_items)
        assert {comment for comment in source.comments if has_tag_word(comment.text)} <= set(some)
        assert {block for block in source.comment_blocks if has_tag_word(block.words)} <= set(blocks)
        assert {item for item in source.documented_items if has_tag_word(str(item.docs.headings))} <= set(items)


def test_only_wanted_comments_are_made() -> None:
    text = "// a\nf();\n" * 20 + "// SAFETY: a\n// b\nf();\n"

    assert ["// SAFETY: a", "// b"] == [comment.text for comment in RustSource(text).comments_near(*TAG_WORDS)]
    fragment = RustSource(text, is_complete=False)
    assert fragment.comments is fragment.comments_near(*TAG_WORDS)


def has_tag_word(text: str) -> bool:
    return any(word in text for word in TAG_WORDS)
