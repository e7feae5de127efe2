# SPDX-License-Identifier: GPL-2.0-or-later
"""Split a commit message into its prose and its trailers."""

from rules.lazy import re

_TRAILER = re.compile(r"[A-Za-z][A-Za-z0-9-]*[ \t]*:[ \t]*\S")
_KNOWN_TRAILER = re.compile(
    r"(?:[A-Za-z-]+-by|Fixes|Link|Closes|Cc|Message-ID|Change-Id|Base-commit|Assisted-by)[ \t]*:[ \t]*\S", re.IGNORECASE
)
_BRACKETED_NOTE = re.compile(r"\[.*\]?$")


def split_log(message: str) -> tuple[str, tuple[str, ...]]:
    """Return the prose of a commit message and its trailers. A space joins the lines of a trailer.

    The trailers are in the last paragraph if git-interpret-trailers would read it as trailers: every line is a trailer,
    continues a trailer, or is a note in brackets; or it has a usual `Signed-off-by:`, and a quarter of its lines are
    trailers. Its other lines are prose. At least one trailer must be of a kind that the kernel uses. The last paragraph
    may be the whole message.
    """
    text = message.strip("\n")
    head, _, last = text.rpartition("\n\n")
    trailers: list[str] = []
    prose: list[str] = []
    kind = trailers
    for line in last.split("\n"):
        if line[:1] in (" ", "\t") and kind:
            kind[-1] += " " + line.strip()
        elif line.strip():
            kind = trailers if _TRAILER.match(line) or _BRACKETED_NOTE.match(line) else prose
            kind.append(line.strip())
    has_usual = any(trailer.startswith("Signed-off-by: ") and not trailer.endswith(" ") for trailer in trailers)
    if not has_usual and (prose or not any(_KNOWN_TRAILER.match(trailer) for trailer in trailers)):
        return text, ()
    notes = sum(trailer.startswith("[") for trailer in trailers)
    if prose and 3 * (len(trailers) - notes) < len(prose) + notes:
        return text, ()
    return "\n\n".join(filter(None, (head.rstrip("\n"), "\n".join(prose)))), tuple(trailers)
