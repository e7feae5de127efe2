# SPDX-License-Identifier: GPL-2.0-or-later
"""Split commit messages into prose and trailers."""

import pytest

from rules.diff.log import split_log

SIGNED = "Signed-off-by: A <a@example.org>"


@pytest.mark.parametrize(
    ("message", "log", "trailers"),
    [
        ("Why.\n\nSigned-off-by: A <a@example.org>\n", "Why.", ("Signed-off-by: A <a@example.org>",)),
        ("Signed-off-by: A <a@example.org>", "", ("Signed-off-by: A <a@example.org>",)),
        ("Why.\n\nNote: this is prose\n", "Why.\n\nNote: this is prose", ()),
        ('Why.\n\nFixes: 123 ("a\n b")\n[ a: fixed ]\nX: y\n', "Why.", ('Fixes: 123 ("a b")', "[ a: fixed ]", "X: y")),
        (f"Why.\n\nmore\n and\n{SIGNED}", "Why.\n\nmore and", (SIGNED,)),
        (f"Reviewed by: B\n[ b: split\nit ]\n{SIGNED}", "Reviewed by: B\nit ]", ("[ b: split", SIGNED)),
        (f"Why.\n\n[ b: split\nit ]\nmore\nand\n{SIGNED}", f"Why.\n\n[ b: split\nit ]\nmore\nand\n{SIGNED}", ()),
        ("Why.\n\nmore\nReviewed-by: B <b@example.org>", "Why.\n\nmore\nReviewed-by: B <b@example.org>", ()),
        ("", "", ()),
    ],
)
def test_the_last_paragraph_of_trailers_is_split_off(message: str, log: str, trailers: tuple[str, ...]) -> None:
    assert split_log(message) == (log, trailers)
