# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the start and end of an item in a C text from the layout of kernel code."""

from rules.lazy import re

_CALL = re.compile(r"\w+\s*\(")
_WORD = re.compile(r"\w+\s*")
_NAMES = re.compile(r"\s*+\w++(?>\s*+,\s*+\w++)*+\s*+")
_PARAMETER = re.compile(r"\s*[A-Za-z_]\w*[\s*]+\w")
_PARAMETERS = re.compile(r"(?>\s*+[A-Za-z_][\w\s*,\[\]]*+;)*+\s*+\{")


def find_first_item(text: str) -> int:
    """Return the position of the first line in a fragment that certainly begins at the top level.

    The indented lines before it are the rest of another item.
    """
    for match in re.finditer(r"^(?:[A-Za-z_]|#[ \t]*+\w|\})[^\n]*+", text, re.MULTILINE):
        line = match.group()
        if line.startswith("}"):
            return match.end()
        if not line.rstrip().endswith(":"):  # the label of a function
            return match.start()
    return len(text)


def continues_after(text: str, start: int, at: int) -> bool:
    """Tell whether an item continues after a directive: its text is more than a word that could be on its own."""
    return not _WORD.fullmatch(text, start, at)


def is_lone_call(text: str, start: int, end: int) -> bool:
    """Recognise a call such as `DEFINE_GUARD(…)` on its own lines, without a semicolon."""
    if _CALL.match(text, start, end) is None:
        return False
    rest = text[end : end + 400]
    following = rest.lstrip(" \t")
    if following[:1] not in ("\n", ""):
        return False
    after = following.lstrip()
    return not after.startswith(("{", ";", ",", "=", "__"))


def is_old_style(text: str, start: int, end: int) -> bool:
    """Recognise a K&R definition: `int f(a, b) int a; char *b; {` has semicolons before its body."""
    head = text[start:end]
    closing = head.find(")")
    opening = head.find("(")
    if opening <= 0 or closing < 0 or not head[:opening].rstrip()[-1:].isidentifier():
        return False
    names = head[opening + 1 : closing]
    if not _NAMES.fullmatch(names) or not _PARAMETER.match(head, closing + 1):
        return False
    return _PARAMETERS.match(text, end) is not None
