# SPDX-License-Identifier: GPL-2.0-or-later
"""Where in a series a rule about the border points to."""

from rules.border.index import User
from rules.finding import Anchor
from rules.view import SeriesView


def anchored(view: SeriesView, user: User) -> Anchor | None:
    """The line of a use at the end of the series, if one of its patches adds it; None where it stood before."""
    for file in reversed(view.files):
        if file.path != user.path or file.post is None:
            continue
        line = _line(file.post_lines, user)
        if line is not None and line in file.post.touched:
            return file.anchor(line, user.use.column)
    return None


def _line(lines: dict[int, str], user: User) -> int | None:
    """The use's line in one patch's image, which may not be the last patch's."""
    if lines.get(user.use.line, "").strip() == user.use.text:
        return user.use.line
    return next((number for number, text in lines.items() if text.strip() == user.use.text), None)
