# SPDX-License-Identifier: GPL-2.0-or-later
"""Prose and trailers of a commit message."""

import pytest

from rules.diff.log import split_log


@pytest.mark.parametrize(
    ("message", "log", "trailers"),
    [
        ("Why.\n\nSigned-off-by: A <a@example.org>\n", "Why.", ("Signed-off-by: A <a@example.org>",)),
        ("Signed-off-by: A <a@example.org>", "", ("Signed-off-by: A <a@example.org>",)),
        ("Why.\n\nNote: this is prose\n", "Why.\n\nNote: this is prose", ()),
        ('Why.\n\nFixes: 123 ("a\n b")\n[ a: fixed ]\nX: y\n', "Why.", ('Fixes: 123 ("a b")', "[ a: fixed ]", "X: y")),
        ("Why.\n\nmore\nSigned-off-by: A <a@example.org>", "Why.\n\nmore\nSigned-off-by: A <a@example.org>", ()),
        ("", "", ()),
    ],
)
def test_split(message: str, log: str, trailers: tuple[str, ...]) -> None:
    assert split_log(message) == (log, trailers)
