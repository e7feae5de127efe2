# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse mail addresses strictly: ambiguous text is not an address."""

from functools import lru_cache
from typing import Final

from bot.mail.header import clean, decode_words
from rules.lazy import dataclass, re

MAX_ADDRESSES: Final = 1000

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,127}"
_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_ALPHANUMERIC: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_LOCAL_CHARACTERS: Final = _ALPHANUMERIC | frozenset("!#$%&'*+/=?^_`{|}~.-")
_DOMAIN_CHARACTERS: Final = _ALPHANUMERIC | frozenset(".-")
_MAX_LOCAL: Final = 128
_MAX_DOMAIN: Final = 253
_SPEC = re.compile(rf"{_LOCAL}@{_DOMAIN}")
_QUOTED = r'"(?>[^"\\]|\\.)*+"'
_COMMENT = r"\((?>[^()\\]|\\.|\((?>[^()\\]|\\.)*+\))*+\)"
_MAILBOX = re.compile(
    rf"(?P<phrase>(?>{_QUOTED}|{_COMMENT}|[^\"<>()@,;:\\])*+)<\s*+(?P<angle>{_LOCAL}@{_DOMAIN})\s*+>\s*+(?:{_COMMENT}\s*+)?(?=,|$)"
    rf"|\s*+(?P<bare>{_LOCAL}@{_DOMAIN})\s*+(?P<comment>{_COMMENT})?\s*+(?=,|$)",
    re.DOTALL,
)
_MARK = re.compile(r'[",;:\\()<>]')
_SPECIAL: Final = frozenset('";:\\()')  # the marks that are not in a list of usual mailboxes
_TOKEN = re.compile(rf"{_QUOTED}|{_COMMENT}|<[^<>,]*+>|[\",:;(]", re.DOTALL)
_PIECE = re.compile(rf"{_QUOTED}|{_COMMENT}|[^\"(]+", re.DOTALL)
_ADDRESS_LIKE = re.compile(r"(?<![^\s@<>()\"',;:])[^\s@<>()\"',;:]++@[^\s@<>()\"',;:]++")
_PLAIN: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,127}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: a decoded name, maybe empty, and an address as written (`local@domain`)."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """The address in lower case, for comparisons."""
        return self.address.lower()


NOBODY: Final = Address("nobody", "nobody@diff.invalid")
"""The author of a patch that names none."""


def is_plain(address: str) -> bool:
    """Return whether the text is safe as an address in a header, in an envelope and on a command line."""
    return _PLAIN.fullmatch(address) is not None


@lru_cache(maxsize=64)  # The mails of a thread have few authors.
def parse_address(value: str) -> Address | None:
    """Parse a header value that is one mailbox; None if it is none, several, a group, or misleading."""
    mailboxes = parse_mailboxes(value)
    return mailboxes[0] if len(mailboxes) == 1 else None


def parse_mailboxes(value: str) -> tuple[Address, ...]:
    """Parse a header value that is a list of mailboxes; empty if it has another entry: a group, or a misleading one."""
    entries = _entries(value)
    mailboxes = tuple(entry for entry in entries if entry is not None)
    return mailboxes if len(mailboxes) == len(entries) else ()


@lru_cache(maxsize=64)  # The mails of a thread have the same long lists.
def parse_addresses(value: str) -> tuple[Address, ...]:
    """Parse the mailboxes of a list header. Groups and ambiguous entries are left out."""
    return tuple(entry for entry in _entries(value) if entry is not None)


def format_address(address: Address) -> str:
    """Format `name <local@domain>` for a header, quoted as RFC 5322 requires, without controls.

    Non-ASCII names stay text.

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
    """Return an item for each comma-separated entry of the value: None if the entry is not plainly a mailbox."""
    usual = _read_usual(value)
    if usual is not None:
        return [*usual]
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


def _read_usual(value: str) -> list[Address | None] | None:
    """Return the mailboxes of a value if each is `name <local@domain>` or `local@domain`; None for any other value.

    Most values are like that, and the expression for all others takes longer to compile than a mail to parse.
    """
    entries = value.split(",") if _SPECIAL.isdisjoint(value) else ()
    if not 0 < len(entries) <= MAX_ADDRESSES:
        return None
    mailboxes: list[Address | None] = []
    for entry in entries:
        phrase, bracket, rest = entry.partition("<")
        rest, closing, end = rest.partition(">")
        if bracket and (not closing or end.strip() or "@" in phrase or ">" in phrase):
            return None
        address = (rest if bracket else phrase).strip()
        if not _is_usual(address):
            return None
        mailboxes.append(_named(phrase if bracket else "", address))
    return mailboxes


def _is_usual(address: str) -> bool:
    """Return whether the text is what `_SPEC` describes."""
    local, _, domain = address.partition("@")
    return (
        0 < len(local) <= _MAX_LOCAL
        and 0 < len(domain) <= _MAX_DOMAIN
        and local[0] != "."
        and domain[0] in _ALPHANUMERIC
        and domain[-1] in _ALPHANUMERIC
        and _LOCAL_CHARACTERS.issuperset(local)
        and _DOMAIN_CHARACTERS.issuperset(domain)
    )


def _mailbox(match: re.Match[str]) -> Address | None:
    address = match["angle"] or match["bare"]
    return _named(_bare(match["phrase"]) if match["angle"] else (match["comment"] or "")[1:-1], address)


def _named(phrase: str, address: str) -> Address | None:
    """Return the address with the name that a phrase has, without it if it is the address; None if it misleads."""
    name = _decoded(phrase)
    if "@" not in name:
        return Address(name, address)
    # A name that reads as another address is a deception.
    same = all(other.lower() == address.lower() for other in _ADDRESS_LIKE.findall(name))
    return Address("", address) if same else None


def _bare(phrase: str) -> str:
    """Return the phrase without its quotes and comments."""
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
    """Return the end of a malformed entry or group: the next comma outside quotes, comments and groups."""
    group = False
    for token in _TOKEN.finditer(value, position):
        if token[0] in ('"', "("):  # It is never closed, so nothing after it can be trusted.
            return len(value)
        if token[0] == ":":
            group = True
        elif token[0] == ";":
            group = False
        elif token[0] == "," and not group:
            return token.start()
    return len(value)
