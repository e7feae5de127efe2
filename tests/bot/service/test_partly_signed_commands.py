# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands in mails that no DKIM signature covers fully: developer signatures, one-time tokens, and attacks."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bot.store.repository import Repository
from tests.fakes.commanding import ADA, CHIEF, OTHER, OWNER, PATCH, RULE, Harness
from tests.fakes.signing import SIGNED, Developer

WITHOUT_ID = [header for header in SIGNED if header != b"message-id"]
"""The headers that kernel.org signs."""
EVIL = "mallory@evil.example.com"


@pytest.fixture
def harness(store: Repository, tmp_path: Path) -> Harness:
    return Harness(store, keyring=tmp_path / "keyring")


@pytest.fixture
def ada(harness: Harness, tmp_path: Path) -> Developer:
    """The author of the series, whose key is in the keyring."""
    developer = Developer(ADA, tmp_path / "ada")
    assert harness.keyring is not None
    developer.publish(harness.keyring)
    return developer


@pytest.fixture
def mallory(tmp_path: Path) -> Developer:
    """An attacker with a key that is not in the keyring."""
    return Developer(EVIL, tmp_path / "mallory")


def partly(harness: Harness, mail: bytes) -> bytes:
    """The mail signed as kernel.org's servers do: its Message-ID is not."""
    return harness.sign(mail, headers=WITHOUT_ID)


def by_developer(harness: Harness, developer: Developer, mail: bytes | None = None) -> bytes:
    return developer.sign(harness.with_token() if mail is None else mail, harness.clock.now())


def outcomes(harness: Harness, *mails: bytes) -> list[str]:
    return [result.outcome for result in harness.receive(*mails)]


def changed(mail: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    for before, after in pairs:
        assert before in mail
        mail = mail.replace(before, after, 1)
    return mail


class TestWithoutSignedMessageId:
    def test_a_command_is_obeyed(self, harness: Harness) -> None:
        assert ["mute author"] == outcomes(harness, partly(harness, harness.mail()))

    @pytest.mark.parametrize(
        "pairs",
        [
            ((b"<command.1@", b"<command.2@"),),
            ((b"<command.1@", b"<command.2@"), (b"Re: [PATCH]", b"Re:  [PATCH]")),
            ((b"<command.1@", b"<command.2@"), (b"mute author\n", b"mute  author \n\n\n")),
            ((b"<command.1@", b"<command.2@"), (b"\nCc:", b"\nX-More: 1\nCc:")),
        ],
        ids=["message-id", "blanks in a header", "blanks in the text", "another header"],
    )
    def test_a_changed_copy_does_nothing_more(self, harness: Harness, pairs: tuple[tuple[bytes, bytes], ...]) -> None:
        mail = harness.sign(harness.mail(), headers=WITHOUT_ID, canonicalize=(b"relaxed", b"relaxed"))
        harness.receive(mail)
        harness.store.unmute(harness.store.mutes()[0].scope, ADA)
        after = harness.effects()

        assert ["processed before"] == outcomes(harness, changed(mail, *pairs))
        assert after == harness.effects()

    def test_a_copy_with_only_the_weaker_of_two_signatures_does_nothing_more(self, harness: Harness) -> None:
        weaker = partly(harness, harness.mail())
        both = harness.sign(weaker)
        harness.receive(both)
        harness.store.unmute(harness.store.mutes()[0].scope, ADA)
        after = harness.effects()

        assert ["processed before"] == outcomes(harness, changed(weaker, (b"<command.1@", b"<command.2@")))
        assert after == harness.effects()

    def test_a_copy_is_not_rechecked(self, harness: Harness) -> None:
        mail = partly(harness, harness.mail("patchwarden: recheck\n"))
        harness.receive(mail)

        harness.receive(*(changed(mail, (b"<command.1@", b"<copy.%d@" % number)) for number in range(5)))

        assert [PATCH] == harness.rechecked

    def test_the_id_that_is_not_signed_is_not_used_up(self, harness: Harness) -> None:
        stolen = changed(partly(harness, harness.mail("patchwarden: help\n")), (b"<command.1@", b"<command.7@"))
        harness.receive(stolen)

        later = harness.sign(harness.mail(From=OWNER, Message_ID="<command.7@example.org>", To=harness.token()))
        assert ["not authorised: owner"] == outcomes(harness, later)
        later = harness.sign(harness.mail("patchwarden: mute\n", From=OWNER, Message_ID="<command.7@example.org>"))
        assert ["mute series"] == outcomes(harness, later)

    def test_two_mails_that_differ_are_both_obeyed(self, harness: Harness) -> None:
        first = partly(harness, harness.mail("patchwarden: recheck\n"))
        harness.clock.forward(hours=1)
        second = partly(harness, harness.mail("patchwarden: recheck\n"))

        assert ["recheck", "recheck"] == outcomes(harness, first, second)

    def test_each_copy_of_a_reply_is_the_same_mail(self, harness: Harness) -> None:
        mail = partly(harness, harness.mail("patchwarden: help\n"))
        harness.receive(mail, changed(mail, (b"<command.1@", b"<command.2@")))

        assert 1 == len(harness.answers())


class TestDeveloperSignatures:
    @pytest.mark.parametrize("algorithm", ["ed25519", "openpgp", "openssh"])
    def test_a_command_with_a_token_is_obeyed(self, harness: Harness, tmp_path: Path, algorithm: str) -> None:
        program = {"openpgp": "gpg", "openssh": "ssh-keygen"}.get(algorithm, "git")
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
        harness.clock.time = datetime.now(UTC)  # GnuPG has a clock of its own.
        assert harness.keyring is not None
        with tempfile.TemporaryDirectory() as folder:  # The path of an agent's socket must be short.
            developer = Developer(ADA, Path(folder) / "key", algorithm)
            developer.publish(harness.keyring)
            try:
                mail = by_developer(harness, developer)
            finally:
                developer.stop()

        assert ["mute author"] == outcomes(harness, mail)
        assert [] == harness.dns.asked

    @pytest.mark.parametrize("sender", [OWNER, CHIEF])
    def test_other_parties_may_too(self, harness: Harness, tmp_path: Path, sender: str) -> None:
        developer = Developer(sender, tmp_path / "key")
        assert harness.keyring is not None
        developer.publish(harness.keyring)
        mail = harness.with_token(f"patchwarden: not-applicable {RULE} no\n", From=sender)

        assert [f"not-applicable {RULE}"] == outcomes(harness, by_developer(harness, developer, mail))

    def test_a_multipart_is_obeyed_if_git_reads_the_same_commands(self, harness: Harness, ada: Developer) -> None:
        line = f"patchwarden: token {harness.one_time_token()}"
        body = f"--xx\nContent-Type: text/plain\n\npatchwarden: mute author\n{line}\n\n--xx--\n"
        mail = harness.mail(body, Content_Type='multipart/mixed; boundary="xx"')

        assert ["mute author"] == outcomes(harness, by_developer(harness, ada, mail))

    def test_a_copy_does_nothing_more_whatever_is_changed(self, harness: Harness, ada: Developer) -> None:
        """Signed are From, Subject, the text and perhaps Message-ID; a copy may have any To and Date."""
        mail = by_developer(harness, ada)
        harness.receive(mail)
        harness.store.unmute(harness.store.mutes()[0].scope, ADA)
        after = harness.effects()
        encoded = b"=?utf-8?q?=3Ccommand=2E1=40example=2Eorg=3E?="  # patatt decodes it, so that the signature fits

        for copy in (
            mail,
            changed(mail, (b"Message-ID: <command.1@example.org>", b"Message-ID: " + encoded)),
            changed(mail, (b"\nTo: ", b"\nTo: list@lists.example.org, "), (b"\nDate: Mon, 02", b"\nDate: Sun, 01")),
            changed(mail, (b"\nIn-Reply-To: ", b"\nX-In-Reply-To: ")),
            b"X-Copy: 1\n" + mail,
        ):
            assert not any(result.obeyed for result in harness.receive(copy))
        assert after == harness.effects()

    def test_a_mail_with_two_kinds_of_proof_counts_once(self, harness: Harness, ada: Developer) -> None:
        developers = by_developer(harness, ada)
        both = partly(harness, developers)
        harness.receive(both)
        harness.store.unmute(harness.store.mutes()[0].scope, ADA)
        after = harness.effects()
        start = both.index(b"X-Developer-Signature:")
        only_dkim = both[:start] + both[both.index(b"\n\n", start) + 1 :]

        for copy in (developers, changed(only_dkim, (b"<command.1@", b"<command.2@"))):
            assert ["processed before"] == outcomes(harness, copy)
        assert after == harness.effects()

    def test_a_token_that_the_developer_signs_again_counts_once(self, harness: Harness, ada: Developer) -> None:
        first = by_developer(harness, ada)
        harness.clock.forward(hours=1)
        again = by_developer(harness, ada, harness.with_token(Message_ID="<command.2@example.org>"))
        harness.receive(first)
        after = harness.effects()

        assert ["processed before"] == outcomes(harness, again)
        assert after == harness.effects()


class TestTokens:
    def test_a_token_counts_once_for_each_person(self, harness: Harness, ada: Developer) -> None:
        token = f"patchwarden: token {harness.one_time_token()}\n"
        by_ada = partly(harness, harness.mail(f"patchwarden: fixed {RULE}\n{token}"))
        other = harness.mail(f"patchwarden: mute\n{token}", From=OWNER, Message_ID="<command.2@example.org>")
        again = harness.mail(f"patchwarden: mute author\n{token}", Message_ID="<command.3@example.org>")

        assert [f"fixed {RULE}"] == outcomes(harness, by_ada)
        assert ["processed before"] == outcomes(harness, harness.sign(again))
        assert ["mute series"] == outcomes(harness, partly(harness, other))

    def test_a_token_that_a_stranger_used_is_not_used_up(self, harness: Harness, ada: Developer) -> None:
        stolen = harness.with_token(From=EVIL, Message_ID="<command.2@example.org>")
        unsigned = harness.with_token(Message_ID="<command.3@example.org>")
        harness.receive(harness.sign(stolen, domain="evil.example.com"), unsigned)

        assert ["mute author"] == outcomes(harness, by_developer(harness, ada))

    def test_a_token_in_a_quotation_is_not_used_up(self, harness: Harness, ada: Developer) -> None:
        token = harness.one_time_token()
        public = harness.mail(f"patchwarden: help\n\n> patchwarden: token {token}\n", Message_ID="<command.2@x.org>")
        harness.receive(harness.sign(public))

        assert ["mute author"] == outcomes(harness, by_developer(harness, ada))

    def test_a_token_in_a_fully_signed_mail_must_be_right_too(self, harness: Harness) -> None:
        wrong = harness.mail(f"patchwarden: mute author\npatchwarden: token {harness.one_time_token(OTHER)}\n")

        assert ["its one-time token is of another series"] == outcomes(harness, harness.sign(wrong))
        right = harness.with_token(Message_ID="<command.2@example.org>")
        assert ["mute author"] == outcomes(harness, harness.sign(right))


def _body(harness: Harness, line: str) -> bytes:
    return harness.mail(f"patchwarden: mute author\n{line}")


def _expired(harness: Harness) -> bytes:
    line = f"patchwarden: token {harness.one_time_token()}\n"
    harness.clock.forward(hours=8 * 24)
    return _body(harness, line)


def _early(harness: Harness) -> bytes:
    harness.clock.forward(hours=72)
    line = f"patchwarden: token {harness.one_time_token()}\n"
    harness.clock.forward(hours=-72)
    return _body(harness, line)


def _guess(harness: Harness) -> bytes:
    return _body(harness, f"patchwarden: token {'0' * 24}-{harness.clock.now():%Y%m%d}-{'0' * 16}\n")


def _two(harness: Harness) -> bytes:
    tokens = (harness.one_time_token(number=number) for number in (1, 2))
    return _body(harness, "".join(f"patchwarden: token {token}\n" for token in tokens))


TEXTS: dict[str, Callable[[Harness], bytes]] = {
    "no token": lambda harness: harness.mail(),
    "a token of another series": lambda harness: _body(
        harness, f"patchwarden: token {harness.one_time_token(OTHER)}\n"
    ),
    "a guessed token": _guess,
    "an expired token": _expired,
    "a token of another day": _early,
    "two tokens": _two,
    "a token that is cut": lambda harness: _body(harness, f"patchwarden: token {harness.one_time_token()[:-1]}\n"),
    "a quoted token": lambda harness: _body(harness, f"> patchwarden: token {harness.one_time_token()}\n"),
    "a token in the signature of the mail": lambda harness: _body(
        harness, f"-- \npatchwarden: token {harness.one_time_token()}\n"
    ),
    "the address of another series": lambda harness: harness.with_token(To=harness.token(OTHER)),
    "an author on a list": lambda harness: harness.with_token("patchwarden: mute list\n"),
    "another person in From": lambda harness: harness.with_token(From=OWNER),
    "another From in the text": lambda harness: harness.mail(
        f"From: {EVIL}\n\npatchwarden: mute author\npatchwarden: token {harness.one_time_token()}\n", From=OWNER
    ),
    "a line that only some readers join": lambda harness: harness.mail(
        f"Hello \npatchwarden: mute author\npatchwarden: token {harness.one_time_token()}\n"
    ),
    "an old Date": lambda harness: harness.with_token(Date=format_datetime(harness.clock.now() - timedelta(days=8))),
    "only an HTML part": lambda harness: harness.mail(
        f"<p>\npatchwarden: mute author\npatchwarden: token {harness.one_time_token()}\n", Content_Type="text/html"
    ),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_signed_mail_that_is_not_sufficient_has_no_effect(
    harness: Harness, ada: Developer, text: Callable[[Harness], bytes]
) -> None:
    mail = by_developer(harness, ada, text(harness))
    before = harness.effects()

    results = harness.receive(mail)

    assert before == harness.effects()
    assert not any(result.obeyed for result in results)


def _unframed(harness: Harness, ada: Developer) -> bytes:
    """A quoted line that becomes a line of its own when the body is read as quoted-printable."""
    line = f"patchwarden: token {harness.one_time_token()}"
    mail = harness.mail(f"> // =0Apatchwarden: mute author=0A\n{line}\n", Content_Transfer_Encoding="7bit")
    return changed(by_developer(harness, ada, mail), (b"Encoding: 7bit", b"Encoding: quoted-printable"))


def _hidden_part(harness: Harness, ada: Developer) -> bytes:
    """A text that ends before the commands, which a header makes a part: git does not read a boundary with a blank."""
    lines = f"patchwarden: mute author\npatchwarden: token {harness.one_time_token()}\n"
    body = f"What is this?\n--boundary\nContent-Type: text/plain\n\n{lines}--boundary--\n"
    signed = by_developer(harness, ada, harness.mail(body))
    return changed(signed, (b"\nSubject:", b'\nContent-Type: multipart/mixed; boundary = "boundary"\nSubject:'))


Attack = Callable[[Harness, Developer, Developer], bytes]
FORGED: dict[str, Attack] = {
    "a key that is not in the keyring": lambda harness, _, mallory: mallory.sign(
        harness.with_token(), harness.clock.now(), identity=ADA
    ),
    "an attacker's own identity": lambda harness, _, mallory: by_developer(harness, mallory),
    "the text was changed": lambda harness, ada, _: changed(
        by_developer(harness, ada), (b"mute author", b"mute series")
    ),
    "a command below the text": lambda harness, ada, _: (
        by_developer(harness, ada, harness.with_token("patchwarden: help\n")) + b"patchwarden: mute author\n"
    ),
    "a command above the text": lambda harness, ada, _: changed(
        by_developer(harness, ada, harness.with_token("")), (b"\n\npatch", b"\n\npatchwarden: mute author\npatch")
    ),
    "the subject was changed": lambda harness, ada, _: changed(
        by_developer(harness, ada), (b"rust: led", b"rust: fan")
    ),
    "From was changed": lambda harness, ada, _: changed(by_developer(harness, ada), (ADA.encode(), OWNER.encode())),
    "a second From": lambda harness, ada, _: f"From: {OWNER}\n".encode() + by_developer(harness, ada),
    "a second Message-ID": lambda harness, ada, _: b"Message-ID: <other@example.org>\n" + by_developer(harness, ada),
    "signed long ago": lambda harness, ada, _: ada.sign(harness.with_token(), harness.clock.now() - timedelta(days=8)),
    "signed in the future": lambda harness, ada, _: ada.sign(
        harness.with_token(), harness.clock.now() + timedelta(days=2)
    ),
    "its time was changed": lambda harness, ada, _: changed(
        ada.sign(harness.with_token(), harness.clock.now() - timedelta(days=8)),
        (b"; t=", b"; t=%d; t=" % harness.clock.now().timestamp()),
    ),
    "seven signatures": lambda harness, ada, _: b"X-Developer-Signature: v=1; a=x\n" * 6 + by_developer(harness, ada),
    "a body read in another encoding": lambda harness, ada, _: _unframed(harness, ada),
    "a part that git does not read": lambda harness, ada, _: _hidden_part(harness, ada),
    "a carriage return inside a header": lambda harness, ada, _: changed(
        by_developer(harness, ada), (b"Subject: Re:", b"Subject: x\rFrom: mallory@example.org\rRe:")
    ),
    "a header that patatt takes for the end": lambda harness, ada, _: changed(
        by_developer(harness, ada), (b"\nIn-Reply-To:", b"\n \nIn-Reply-To:")
    ),
}


@pytest.mark.parametrize("attack", FORGED.values(), ids=FORGED)
def test_a_forged_developer_signature_has_no_effect(
    harness: Harness, ada: Developer, mallory: Developer, attack: Attack
) -> None:
    mail = attack(harness, ada, mallory)
    before = harness.effects()

    results = harness.receive(mail)

    assert before == harness.effects()
    assert not any(result.obeyed for result in results)


def test_the_same_mail_unforged_is_obeyed(harness: Harness, ada: Developer) -> None:
    assert ["mute author"] == outcomes(harness, by_developer(harness, ada))
