# SPDX-License-Identifier: GPL-2.0-or-later
import base64
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import dkim
import dns.resolver
import patatt
import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.encoding import Base64Encoder
from nacl.signing import SigningKey

from bot.inbox.attestation import Keys, attest, resolve
from bot.inbox.error import InboxError
from bot.mail.attestation import Attestation, SignatureResult
from tests.fakes.signing import Developer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = SigningKey(b"7" * 32)
PUBLIC = KEY.verify_key.encode(Base64Encoder)
MAIL = b"""\
From: An Author <author@example.org>
To: list@lists.example.org
Subject: [PATCH] rust: a change
Date: Sun, 01 Mar 2026 11:59:00 +0000
Message-ID: <1@example.org>

text

diff --git a/x b/x
"""
HEADERS = [b"from", b"to", b"subject", b"date", b"message-id"]
Sign = Callable[..., bytes]


FRONT = b"Subject: other\n"


def record(name: str) -> bytes | None:
    return {
        "key._domainkey.example.org.": b"v=DKIM1; k=ed25519; p=" + PUBLIC,
        "revoked._domainkey.example.org.": b"v=DKIM1; k=ed25519; p=",
        "huge._domainkey.example.org.": b"v=DKIM1; k=rsa; p=" + b"A" * 5000,
        "odd._domainkey.example.org.": b"v=DKIM1; k=rsa; p=%%%",
        "test._domainkey.example.org.": b"v=DKIM1; k=ed25519; t = s : Y ; p=" + PUBLIC,
        "strict._domainkey.example.org.": b"v=DKIM1; k=ed25519; t=s; p=" + PUBLIC,
        "key._domainkey.elsewhere.example.com.": b"v=DKIM1; k=ed25519; p=" + PUBLIC,
    }.get(name)


def signed(
    mail: bytes = MAIL,
    domain: bytes = b"example.org",
    selector: bytes = b"key",
    headers: list[bytes] | None = None,
    **options: object,
) -> bytes:
    with time_machine.travel(NOW, tick=False):
        signer = dkim.DKIM(mail, signature_algorithm=b"ed25519-sha256", linesep=b"\n")
        line = signer.sign(selector, domain, KEY.encode(Base64Encoder), include_headers=headers or HEADERS, **options)
    return bytes(line).replace(b"\r\n", b"\n") + mail


def verdict(raw: bytes, now: datetime = NOW) -> Attestation:
    with time_machine.travel(now, tick=False):
        (attestation,) = attest(raw, Keys(record))
    return attestation


def test_a_mail_signed_by_its_authors_domain_is_proved() -> None:
    attestation = verdict(signed())

    assert attestation == Attestation("dkim", "example.org", SignatureResult.VALID, aligned=True)
    assert attestation.proves_author


def test_an_author_below_the_signing_domain_is_proved() -> None:
    assert verdict(signed(MAIL.replace(b"author@example.org", b"author@sub.example.org"))).proves_author


def test_a_key_that_is_for_one_domain_alone_proves_the_author() -> None:
    assert verdict(signed(selector=b"strict")).proves_author


def test_another_domain_proves_nothing_about_the_author() -> None:
    attestation = verdict(signed(domain=b"elsewhere.example.com"))

    assert (attestation.verdict, attestation.aligned, attestation.proves_author) == (
        SignatureResult.VALID,
        False,
        False,
    )


def test_a_domain_that_only_ends_alike_is_not_above_the_author() -> None:
    assert not verdict(signed(MAIL.replace(b"author@example.org", b"author@myexample.org"))).proves_author


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(lambda: signed().replace(b"text\n", b"TEXT\n"), "body hash mismatch", id="changed body"),
        pytest.param(lambda: signed().replace(b"a change", b"b change"), "does not fit", id="changed subject"),
        pytest.param(lambda: signed(length=True), "only the beginning", id="partly signed body"),
        pytest.param(lambda: signed(headers=[b"from"]), "does not sign subject, date", id="unsigned headers"),
        pytest.param(lambda: b"Subject: other\n" + signed(), "subject: more than once", id="second subject"),
        pytest.param(lambda: b"From: evil@example.com\n" + signed(), "does not fit", id="second sender"),
        pytest.param(lambda: signed(selector=b"revoked"), "", id="revoked key"),
        pytest.param(lambda: signed(selector=b"nowhere"), "", id="no key"),
        pytest.param(lambda: signed(selector=b"test"), "its key is only for tests", id="key in test mode"),
        pytest.param(
            lambda: FRONT + signed().removesuffix(MAIL) + b"X: y\n" * 1000 + MAIL, "1,000 headers", id="behind others"
        ),
        pytest.param(lambda: signed(selector=b"huge"), "", id="record too long"),
        pytest.param(lambda: signed(selector=b"odd"), "", id="no key in the record"),
        pytest.param(lambda: signed().replace(b"v=1;", b"v=1; x=1772000000;"), "x= value is past", id="expired"),
        pytest.param(lambda: signed().replace(b"v=1;", b"v=1; x=%s;" % (b"9" * 5000)), "", id="absurd expiry"),
        pytest.param(
            lambda: signed().replace(b"ed25519-sha256", b"rot13"), "unknown signature algorithm", id="algorithm"
        ),
        pytest.param(
            lambda: b"DKIM-Signature: v=1; i=x; d=longer.example.org\n" + MAIL, "missing", id="fields missing"
        ),
        pytest.param(lambda: b"DKIM-Signature: \xff\xfe;;;=;\n" + MAIL, "", id="no fields"),
    ],
)
def test_what_is_not_the_authors_word_is_invalid_and_says_why(raw: Callable[[], bytes], reason: str) -> None:
    attestation = verdict(raw())

    assert attestation.verdict is SignatureResult.INVALID
    assert reason in attestation.reason
    assert attestation.reason


def test_a_signature_is_verified_while_it_lasts() -> None:
    with_expiry = signed()
    until = int((NOW + timedelta(days=7)).timestamp())
    mail = with_expiry.replace(b"v=1;", b"v=1; x=%d;" % until)

    # The expiry is part of what is signed: adding one breaks the signature, which is looked at only while it lasts.
    assert "does not fit" in verdict(mail).reason
    assert "x= value is past" in verdict(mail, NOW + timedelta(days=8)).reason


def test_many_signatures_are_not_all_verified() -> None:
    asked: list[str] = []

    def count(name: str) -> bytes | None:
        asked.append(name)
        return None

    line = signed().partition(b"From:")[0]

    assert (len(attest(line * 500 + MAIL, Keys(count))), len(asked)) == (6, 6)


def test_a_dns_that_does_not_answer_is_no_verdict() -> None:
    def silent(name: str) -> bytes | None:
        raise InboxError(f"DNS, {name}: timeout")

    with time_machine.travel(NOW, tick=False), pytest.raises(InboxError, match="timeout"):
        attest(signed(), Keys(silent))


def test_an_unsigned_mail_has_no_attestations() -> None:
    assert attest(MAIL, Keys(record)) == ()


@pytest.fixture
def developer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sign:
    """Signs as patatt does, with a key that the keyring under tmp_path holds."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "keyring" / "ed25519" / "example.org" / "author"
    path.mkdir(parents=True)
    (path / "default").write_bytes(PUBLIC)
    key = base64.b64encode(bytes(KEY))

    def sign(mail: bytes = MAIL, identity: str = "author@example.org") -> bytes:
        message = patatt.PatattMessage(mail)
        message.sign("ed25519", key, identity, None)
        return bytes(message.as_bytes())

    return sign


def test_a_developers_signature_proves_the_author(developer: Sign, tmp_path: Path) -> None:
    attestations = attest(developer(), Keys(record, tmp_path / "keyring"))

    assert attestations == (Attestation("patatt", "author@example.org", SignatureResult.VALID, aligned=True),)


def test_a_developers_signature_for_another_author_proves_nothing(developer: Sign, tmp_path: Path) -> None:
    mail = MAIL.replace(b"From: An Author <author@", b"From: An Author <other@")
    (attestation,) = attest(developer(mail), Keys(record, tmp_path / "keyring"))

    assert (attestation.verdict, attestation.proves_author) == (SignatureResult.VALID, False)


def test_a_changed_patch_breaks_the_developers_signature(developer: Sign, tmp_path: Path) -> None:
    (attestation,) = attest(developer().replace(b"text", b"TEXT"), Keys(record, tmp_path / "keyring"))

    assert attestation.verdict is SignatureResult.INVALID


def test_an_unknown_developer_is_neither_proved_nor_refuted(developer: Sign, tmp_path: Path) -> None:
    (attestation,) = attest(developer(identity="nobody@example.org"), Keys(record, tmp_path / "keyring"))

    assert (attestation.verdict, attest(developer(), Keys(record))) == (SignatureResult.UNKNOWN, ())


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_developers_ssh_signature_is_verified(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    path = tmp_path / "keyring" / "openssh" / "example.org" / "author"
    path.mkdir(parents=True)
    shutil.copy(tmp_path / "key.pub", path / "default")
    message = patatt.PatattMessage(MAIL)
    message.sign("openssh", str(key), "author@example.org", None)
    raw = bytes(message.as_bytes())

    (attestation,) = attest(raw, Keys(record, tmp_path / "keyring"))
    (broken,) = attest(raw.replace(b"text", b"TEXT"), Keys(record, tmp_path / "keyring"))

    assert (attestation.proves_author, broken.verdict) == (True, SignatureResult.INVALID)


def test_a_developers_signature_has_its_time_and_its_commands(developer: Sign, tmp_path: Path) -> None:
    body = b"\npatchwarden: help\n> patchwarden: mute\n\ntext\n"
    with time_machine.travel(NOW, tick=False):
        raw = developer(MAIL.replace(b"\ntext\n", body))
    (attestation,) = attest(raw, Keys(record, tmp_path / "keyring"))

    assert attestation.proves_author
    assert (attestation.signed_at, attestation.command_lines) == (NOW, (("help", ""),))
    assert attestation.signed == {"from", "subject", "message-id"}


def test_commands_that_depend_on_how_lines_flow_are_not_known(developer: Sign, tmp_path: Path) -> None:
    raw = developer(MAIL.replace(b"\ntext\n", b"\nHello \npatchwarden: help\n"))
    (attestation,) = attest(raw, Keys(record, tmp_path / "keyring"))

    assert (attestation.proves_author, attestation.command_lines) == (True, None)


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
@pytest.mark.parametrize("has_empty_key", [False, True])
def test_the_users_own_keys_do_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_empty_key: bool) -> None:
    """patatt uses the keys of the user if the keyring has none, and also if it has an empty file."""
    path = tmp_path / "keyring" / "openpgp" / "example.org" / "author"
    path.mkdir(parents=True)
    if has_empty_key:
        (path / "default").write_bytes(b"")
    with tempfile.TemporaryDirectory() as folder:  # The path of an agent's socket must be short.
        mallory = Developer("mallory@evil.example.com", Path(folder) / "key", "openpgp")
        try:
            raw = mallory.sign(MAIL, NOW, identity="author@example.org")
            monkeypatch.setenv("GNUPGHOME", str(mallory.folder))
            (attestation,) = attest(raw, Keys(record, tmp_path / "keyring"))
        finally:
            mallory.stop()

    assert (attestation.verdict, attestation.identity) == (SignatureResult.UNKNOWN, "author@example.org")


def test_an_identity_cannot_leave_the_keyring(tmp_path: Path) -> None:
    mallory = Developer("..@..", tmp_path / "mallory")
    (tmp_path / "keyring" / "ed25519").mkdir(parents=True)
    (tmp_path / "default").write_bytes(mallory.public)
    (attestation,) = attest(mallory.sign(MAIL, NOW), Keys(record, tmp_path / "keyring"))

    assert attestation.verdict is SignatureResult.UNKNOWN


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("v=1; a=rot13-sha256; i=author@example.org; h=from:subject", "unknown algorithm"),
        ("v=1; i=author@example.org; h=from:subject", "unknown algorithm"),
        ("v=1; a=ed25519-sha256; i=author@example.org; h=subject; bh=; b=", "not signed: from"),
        ("v=1; a=ed25519-sha256; i=author@example.org; bh=; b=", 'Missing "h="'),
        ("v=1; a=ed25519-sha256; i=author@example.org; h=from:subject; bh=; b=", "Body content"),
        (f"v=1; a=ed25519-sha256; t={'9' * 5000}; i=author@example.org; h=from:subject; bh=; b=\xff", ""),
    ],
)
def test_a_damaged_developer_signature_is_invalid_and_says_why(
    developer: Sign, tmp_path: Path, value: str, reason: str
) -> None:
    raw = f"X-Developer-Signature: {value}\n".encode("latin-1") + MAIL
    (attestation,) = attest(raw, Keys(record, tmp_path / "keyring"))

    assert attestation.verdict is SignatureResult.INVALID
    assert reason in attestation.reason
    assert attestation.reason


def test_a_mail_that_patatt_itself_signed_is_verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the command, its configuration and its own keyring, as the guide for commands by mail says."""
    for name in ("HOME", "XDG_DATA_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, str(tmp_path / ".gitconfig" if name == "GIT_CONFIG_GLOBAL" else tmp_path))
    program = str(Path(sys.executable).with_name("patatt"))
    for key, value in (("user.email", "author@example.org"), ("patatt.signingkey", "ed25519:mine")):
        subprocess.run(["git", "config", "--global", key, value], check=True)
    (tmp_path / "reply.eml").write_bytes(MAIL.replace(b"Message-ID: <1@example.org>\n", b""))
    for arguments in (["genkey", "-n", "mine"], ["sign", "reply.eml"]):
        subprocess.run([program, *arguments], cwd=tmp_path, check=True, capture_output=True)
    signed_mail = b"Message-ID: <by-the-server@example.org>\n" + (tmp_path / "reply.eml").read_bytes()

    (attestation,) = attest(signed_mail, Keys(record, tmp_path / "patatt" / "public"))

    assert (attestation.proves_author, attestation.reason) == (True, "")
    assert attestation.signed == {"from", "subject"}


def test_a_name_server_that_does_not_answer_has_always_the_same_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is logged once, and the time that a question took differs each time."""
    late = Mock(side_effect=dns.resolver.LifetimeTimeout(timeout=2.003, errors=[]))  # type: ignore[no-untyped-call]
    monkeypatch.setattr("dns.resolver.resolve", late)

    with pytest.raises(InboxError) as error:
        resolve("s._domainkey.example.org.")

    assert str(error.value) == "DNS, s._domainkey.example.org.: no answer within 2 s"


PARTS = (
    *("v=1", "a=ed25519-sha256", "a=openssh-sha256", "i=author@example.org", "i=..@..", "s=../default", "s=", "t=1"),
    *("t=-9", "h=from:subject", "h=", "bh=%", f"bh={'A' * 44}", "b=", "b=%", f"b={'A' * 128}", "=", "?q?"),
)


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=9), max_size=9).map("; ".join))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_header_makes_a_signature_valid_or_fails(developer: Sign, tmp_path: Path, value: str) -> None:
    header = value.encode().replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    attestations = attest(b"X-Developer-Signature: " + header + b"\n" + MAIL, Keys(record, tmp_path / "keyring"))

    assert all(attestation.verdict is not SignatureResult.VALID for attestation in attestations)
    assert all(attestation.reason for attestation in attestations)
