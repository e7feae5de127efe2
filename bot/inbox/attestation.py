# SPDX-License-Identifier: GPL-2.0-or-later
"""Verify a mail's signatures once, when it arrives: signatures expire, and keys are withdrawn.

DKIM is checked more strictly than by a mail server, because here it proves who the author is: the whole body and the
headers that the program reads must be signed, and each of these headers must stand there once. The only importer of
dkim and patatt.
"""

import binascii
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import dkim
import dns.exception
import dns.resolver
import patatt

from bot.inbox.error import InboxError
from bot.mail.attestation import KEY_KINDS, Attestation, SignatureResult
from bot.mail.command_reader import asked
from bot.mail.header import MAX_HEADERS
from bot.mail.message import Message
from bot.mail.mime import Text
from bot.mail.parse import parse
from rules.lazy import dataclass

MAX_SIGNATURES: Final = 6
MAX_RECORD: Final = 4096
SMALLEST_KEY: Final = 1024

_MUST_BE_SIGNED: Final = ("from", "subject", "date")
_ONLY_ONCE: Final = (*_MUST_BE_SIGNED, "message-id", "to", "cc", "in-reply-to", "references")
_DEVELOPER_SIGNATURE: Final = "x-developer-signature"
_SECONDS: Final = 2.0
_SILENT: Final = logging.getLogger("bot.inbox.attestation.dkim")
_SILENT.setLevel(logging.CRITICAL + 1)

# Maps a DNS name to the bytes of its TXT record, or to None if it has none. Raises InboxError if the DNS fails.
TextRecord = Callable[[str], bytes | None]

# What hostile signatures and damaged keys raise.
_UNREADABLE: Final = (patatt.Error, RuntimeError, OSError, ValueError, LookupError, TypeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Keys:
    """The sources of keys: the DNS for DKIM, and a directory of developers' keys (a patatt keyring), if configured.

    With `of_author_only`, the DNS is asked only for keys of the domain in From: a sender cannot choose a name server.
    """

    text_record: TextRecord
    keyring: Path | None = None
    of_author_only: bool = False


def attest(raw: bytes, keys: Keys) -> tuple[Attestation, ...]:
    """Return the result for each signature of the mail; none if the mail is unreadable or unsigned.

    Raises InboxError if the DNS does not answer; try the mail again later.
    """
    message = parse(raw)
    if not isinstance(message, Message):
        return ()
    return (*_dkim(message, keys), *_patatt(message, keys.keyring))


def resolve(name: str) -> bytes | None:
    """Return the TXT record of that name, from the machine's resolver."""
    try:
        answer = dns.resolver.resolve(name, "TXT", raise_on_no_answer=False, lifetime=_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
        return None
    except dns.exception.Timeout as error:  # its text has the exact time, which differs each time
        raise InboxError(f"DNS, {name}: no answer within {_SECONDS:g} s") from error
    except dns.exception.DNSException as error:
        raise InboxError(f"DNS, {name}: {type(error).__name__}: {error}") from error
    return next((b"".join(record.strings) for record in answer.rrset or ()), None)


def _dkim(message: Message, keys: Keys) -> list[Attestation]:
    count = min(_count(message, "dkim-signature"), MAX_SIGNATURES)
    return [_one_dkim(message, at, keys) for at in range(count)]


def _one_dkim(message: Message, at: int, keys: Keys) -> Attestation:
    key_record = b""

    def record(name: bytes, timeout: float = _SECONDS) -> bytes | None:  # noqa: ARG001 dkim's signature
        nonlocal key_record
        try:
            asked_name = name.decode("ascii")
        except UnicodeDecodeError:
            return None
        domain = asked_name.rpartition("._domainkey.")[2].removesuffix(".").lower()
        if keys.of_author_only and not _aligned(domain, message):
            return None
        value = keys.text_record(asked_name)
        key_record = value if value is not None and len(value) <= MAX_RECORD else b""
        return key_record or None

    signature = dkim.DKIM(message.raw, logger=_SILENT, minkey=SMALLEST_KEY)
    try:
        reason = "" if signature.verify(at, dnsfunc=record) else "the signature does not fit, or there is no key"
    # Hostile fields and keys raise more than dkim's own exceptions.
    except (dkim.DKIMException, binascii.Error, ValueError, LookupError, TypeError, ArithmeticError) as error:
        reason = str(error)[:200] or type(error).__name__
    domain = (signature.domain or b"").decode("ascii", "replace").lower()
    reason = reason or _weakness(signature.signature_fields, message)
    reason = reason or ("its key is only for tests" if _is_test_key(key_record) else "")
    verdict = SignatureResult.INVALID if reason else SignatureResult.VALID
    signed = _signed(signature.signature_fields)
    return Attestation("dkim", domain, verdict, _aligned(domain, message), reason, signed)


def _weakness(fields: dict[bytes, bytes], message: Message) -> str:
    """Return why a valid signature does not prove the author of what the program reads."""
    if b"l" in fields:
        return "signs only the beginning of the body"
    if fields[b"a"].lower() == b"rsa-sha1":
        return "signs with SHA-1"
    signed = _signed(fields)
    missing = [name for name in _MUST_BE_SIGNED if name not in signed]
    if missing:
        return f"does not sign {', '.join(missing)}"
    if len(message.headers) >= MAX_HEADERS:
        return f"{MAX_HEADERS:,} headers or more"  # Unsigned headers before the signed ones would be read first.
    repeated = [name for name in _ONLY_ONCE if _count(message, name) > 1]
    return f"{', '.join(repeated)}: more than once" if repeated else ""


def _is_test_key(record: bytes) -> bool:
    """Return whether the key is in test mode: its signatures count as none (RFC 6376, section 3.6.1, `t=y`)."""
    tags = dict(tag.split(b"=", 1) for tag in record.split(b";") if b"=" in tag)
    flags = next((value for name, value in tags.items() if name.strip() == b"t"), b"")
    return b"y" in {flag.strip().lower() for flag in flags.split(b":")}


def _signed(fields: dict[bytes, bytes]) -> frozenset[str]:
    return _names(fields.get(b"h", b""))


def _names(headers: bytes) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in headers.decode("ascii", "replace").split(":"))


def _patatt(message: Message, keyring: Path | None) -> list[Attestation]:
    if keyring is None or not 0 < _count(message, _DEVELOPER_SIGNATURE) <= MAX_SIGNATURES:
        return []
    try:
        mail = patatt.PatattMessage(message.raw)
        signatures = mail.get_sigs()
    except _UNREADABLE as error:
        return [Attestation("patatt", "", SignatureResult.INVALID, aligned=False, reason=str(error)[:200])]
    return [_one_patatt(message, mail, signature, keyring) for signature in signatures]


def _one_patatt(
    message: Message, mail: patatt.PatattMessage, signature: patatt.DevsigHeader, keyring: Path
) -> Attestation:
    """Verify a signature with the key that the keyring has for its identity; the user's own GnuPG keys do not count."""
    result, identity, signed, at, lines = SignatureResult.INVALID, "", frozenset[str](), None, None
    try:
        identity = signature.get_field_as_str("i") or ""
        key = _developer_key(signature, identity, keyring)
        if key is None:
            result, reason = SignatureResult.UNKNOWN, "the keyring has no key of this developer"
        else:
            mail.git_canonicalize()
            signature.set_headers(mail.canon_headers or [], "validate")
            signature.set_body(mail.canon_body or b"")
            _, time = signature.validate(key)
            at = datetime.fromtimestamp(int(time), UTC)
            signed = _names(signature.get_field_as_bytes("h") or b"")
            lines = _command_lines(mail.canon_body or b"")
            result, reason = SignatureResult.VALID, ""
    except _UNREADABLE as error:
        reason = str(error)[:200] or type(error).__name__
    author = message.author.key if message.author else ""
    aligned = bool(author) and identity.lower() == author and _count(message, "from") == 1
    return Attestation("patatt", identity, result, aligned, reason, signed, at, lines)


def _developer_key(signature: patatt.DevsigHeader, identity: str, keyring: Path) -> bytes | None:
    """Return the public key for the signature, or None if the keyring has none for this identity."""
    algorithm = (signature.get_field_as_str("a") or "").partition("-")[0]
    if algorithm not in KEY_KINDS:
        raise ValueError("unknown algorithm")
    if {"", ".", ".."} & set(identity.split("@", 1)):
        return None  # It would leave the folder of the identity.
    try:
        key, _ = patatt.get_public_key(str(keyring), algorithm, identity, signature.get_field_as_str("s") or "default")
    except KeyError:
        return None
    return bytes(key) or None  # With an empty key, patatt would use the user's own GnuPG keys.


def _command_lines(body: bytes) -> tuple[tuple[str, str], ...] | None:
    """Return the command lines of the signed text; None if they depend on whether its lines are flowed."""
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    plain, flowed = (tuple(asked(Text(text, is_flowed))) for is_flowed in (False, True))
    return plain if plain == flowed else None


def _aligned(domain: str, message: Message) -> bool:
    if message.author is None or "." not in domain or _count(message, "from") != 1:
        return False
    author = message.author.key.partition("@")[2]
    return author == domain or author.endswith(f".{domain}")


def _count(message: Message, name: str) -> int:
    return sum(1 for key, _ in message.headers if key.lower() == name)
