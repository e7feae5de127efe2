# SPDX-License-Identifier: GPL-2.0-or-later
"""Verify a mail's signatures once, when it comes: they expire, and keys are withdrawn.

DKIM is judged more strictly than a mail server does, because here it stands for the author's word: the whole body and
the headers that the program reads must be signed, and each of these headers must stand there once. The only importer of
dkim and patatt.
"""

import binascii
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dkim
import dns.exception
import dns.resolver
import patatt

from bot.inbox.error import InboxError
from bot.mail.attestation import Attestation, SignatureResult
from bot.mail.message import Message
from bot.mail.parse import MAX_HEADERS, parse

MOST_SIGNATURES: Final = 6
LONGEST_RECORD: Final = 4096
SMALLEST_KEY: Final = 1024

_MUST_BE_SIGNED: Final = ("from", "subject", "date", "message-id")
_ONLY_ONCE: Final = (*_MUST_BE_SIGNED, "to", "cc", "in-reply-to", "references")
_DEVELOPER_SIGNATURE: Final = "x-developer-signature"
_SECONDS: Final = 2.0
_SILENT: Final = logging.getLogger("bot.inbox.attestation.dkim")
_SILENT.setLevel(logging.CRITICAL + 1)

# A name of the DNS → the bytes of its TXT record, None where there is none; InboxError where it cannot be known now.
TextRecord = Callable[[str], bytes | None]

_WORDS: Final = {
    patatt.RES_VALID: SignatureResult.VALID,
    patatt.RES_BADSIG: SignatureResult.INVALID,
    patatt.RES_ERROR: SignatureResult.INVALID,
    patatt.RES_NOKEY: SignatureResult.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Keys:
    """Where keys come from: the DNS for DKIM, a directory of developers' keys (a patatt keyring) if there is one."""

    text_record: TextRecord
    keyring: Path | None = None


def attest(raw: bytes, keys: Keys) -> tuple[Attestation, ...]:
    """What each signature of the mail is worth now; none for a mail that cannot be read or has no signature.

    Raises InboxError while the DNS does not answer: the mail is to be tried again.
    """
    message = parse(raw)
    if not isinstance(message, Message):
        return ()
    return (*_dkim(message, keys.text_record), *_patatt(message, keys.keyring))


def resolve(name: str) -> bytes | None:
    """The TXT record of that name, as the machine's resolver knows it."""
    try:
        answer = dns.resolver.resolve(name, "TXT", raise_on_no_answer=False, lifetime=_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
        return None
    except dns.exception.DNSException as error:
        raise InboxError(f"DNS, {name}: {type(error).__name__}: {error}") from error
    return next((b"".join(record.strings) for record in answer.rrset or ()), None)


def _dkim(message: Message, text_record: TextRecord) -> list[Attestation]:
    count = min(_count(message, "dkim-signature"), MOST_SIGNATURES)
    return [_one_dkim(message, at, text_record) for at in range(count)]


def _one_dkim(message: Message, at: int, text_record: TextRecord) -> Attestation:
    key_record = b""

    def record(name: bytes, timeout: float = _SECONDS) -> bytes | None:  # noqa: ARG001 dkim's signature
        nonlocal key_record
        try:
            found = text_record(name.decode("ascii"))
        except UnicodeDecodeError:
            return None
        key_record = found if found is not None and len(found) <= LONGEST_RECORD else b""
        return key_record or None

    signature = dkim.DKIM(message.raw, logger=_SILENT, minkey=SMALLEST_KEY)
    try:
        reason = "" if signature.verify(at, dnsfunc=record) else "the signature does not fit, or there is no key"
    # Not all that hostile fields and keys make of it is its own exception.
    except (dkim.DKIMException, binascii.Error, ValueError, LookupError, TypeError, ArithmeticError) as error:
        reason = str(error)[:200] or type(error).__name__
    domain = (signature.domain or b"").decode("ascii", "replace").lower()
    reason = reason or _weakness(signature.signature_fields, message)
    reason = reason or ("its key is only for tests" if _is_test_key(key_record) else "")
    verdict = SignatureResult.INVALID if reason else SignatureResult.VALID
    signed = _signed(signature.signature_fields)
    return Attestation("dkim", domain, verdict, _aligned(domain, message), reason, signed)


def _weakness(fields: dict[bytes, bytes], message: Message) -> str:
    """Why a signature that fits is not the author's word for what the program reads."""
    if b"l" in fields:
        return "signs only the beginning of the body"
    if fields[b"a"].lower() == b"rsa-sha1":
        return "signs with SHA-1"
    signed = _signed(fields)
    missing = [name for name in _MUST_BE_SIGNED if name not in signed]
    if missing:
        return f"does not sign {', '.join(missing)}"
    if len(message.headers) >= MAX_HEADERS:
        return f"{MAX_HEADERS:,} headers or more"  # behind these the signed ones may stand
    repeated = [name for name in _ONLY_ONCE if _count(message, name) > 1]
    return f"{', '.join(repeated)}: more than once" if repeated else ""


def _is_test_key(record: bytes) -> bool:
    """Whether the key's owner says that its signatures count as none (RFC 6376, section 3.6.1, `t=y`)."""
    tags = dict(tag.split(b"=", 1) for tag in record.split(b";") if b"=" in tag)
    flags = next((value for name, value in tags.items() if name.strip() == b"t"), b"")
    return b"y" in {flag.strip().lower() for flag in flags.split(b":")}


def _signed(fields: dict[bytes, bytes]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in fields.get(b"h", b"").decode("ascii", "replace").split(":"))


def _patatt(message: Message, keyring: Path | None) -> list[Attestation]:
    if keyring is None or not 0 < _count(message, _DEVELOPER_SIGNATURE) <= MOST_SIGNATURES:
        return []
    try:
        found = patatt.validate_message(message.raw, [str(keyring)])
    except (patatt.Error, RuntimeError, OSError, ValueError, LookupError, TypeError) as error:
        return [Attestation("patatt", "", SignatureResult.INVALID, aligned=False, reason=str(error)[:200])]
    made = []
    for code, identity, _, key, _, errors in found:
        # Without a key of the keyring patatt asks the operator's own: those are not meant here.
        trusted = key is not None and not key.startswith("(default keyring)")
        verdict = (
            _WORDS.get(code, SignatureResult.UNKNOWN)
            if trusted or code != patatt.RES_VALID
            else SignatureResult.UNKNOWN
        )
        author = message.author.key if message.author else ""
        aligned = bool(author) and (identity or "").lower() == author and _count(message, "from") == 1
        made.append(Attestation("patatt", identity or "", verdict, aligned, "; ".join(errors)[:200]))
    return made


def _aligned(domain: str, message: Message) -> bool:
    if message.author is None or "." not in domain or _count(message, "from") != 1:
        return False
    author = message.author.key.partition("@")[2]
    return author == domain or author.endswith(f".{domain}")


def _count(message: Message, name: str) -> int:
    return sum(1 for key, _ in message.headers if key.lower() == name)
