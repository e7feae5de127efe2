# SPDX-License-Identifier: GPL-2.0-or-later
"""Split a header block into fields, and decode their text: any bytes become one line of printable text."""

from collections.abc import Iterable
from typing import Final

from bot.mail.charset import decode
from rules.lazy import cached_property, dataclass, re

MAX_HEADERS: Final = 1_000
"""Maximum number of fields of a header that are read."""

_INITIALS: Final = "cdfilmrst"  # of the fields that every mail is asked for, such as Subject and Message-ID
_AUTOMATIC: Final = "auto-submitted"  # the only other field that every patch is asked for

_GAP = re.compile(r"(?<! ) *+[\t\r\n\f\v][ \t\r\n\f\v]*+")
# C0, DEL, C1, soft hyphen, zero-width, bidi controls, line and paragraph separators, byte-order mark, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")
_VALUE: Final = r":[ \t]*+(?>\n[ \t]++)*+([^\n]*+(?>\n[ \t][^\n]*+)*+)"
_FIELD = re.compile(rf"^([!-9;-~]++){_VALUE}", re.MULTILINE)
_FIELD_END = re.compile(r"\n(?![ \t])")
# Received is frequent, and nobody asks for it. The last branch matches a line that belongs to no field.
_USUAL_FIELD = re.compile(
    rf"\n(?![ \t]|Received:)(?:([{_INITIALS}{_INITIALS.upper()}][!-9;-~]*+|(?i:{_AUTOMATIC})){_VALUE}|(?![!-9;-~]++:))"
)


@dataclass(frozen=True)
class Header:
    """A header block. The fields that most mails are asked for are found in one pass; all are split on demand."""

    block: bytes = b""

    @cached_property
    def line_count(self) -> int:
        """The number of lines, those that continue a field included."""
        return self.block.count(b"\n") + 1

    @cached_property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The names and values as they stand in the mail, bytes that are not ASCII as surrogates."""
        return tuple(self._split[0][:MAX_HEADERS])

    @property
    def rest(self) -> str:
        """The text of the body that ends the block."""
        return self._split[1] if self._usual is None else ""

    def values(self, name: str) -> list[str]:
        """Return the values of the fields with this lower-case name. White space at their start has no meaning."""
        if (name[0] in _INITIALS and name != "received") or name == _AUTOMATIC:
            return self._named.get(name, [])
        if self._usual is not None and name.encode() not in self.block.lower():
            return []
        return [value for key, value in self.fields if key.lower() == name]

    def __bool__(self) -> bool:
        return bool(self._named or self.fields)

    @cached_property
    def _split(self) -> tuple[list[tuple[str, str]], str]:
        return read_fields(self.block)

    @cached_property
    def _usual(self) -> dict[str, list[str]] | None:
        """Usual fields by name, None if the block is long, or only the standard library can read it."""
        if self.line_count > MAX_HEADERS or self.block.find(b"\r") >= 0 or self.block.find(b"\0") >= 0:
            return None
        named = _by_name(_USUAL_FIELD.findall("\n" + self.block.decode("ascii", "surrogateescape")))
        return None if "" in named else named

    @cached_property
    def _named(self) -> dict[str, list[str]]:
        return _by_name(self.fields) if self._usual is None else self._usual


def _by_name(fields: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for name, value in fields:
        named.setdefault(name.lower(), []).append(value)
    return named


def read_fields(block: bytes) -> tuple[list[tuple[str, str]], str]:
    """Return the fields of a header block as the parser of the standard library does, and any text that ends it.

    Bytes that are not ASCII are surrogates. No value begins with white space: versions of Python differ in a value that
    begins on the next line. The usual block, of fields alone, is split here in a fraction of the time.
    """
    if b"\0" in block:
        block = block.replace(b"\0", b"")
    text = block.decode("ascii", "surrogateescape")
    fields: list[tuple[str, str]] = _FIELD.findall(text)
    if "\r" in text or text.startswith((" ", "\t")) or len(fields) != len(_FIELD_END.split(text)):
        from email.parser import BytesHeaderParser

        message = BytesHeaderParser().parsebytes(block + b"\n\n")  # compat32 is its default
        fields = [(str(name), str(value).lstrip(" \t\r\n")) for name, value in message.raw_items()]
        try:
            rest = str(message.get_payload())
            rest.encode()
        except (ValueError, TypeError):  # the declared charset is a codec that raises or makes surrogates, or no string
            del message["Content-Type"]
            rest = str(message.get_payload())
        return fields, rest
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
    import binascii

    if encoding in "qQ":
        return binascii.a2b_qp(text.encode("ascii"), header=True)
    try:
        return binascii.a2b_base64(text.encode("ascii") + b"==")
    except binascii.Error:
        return None
