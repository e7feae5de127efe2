# SPDX-License-Identifier: GPL-2.0-or-later
"""Select the mails that can affect Rust by their bytes, before anything is parsed: thousands of mails a second.

The filter never drops a relevant mail: a mail that it cannot decide passes.
"""

from collections.abc import Iterable

from rules.bindings.index import Bindings
from rules.lazy import re

_ALWAYS = re.compile(
    rb"(?:diff --git|---|\+\+\+) (?:\"?[ab]/)?(?:[^\n]*\.rs\b|rust/|[^\n]*\b(?:MAINTAINERS|Kconfig\S*)\s*$)"
)
_HEADS = (b"diff --git ", b"--- ", b"+++ ")
# Text is searched for a literal first: that takes a tenth of the time of an expression.
_ALWAYS_LITERALS = (b".rs", b"rust/", b"MAINTAINERS", b"Kconfig")
# These two begin with a literal line end, so that the expression is tried at the ends of lines alone.
_FILE = re.compile(rb"\ndiff --git a/(\S+) b/(\S+)(?=\n|\Z)")
# Lines that can begin or end a declaration. An indented line in a function is only a use.
_CHANGED = re.compile(rb"\n[-+](?:[A-Za-z_]|#[ \t]*(?:define|undef)\b)[^\n]*")
_WORD = re.compile(rb"[A-Za-z_]\w{2,}")
_ENCODED = re.compile(rb"^content-transfer-encoding:\s*base64", re.MULTILINE | re.IGNORECASE)
_SOFT_BREAK = re.compile(rb"=\r?\n")


class MailFilter:
    """A filter that knows the C names and headers that Rust depends on."""

    @classmethod
    def from_bindings(cls, bindings: Bindings) -> "MailFilter":
        """Create the filter of a tree from the names that Rust depends on and the headers that declare them."""
        return cls((name for name in bindings.names if bindings.declarations(name)), bindings.paths)

    def __init__(self, names: Iterable[str], paths: Iterable[str]) -> None:
        self._names = frozenset(name.encode() for name in names if len(name) > 2)
        self._paths = frozenset(path.encode() for path in paths)

    def may_matter(self, raw: bytes) -> bool:
        """Tell whether a raw mail may change something that Rust depends on, or cannot be decided.

        A mail without a diff may matter: it can be a cover letter or a reply. A diff may matter if it changes Rust, a
        header that declares a used name, or a C file with a used name on a changed line that begins in column 0.
        """
        return b"diff --git " not in raw or self._may_change(raw) or is_encoded(raw)

    def _may_change(self, raw: bytes) -> bool:
        """Tell whether the lines of a mail change something that Rust depends on."""
        text = b"\n" + (raw.replace(b"\r\n", b"\n") if b"\r" in raw else raw)
        if b"quoted-printable" in text:
            text = _SOFT_BREAK.sub(b"", text)
        if any(_names(text, literal) for literal in _ALWAYS_LITERALS):
            return True
        files = {path for paths in _FILE.findall(text) for path in paths}
        if not self._paths.isdisjoint(files):
            return True
        if not any(path.endswith((b".c", b".h", b".S")) for path in files):
            return False
        changed = b"".join(_CHANGED.findall(text))
        return not self._names.isdisjoint(_WORD.findall(changed))


def is_encoded(raw: bytes) -> bool:
    """Tell whether a part of a mail may be base64, which cannot be searched."""
    return b"base64" in raw.lower() and _ENCODED.search(raw) is not None


def _names(text: bytes, literal: bytes) -> bool:
    """Tell whether a line that names a changed file has the literal, and names what always matters."""
    at = text.find(literal)
    while at >= 0:
        start, end = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
        end = len(text) if end < 0 else end
        if text.startswith(_HEADS, start) and _ALWAYS.match(text, start, end):
            return True
        at = text.find(literal, end)
    return False
