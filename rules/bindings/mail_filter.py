# SPDX-License-Identifier: GPL-2.0-or-later
"""Which mails can have an effect on Rust, told from their bytes alone: thousands a second, before anything is parsed.

Wrong only on the safe side: what cannot be told is let through.
"""

import re
from collections.abc import Iterable

from rules.bindings.index import Bindings

_ALWAYS = re.compile(
    rb"^(?:diff --git|---|\+\+\+) (?:\"?[ab]/)?(?:[^\n]*\.rs\b|rust/|[^\n]*\b(?:MAINTAINERS|Kconfig\S*)\s*$)",
    re.MULTILINE,
)
_FILE = re.compile(rb"^diff --git a/(\S+) b/(\S+)$", re.MULTILINE)
# Lines that can begin or end a declaration: what stands indented in a function is only a use.
_CHANGED = re.compile(rb"^[-+](?:[A-Za-z_]|#[ \t]*(?:define|undef)\b)[^\n]*$", re.MULTILINE)
_WORD = re.compile(rb"[A-Za-z_]\w{2,}")
_ENCODED = re.compile(rb"^content-transfer-encoding:\s*base64", re.MULTILINE | re.IGNORECASE)
_SOFT_BREAK = re.compile(rb"=\r?\n")


class MailFilter:
    """Knows the C names and headers that Rust depends on."""

    @classmethod
    def of(cls, border: Bindings) -> "MailFilter":
        """The filter of a tree: the names that its headers declare and Rust depends on, and those headers."""
        return cls((name for name in border.names if border.declared(name)), border.paths)

    def __init__(self, names: Iterable[str], paths: Iterable[str]) -> None:
        self._names = frozenset(name.encode() for name in names if len(name) > 2)
        self._paths = frozenset(path.encode() for path in paths)

    def may_matter(self, raw: bytes) -> bool:
        """Whether a raw mail may change something that Rust depends on, or is no patch that can be read here.

        A mail without a diff matters: it may be a cover letter or an answer. A diff matters if it touches Rust, a
        header that declares a used name, or a C file with a used name on a changed line that begins in column 0.
        """
        if b"diff --git " not in raw or _ENCODED.search(raw):
            return True
        text = raw.replace(b"\r\n", b"\n")
        if b"quoted-printable" in text:
            text = _SOFT_BREAK.sub(b"", text)
        if _ALWAYS.search(text):
            return True
        files = {path for match in _FILE.finditer(text) for path in match.groups()}
        if not self._paths.isdisjoint(files):
            return True
        if not any(path.endswith((b".c", b".h", b".S")) for path in files):
            return False
        changed = b"\n".join(match.group() for match in _CHANGED.finditer(text))
        return not self._names.isdisjoint(_WORD.findall(changed))
