# SPDX-License-Identifier: GPL-2.0-or-later
"""Odd mails as list archives hold them, each by its behaviour: what becomes of it from its bytes to its posting."""

import base64
import quopri
from datetime import timedelta
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.refusal import RefusalTerms, refuse_posting
from bot.service.poll import PollJob
from bot.store.repository import Repository
from tests.fakes.mails import DIFF, START, FakeArchive, mail, patch

ONE = "rust: led: read it v1 complete"
REPEAT = "rust: led: read it v1 repeat: the same patches were posted before, as 1@x"
SAY_WHY = 'rust: led: say why v1 fixup: a single patch in reply to "rust: led: read it": both change rust/kernel/led.rs'


def swap(raw: bytes, *pairs: tuple[bytes | str, bytes | str]) -> bytes:
    """The mail with something replaced that must be there."""
    for old, new in pairs:
        before, after = (text.encode() if isinstance(text, str) else text for text in (old, new))
        assert before in raw
        raw = raw.replace(before, after, 1)
    return raw


def head(raw: bytes, *lines: str) -> bytes:
    """The mail with header lines more."""
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape") + raw


def encoded(raw: bytes, how: str) -> bytes:
    top, _, body = raw.partition(b"\n\n")
    text = base64.encodebytes(body) if how == "base64" else quopri.encodestring(body)
    return top + f"\nContent-Transfer-Encoding: {how}\n\n".encode() + text


def multipart(raw: bytes, *parts: str) -> bytes:
    top, _, _ = raw.partition(b"\n\n")
    body = "".join(f"--x\n{part}\n" for part in parts)
    return top + f"\nContent-Type: multipart/mixed; boundary=x\n\n{body}--x--\n".encode()


def fates(store: Repository, *mails: bytes, hours: float = 1) -> list[str]:
    """Return the mails that were not simply read, and each posting with its state and refusal."""
    PollJob([FakeArchive(mails)], store, assemble, Event(), Silent()).run()
    problems: list[str] = [f"{failure.reason} ({failure.state})" for failure in store.quarantined(99)]
    problems += [mail.state for mail in store.mails_with_id("1@x") if mail.state != "read"]
    problems += ["duplicate"] * (store.tally().raw - len(store.unattested(START - timedelta(1), 999)) - len(problems))
    postings = {
        row.posting.message_id: row for message_id in ids(store) for row in store.postings_with_part(message_id)
    }
    for row in postings.values():
        refused = refuse_posting(row.posting, row.context, START + timedelta(hours=hours), RefusalTerms())
        word = str(refused or row.detail or row.state)
        damaged = " damaged" if any(patch.damage for patch in row.posting.series.patches) else ""
        problems.append(f"{row.posting.series.subject} v{row.posting.series.revision} {word}{damaged}")
    return sorted(problems)


def ids(store: Repository) -> list[str]:
    read = (parse(stored.mail.raw) for stored in store.unattested(START - timedelta(1), 999))
    return [message.message_id for message in read if isinstance(message, Message)]


PATCH = patch("1@x")
HTML = multipart(PATCH, "Content-Type: text/html\n\n<p>only")
BODY = PATCH.partition(b"\n\n")[2].decode()
CASES = {
    "no message-id": ([swap(PATCH, ("Message-ID: <1@x>\n", ""))], [ONE]),
    "two message-ids": ([head(PATCH, "Message-ID: <0@x>")], [ONE]),
    "date is not a date": ([swap(PATCH, ("Mon, 02 Mar 2026 09:00:00 +0000", "the day before yesterday"))], [ONE]),
    "crlf": ([PATCH.replace(b"\n", b"\r\n")], [ONE]),
    "html only": ([HTML], []),
    "same mail twice": ([PATCH, PATCH], [ONE]),
    "same mail by another way": ([PATCH, head(PATCH, "Received: from elsewhere", "X-List: other")], ["duplicate", ONE]),
    "same id, other text": (
        [PATCH, swap(PATCH, ("Read it.", "Write it."))],
        ["conflict", ONE],
    ),
    "same id, other sender": (
        [PATCH, swap(PATCH, ("ada@", "eve@"))],
        ["conflict", ONE],
    ),
    "two @ in the message-id": ([patch("1@x@example.org")], [ONE]),
    "group without members in To": (
        [swap(PATCH, ("To: rust-for-linux@lists.example.org", "To: unlisted-recipients:; (no To-header on input)"))],
        [ONE],
    ),
    "charset is a word of a dialogue": ([head(PATCH, "Content-Type: text/plain; charset=y")], [ONE]),
    "charset is an option": ([head(PATCH, "Content-Type: text/plain; charset=--subject=x")], [ONE]),
    "charset undefined": ([head(PATCH, "Content-Type: text/plain; charset=undefined")], [ONE]),
    "8 bit without charset": ([swap(PATCH, ("Read it.", b"Read it, M\xfcller."))], [ONE]),
    "undecodable as declared": (
        [head(swap(PATCH, ("Read it.", b"\xff\xfe\x81")), "Content-Type: text/plain; charset=utf-8")],
        [ONE],
    ),
    "zone without number": ([swap(PATCH, ("+0000", "CEST"))], [ONE]),
    "zone of no place": ([swap(PATCH, ("+0000", "+1600"))], [ONE]),
    "archived a month after it was sent": (
        [swap(PATCH, ("Mon, 02 Mar", "Mon, 02 Feb"))],
        ["rust: led: read it v1 stale: it was sent on 2026-02-02 09:00 UTC and archived later"],
    ),
    "from the future": ([swap(PATCH, ("2026", "2077"))], [ONE]),
    "year without end": ([swap(PATCH, ("2026", "2" + "0" * 23))], [ONE]),
    "html beside text": ([multipart(PATCH, f"\n{BODY}", "Content-Type: text/html\n\n<p>x")], [ONE]),
    "patch attached": (
        [
            multipart(
                PATCH,
                "\nSee below.",
                f"Content-Type: text/x-patch\nContent-Disposition: attachment; filename=a.patch\n\n{BODY}",
            )
        ],
        [ONE],
    ),
    "two megabytes": ([swap(PATCH, ("Read it.", "Read it.\n" + "word\n" * 400_000))], [ONE]),
    "larger than the limit": (
        [swap(PATCH, ("Read it.", "x" * 4_100_000))],
        ["larger than 4,000,000 bytes (unreadable)"],
    ),
    "endless header line": ([head(PATCH, "X-Long: " + "x" * 5000)], [ONE]),
    "header block of 40 kB": ([head(PATCH, *(f"X-{n}: {'x' * 400}" for n in range(100)))], [ONE]),
    "header block past the limit": (
        [head(PATCH, *(f"X-{n}: {'x' * 400}" for n in range(900)))],
        ["header larger than 256,000 bytes (unreadable)"],
    ),
    "endless line in the text": ([swap(PATCH, ("Read it.", "Read it. " * 5000))], [ONE]),
    "nul in text": ([swap(PATCH, ("Read it.", b"Read\0 it."))], [ONE]),
    "nul in the header": ([swap(PATCH, ("rust: led", b"rust:\0 led"))], [ONE]),
    "raw 8 bit in the header": ([swap(PATCH, ("From: Ada", b"From: Ad\xe4"))], [ONE]),
    "escape and return in the subject": ([swap(PATCH, ("rust: led:", "rust:\x1b\r led:"))], [ONE]),
    "bidi and zero-width in the subject": ([swap(PATCH, ("rust: led", "rust:\u202e\u200b led"))], [ONE]),
    "line break in an encoded word": (
        [
            swap(
                PATCH,
                (
                    "Subject: [PATCH] rust: led: read it",
                    "Subject: =?utf-8?q?[PATCH]_rust:_led:_read_it=0D=0ABcc:_eve@example.org?=",
                ),
            )
        ],
        ["rust: led: read it Bcc: eve@example.org v1 complete"],
    ),
    "base64": ([encoded(PATCH, "base64")], [ONE]),
    "quoted-printable": ([encoded(PATCH, "quoted-printable")], [ONE]),
    "hunk wrapped by the mailer": ([swap(PATCH, ("+pub fn read(", "+pub fn\nread("))], [f"{ONE} damaged"]),
    "hunk cut off": ([PATCH.partition(b"+    unsafe")[0]], [f"{ONE} damaged"]),
    "flowed": ([head(PATCH, "Content-Type: text/plain; format=flowed")], [ONE]),
    "of no number": (
        [patch("1@x", number=" 1/n"), patch("2@x", "fan", number=" 2/n")],
        [
            "rust: fan: read it v1 defective: the number of the patch is 2/n",
            "rust: led: read it v1 defective: the number of the patch is 1/n",
        ],
    ),
    "none of none": (
        [patch("1@x", number=" 0/0")],
        ["rust: led: read it v1 defective: the number of the patch is 0/0"],
    ),
    "n past m": (
        [patch("1@x", number=" 5/4")],
        ["rust: led: read it v1 defective: patch 5 of 4 is an addition to another series"],
    ),
    "two releases for a number": (
        [patch("1@x", number=" 4.19/5.4")],
        ['rust: led: read it v1 backport: the subject says "4.19/5.4"'],
    ),
    "revision of two numbers": ([patch("1@x", number=" v2.1")], ["rust: led: read it v2 complete"]),
    "revision past all counting": ([patch("1@x", number=" v55555")], ["rust: led: read it v55555 complete"]),
    "revision in brackets of its own": ([patch("1@x", number="][V2")], ["rust: led: read it v2 complete"]),
    "two different patches of one number": (
        [patch("1@x", number=" 1/2"), patch("2@x", "fan", number=" 1/2", to="1@x")],
        [
            "rust: fan: read it v1 incomplete: patch 2 of 2 did not arrive",
            "rust: led: read it v1 incomplete: patch 2 of 2 did not arrive",
        ],
    ),
    "no cover letter": ([patch("1@x", number=" 1/2"), patch("2@x", "fan", number=" 2/2", to="1@x")], [ONE]),
    "a part missing": (
        [patch("1@x", number=" 1/2")],
        ["rust: led: read it v1 incomplete: patch 2 of 2 did not arrive"],
    ),
    "last patch first": ([patch("2@x", "fan", number=" 2/2", to="1@x"), patch("1@x", number=" 1/2")], [ONE]),
    "patches before their cover letter": (
        [patch("1@x", number=" 1/1", to="c@x"), mail("c@x", "[PATCH 0/1] rust: a driver")],
        ["rust: a driver v1 complete"],
    ),
    "unthreaded": (
        [patch("1@x", number=" 1/2"), patch("2@x", "fan", number=" 2/2")],
        ["rust: led: read it v1 complete"],
    ),
    "unthreaded in two subsystems": (
        [patch("1@x", number=" 1/2"), swap(patch("2@x", "fan", number=" 2/2"), ("rust: fan", "hwmon: fan"))],
        ["rust: led: read it v1 complete"],
    ),
    "parts answer different mails": (
        [patch("1@x", number=" 1/2", to="a@x"), patch("2@x", "fan", number=" 2/2", to="b@x")],
        ["rust: led: read it v1 complete"],
    ),
    "parts for two subsystems answer different mails": (
        [
            patch("1@x", number=" 1/2", to="a@x"),
            swap(patch("2@x", "fan", number=" 2/2", to="b@x"), ("rust: fan", "hwmon: fan")),
        ],
        ["rust: led: read it v1 complete"],
    ),
    "parts that answer different mails were sent hours apart": (
        [
            patch("1@x", number=" 1/2", to="a@x"),
            swap(patch("2@x", "fan", number=" 2/2", to="b@x"), ("09:00:00", "11:00:00")),
        ],
        [
            "rust: fan: read it v1 incomplete: patch 1 of 2 did not arrive",
            "rust: led: read it v1 incomplete: patch 2 of 2 did not arrive",
        ],
    ),
    "counters and tags of other shapes": (
        [
            patch("1@x", number=" 1of3"),
            swap(patch("2@x", "fan"), ("[PATCH] rust", "PATCH 2/3] rust")),
            swap(patch("3@x", "dial"), ("[PATCH] rust", "[net-next,3/3] rust")),
        ],
        ["rust: led: read it v1 complete"],
    ),
    "revision after the title": (
        [patch("1@x"), swap(patch("2@x"), ("read it", "read it (v2)"))],
        ["rust: led: read it v1 older-revision: v2 has arrived already", "rust: led: read it v2 complete"],
    ),
    "new revision inside the old thread": (
        [patch("1@x"), patch("2@x", number=" v2", to="1@x")],
        ["rust: led: read it v1 older-revision: v2 has arrived already", "rust: led: read it v2 complete"],
    ),
    "four revisions in one thread": (
        [
            patch("1@x"),
            patch("2@x", number=" v2", to="1@x"),
            patch("3@x", number=" v3", to="1@x"),
            patch("4@x", number=" v4", to="3@x"),
        ],
        [
            *(f"rust: led: read it v{revision} older-revision: v4 has arrived already" for revision in (1, 2, 3)),
            "rust: led: read it v4 complete",
        ],
    ),
    "patch as answer to a review": (
        [
            patch("1@x"),
            mail("r@x", "Re: [PATCH] rust: led: read it", to="1@x", author="bob@example.org"),
            swap(patch("2@x", to="r@x"), ("rust: led: read it", "rust: led: say why")),
        ],
        [ONE, SAY_WHY],
    ),
    "patch by another as answer": (
        [patch("1@x"), swap(patch("2@x", to="1@x"), ("ada@", "bob@"), ("rust: led: read it", "rust: led: say why"))],
        [ONE, SAY_WHY],
    ),
    "patch to other files as answer": (
        [patch("1@x"), swap(patch("2@x", "fan", to="1@x"), ("ada@", "bob@"))],
        ["rust: fan: read it v1 complete", ONE],
    ),
    "resent": ([patch("1@x"), patch("2@x", number=" RESEND")], [ONE, REPEAT]),
    "same diff sent again without a word": ([patch("1@x"), patch("2@x")], [ONE, REPEAT]),
    "unquoted diff in an answer": ([mail("1@x", "Re: [PATCH] rust: led: read it", body=DIFF)], []),
    "quoted diff in an answer": (
        [mail("1@x", "Re: [PATCH] rust: led: read it", body="> " + DIFF.replace("\n", "\n> "))],
        [],
    ),
    "tag without diff": ([mail("1@x", "[PATCH] rust: led: read it")], []),
    "diff without tag": ([mail("1@x", "rust: led: read it", body=DIFF)], []),
    "answer in Chinese": ([swap(PATCH, ("Subject: ", "Subject: 答复: "))], []),
    "recalled": ([swap(PATCH, ("Subject: ", "Subject: Recall: "))], []),
    "two In-Reply-To": (
        [patch("1@x", number=" 1/2"), head(patch("2@x", "fan", number=" 2/2", to="1@x"), "In-Reply-To: <0@x>")],
        [ONE],
    ),
    "answer to nothing": ([patch("1@x"), mail("2@x", "Re: [PATCH] rust: led: read it", body=DIFF)], [ONE]),
    "answers itself": ([patch("1@x", to="1@x")], [ONE]),
    "answers in a circle": (
        [patch("1@x", number=" 1/2", to="2@x"), patch("2@x", "fan", number=" 2/2", to="1@x")],
        [ONE],
    ),
    "from a relay": (
        [
            swap(
                PATCH,
                (
                    "From: Ada <ada@example.org>",
                    "From: Ada via B4 Relay <devnull+ada.example.org@kernel.org>\nReply-To: ada@example.org",
                ),
            )
        ],
        [ONE],
    ),
    "a bot's diff": ([swap(PATCH, ("ada@example.org", "lkp@intel.com"))], []),
    "a person called like a bot": ([swap(PATCH, ("ada@example.org", "acourbot@example.org"))], [ONE]),
    "journal report": ([head(PATCH, "Auto-Submitted: auto-generated")], []),
    "acknowledgement that says of no machine": (
        [
            PATCH,
            mail(
                "2@x",
                "We got your mail: [PATCH] rust: led: read it",
                to="1@x",
                body=DIFF,
                author="ack@mari.example.org",
            ),
        ],
        [ONE],
    ),
    "spam": ([mail("1@x", "Your invoice 4711", body="Dear customer\n")], []),
}


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_it(store: Repository, name: str) -> None:
    mails, expected = CASES[name]

    assert fates(store, *mails) == expected
