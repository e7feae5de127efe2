# SPDX-License-Identifier: GPL-2.0-or-later
"""Detect from a mail's bytes that its end is missing because it is still being written; pure."""

import binascii
from typing import Final

from rules.lazy import re

MAX_SIZE: Final = 4_000_000  # In bytes; a longer mail is not parsed anyway.
_HEADER_END = re.compile(rb"\n\r?\n")
_BOUNDARY = re.compile(rb"boundary=\"?([^\"\s;]{1,200})", re.IGNORECASE)
_ENCODING = re.compile(rb"^content-transfer-encoding:[ \t]*(base64|quoted-printable)", re.IGNORECASE | re.MULTILINE)
_SUBJECT = re.compile(rb"^subject:([^\n]*)", re.IGNORECASE | re.MULTILINE)
_COVER = re.compile(rb"\b0+/")
_HUNK = re.compile(rb"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_DIFFSTAT = re.compile(
    rb" \d{1,6} files? changed(?:, (\d{1,9}) insertions?\(\+\))?(?:, (\d{1,9}) deletions?\(-\))?[ \r]{0,9}"
)
# The diff of a file does not end with one of these lines.
_FILE_HEADER: Final = (
    b"diff --git ",
    b"index ",
    b"--- ",
    b"+++ ",
    b"old mode ",
    b"new file mode ",
    b"deleted file mode ",
    b"similarity index ",
    b"dissimilarity index ",
    b"rename from ",
    b"copy from ",
)


def truncation(raw: bytes, *, proof: bool = False) -> str:
    """Return how the mail visibly ends too early, or "".

    A mail that was cut between two lines of its text, or between two hunks, need not show it: git's signature line and
    diffstat are used where they are there. With `proof` a diff that has neither of them is held to be cut.
    """
    if not raw.endswith(b"\n"):
        return "its last line has no end"
    blank = _HEADER_END.search(raw)
    if blank is None:
        return "its header has no end"
    if blank.end() == len(raw):
        return "its text is missing"
    if len(raw) > MAX_SIZE:
        return ""
    header, body = raw[: blank.start() + 1], raw[blank.end() :]
    boundary = _BOUNDARY.search(header) if b"multipart/" in header.lower() else None
    if boundary is not None:
        return "" if b"--" + boundary[1] + b"--" in body else "its last part has no end"
    encoding = _ENCODING.search(header)
    if encoding is None:
        text = body
    elif encoding[1].lower() == b"base64":
        try:
            text = binascii.a2b_base64(body)
        except binascii.Error:
            return "its base64 has no end"
    else:
        if body.rstrip(b"\r\n").endswith(b"="):
            return "its last line has no end"
        text = binascii.a2b_qp(body)
    return _missing_text(text) or _missing_diff(header, text, proof=proof)


def _missing_text(text: bytes) -> str:
    return "its last line has no end" if text and not text.endswith(b"\n") else ""


def _missing_diff(header: bytes, text: bytes, *, proof: bool) -> str:
    """Return what the diff in the text lacks according to its own counts."""
    diff = _Diff()
    lines = text.split(b"\n")
    for number, line in enumerate(lines[:-1]):
        if diff.read(line):
            return "" if any(rest.strip() for rest in lines[number + 1 : number + 9]) else "its signature is missing"
    if diff.files:
        return diff.missing() or ("nothing shows the end of its diff" if proof and not diff.counted else "")
    return "a patch without its diff" if _announces_diff(header) else ""


class _Diff:
    """The announced but missing lines of a diff that is read line by line."""

    def __init__(self) -> None:
        self.files = 0
        self._before = self._after = 0  # Missing lines of the open hunk.
        self._owed: list[int] | None = None  # Missing insertions and deletions of the diffstat.
        self._last = b""

    def read(self, line: bytes) -> bool:
        """Read the next line; return whether it is the signature after a complete diff."""
        if self._before > 0 or self._after > 0:
            self._in_hunk(line)
            return False
        if line.rstrip(b" \r") == b"--" and self.files:
            return True
        if hunk := _HUNK.match(line):
            self._before, self._after = (int(lines) if lines is not None else 1 for lines in hunk.groups())
        elif line.startswith(b"diff --git ") or (line.startswith(b"+++ ") and self._last.startswith(b"--- ")):
            self.files += 1
        elif not self.files and len(line) < 100 and (stat := _DIFFSTAT.fullmatch(line)):
            self._owed = [int(lines or 0) for lines in stat.groups()]
        self._last = line if line.strip() else self._last
        return False

    @property
    def counted(self) -> bool:
        """Return whether a diffstat announces the number of changes."""
        return self._owed is not None

    def missing(self) -> str:
        """Return what is missing now."""
        if self._before > 0 or self._after > 0:
            return "its last hunk has no end"
        if self._last.startswith((*_FILE_HEADER, b"@@ ")):
            return "the changes of its last file are missing"
        if self._owed is not None and max(self._owed) > 0:
            return "its diff has fewer changes than its diffstat"
        return ""

    def _in_hunk(self, line: bytes) -> None:
        kind = line[:1]
        self._last = b""
        if kind in {b"+", b"-"}:
            added = kind == b"+"
            self._before -= not added
            self._after -= added
            if self._owed is not None:
                self._owed[not added] -= 1
        elif kind == b" " or not line.strip():
            self._before -= 1
            self._after -= 1
        elif kind != b"\\":  # A damaged hunk: its end is unknown.
            self._before = self._after = 0
            self._last = line


def _announces_diff(header: bytes) -> bool:
    """Return whether the subject is that of a patch, not of a cover letter or a reply."""
    subject = _SUBJECT.search(header)
    tag, bracket, _ = subject[1].strip().partition(b"]") if subject else (b"", b"", b"")
    return bool(bracket) and tag.startswith(b"[") and b"PATCH" in tag.upper() and not _COVER.search(tag)
