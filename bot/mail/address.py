# SPDX-License-Identifier: GPL-2.0-or-later
"""Mail addresses, read strictly: what is ambiguous is no address."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.mail.header import clean, decode_words

MAX_ADDRESSES: Final = 1000

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,127}"
_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_SPEC = re.compile(rf"{_LOCAL}@{_DOMAIN}")
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_COMMENT = r"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+\)"
_MAILBOX = re.compile(
    rf"(?P<phrase>(?:{_QUOTED}|{_COMMENT}|[^\"<>()@,;:\\])*+)<\s*+(?P<angle>{_LOCAL}@{_DOMAIN})\s*+>\s*+(?:{_COMMENT}\s*+)?(?=,|$)"
    rf"|\s*+(?P<bare>{_LOCAL}@{_DOMAIN})\s*+(?P<comment>{_COMMENT})?\s*+(?=,|$)",
    re.DOTALL,
)
_MARK = re.compile(r'[",;:\\()<>]')
_TOKEN = re.compile(rf"{_QUOTED}|{_COMMENT}|<[^<>,]*+>|[\",:;(]", re.DOTALL)
_PIECE = re.compile(rf"{_QUOTED}|{_COMMENT}|[^\"(]+", re.DOTALL)
_ADDRESS_LIKE = re.compile(r"(?<![^\s@<>()\"',;:])[^\s@<>()\"',;:]++@[^\s@<>()\"',;:]++")
_PLAIN: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,127}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A name, decoded and maybe empty, and an address as written (`local@domain`)."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """What two spellings of one address have in common: lower case."""
        return self.address.lower()


def is_plain(address: str) -> bool:
    """Whether it can stand in a header, in an envelope and on a command line and be nothing but an address."""
    return _PLAIN.fullmatch(address) is not None


def parse_address(value: str) -> Address | None:
    """The one mailbox that this header value is; None if it is none, several, a group, or a disguise."""
    found = _entries(value)
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=64)  # the mails of a thread carry the same long lists
def parse_addresses(value: str) -> tuple[Address, ...]:
    """The mailboxes of a list header. Groups and whatever is not plainly one mailbox yield nothing."""
    return tuple(entry for entry in _entries(value) if entry is not None)


def format_address(address: Address) -> str:
    """`name <local@domain>` for a header, quoted where RFC 5322 wants it, without controls. Non-ASCII names stay text.

    ValueError if the address is not of the form local@domain.
    """
    if not _SPEC.fullmatch(address.address):
        raise ValueError(f"not an address: {address.address!r}")
    name = clean(address.name).strip()
    if not name:
        return address.address
    if _MARK.search(name) or "@" in name or "[" in name or "]" in name or name.startswith((".", "=?")):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{address.address}>"


def _entries(value: str) -> list[Address | None]:
    """One item for each comma-separated entry of the value, None for the one that is not plainly a mailbox."""
    entries: list[Address | None] = []
    position = 0
    while position < len(value) and len(entries) < MAX_ADDRESSES:
        match = _MAILBOX.match(value, position)
        if match:
            entries.append(_mailbox(match))
            position = match.end() + 1
            continue
        end = _end_of_entry(value, position)
        if value[position:end].strip(" \t\r\n"):
            entries.append(None)
        position = end + 1
    return entries


def _mailbox(match: re.Match[str]) -> Address | None:
    address = match["angle"] or match["bare"]
    name = _decoded(_bare(match["phrase"]) if match["angle"] else (match["comment"] or "")[1:-1])
    if "@" not in name:
        return Address(name, address)
    # A name that reads as another address is there to be mistaken for it.
    same = all(each.lower() == address.lower() for each in _ADDRESS_LIKE.findall(name))
    return Address("", address) if same else None


def _bare(phrase: str) -> str:
    """The phrase without its quotes and comments."""
    if '"' not in phrase and "(" not in phrase:
        return phrase
    return "".join(_unquoted(piece[0]) for piece in _PIECE.finditer(phrase))


def _decoded(name: str) -> str:
    text = decode_words(name) if "=?" in name else name
    return " ".join(clean(text).split())[:200]


def _unquoted(piece: str) -> str:
    if piece.startswith('"'):
        return re.sub(r"\\(.)", r"\1", piece[1:-1])
    return " " if piece.startswith("(") else piece


def _end_of_entry(value: str, position: int) -> int:
    """Where the malformed entry or group that starts here ends: at a comma outside quotes, comments and groups."""
    group = False
    for token in _TOKEN.finditer(value, position):
        if token[0] in ('"', "("):  # never closed: nothing behind it can be trusted
            return len(value)
        if token[0] == ":":
            group = True
        elif token[0] == ";":
            group = False
        elif token[0] == "," and not group:
            return token.start()
    return len(value)
