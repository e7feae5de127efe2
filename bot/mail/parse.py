# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse the bytes of a mail. Any input is accepted within limits; nothing is raised.

Headers are read as the stdlib does with compat32: the newer policies raise on real mail. Bodies are split and
decoded here, because the stdlib's multipart parser recurses as deep and as often as the sender likes.
"""

from collections.abc import Callable
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Final

from bot.mail.address import Address, parse_address, parse_addresses
from bot.mail.header import MAX_HEADERS, Header, clean, decode_header
from bot.mail.message import Message, UnreadableMail
from bot.mail.mime import CONTENT_FIELDS, Text, TooComplex, read_body
from rules.lazy import re, replace

MAX_SIZE: Final = 4_000_000
TOO_LARGE: Final = f"larger than {MAX_SIZE:,} bytes"
"""Why a larger mail is not read."""
MAX_HEADER_SIZE: Final = 256_000
MAX_ENCODED_WORDS: Final = 2_000
MAX_ID: Final = 500
MAX_REFERENCES: Final = 200
NO_HEADER: Final = "no mail header"
SYNTHETIC: Final = "@no-message-id.invalid"

_DAYS: Final = ("Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,")
_MARKS_OF_TOP: Final = (b"\r", b"\n", b">")
_TOP = re.compile(rb"[\r\n]*+(?:>*+From [^\n]*+\n)?[\r\n]*+")
_ID = re.compile(r"<([^<>]+)>")
_PLAIN_ID = re.compile(rf"<([^<>\s]{{1,{MAX_ID}}})>")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DIGITS: Final = ((1, 4, 2, 2, 2, 2, 2), (2, 4, 2, 2, 2, 2, 2))
"""The numbers of digits of a usual date: day, year, hour, minute, second, hours and minutes of the zone."""
_LIST_ID = re.compile(r"<\s*([a-z0-9_+-]+(?:\.[a-z0-9_+-]+)+)\s*>\s*$")


def parse(raw: bytes, needs_recipients: Callable[[Message], bool] = lambda _: True) -> Message | UnreadableMail:
    """Parse a mail; UnreadableMail with the reason if it is too large, too deep or has no header.

    `needs_recipients` gets the mail without recipients. If it returns false, they stay empty: of most mails in an
    archive nobody needs them.
    """
    if len(raw) > MAX_SIZE:
        return _unreadable(TOO_LARGE, raw)
    has_top = raw[:1] in _MARKS_OF_TOP or raw.startswith(b"From ")
    start = top.end() if has_top and (top := _TOP.match(raw)) else 0
    end, body_start = _end_of_header(raw, start)
    block = raw[start:end].strip(b"\r\n")
    header = Header(block)
    problem = _too_much(header)
    if problem:
        return _unreadable(problem, raw)
    if not header:
        return _unreadable(NO_HEADER, raw)
    content = {name: values[0] for name in CONTENT_FIELDS if (values := header.values(name))}
    body = raw[body_start:]
    if header.rest:
        body = header.rest.encode("utf-8", "surrogateescape") + b"\n\n" + body
    text = read_body(content, body)
    if isinstance(text, TooComplex):
        return _unreadable(text.reason, raw)
    message = _message(header, text, raw)
    if not needs_recipients(message):
        return message
    return replace(message, to=_addresses(header, "to"), cc=_addresses(header, "cc"))


def _end_of_header(raw: bytes, start: int) -> tuple[int, int]:
    """Return the end of the header that begins at `start`, and the start of the body: the first blank line."""
    end = raw.find(b"\n\n", start)
    with_return = raw.find(b"\n\r\n", start, end + 1 if end >= 0 else len(raw))
    if with_return >= 0:
        return with_return, with_return + 3
    return (end, end + 2) if end >= 0 else (len(raw), len(raw))


def parse_date(value: str) -> datetime | None:
    """Parse the Date header's time in UTC. An impossible zone is taken as UTC; None if there is no such time.

    The last year of the calendar counts as none, so that a period can be added to each time.
    """
    if len(value) > 200:
        return None
    usual = _read_usual_date(value)
    if usual is not None:
        offset, time = usual
    else:
        from email.utils import parsedate_tz

        fields = parsedate_tz(value)
        if fields is None:
            return None
        offset, time = fields[9] or 0, fields[:6]
    try:
        moment = datetime(*time, tzinfo=UTC)
        if offset and abs(offset) <= 14 * 3600:
            moment -= timedelta(seconds=offset)
    except (ValueError, OverflowError):
        return None
    return moment if 1970 <= moment.year < MAXYEAR else None


def _read_usual_date(value: str) -> tuple[int, tuple[int, int, int, int, int, int]] | None:
    """Return the offset of the zone in seconds and the time of a date as git writes it, None for another form."""
    words = value.split(" ")
    if words[0] in _DAYS:
        del words[0]
    if len(words) == 6 and _is_zone_name(words[5]):
        del words[5]
    if len(words) != 5 or not value.isascii():
        return None
    day, month, year, clock, zone = words
    digits = (day, year, clock[:2], clock[3:5], clock[6:], zone[1:3], zone[3:])
    if not all(map(str.isdecimal, digits)) or tuple(map(len, digits)) not in _DIGITS:
        return None
    if month not in _MONTHS or year[0] not in "12" or not clock[2] == clock[5] == ":" or zone[0] not in "+-":
        return None
    numbers = list(map(int, digits))
    offset = (numbers[5] * 60 + numbers[6]) * (-60 if zone[0] == "-" else 60)
    return offset, (numbers[1], _MONTHS.index(month) + 1, numbers[0], numbers[2], numbers[3], numbers[4])


def _is_zone_name(word: str) -> bool:
    """Return whether the word is the name of a zone: three or four capital letters in parentheses."""
    name = word[1:-1]
    return word == f"({name})" and len(name) in (3, 4) and name.isalpha() and name.isupper()


def synthetic_id(raw: bytes) -> str:
    """Return a message-id for a mail that has none; the same bytes always get the same id."""
    import hashlib

    return f"{hashlib.sha256(raw).hexdigest()[:32]}{SYNTHETIC}"


def _too_much(header: Header) -> str:
    block = header.block
    if len(block) > MAX_HEADER_SIZE:
        return f"header larger than {MAX_HEADER_SIZE:,} bytes"
    if header.line_count > MAX_HEADERS * 4 + 1:
        return f"header of more than {MAX_HEADERS * 4:,} lines"
    # A search is faster than a count. Most mails have no question mark, or the first one near the end of the header.
    first = block.find(b"?")
    if 0 <= first < len(block) - 2 * MAX_ENCODED_WORDS and block.count(b"=?") > MAX_ENCODED_WORDS:
        return f"more than {MAX_ENCODED_WORDS:,} encoded words"
    return ""


def _message(header: Header, text: Text, raw: bytes) -> Message:
    """Return the mail without its recipients."""
    replied = _ids(_joined(header, "in-reply-to"))
    list_ids = (_LIST_ID.search(value.lower()) for value in header.values("list-id"))
    return Message(
        message_id=next(iter(_ids(_first(header, "message-id"))), "") or synthetic_id(raw),
        subject=decode_header(_first(header, "subject")),
        author=parse_address(_text(_joined(header, "from"))),
        to=(),
        cc=(),
        date=parse_date(clean(_first(header, "date"))),
        in_reply_to=replied[0] if replied else None,
        references=_shortened(tuple(dict.fromkeys(_ids(_joined(header, "references")) + replied))),
        list_ids=tuple(dict.fromkeys(match[1] for match in list_ids if match)),
        body=text.text,
        fields=header,
        flowed=text.flowed,
        raw=raw,
    )


def _first(header: Header, name: str) -> str:
    values = header.values(name)
    return values[0] if values else ""


def _joined(header: Header, name: str) -> str:
    return ", ".join(header.values(name))


def _addresses(header: Header, name: str) -> tuple[Address, ...]:
    return parse_addresses(_text(_joined(header, name)))


def _text(value: str) -> str:
    """Decode raw bytes in an address header before parsing, but not encoded words, which could hide a comma."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _ids(value: str) -> tuple[str, ...]:
    """Return the message-ids in a header value, without `<>` and white space."""
    if not value:
        return ()
    value = clean(_text(value))
    plain: list[str] = _PLAIN_ID.findall(value)
    if plain and len(plain) == value.count("<"):
        return tuple(plain)
    ids = ["".join(text.split()) for text in _ID.findall(value)]
    if not ids and "@" in value and " " not in value.strip():
        ids = [value.strip().strip("<>")]
    return tuple(text for text in ids if text and len(text) <= MAX_ID)


def _shortened(ids: tuple[str, ...]) -> tuple[str, ...]:
    """Shorten an overlong list of references to the root of the thread and the nearest ids."""
    return ids if len(ids) <= MAX_REFERENCES else (ids[0], *ids[1 - MAX_REFERENCES :])


def _unreadable(reason: str, raw: bytes) -> UnreadableMail:
    match = re.search(
        rb"^Message-ID:[ \t\r\n]*<([!-;=?-~]{1,500})>", raw[:MAX_HEADER_SIZE], re.IGNORECASE | re.MULTILINE
    )
    return UnreadableMail(reason, match[1].decode("ascii") if match else None, raw)
