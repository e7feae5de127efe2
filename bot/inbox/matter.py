# SPDX-License-Identifier: GPL-2.0-or-later
"""A look at a mail's bytes that saves reading most of them."""

import re
from typing import Final

_ENCODED = re.compile(
    rb"^content-transfer-encoding:[ \t\r\n]*(?:(base64)|quoted-printable)", re.IGNORECASE | re.MULTILINE
)
_RUST_FILE = re.compile(rb"^(?:diff --git |\+\+\+ |--- |rename (?:from|to) )[^\n]*(?:\.rs\b|rust/)", re.MULTILINE)
_SOFT_BREAK = re.compile(rb"=\r?\n")
_DOTS: Final = (b"=2E", b"=2e")
_WORDS: Final = (b"ase64", b"ASE64", b"-printable", b"-Printable", b"-PRINTABLE")


def may_matter(raw: bytes) -> bool:
    """Whether the mail may hold a patch of Rust code or of the kernel's `rust/`; False is certain, True is not.

    Quoted-printable is looked through, base64 is always worth reading.
    """
    encoded = [match[1] for match in _ENCODED.finditer(raw)] if any(word in raw for word in _WORDS) else []
    if any(encoded):
        return True
    if not encoded:
        return (b".rs" in raw or b"rust/" in raw) and bool(_RUST_FILE.search(raw))
    text = _SOFT_BREAK.sub(b"", raw)
    for dot in _DOTS:
        text = text.replace(dot, b".")
    return bool(_RUST_FILE.search(text))
