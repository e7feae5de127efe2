# SPDX-License-Identifier: GPL-2.0-or-later
"""Extract the text of a mail's body: the first text/plain part and attached patches, within fixed limits."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from bot.mail.charset import decode
from bot.mail.header import read_fields
from rules.lazy import dataclass, field, re

MAX_DEPTH: Final = 8
MAX_PARTS: Final = 100
MAX_UNPACKED: Final = 4_000_000
"""Bytes that are read of a gzip file in a mail."""

CONTENT_FIELDS: Final = ("content-type", "content-transfer-encoding", "content-disposition")
"""The fields, in lower case, that say how a body is read."""

_SIGNED: Final = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE: Final = "\n-----BEGIN PGP SIGNATURE-----"
_GZIP: Final = b"\x1f\x8b\x08"

_PARAMETER = re.compile(r';\s*([\w-]+)(?:\*\d*)*\s*=\s*("(?>[^"\\]|\\.)*+"|[^\s;"]*)')
_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)")
_BLANK_LINE = re.compile(rb"\A\r?\n|\r?\n\r?\n")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
# The expression begins with the newline above its line: a single character is found fast in a long text.
_DIFF = re.compile(r"\n(?:diff --git |--- \S[^\n]*\n\+\+\+ \S)")
_NEW_NAME = re.compile(r"\n\+\+\+ (\S[^\n\t]*+)")

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Text:
    """The body as text: LF line ends, no NUL."""

    text: str
    flowed: bool


@dataclass(frozen=True, slots=True)
class TooComplex:
    """The body exceeds a limit; says which."""

    reason: str


class PartType(NamedTuple):
    """The type of a part of a mail in lower case, as in `text/plain`, and the name of its file, "" without one."""

    kind: str
    file_name: str


@dataclass(frozen=True, slots=True)
class _Content:
    """The Content-* fields of a part, in lower case except for `boundary` and `file_name`."""

    kind: str
    parameters: dict[str, str]
    disposition: str
    encoding: str
    file_name: str

    @property
    def boundary(self) -> str:
        return self.parameters.get("boundary", "").rstrip()


@dataclass(slots=True)
class _Budget:
    parts: int = MAX_PARTS
    reason: str = field(default="")


def read_body(fields: Fields, body: bytes) -> Text | TooComplex:
    """Return the readable text of a body with these Content-* fields (names in lower case).

    A multipart that does not say how its parts are divided is a text.
    """
    content = _content(fields)
    is_multipart = content.kind.startswith("multipart/")
    if content.kind.startswith("text/plain") or (is_multipart and not content.boundary):
        return Text(_text(content, body), _flowed(content))
    budget = _Budget()
    texts: list[str] = []
    attached: list[str] = []
    flowed = False
    for part, data in _leaves(content, body, 1, budget) if is_multipart else [(content, body)]:
        if part.kind == "text/plain" and not texts and part.disposition != "attachment":
            texts.append(_text(part, data))
            flowed = _flowed(part)
        else:
            attached += (text for text in _attached_texts(part, data, budget) if _DIFF.search("\n" + text))
    if texts and attached:
        texts[0] = _without_attached_diff(texts[0], attached)
    return TooComplex(budget.reason) if budget.reason else Text("\n".join(texts + attached), flowed)


def _without_attached_diff(text: str, attached: Iterable[str]) -> str:
    """Return the text without its diff if the same files are changed in attachments: people paste what they attach.

    Mailers wrap the lines of a text, but not of an attachment.
    """
    diff = _DIFF.search("\n" + text)
    if diff is None:
        return text
    names = set(_NEW_NAME.findall("\n" + text))
    changed = {name for other in attached for name in _NEW_NAME.findall("\n" + other)}
    return text[: diff.start()] if names and names <= changed else text


def _attached_texts(part: _Content, data: bytes, budget: _Budget) -> Iterator[str]:
    """Yield the text of an attachment that may be a patch, or of a mail that is attached."""
    if part.kind == "message/rfc822":
        content, body = _part(data)
        for inner, text in _leaves(content, body, 2, budget) if content.boundary else [(content, body)]:
            yield from _attached_texts(inner, text, budget) if inner.kind != part.kind else ()
    elif part.kind.startswith(("text/", "application/")) and part.kind != "text/html":
        yield _text(part, data)


def first_text(fields: Fields, body: bytes) -> Text | None:
    """Return the first part of a multipart if it is text/plain and not an attachment: the sender's own text."""
    content = _content(fields)
    part, data = next(_leaves(content, body, 1, _Budget()), (content, b""))
    plain = part.kind == "text/plain" and part.disposition != "attachment"
    return Text(_text(part, data), _flowed(part)) if plain else None


def multipart_boundary(content_type: str) -> str | None:
    """Return the boundary at which `first_text` and `read_body` split a body, or None."""
    content = _content({"content-type": content_type})
    return content.boundary if content.kind.startswith("multipart/") else None


def leaves(fields: Fields, body: bytes) -> Iterator[tuple[str, str]]:
    """Return type and text of each part that is not a multipart itself; parts beyond the limits are left out.

    A mail within a mail is one part; its header is in its text.
    """
    content = _content(fields)
    for part, data in _leaves(content, body, 1, _Budget()):
        yield part.kind, _text(part, data)


def parts_of(fields: Iterable[tuple[str, str]], raw: bytes) -> tuple[PartType, ...]:
    """Return the type of each part of a mail with these header fields that is not a multipart, within the limits."""
    content = _content({name.lower(): value for name, value in fields})
    blank = _BLANK_LINE.search(raw)
    leaves = (
        _leaves(content, raw[blank.end() :] if blank else b"", 1, _Budget()) if content.boundary else [(content, b"")]
    )
    return tuple(PartType(part.kind, part.file_name) for part, _ in leaves)


def _leaves(content: _Content, body: bytes, depth: int, budget: _Budget) -> Iterator[tuple[_Content, bytes]]:
    """Yield the parts that are not multiparts, in order. Marks the budget if they are too many or too deep."""
    boundary = content.boundary.encode("utf-8", "surrogateescape")
    if not boundary:
        return
    if depth > MAX_DEPTH:
        budget.reason = f"parts nested deeper than {MAX_DEPTH}"
        return
    # The expression begins with the boundary, which is found fast, and not with the newline above it.
    line_end = re.compile(b"--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    marks: list[re.Match[bytes]] = []
    for mark in line_end.finditer(body):
        if body[mark.start() - 1 : mark.start()] not in (b"", b"\n"):
            continue
        marks.append(mark)
        if mark[1]:
            break
        budget.parts -= 1
        if budget.parts < 0:
            budget.reason = f"more than {MAX_PARTS} parts"
            return
    starts = [mark.start() for mark in marks[1:]]
    ends = [start - (2 if body[start - 2 : start] == b"\r\n" else 1) for start in starts]
    for mark, end in zip(marks, [*ends, len(body)], strict=False):
        if mark[1] or budget.reason:
            return
        part = body[mark.end() : end]
        part = part[2:] if part.startswith(b"\r\n") else part[1:]
        inner, data = _part(part)
        if inner.kind.startswith("multipart/"):
            yield from _leaves(inner, data, depth + 1, budget)
        else:
            yield inner, data


def _part(data: bytes) -> tuple[_Content, bytes]:
    """Return what the header of a part says of its content, and its body."""
    blank = _BLANK_LINE.search(data)
    return _content(_fields(data[: blank.start()] if blank else data)), data[blank.end() :] if blank else b""


def _fields(block: bytes) -> Fields:
    if len(block) > 16_000:
        return {}
    return {key.lower(): value for key, value in reversed(read_fields(block)[0])}


def _content(fields: Fields) -> _Content:
    kind, disposition = fields.get("content-type", ""), fields.get("content-disposition", "")
    encoding = fields.get("content-transfer-encoding", "").strip().lower()
    return _read_content(kind[:2000], disposition[:2000], encoding[:2000])


@lru_cache(maxsize=64)  # Most mails have the same fields, and each is asked for them several times.
def _read_content(kind: str, disposition: str, encoding: str) -> _Content:
    match = _TYPE.match(kind) if kind else None
    parameters = _parameters(kind)
    return _Content(
        kind=match[1].lower() if match else "text/plain",
        parameters=parameters,
        disposition=disposition.partition(";")[0].strip().lower(),
        encoding=encoding,
        file_name=_parameters(disposition).get("filename", "") or parameters.get("name", ""),
    )


def _parameters(value: str) -> dict[str, str]:
    found = _PARAMETER.findall(value) if ";" in value else []
    return {name.lower(): _unquoted(text) for name, text in reversed(found)}


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _flowed(content: _Content) -> bool:
    return content.parameters.get("format", "").lower() == "flowed"


def _text(content: _Content, data: bytes) -> str:
    if content.encoding == "quoted-printable":
        import binascii

        data = binascii.a2b_qp(data)
    elif content.encoding == "base64":
        data = _base64(data)
    if data.startswith(_GZIP):
        data = _unpacked(data)
    text = decode(data, content.parameters.get("charset", "").strip())
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    text = text.replace("\0", "") if "\0" in text else text
    return _without_dash_escapes(text) if _SIGNED in text else text


def _without_dash_escapes(text: str) -> str:
    """Remove the `- ` that OpenPGP puts before each line of a signed text that begins with a dash."""
    before, marker, rest = text.partition(_SIGNED)
    signed, signature, after = rest.partition(_SIGNATURE)
    if not signature or signed.count("\n-") != signed.count("\n- "):
        return text
    return before + marker + signed.replace("\n- ", "\n") + signature + after


def _unpacked(data: bytes) -> bytes:
    """Return what a gzip file holds, up to the limit; nothing if it is damaged."""
    import zlib

    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(data, MAX_UNPACKED)
    except zlib.error:
        return b""


def _base64(data: bytes) -> bytes:
    """Decode base64; other characters are skipped, and an incomplete end is dropped."""
    import binascii

    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        plain = _NO_BASE64.sub(b"", data)
        plain = plain[:-1] if len(plain) % 4 == 1 else plain
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))
