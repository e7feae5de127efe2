# SPDX-License-Identifier: GPL-2.0-or-later
"""Split a header block into fields, and decode their text: any bytes become one line of printable text."""

import binascii

from bot.mail.charset import decode
from rules.lazy import re

_GAP = re.compile(r"(?<! ) *+[\t\r\n\f\v][ \t\r\n\f\v]*+")
# C0, DEL, C1, soft hyphen, zero-width, bidi controls, line and paragraph separators, byte-order mark, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")
_FIELD = re.compile(r"^([!-9;-~]++):[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)
_FIELD_END = re.compile(r"\n(?![ \t])")


def read_fields(block: bytes) -> tuple[list[tuple[str, str]], str]:
    """Return the fields of a header block as the parser of the standard library does, and any text that ends it.

    Bytes that are not ASCII are surrogates. The usual block, of fields alone, is split here in a fraction of the time.
    """
    if b"\0" in block:
        block = block.replace(b"\0", b"")
    text = block.decode("ascii", "surrogateescape")
    fields: list[tuple[str, str]] = _FIELD.findall(text)
    if "\r" in text or text.startswith((" ", "\t")) or len(fields) != len(_FIELD_END.split(text)):
        from email.parser import BytesHeaderParser

        message = BytesHeaderParser().parsebytes(block + b"\n\n")  # compat32 is its default
        rest = message.get_payload()
        return [(str(name), str(value)) for name, value in message.raw_items()], rest if isinstance(rest, str) else ""
    if ":\n" in text:
        from email.policy import compat32

        # Versions of Python differ in a value that begins on the next line.
        fields = [
            compat32.header_source_parse([f"{name}:\n", value[1:]]) if value.startswith("\n") else (name, value)
            for name, value in fields
        ]
    return fields, ""


def clean(text: str) -> str:
    """Return the text on one line, with spaces for line breaks and tabs, without control, bidi and invisible
    characters.
    """
    if text.isprintable():
        return text
    text = " ".join(text.split()) if "\n" in text else _GAP.sub(" ", text)
    return text if text.isprintable() else _UNSAFE.sub("", text)


def decode_header(value: str) -> str:
    """Decode, clean and trim a header's value from the stdlib's compat32 parser (bytes as surrogates)."""
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape"), "utf-8")
    if "=?" in value:
        value = decode_words(value)
    return clean(value).strip()


def decode_words(value: str) -> str:
    """Decode the RFC 2047 encoded words in the text; malformed encoded words stay unchanged.

    Neighbours of one charset are joined before they are decoded, because senders cut characters in two.
    """
    pieces: list[tuple[str, bytes]] = []
    end = 0
    value = _BETWEEN.sub(r"\1", value)
    for match in _WORD.finditer(value):
        payload = _payload(match[2], match[3])
        if payload is None:
            continue
        charset = match[1].partition("*")[0].lower()
        before = value[end : match.start()]
        if pieces and not before and pieces[-1][0] == charset:
            pieces[-1] = (charset, pieces[-1][1] + payload)
        else:
            pieces += [("", before.encode("utf-8", "surrogatepass")), (charset, payload)]
        end = match.end()
    pieces.append(("", value[end:].encode("utf-8", "surrogatepass")))
    return "".join(decode(payload, charset or "utf-8") for charset, payload in pieces)


def _payload(encoding: str, text: str) -> bytes | None:
    if not text.isascii():
        return None
    if encoding in "qQ":
        return binascii.a2b_qp(text.encode("ascii"), header=True)
    try:
        return binascii.a2b_base64(text.encode("ascii") + b"==")
    except binascii.Error:
        return None
