# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands by mail, from raw bytes to their effects: forged mails have no effect and get no reply."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from unittest.mock import Mock

import pytest
import time_machine

from bot.inbox.error import InboxError
from bot.pipeline.context import ReviewContext
from bot.review.consent import Consent, Mode
from bot.review.policy import Policy
from bot.store.error import StoreError
from bot.store.repository import Repository
from tests.fakes.commanding import ADA, CHIEF, LIST, OTHER, OWN, OWNER, PATCH, RULE, SECRET, Harness
from tests.fakes.contexts import consenting
from tests.fakes.events import Events
from tests.fakes.mails import START
from tests.fakes.signing import SIGNED, Dns, rsa_key

SLOW = "sloth@sub.example.org"


@pytest.fixture
def harness(store: Repository) -> Harness:
    return Harness(store)


def _duplicated(harness: Harness, header: bytes) -> bytes:
    return header + harness.sign(harness.mail())


def _tampered(harness: Harness, before: bytes, after: bytes, **changes: str) -> bytes:
    mail = harness.sign(harness.mail(**changes))
    assert before in mail
    return mail.replace(before, after)


def _multipart(harness: Harness) -> bytes:
    """A signed mail whose second part is an attacker's, then framed so that it is the only one."""
    quoted = "--evil\n\npatchwarden: mute author\n--evil--\n"
    body = f"--inner\nContent-Type: text/plain\n\nfine\n--inner\n\n{quoted}--inner--\n"
    kind = 'multipart/mixed; boundary="inner"'
    return harness.sign(harness.mail(body, Content_Type=kind)).replace(b'boundary="inner"', b'boundary="evil"')


def _unframed(harness: Harness) -> bytes:
    """A quoted line that becomes a line of its own when the body is read as quoted-printable."""
    body = "> // =0Apatchwarden: mute author=0A\nIndeed.\n"
    mail = harness.sign(harness.mail(body, Content_Transfer_Encoding="7bit"))
    return mail.replace(b"Content-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: quoted-printable")


def _weak(harness: Harness, algorithm: bytes, bits: int) -> bytes:
    pem, public = rsa_key(bits)
    harness.dns.more["rsa._domainkey.example.org."] = b"v=DKIM1; k=rsa; p=" + public
    return harness.sign(harness.mail(), rsa=(algorithm, pem), selector=b"rsa")


def _extended(harness: Harness) -> bytes:
    body = "Thanks.\n"
    return harness.sign(harness.mail(body), length=True) + b"patchwarden: mute author\n"


Forgery = Callable[[Harness], bytes]
EVIL = "mallory@evil.example.com"
FORGED: dict[str, Forgery] = {
    "no signature": lambda harness: harness.mail(),
    "a key that is not the domain's": lambda harness: harness.sign(harness.mail(), selector=b"other"),
    "the attacker's own domain signs": lambda harness: harness.sign(harness.mail(), domain="evil.example.com"),
    "a domain below the author's signs": lambda harness: harness.sign(harness.mail(), domain="sub.example.org"),
    "an address as the name": lambda harness: harness.sign(
        harness.mail(From=f'"{ADA}" <{EVIL}>'), domain="evil.example.com"
    ),
    "an address before the angle": lambda harness: harness.sign(
        harness.mail(From=f"{ADA} <{EVIL}>"), domain="evil.example.com"
    ),
    "an address in a comment": lambda harness: harness.sign(
        harness.mail(From=f"{EVIL} ({ADA})"), domain="evil.example.com"
    ),
    "two mailboxes in From": lambda harness: harness.sign(
        harness.mail(From=f"{ADA}, {EVIL}"), domain="evil.example.com"
    ),
    "a group in From": lambda harness: harness.sign(harness.mail(From=f"Ada: {ADA};")),
    "an encoded word that hides an address": lambda harness: harness.sign(
        harness.mail(From=f"=?utf-8?q?{ADA.replace('@', '=40')}?= <{EVIL}>"), domain="evil.example.com"
    ),
    "two Froms, the author's on top": lambda harness: (
        f"From: {ADA}\n".encode() + harness.sign(harness.mail(From=EVIL), domain="evil.example.com")
    ),
    "two Froms, the author's below": lambda harness: harness.sign(
        harness.mail(From=EVIL), domain="evil.example.com"
    ).replace(b"\n\n", f"\nFrom: {ADA}\n\n".encode(), 1),
    "a second To": lambda harness: _duplicated(harness, f"To: {harness.token(OTHER)}\n".encode()),
    "a second Subject": lambda harness: _duplicated(harness, b"Subject: other\n"),
    "a second Message-ID": lambda harness: _duplicated(harness, b"Message-ID: <fresh@example.org>\n"),
    "a second Date": lambda harness: _duplicated(harness, b"Date: Mon, 02 Mar 2026 11:59:00 +0000\n"),
    "a signed beginning and more below it": _extended,
    "From is not signed": lambda harness: harness.sign(harness.mail(), without=[b"from"]),
    "To is not signed": lambda harness: harness.sign(harness.mail(), without=[b"to"]),
    "Subject is not signed": lambda harness: harness.sign(harness.mail(), without=[b"subject"]),
    "Date is not signed": lambda harness: harness.sign(harness.mail(), without=[b"date"]),
    "pasted Authentication-Results": lambda harness: harness.mail(
        Authentication_Results="mx.example.org; dkim=pass header.d=example.org; dmarc=pass; arc=pass"
    ),
    "pasted ARC": lambda harness: harness.mail(
        ARC_Authentication_Results="i=1; mx.example.org; dkim=pass header.d=example.org"
    ),
    "the signature is expired": lambda harness: harness.sign(
        harness.mail(), extra=[(b"x", str(int(harness.clock.now().timestamp()) - 40_000).encode())]
    ),
    "signed long ago": lambda harness: harness.sign(
        harness.mail(Date=format_datetime(harness.clock.now() - timedelta(days=8)))
    ),
    "a Date that is to come": lambda harness: harness.sign(
        harness.mail(Date=format_datetime(harness.clock.now() + timedelta(days=2)))
    ),
    "no Date": lambda harness: harness.sign(harness.mail(Date="")),
    "the text was changed": lambda harness: _tampered(harness, b"mute author", b"mute series"),
    "the subject was changed": lambda harness: _tampered(harness, b"rust: led", b"rust: fan"),
    "a new Message-ID on a signed mail": lambda harness: _tampered(harness, b"<command.1@", b"<command.2@"),
    "the recipient was changed": lambda harness: _tampered(
        harness, harness.token(OTHER).encode(), harness.token().encode(), To=harness.token(OTHER)
    ),
    "another series' token": lambda harness: harness.sign(harness.mail(To=harness.token(OTHER))),
    "a made-up token": lambda harness: harness.sign(harness.mail(To="bot+0123456789abcdef01234567@bot.example.org")),
    "no token": lambda harness: harness.sign(harness.mail(To=OWN)),
    "the token in Cc alone": lambda harness: harness.sign(harness.mail(To=LIST, Cc=harness.token())),
    "the token at another domain": lambda harness: harness.sign(
        harness.mail(To=harness.token().replace("bot.example.org", "bot.example.com"))
    ),
    "the token as a name": lambda harness: harness.sign(harness.mail(To=f'"{harness.token()}" <{EVIL}>')),
    "about no series of ours": lambda harness: harness.sign(
        harness.mail(In_Reply_To="<unknown@example.org>", References="")
    ),
    "an alias of the author's": lambda harness: harness.sign(harness.mail(From="ada+kernel@example.org")),
    "an alias domain": lambda harness: harness.sign(harness.mail(From="ada@sub.example.org"), domain="sub.example.org"),
    "somebody else of the same domain": lambda harness: harness.sign(harness.mail(From="bob@example.org")),
    "a relay's From": lambda harness: harness.sign(
        harness.mail(From="Ada via B4 Relay <devnull+ada.example.org@example.org>", Reply_To=ADA)
    ),
    "Sender is somebody else's business": lambda harness: harness.sign(
        harness.mail(From=EVIL, Sender=ADA), domain="evil.example.com"
    ),
    "an author on what is not his": lambda harness: harness.sign(harness.mail("patchwarden: mute list\n")),
    "an owner on the author": lambda harness: harness.sign(harness.mail(From=OWNER)),
    "an owner on the list": lambda harness: harness.sign(harness.mail("patchwarden: mute list\n", From=OWNER)),
    "a permitted and a forbidden command": lambda harness: harness.sign(
        harness.mail("patchwarden: recheck\npatchwarden: mute list\n")
    ),
    "to unmute": lambda harness: harness.sign(harness.mail("patchwarden: unmute author\n", From=CHIEF)),
    "to publish": lambda harness: harness.sign(harness.mail("patchwarden: publish\n", From=CHIEF)),
    "to resend": lambda harness: harness.sign(harness.mail("patchwarden: resend\n", From=CHIEF)),
    "quoted": lambda harness: harness.sign(harness.mail("> patchwarden: mute author\nNo!\n")),
    "in a diff": lambda harness: harness.sign(
        harness.mail("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\npatchwarden: mute author\n")
    ),
    "in a signature": lambda harness: harness.sign(harness.mail("Hi\n-- \npatchwarden: mute author\n")),
    "below an attribution without marks": lambda harness: harness.sign(
        harness.mail("See below.\n\nOn Mon, Mallory wrote:\npatchwarden: mute author\n")
    ),
    "in a forwarded mail": lambda harness: harness.sign(
        harness.mail("FYI\n---------- Forwarded message ---------\npatchwarden: mute author\n")
    ),
    "other bots' commands": lambda harness: harness.sign(
        harness.mail("#syz invalid\n#syz test\n#regzbot invalid\npw-bot: reject\n@sashiko mute\n")
    ),
    "four commands": lambda harness: harness.sign(
        harness.mail("patchwarden: recheck\npatchwarden: help\npatchwarden: mute\npatchwarden: explain a-b\n")
    ),
    "l= over the whole text": lambda harness: harness.sign(harness.mail(), length=True),
    "a domain that looks like the author's": lambda harness: harness.sign(
        harness.mail(From="Ada <ada@ex\u0430mple.org>"), domain="evil.example.com"
    ),
    "a selector that is to look like the author's domain": lambda harness: harness.sign(
        harness.mail(From=f"Ada <{ADA}>"), domain="evil.example.com", selector=b"default._domainkey.example.org"
    ),
    "a blank in the author's address": lambda harness: harness.sign(harness.mail(From="Ada <ada @example.org>")),
    "an author of other series": lambda harness: harness.sign(harness.mail(From="carl@example.org")),
    "in the subject": lambda harness: harness.sign(harness.mail("Hi\n", Subject="patchwarden: mute author")),
    "indented": lambda harness: harness.sign(harness.mail("  patchwarden: mute author\n")),
    "behind other bots' commands": lambda harness: harness.sign(
        harness.mail("#syz fix: patchwarden: mute author\npw-bot: patchwarden: mute author\n")
    ),
    "in HTML alone": lambda harness: harness.sign(
        harness.mail("<p>\npatchwarden: mute author\n</p>\n", Content_Type="text/html")
    ),
    "in an attachment": lambda harness: harness.sign(
        harness.mail(
            '--in\nContent-Type: text/plain\n\nHi\n--in\nContent-Type: text/plain; name="a"\n'
            "Content-Disposition: attachment\n\npatchwarden: mute author\n--in--\n",
            Content_Type='multipart/mixed; boundary="in"',
        )
    ),
    "an automatic answer": lambda harness: harness.sign(harness.mail(Auto_Submitted="auto-replied")),
    "a bounce": lambda harness: harness.sign(harness.mail(Return_Path="<>")),
    "a body read in another encoding": _unframed,
    "a body cut at another boundary": _multipart,
    "parts hidden from a reader of text": lambda harness: harness.sign(
        harness.mail("--xx\nContent-Type: text/html\n\n<b>\npatchwarden: mute author\n</b>\n--xx--\n")
    ),
    "a carriage return inside a header": lambda harness: harness.sign(
        harness.mail().replace(b"Subject: Re:", b"Subject: x\rFrom: mallory@example.org\rRe:")
    ),
    "SHA-1": lambda harness: _weak(harness, b"rsa-sha1", 1024),
    "a key of 512 bits": lambda harness: _weak(harness, b"rsa-sha256", 512),
}


@pytest.mark.parametrize("forgery", FORGED.values(), ids=FORGED)
def test_a_forged_mail_has_no_effect_and_no_answer(harness: Harness, forgery: Forgery) -> None:
    before = harness.effects()

    results = harness.receive(forgery(harness))

    assert before == harness.effects()
    assert not any(result.obeyed for result in results)


def test_the_same_mail_well_signed_is_obeyed(harness: Harness) -> None:
    (result,) = harness.receive(harness.sign(harness.mail()))

    assert (result.sender, result.outcome, result.obeyed) == (ADA, "mute author", True)
    assert [(ADA, ADA)] == [(mute.subject, mute.by) for mute in harness.store.mutes()]


def test_a_strong_rsa_key_counts(harness: Harness) -> None:
    assert [True] == [result.obeyed for result in harness.receive(_weak(harness, b"rsa-sha256", 1024))]


def test_the_hundredth_copy_does_nothing_more(harness: Harness) -> None:
    mail = harness.sign(harness.mail("patchwarden: not-applicable missing-safety-comment no\npatchwarden: help\n"))
    harness.receive(mail)
    after = harness.effects()

    for number in range(100):
        harness.receive(b"X-Copy: %d\n" % number + mail)

    assert after == harness.effects()


def test_a_copy_after_a_disposition_was_overruled_does_not_bring_it_back(harness: Harness) -> None:
    first = harness.sign(harness.mail(f"patchwarden: not-applicable {RULE} no\n"))
    harness.receive(first)
    harness.receive(harness.sign(harness.mail(f"patchwarden: fixed {RULE}\n", Message_ID="<command.2@example.org>")))
    after = harness.effects()

    harness.receive(b"X-Copy: 1\n" + first)

    assert after == harness.effects()


def test_a_forged_copy_that_comes_first_does_not_silence_the_true_mail(harness: Harness) -> None:
    harness.receive(harness.mail("patchwarden: help\n"))

    (result,) = harness.receive(harness.sign(harness.mail()))

    assert result.obeyed


def test_a_broken_signature_beside_a_good_one_does_no_harm(harness: Harness) -> None:
    mail = b"DKIM-Signature: v=1; a=rsa-sha256; d=lists.example.org; s=x; h=from; bh=; b=\n" + harness.sign(
        harness.mail()
    )

    assert [True] == [result.obeyed for result in harness.receive(mail)]


def test_a_mail_with_network_line_ends_is_obeyed(harness: Harness) -> None:
    mail = harness.sign(harness.mail()).replace(b"\n", b"\r\n")

    assert [True] == [result.obeyed for result in harness.receive(mail)]


def test_a_multipart_of_an_ordinary_mailer_is_obeyed(harness: Harness) -> None:
    body = (
        "--xx\nContent-Type: text/plain\n\npatchwarden: mute author\n\n"
        "--xx\nContent-Type: text/html\n\n<p>patchwarden: mute author</p>\n--xx--\n"
    )
    mail = harness.sign(harness.mail(body, Content_Type='multipart/alternative; boundary="xx"'))

    assert [True] == [result.obeyed for result in harness.receive(mail)]


def test_what_signs_its_encoding_may_use_any(harness: Harness) -> None:
    body = "cGF0Y2h3YXJkZW46IG11dGUgYXV0aG9yCg==\n"
    mail = harness.mail(body, Content_Transfer_Encoding="base64")

    assert [False] == [result.obeyed for result in harness.receive(harness.sign(mail))]
    covered = [*SIGNED, b"content-type", b"content-transfer-encoding"]
    assert [True] == [result.obeyed for result in harness.receive(harness.sign(mail, headers=covered))]


@pytest.mark.parametrize("sender", [ADA, OWNER, CHIEF, ADA.upper()])
def test_all_parties_may_answer_a_finding(harness: Harness, sender: str) -> None:
    harness.receive(harness.sign(harness.mail(f"patchwarden: not-applicable {RULE} the lock is held\n", From=sender)))

    (disposition,) = harness.store.dispositions(harness.topic())
    assert (RULE, "not-applicable", "the lock is held", sender.lower()) == (
        disposition.rule,
        disposition.answer,
        disposition.reason,
        disposition.by,
    )
    assert [] == harness.answers()


def test_a_finding_that_is_not_known_is_answered(harness: Harness) -> None:
    harness.receive(harness.sign(harness.mail("patchwarden: fixed 0123456789abcdef\n")))

    ((to, text),) = harness.answers()
    assert (ADA,) == to
    assert "names no finding of this series" in text


def test_help_and_explain_are_answered_in_one_mail_to_the_sender_alone(harness: Harness) -> None:
    harness.receive(harness.sign(harness.mail(f"patchwarden: help\npatchwarden: explain {RULE}\n", From=CHIEF)))

    ((to, text),) = harness.answers()
    assert (CHIEF,) == to
    assert f"To: {CHIEF}\n" in text
    assert "\nCc:" not in text
    assert "In-Reply-To: <command.1@example.org>\n" in text
    assert "Auto-Submitted: auto-replied\n" in text
    assert "What it flags" in text
    assert text.count(RULE) > 1
    assert not [line for line in text.partition("\n\n")[2].splitlines() if line.startswith("patchwarden:")]


def test_a_recheck_that_changes_nothing_is_silent(harness: Harness) -> None:
    harness.receive(harness.sign(harness.mail("patchwarden: recheck\n")))

    assert [PATCH] == harness.rechecked
    assert [] == harness.answers()


def test_a_recheck_that_changes_something_is_answered(harness: Harness) -> None:
    harness.review_context = ReviewContext(
        (), Policy(), harness.identity, consenting(Consent(Mode.AUTHOR)), secret=SECRET
    )

    harness.receive(harness.sign(harness.mail("patchwarden: recheck\n")))

    ((to, text),) = harness.answers()
    assert (ADA,) == to
    assert "1 gone" in text


def test_our_own_answers_start_nothing(harness: Harness) -> None:
    harness.receive(harness.sign(harness.mail(f"patchwarden: help\npatchwarden: explain {RULE}\n")))
    ((_, answer),) = harness.answers()
    after = harness.effects()
    harness.dns.domains = ["example.org", "bot.example.org"]

    addressed = answer.replace(f"To: {ADA}", f"To: {harness.token()}")
    results = harness.receive(answer.encode(), harness.sign(addressed.encode(), domain="bot.example.org"))

    assert ["processed before"] != [result.outcome for result in results]
    assert not any(result.obeyed for result in results)
    assert after == harness.effects()


def test_answers_are_rationed_but_commands_are_not(harness: Harness) -> None:
    harness.max_per_person = 2
    for number in range(4):
        harness.receive(harness.sign(harness.mail("patchwarden: help\n", Message_ID=f"<command.{number}@example.org>")))
    harness.receive(
        harness.sign(harness.mail("patchwarden: help\npatchwarden: mute\n", Message_ID="<command.9@example.org>"))
    )

    assert 2 == len(harness.answers())
    assert 1 == len(harness.store.mutes())

    harness.clock.forward(hours=25)
    harness.receive(harness.sign(harness.mail("patchwarden: help\n", Message_ID="<command.10@example.org>")))

    assert 3 == len(harness.answers())


@pytest.mark.parametrize("limit", ["max_per_person", "max_per_day"])
def test_second_looks_are_rationed_and_what_is_over_it_is_silent(harness: Harness, limit: str) -> None:
    setattr(harness, limit, 2)
    again = "patchwarden: recheck\npatchwarden: fixed missing-safety-comment\n"
    for number in range(4):
        results = harness.receive(harness.sign(harness.mail(again, Message_ID=f"<command.{number}@example.org>")))

    assert [PATCH, PATCH] == harness.rechecked
    assert ["no recheck: too many in a day, fixed missing-safety-comment"] == [result.outcome for result in results]
    assert [] == harness.answers()

    harness.clock.forward(hours=25)
    harness.receive(harness.sign(harness.mail(again, Message_ID="<command.9@example.org>")))

    assert 3 == len(harness.rechecked)


def test_what_one_person_had_is_not_counted_to_another_but_counts_for_all(harness: Harness) -> None:
    harness.max_per_person, harness.max_per_day = 2, 3
    asked = "patchwarden: recheck\npatchwarden: help\n"
    for number, sender in enumerate([ADA, ADA, ADA, OWNER, OWNER]):
        changes = {"From": sender, "Message-ID": f"<command.{number}@example.org>"}
        harness.receive(harness.sign(harness.mail(asked, **changes)))

    assert 3 == len(harness.rechecked)
    assert [(ADA,), (ADA,), (OWNER,)] == [to for to, _ in sorted(harness.answers())]


def test_a_mute_stops_what_is_still_here(harness: Harness) -> None:
    harness.receive(harness.sign(harness.mail("patchwarden: mute series\n")))

    states = {mail.posting_id: (mail.state, mail.reason) for mail in harness.store.mails()}
    assert ("withdrawn", f"muted (series) by {ADA}") == states[PATCH]
    assert "queued" == states[OTHER][0]


def test_a_list_is_muted_by_whom_the_settings_name(harness: Harness) -> None:
    harness.receive(harness.sign(harness.mail("patchwarden: mute list\n", From=CHIEF)))

    assert [LIST] == [mute.subject for mute in harness.store.mutes_about("no topic", "nobody", [LIST])]
    assert {"withdrawn"} == {mail.state for mail in harness.store.mails()}
    assert harness.store.unmute(harness.store.mutes()[0].scope, LIST)
    assert [] == harness.store.mutes()


@pytest.mark.parametrize(("mode", "states"), [(Mode.OFF, []), (Mode.DRY_RUN, ["queued"]), (Mode.MODERATE, ["held"])])
def test_an_answer_goes_by_what_the_list_agreed_to(harness: Harness, mode: Mode, states: list[str]) -> None:
    harness.mode = mode

    harness.receive(harness.sign(harness.mail("patchwarden: help\n")))

    assert states == [mail.state for mail in harness.store.mails() if mail.kind == "answer"]


def test_our_reviews_say_where_answers_go(harness: Harness) -> None:
    mails = [mail.content.decode() for mail in harness.store.mails() if mail.posting_id == PATCH]
    contents = [mail.replace("\n ", " ") for mail in mails]

    assert [True] == [f"Reply-To: {harness.token()}, person@bot.example.org\n" in content for content in contents]


def test_an_answer_to_our_own_mail_is_about_its_series(harness: Harness) -> None:
    (ours,) = (mail.message_id for mail in harness.store.mails() if mail.posting_id == PATCH)

    (result,) = harness.receive(harness.sign(harness.mail(In_Reply_To=f"<{ours}>", References=f"<{ours}>")))

    assert result.obeyed


def test_strangers_do_not_make_us_ask_the_dns(harness: Harness) -> None:
    harness.receive(harness.sign(harness.mail(From="bob@example.org")), harness.mail(To=OWN), harness.mail("hello\n"))

    assert [] == harness.dns.asked


def test_while_the_dns_is_silent_a_mail_waits_an_hour_and_no_longer(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.clock.time = START + timedelta(minutes=30)
    harness.ingest(harness.sign(harness.mail()))

    def silent(self: Dns, name: str) -> bytes | None:
        raise InboxError("DNS: timeout")

    with monkeypatch.context() as patched:
        patched.setattr(Dns, "__call__", silent)
        assert () == harness.run_commands()
        assert len(harness.store.unchecked_for_commands(10)) == 1
        harness.clock.forward(hours=1)
        assert [False] == [result.obeyed for result in harness.run_commands()]
        assert len(harness.store.unchecked_for_commands(10)) == 0


def test_a_mail_that_waited_for_the_dns_is_obeyed(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.clock.time = START + timedelta(minutes=30)
    harness.ingest(harness.sign(harness.mail()))

    def silent(self: Dns, name: str) -> bytes | None:
        raise InboxError("DNS: timeout")

    with monkeypatch.context() as patched:
        patched.setattr(Dns, "__call__", silent)
        harness.run_commands()
    assert [True] == [result.obeyed for result in harness.run_commands()]


def test_a_command_waits_while_the_database_cannot_be_read(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(message_id: str) -> bool:
        raise StoreError("locked")

    with monkeypatch.context() as broken:
        broken.setattr(harness.store, "is_command_processed", locked)
        with pytest.raises(StoreError):
            harness.receive(harness.sign(harness.mail()))

    assert [True] == [result.obeyed for result in harness.run_commands()]


def test_each_command_is_one_line_and_a_mail_without_one_is_none(harness: Harness, events: Events) -> None:
    mail = harness.sign(harness.mail())
    harness.receive(
        mail,
        mail + b"\n",
        harness.mail(Message_ID="<forged@example.org>"),
        harness.mail("Thanks.\n", Message_ID="<thanks@example.org>"),
        harness.sign(harness.mail("patchwarden: mute list\n", Message_ID="<list@example.org>")),
    )
    accepted, refused = events.named("command-accepted"), events.named("command-refused")

    assert accepted == [
        {
            "message_id": "command.1@example.org",
            "sender": ADA,
            "series": PATCH,
            "commands": ["mute author"],
            "proofs": ["dkim"],
        }
    ]
    assert [(line["message_id"], line["sender"]) for line in refused] == [
        ("forged@example.org", ADA),
        ("list@example.org", ADA),
    ]
    assert refused[1]["reason"] == "not authorised: author"
    assert events.names().count("posting-complete") == 0


def test_a_sender_cannot_choose_a_name_server(harness: Harness) -> None:
    """Only the domain of From is asked, whatever domain and selector the signatures name."""
    selector = b"x._domainkey.example.org"
    forged = harness.sign(harness.mail(), domain="evil.example.com", selector=selector)
    below = harness.sign(harness.mail(), domain="deep.example.org")
    harness.receive(forged, below, harness.sign(harness.mail()))

    assert ["key._domainkey.example.org."] == harness.dns.asked


@pytest.fixture
def _unreachable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name server of sub.example.org does not answer; its questions."""
    asked: list[str] = []
    answer = Dns.__call__

    def ask(self: Dns, name: str) -> bytes | None:
        if name.endswith(".sub.example.org."):
            asked.append(name)
            raise InboxError("DNS: timeout")
        return answer(self, name)

    monkeypatch.setattr(Dns, "__call__", ask)
    return asked


def _slow(harness: Harness, number: int) -> bytes:
    mail = harness.mail(From=SLOW, Message_ID=f"<slow.{number}@example.org>")
    return harness.sign(mail, domain="sub.example.org")


def test_a_mail_that_waits_for_keys_delays_no_other(harness: Harness, _unreachable: list[str]) -> None:
    """A person with a role whose name server does not answer could stop the commands of all."""
    harness.clock.time = START + timedelta(minutes=30)
    harness.chiefs |= {SLOW}
    job = harness.job()
    later = harness.sign(harness.mail("patchwarden: recheck\n"))
    stranger = harness.sign(harness.mail(From="bob@example.org", Message_ID="<bob@example.org>"))
    harness.ingest(_slow(harness, 1), _slow(harness, 2), later, stranger)

    with time_machine.travel(harness.clock.now(), tick=False):
        first, second = job.run(), job.run()

    assert ["recheck", "not authorised: a stranger"] == [result.outcome for result in first]
    assert () == second
    assert 2 == len(_unreachable)  # Once in each run, though two mails wait.
    assert [PATCH] == harness.rechecked
    assert 4 == len(harness.store.unchecked_for_commands(10))


def test_a_mail_that_waits_is_logged_once_for_each_reason(
    harness: Harness, _unreachable: list[str], events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.clock.time = START + timedelta(minutes=30)
    harness.chiefs |= {SLOW}
    job = harness.job()
    harness.ingest(_slow(harness, 1))
    with time_machine.travel(harness.clock.now(), tick=False):
        for _ in range(3):
            job.run()
        monkeypatch.setattr(Dns, "__call__", Mock(side_effect=InboxError("DNS: no server")))
        for _ in range(3):
            job.run()

    assert [delay["reason"] for delay in events.named("command-delayed")] == ["DNS: timeout", "DNS: no server"]


def test_a_mail_that_waits_is_obeyed_later_and_each_once(
    harness: Harness, _unreachable: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.clock.time = START + timedelta(minutes=30)
    harness.chiefs |= {SLOW}
    job = harness.job()
    harness.ingest(_slow(harness, 1), harness.sign(harness.mail("patchwarden: recheck\n")))
    with time_machine.travel(harness.clock.now(), tick=False):
        assert ["recheck"] == [result.outcome for result in job.run()]
        monkeypatch.undo()
        assert ["mute author"] == [result.outcome for result in job.run()]
        assert () == job.run()

    assert [PATCH] == harness.rechecked
    assert 0 == len(harness.store.unchecked_for_commands(10))


def test_after_a_restart_each_mail_is_still_obeyed_once(harness: Harness, _unreachable: list[str]) -> None:
    harness.clock.time = START + timedelta(minutes=30)
    harness.chiefs |= {SLOW}
    harness.ingest(_slow(harness, 1), harness.sign(harness.mail("patchwarden: recheck\n")))
    harness.run_commands()

    assert ["processed before"] == [result.outcome for result in harness.run_commands()]
    harness.clock.forward(hours=1)
    assert ["DNS: timeout", "processed before"] == [result.outcome for result in harness.run_commands()]
    assert [PATCH] == harness.rechecked
    assert 0 == len(harness.store.unchecked_for_commands(10))
