# SPDX-License-Identifier: GPL-2.0-or-later
"""Determine who certainly wrote a mail, and which commands that person may give."""

import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.mail.address import Address
from bot.mail.attestation import Attestation
from bot.mail.bots import is_automatic
from bot.mail.command import Command, Mute, Scope
from bot.mail.command_reader import asked, command_lines, one_time_token, own_text
from bot.mail.header import MAX_HEADERS
from bot.mail.message import Message
from bot.mail.mime import Text, multipart_boundary
from bot.mail.one_time_token import SERIES_DIGITS, OneTimeToken
from rules.lazy import dataclass, field, re

OLDEST: Final = timedelta(days=7)
MUST_BE_SIGNED: Final = frozenset({"from", "to", "subject", "date"})

_AHEAD: Final = timedelta(hours=1)  # Clocks differ.
_ONLY_ONCE: Final = (
    *("date", "from", "message-id", "subject", "to"),
    *("content-type", "content-transfer-encoding", "mime-version"),
)
_FRAMING: Final = frozenset({"content-type", "content-transfer-encoding"})
_HEADER_LINE = re.compile(rb"[!-9;-~]+:[^\r\n\0]*|[ \t][^\r\n\0]*")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Unproven:
    """The reason why the author of a mail is not proven."""

    reason: str


@dataclass(frozen=True, slots=True)
class ProvenSender:
    """The person who wrote a mail, and the keys under which the mail is used up: if one was used before, it is a copy.

    A copy that somebody changed has at least one key of the original, as long as a signature proves its sender. The
    first key names the mail. `proofs` are the kinds of the sufficient signatures.
    """

    address: Address
    keys: tuple[str, ...]
    proofs: tuple[str, ...] = ()


class Role(StrEnum):
    """The role of a person for a series.

    `author` sent it; `owner` keeps files that it touches, by MAINTAINERS; `maintainer` is named in the settings, for a
    list that it went to or for all.
    """

    AUTHOR = "author"
    OWNER = "owner"
    MAINTAINER = "maintainer"


@dataclass(frozen=True, slots=True)
class Parties:
    """The addresses, in lower case, of the people who may give commands about a series.

    `maintainers` are those of all lists, `of_lists` those of single lists that the series is on.
    """

    author: str
    owners: frozenset[str] = frozenset()
    maintainers: frozenset[str] = frozenset()
    of_lists: Mapping[str, frozenset[str]] = field(default_factory=dict)


def proven_sender(message: Message, attestations: Iterable[Attestation], now: datetime) -> ProvenSender | Unproven:
    """Return the person who recently wrote this mail, proven by a signature over all that we read.

    The signature is of their domain (DKIM), or their own (patatt) over a text with a one-time token. From alone proves
    nothing, nor does an Authentication-Results header, which anybody can write.
    """
    sender = plausible_sender(message, now)
    if isinstance(sender, Unproven):
        return sender
    proofs, reasons = [], []
    for attestation in attestations:
        is_dkim = attestation.kind == "dkim"
        reason = _weakness(message, attestation) if is_dkim else _developer_weakness(message, attestation, now)
        if reason:
            reasons.append(reason)
        else:
            proofs.append(attestation)
    if not proofs:
        return Unproven("; ".join(dict.fromkeys(reasons)) or "no signature")
    kinds = dict.fromkeys(proof.kind for proof in proofs)
    return ProvenSender(sender, tuple(_keys(message, sender, proofs)), tuple(kinds))


def plausible_sender(message: Message, now: datetime) -> Address | Unproven:
    """Return the claimed author of the mail, if it is one person, recent, and unambiguous for every reader."""
    if message.author is None:
        return Unproven("From is not exactly one mailbox")
    if is_automatic(message):
        return Unproven("a machine wrote it")
    if message.date is None or not -_AHEAD <= now - message.date <= OLDEST:
        return Unproven(f"its Date is not of the last {OLDEST.days} days")
    names = [name.lower() for name, _ in message.headers]
    repeated = [name for name in _ONLY_ONCE if names.count(name) > 1]
    if repeated:
        return Unproven(f"{', '.join(repeated)}: more than once")
    if len(message.headers) >= MAX_HEADERS or not _plain_header(message.raw):
        return Unproven("its header can be read in two ways")
    return message.author


def parties_roles(sender: Address, parties: Parties) -> frozenset[Role]:
    """Return the roles of the sender for the series; empty for a stranger. Addresses must match exactly."""
    known = (
        (Role.AUTHOR, {parties.author}),
        (Role.OWNER, parties.owners),
        (Role.MAINTAINER, parties.maintainers.union(*parties.of_lists.values())),
    )
    return frozenset(role for role, addresses in known if sender.key in addresses)


def maintained_lists(sender: Address, parties: Parties, lists: Iterable[str]) -> tuple[str, ...]:
    """Return those of the lists, in lower case, that the sender maintains by the settings."""
    names = dict.fromkeys(name.lower() for name in lists)
    if sender.key in parties.maintainers:
        return tuple(names)
    return tuple(name for name in names if sender.key in parties.of_lists.get(name, ()))


def may(roles: frozenset[Role], command: Command) -> bool:
    """Return whether a person with these roles may give the command.

    Authors may give commands about their own series and themselves, owners about the series, configured maintainers
    about a list. To undo a mute, to publish and to resend are possible on the command line only.
    """
    if isinstance(command, Mute) and command.scope is Scope.LIST:
        return Role.MAINTAINER in roles
    if isinstance(command, Mute) and command.scope is Scope.AUTHOR:
        return bool(roles & {Role.AUTHOR, Role.MAINTAINER})
    return bool(roles)


def reply_address(own: str, secret: bytes, topic: str) -> str:
    """Return the address for replies about all revisions of a series: `local+TOKEN@domain`, made with our key."""
    local, _, domain = own.rpartition("@")
    return f"{local}+{_token(secret, topic)}@{domain}"


def is_for_us(message: Message, own: str) -> bool:
    """Return whether To, which the sender signs, has our address with some token."""
    local, _, domain = own.lower().rpartition("@")
    return any(key.startswith(f"{local}+") and key.endswith(f"@{domain}") for key in _to(message))


def names_series(message: Message, own: str, secret: bytes, topic: str) -> bool:
    """Return whether To has our address with the series' token: a mail cannot be replayed for another series."""
    wanted = reply_address(own.lower(), secret, topic).encode("ascii", "replace")
    return any(hmac.compare_digest(key.encode("utf-8", "replace"), wanted) for key in _to(message))


def token_names_series(token: OneTimeToken, secret: bytes, topic: str) -> bool:
    """Return whether a one-time token is of this series."""
    return hmac.compare_digest(token.series, _token(secret, topic))


def _to(message: Message) -> list[str]:
    return [address.key for address in message.to]


def _token(secret: bytes, topic: str) -> str:
    # Lower-case letters that survive any mail system; 96 bits.
    named = b"series\0" + topic.encode("utf-8", "surrogateescape")
    return hmac.new(secret, named, hashlib.sha256).hexdigest()[:SERIES_DIGITS]


def _plain_header(raw: bytes) -> bool:
    """Return whether every parser reads the same header: no stray controls, only fields and continuation lines."""
    blank = _BLANK_LINE.search(raw)
    lines = re.split(rb"\r?\n", raw[: blank.start()] if blank else raw)
    return all(_HEADER_LINE.fullmatch(line) for line in lines) and not lines[0][:1].isspace()


def _weakness(message: Message, signature: Attestation) -> str:
    """Return why the signature does not prove the author of what we read, or ""."""
    if not signature.proves_author:
        return signature.reason or f"{signature.identity} did not sign for the author"
    if missing := sorted(MUST_BE_SIGNED - signature.signed):
        return f"does not sign {', '.join(missing)}"
    if not signature.signed >= _FRAMING and not _same_however_framed(message):
        return "does not sign how its body is to be read"
    return ""


def _developer_weakness(message: Message, signature: Attestation, now: datetime) -> str:
    """Return why a developer signature does not prove the author of what we read, or "".

    It covers From, Subject and the text as git reads it. So the token in the text names the series, its own time
    replaces Date, and the text that it covers must have the commands that we read.
    """
    if not signature.proves_author:
        return signature.reason or f"no valid signature of the author by {signature.identity or 'anybody'}"
    if one_time_token(message) is None:
        return "a developer signature needs a one-time token in the text"
    if signature.signed_at is None or not -_AHEAD <= now - signature.signed_at <= OLDEST:
        return f"not signed in the last {OLDEST.days} days"
    if signature.command_lines is None or list(signature.command_lines) != command_lines(message):
        return "the signed text has other commands"
    return ""


def _keys(message: Message, sender: Address, proofs: Iterable[Attestation]) -> Iterator[str]:
    """Yield the keys of a mail whose sender these signatures prove."""
    signed = [proof.signed for proof in proofs if proof.kind == "dkim"]
    if any("message-id" in names for names in signed):
        yield message.message_id
    if signed:
        yield _content_key(message)
    if token := one_time_token(message):
        yield token.key(sender)


def _content_key(message: Message) -> str:
    """Return a hash of the text and of the headers that every DKIM signature here covers, without white space.

    DKIM tolerates only changes of white space. So all copies of a mail have this key, whatever else is changed.
    """
    blank = _BLANK_LINE.search(message.raw)
    headers = {name.lower(): value.encode("utf-8", "surrogateescape") for name, value in message.headers}
    signed = [headers.get(name, b"") for name in sorted(MUST_BE_SIGNED)]
    parts = [*signed, message.raw[blank.end() :] if blank else b""]
    return f"dkim {hashlib.sha256(bytes(1).join(b''.join(part.split()) for part in parts)).hexdigest()}"


def _same_however_framed(message: Message) -> bool:
    """Return whether the commands are the same under another Content-Type or transfer encoding.

    Those headers are seldom signed, and can be taken away as well. A person who changes them in somebody else's mail
    could make a quoted line a line of its own, or another part the first: so the commands must stand in the bytes as
    they are, and a multipart must begin with the boundary that it announces.
    """
    text = own_text(message)
    blank = _BLANK_LINE.search(message.raw)
    if text is None or blank is None:
        return text is None
    body = message.raw[blank.end() :].lstrip(b"\r\n")
    lines = {line.rstrip() for line in body.splitlines() if line.startswith(b"--")}
    content_type = next((value for name, value in message.headers if name.lower() == "content-type"), "")
    boundary = multipart_boundary(content_type)
    if boundary is not None:
        return body.partition(b"\n")[0].rstrip() == b"--" + boundary.encode("utf-8", "surrogateescape")
    if body.startswith(b"--") or any(line + b"--" in lines for line in lines if line != b"--"):
        return False  # It may be a multipart whose Content-Type was changed.
    readings = (data.decode("utf-8", "replace").replace("\r\n", "\n") for data in (body, binascii.a2b_qp(body)))
    wanted = asked(text)
    return all(asked(Text(reading, flowed)) == wanted for reading in readings for flowed in (False, True))
