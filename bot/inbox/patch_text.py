# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches in files that are not mails: output of git and hg, patches of quilt, other encodings of text.

For files that a person names. A mail that was archived is read as it came.
"""

import itertools
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bot.inbox.error import InboxError
from bot.inbox.mailbox import split_mbox
from bot.mail.address import NOBODY, format_address
from bot.mail.parse import parse_date
from bot.mail.posting import NO_DATE
from bot.ports.raw_mail import Batch, RawMail
from rules.lazy import dataclass, re

if TYPE_CHECKING:
    from pathlib import Path

HTML = re.compile(rb"\s*+<(?:!doctype\s|html[\s>])", re.IGNORECASE)
"""How a page in HTML begins."""

SUFFIXES: Final = (".patch", ".diff", ".eml", ".mbox", ".mbx", ".gz")
"""How the names of patch files end."""

MAX_UNPACKED: Final = 64_000_000
"""Bytes that a compressed file may have when it is unpacked."""

_COLOUR = re.compile(rb"\x1b\[[\d;]{0,40}[A-Za-z]")
_COMMIT = re.compile(
    rb"^commit ([0-9a-f]{7,64})\b[^\n]*\n"
    rb"(?=(?:Merge|Author|AuthorDate|Commit|CommitDate|Date|Reflog|gpg|tree|parent)\b[^\n]*\n| *\n)",
    re.MULTILINE,
)
_ONE_LINE_COMMIT = re.compile(rb"^([0-9a-f]{7,64}) ([^\n]++)\n(?=diff --git )", re.MULTILINE)
_COMMIT_FIELD = re.compile(rb"^(Author|Date|AuthorDate):([^\n]*+)", re.MULTILINE)
_HG_FIELD = re.compile(rb"# (User|Date|Node ID) ([^\n]*+)")
_FIELDS: Final = (
    *(b"from:", b"subject:", b"message-id:", b"date:", b"to:", b"cc:"),
    *(b"mime-version:", b"received:", b"content-type:"),
)
_MAX_FIELD: Final = len(b"mime-version:")
_HEX_DIGITS: Final = b"0123456789abcdef"
_OTHER_FIELD = re.compile(rb"[A-Za-z][\w-]*+:|[ \t]")
_DIFF = re.compile(rb"^(?:diff -|--- [^\n]+\n\+\+\+ |Index: )", re.MULTILINE)
# What git prints above a diff with --stat or --raw.
_SUMMARY = re.compile(
    rb"^(?: [^\n|]*+\| +(?:\d+[ +-]*+|Bin[^\n]*+)| \d+ files? changed,[^\n]*+|:\d{6} \d{6} [^\n]*+"
    rb"| (?:create|delete) mode \d[^\n]*+)(?:\n|\Z)",
    re.MULTILINE,
)
_MAX_TITLE: Final = 200
_MAX_HEAD: Final = 1000  # bytes at the beginning of a text; the header of a tar file has NUL in them


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit as a tool printed it: its message and diff, and who made it when, in the words of the tool."""

    author: bytes
    date: bytes
    message: bytes
    diff: bytes

    def mail(self, number: int, count: int) -> bytes:
        """Return the mail that git format-patch would make of it."""
        title, _, text = self.message.strip(b"\n").partition(b"\n")
        counter = b" %d/%d" % (number, count) if count > 1 else b""
        fields = (
            b"From: " + (self.author or format_address(NOBODY).encode()),
            b"Subject: [PATCH" + counter + b"] " + (title.strip()[:_MAX_TITLE] or b"a diff without a mail"),
            *((b"Date: " + self.date,) if self.date else ()),
        )
        return b"\n".join(fields) + b"\n\n" + text.strip(b"\n") + b"\n---\n" + self.diff


def plain_text(data: bytes) -> bytes:
    """Return the text in UTF-8 with LF line ends and without colours, uncompressed if it was a gzip file.

    Raises ValueError where a compressed file is damaged or too large.
    """
    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(data)
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode("utf-8", "surrogateescape")
    data = data.removeprefix(BOM_UTF8)
    if b"\r" in data and b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    # Within mails the escapes belong to the text.
    return _COLOUR.sub(b"", data) if data.startswith(b"\x1b[") else data


def mails_of_texts(texts: Iterable[bytes]) -> list[bytes]:
    """Return the mails that plain texts stand for, in order; a text that is a mail is returned as it is.

    The commits that are in the other texts are one series. git log prints the newest commit first.
    """
    read = [_commits(text.lstrip(b"\r\n")) or text.lstrip(b"\r\n") for text in texts]
    count = sum(len(commits) for commits in read if not isinstance(commits, bytes))
    numbers = itertools.count(1)
    mails: list[bytes] = []
    for commits in read:
        mails += [commits] if isinstance(commits, bytes) else (commit.mail(next(numbers), count) for commit in commits)
    return mails


def read_as_mails(mails: Sequence[RawMail]) -> list[RawMail]:
    """Return the mails of a source that a person named; those that are other texts become mails.

    Raises ValueError where a compressed file cannot be read.
    """
    texts: list[tuple[str, bytes]] = []
    for mail in mails:
        text = plain_text(mail.raw)
        texts += ((mail.origin, part) for part in ([text] if text == mail.raw else split_mbox(text)))
    raw = mails_of_texts(text for _, text in texts)
    origins = [origin for origin, _ in texts] if len(raw) == len(texts) else [mails[0].origin] * len(raw)
    return [RawMail(origin, mails[0].arrived, mail) for origin, mail in zip(origins, raw, strict=True)]


class PatchDirectory:
    """A directory of patch files, in the order of quilt's `series` file if it has one, else of their names."""

    def __init__(self, path: "Path") -> None:
        self.name = str(path)
        self._path = path

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:  # noqa: ARG002 the port's names
        """Yield one batch with the mails of all files."""
        files = self._files()
        if not files:
            raise InboxError(f"{self._path}: no files {', '.join(f'*{suffix}' for suffix in SUFFIXES)} in it")
        raw = [RawMail(str(file), NO_DATE, mail) for file in files for mail in split_mbox(_read(file))]
        yield Batch(self.name, self._path.name, "", tuple(read_as_mails(raw)))

    def size(self) -> int:
        """Return how many bytes the files have."""
        return sum(file.stat().st_size for file in self._files() if file.exists())

    def count(self, cursors: dict[str, str]) -> int:  # noqa: ARG002 the port's name
        """Return how many files there are."""
        return len(self._files())

    def _files(self) -> "list[Path]":
        try:
            named = [line.split() for line in (self._path / "series").read_text("utf-8", "replace").splitlines()]
            return [self._path / words[0] for words in named if words and not words[0].startswith("#")]
        except (FileNotFoundError, IsADirectoryError):
            return sorted(file for file in self._path.iterdir() if file.suffix in SUFFIXES and file.is_file())


def _read(file: "Path") -> bytes:
    try:
        if file.stat().st_size > MAX_UNPACKED:
            raise InboxError(f"{file}: larger than {MAX_UNPACKED:,} bytes")
        return plain_text(file.read_bytes())
    except OSError as error:
        raise InboxError(f"{file}: {error.strerror or error}") from error
    except ValueError as error:
        raise InboxError(f"{file}: {error}") from error


def _commits(text: bytes) -> Sequence[_Commit] | None:
    """Return the commits that the text shows, oldest first; None if it is a mail, or shows no diff.

    An archive of files and a page in HTML are no such texts, although they may have the lines of a diff.
    """
    line = text.partition(b"\n")[0]
    if (text.startswith(b"commit ") and _COMMIT.match(text)) or (
        text[:1] in _HEX_DIGITS and _ONE_LINE_COMMIT.match(text)
    ):
        commits = [commit for commit in _printed_by_git(text) if commit.diff]
        dates = [parse_date(commit.date.decode("utf-8", "replace")) for commit in commits]
        is_oldest_first = len(commits) > 1 and dates[0] is not None and dates[-1] is not None and dates[0] < dates[-1]
        return commits if is_oldest_first else commits[::-1]
    if line == b"# HG changeset patch":
        return [_exported_by_hg(part) for part in re.split(rb"^# HG changeset patch\n", text, flags=re.MULTILINE)[1:]]
    if _is_mail(text):
        return None
    diff = None if b"\0" in text[:_MAX_HEAD] or HTML.match(text) else _DIFF.search(text)
    if diff is None:
        return None
    # A patch of quilt, or a bare diff.
    message = _SUMMARY.sub(b"", text[: diff.start()]).rstrip().removesuffix(b"---")
    return [_Commit(b"", b"", message, text[diff.start() :])]


def _is_mail(text: bytes) -> bool:
    """Return whether a text begins with the header of a mail. Its first fields may have other names than ours.

    A description such as `rust: title` looks like a field too, so one known field is not enough below other fields.
    """
    if _begins_with_field(text) or text.startswith(b"From "):
        return True
    head = text.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0].splitlines()
    return sum(map(_begins_with_field, head)) > 1 and all(map(_OTHER_FIELD.match, head))


def _begins_with_field(text: bytes) -> bool:
    return text[:_MAX_FIELD].lower().startswith(_FIELDS)


def _printed_by_git(text: bytes) -> Iterator[_Commit]:
    whole = list(_COMMIT.finditer(text))
    marks = whole or list(_ONE_LINE_COMMIT.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        body = text[mark.end() : end]
        if not whole:
            decoration, is_decorated, title = mark[2].partition(b") ")
            yield _Commit(b"", b"", title if is_decorated and decoration.startswith(b"(") else mark[2], body)
            continue
        head, _, rest = body.partition(b"\n\n") if not body.startswith(b"\n") else (b"", b"", body)
        diff = _DIFF.search(rest)
        at = diff.start() if diff else len(rest)
        fields = {name: value.strip() for name, value in reversed(_COMMIT_FIELD.findall(head))}
        lines = [line[4:] for line in rest[:at].split(b"\n") if line.startswith(b"    ") or not line.strip()]
        yield _Commit(
            fields.get(b"Author", b""),
            fields.get(b"Date") or fields.get(b"AuthorDate", b""),
            b"\n".join(lines),
            rest[at:],
        )


def _exported_by_hg(part: bytes) -> _Commit:
    diff = _DIFF.search(part)
    at = diff.start() if diff else len(part)
    lines = part[:at].split(b"\n")
    fields = {match[1]: match[2].strip() for line in lines if (match := _HG_FIELD.match(line))}
    message = b"\n".join(line for line in lines if not line.startswith(b"# "))
    return _Commit(fields.get(b"User", b""), b"", message, part[at:])


def _unpacked(data: bytes) -> bytes:
    import zlib

    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(data, MAX_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"a damaged gzip file: {error}") from error
    if unpacker.unconsumed_tail:
        raise ValueError(f"larger than {MAX_UNPACKED:,} bytes when it is unpacked")
    if not unpacker.eof:
        raise ValueError("a gzip file that is cut off")
    return unpacked
