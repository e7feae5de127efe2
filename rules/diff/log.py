# SPDX-License-Identifier: GPL-2.0-or-later
"""A commit message: where the prose ends and the trailers begin."""

import re

_TRAILER = re.compile(r"[A-Za-z][A-Za-z0-9-]*[ \t]*:[ \t]*\S")
_KNOWN = re.compile(
    r"(?:[A-Za-z-]+-by|Fixes|Link|Closes|Cc|Message-ID|Change-Id|Base-commit|Assisted-by)[ \t]*:[ \t]*\S", re.IGNORECASE
)
_REMARK = re.compile(r"\[.*\]?$")


def split_log(message: str) -> tuple[str, tuple[str, ...]]:
    """The prose of a commit message and its trailers, one string each, continuation lines joined by a space.

    Trailers are the last paragraph, as git-interpret-trailers reads it: every line is a trailer, continues one, or is a
    bracketed remark; at least one is of a kind the kernel uses. A paragraph that is the whole message counts too.
    """
    text = message.strip("\n")
    head, gap, last = text.rpartition("\n\n")
    lines = last.split("\n")
    trailers: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and trailers:
            trailers[-1] += " " + line.strip()
        elif _TRAILER.match(line) or (_REMARK.match(line) and line.startswith("[")):
            trailers.append(line.strip())
        elif not line.strip():
            continue
        else:
            return text, ()
    if not any(_KNOWN.match(trailer) for trailer in trailers):
        return text, ()
    return (head.rstrip("\n") if gap else ""), tuple(trailers)
