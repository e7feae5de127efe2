# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails signed with keys that are made here, by domains and by developers, and the DNS that knows the former."""

import base64
import hashlib
import random
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import dkim
import patatt
import pytest
import time_machine
from nacl.encoding import Base64Encoder
from nacl.signing import SigningKey

SIGNED = (b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references")
_KEY = SigningKey(b"patchwarden's key for tests only")


@dataclass
class Dns:
    """TXT records by name; every domain of `domains` has the same key at selector "key"."""

    domains: Sequence[str] = ()
    more: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> bytes | None:
        self.asked.append(name)
        public = b"v=DKIM1; k=ed25519; p=" + _KEY.verify_key.encode(Base64Encoder)
        known = {f"key._domainkey.{domain}.": public for domain in self.domains}
        return (known | self.more).get(name)


class _Signer(dkim.DKIM):  # type: ignore[misc]  # the library has no types
    """Signs as it is told, also what no honest signer would."""

    extra: tuple[tuple[bytes, bytes], ...] = ()
    unsigned: frozenset[bytes] = frozenset()

    def gen_header(self, fields: Any, include: Any, canon: Any, name: Any, key: Any, standardize: bool = False) -> Any:
        include = tuple(header for header in include if header not in self.unsigned)
        fields = [(tag, b" : ".join(include) if tag == b"h" else value) for tag, value in fields]
        fields[-2:-2] = self.extra
        return super().gen_header(fields, include, canon, name, key, standardize)


def signed(
    mail: bytes,
    when: datetime,
    domain: str = "example.org",
    *,
    headers: Sequence[bytes] = SIGNED,
    without: Sequence[bytes] = (),
    extra: Sequence[tuple[bytes, bytes]] = (),
    length: bool = False,
    canonicalize: tuple[bytes, bytes] = (b"relaxed", b"simple"),
    rsa: tuple[bytes, bytes] | None = None,
    selector: bytes = b"key",
) -> bytes:
    """The mail below a DKIM-Signature; `without` are headers that it leaves out, `rsa` an algorithm and a PEM key."""
    algorithm, key = rsa or (b"ed25519-sha256", _KEY.encode(Base64Encoder))
    with time_machine.travel(when, tick=False):
        signer = _Signer(mail, signature_algorithm=algorithm, linesep=b"\n")
        signer.extra, signer.unsigned = tuple(extra), frozenset(without)
        how = {"include_headers": list(headers), "length": length, "canonicalize": canonicalize}
        line = signer.sign(selector, domain.encode(), key, **how)
    return bytes(line).replace(b"\r\n", b"\n") + mail


@cache
def rsa_key(bits: int) -> tuple[bytes, bytes]:
    """A key pair as PEM and as the p= of a TXT record; the same for ever, and of no use elsewhere."""
    generator = random.Random(bits)
    while True:
        p, q = _prime(bits // 2, generator), _prime(bits // 2, generator)
        if p != q and (p - 1) % 65537 and (q - 1) % 65537:
            break
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = (0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    private = _der(0x30, b"".join(map(_integer, numbers)))
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n" + base64.encodebytes(private) + b"-----END RSA PRIVATE KEY-----\n"
    public = _der(0x30, _integer(p * q) + _integer(65537))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return pem, base64.b64encode(_der(0x30, algorithm + _der(0x03, b"\0" + public)))


def _prime(bits: int, generator: random.Random) -> int:
    while True:
        candidate = generator.getrandbits(bits) | (3 << (bits - 2)) | 1
        if all(candidate % small for small in (3, 5, 7, 11, 13, 17, 19, 23)) and all(
            pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5, 7)
        ):
            return candidate


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x80 | 2]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


@dataclass
class Developer:
    """A developer with a key of their own, which signs mails as `patatt sign` does.

    `keyring` is a folder in which `publish` stores the public key.
    """

    identity: str
    folder: Path
    algorithm: str = "ed25519"
    _secret: str | bytes = field(init=False)
    public: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        makers: dict[str, Callable[[], tuple[str | bytes, bytes]]] = {
            "ed25519": self._make_ed25519,
            "openpgp": self._make_openpgp,
            "openssh": self._make_openssh,
        }
        self._secret, self.public = makers[self.algorithm]()

    def publish(self, keyring: Path) -> Path:
        """Store the public key in the keyring, and return it."""
        local, _, domain = self.identity.partition("@")
        path = keyring / self.algorithm / domain / local / "default"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.public)
        return keyring

    def sign(self, mail: bytes, when: datetime, identity: str = "") -> bytes:
        """The mail with its signature. Only GnuPG ignores `when`: it has a clock of its own."""
        message = patatt.PatattMessage(mail)
        with time_machine.travel(when, tick=False), self._gnupg():
            message.sign(self.algorithm, self._secret, identity or self.identity, None)
        return bytes(message.as_bytes())

    @contextmanager
    def _gnupg(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("GNUPGHOME", str(self.folder))
            yield

    def _make_ed25519(self) -> tuple[bytes, bytes]:
        key = SigningKey(hashlib.sha256(str(self.folder).encode()).digest())
        return base64.b64encode(bytes(key)), key.verify_key.encode(Base64Encoder)

    def _make_openssh(self) -> tuple[str, bytes]:
        key = self.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        return str(key), key.with_suffix(".pub").read_bytes()

    def _make_openpgp(self) -> tuple[str, bytes]:
        self.folder.chmod(0o700)
        gpg = ["gpg", "--batch", "--quiet", "--homedir", str(self.folder)]
        make = ["--passphrase", "", "--quick-generate-key", self.identity, "ed25519", "sign", "never"]
        subprocess.run([*gpg, *make], check=True, capture_output=True)
        public = subprocess.run([*gpg, "--export", self.identity], check=True, capture_output=True).stdout
        return self.identity, public

    def stop(self) -> None:
        """End the agent that GnuPG started for the key."""
        if self.algorithm == "openpgp":
            subprocess.run(["gpgconf", "--homedir", str(self.folder), "--kill", "all"], check=True)
