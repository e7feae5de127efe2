# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile mails: each is read, threaded and assembled within the limits, or quarantined with a reason."""

from collections.abc import Iterator, Sequence
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.pool.executor import ProcessExecutor
from bot.pool.guard import Crashed, TimeLimit
from bot.pool.worker import Limits
from bot.ports.mails import ParsedMail, ReadFailure, StoredMail, Thread
from bot.service.poll import PollJob, index, index_all, postings_in
from bot.store.repository import Repository
from tests.fakes.mails import FakeArchive, mail, patch, raw

PATCH = patch("1@x")
TOP, _, BODY = PATCH.partition(b"\n\n")
DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(3000))


def headed(*lines: bytes) -> bytes:
    return b"\n".join(lines) + b"\n" + PATCH


HOSTILE = {
    "20,000 encoded words": headed(b"Subject: " + b"=?utf-8?q?x?= " * 20_000),
    "encoded words to the limit": headed(b"Subject: " + b"=?utf-8?q?=41?= " * 1_900),
    "one endless encoded word": headed(b"Subject: =?utf-8?b?" + b"QUFB" * 40_000 + b"?="),
    "3,000 levels of multipart": TOP + b"\n" + DEEP,
    "200,000 boundaries": TOP + b"\nContent-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 200_000,
    "boundary of one dash": TOP + b"\nContent-Type: multipart/mixed; boundary=-\n\n" + b"---\n" * 300_000,
    "5,000 parentheses": headed(b"To: " + b"(" * 5_000),
    "50,000 parentheses in From": PATCH.replace(b"From: Ada", b"From: " + b"(" * 50_000),
    "quotes that never close": headed(b"Cc: " + b'"' * 50_001),
    "backslashes": headed(b'Cc: "' + b"\\" * 100_001),
    "60,000 addresses": headed(b"Cc: " + b"a@x, " * 40_000),
    "commas": headed(b"Cc: " + b"," * 200_000),
    "angle brackets in references": headed(b"References: " + b"<" * 200_000),
    "15,000 references": headed(b"References: " + b"<a@x> " * 15_000),
    "brackets in the subject": headed(b"Subject: " + b"[" * 100_000),
    "counters in the subject": headed(b"Subject: [PATCH " + b"1/1 " * 20_000 + b"]"),
    "announces two thousand million": patch("1@x", number=" 1/2000000000"),
    "number of 100,000 digits": patch("1@x", number=" 1/" + "9" * 100_000),
    "parameters of the type": headed(b"Content-Type: text/plain" + b"; a=b" * 40_000),
    "folded header": headed(b"X: " + b"x\n " * 3_900),
    "one line of 3.9 MB": TOP + b"\n\n" + b"x" * 3_900_000,
    "base64 of nothing": TOP + b"\nContent-Transfer-Encoding: base64\n\n" + b"=" * 3_900_000,
    "quoted-printable of nothing": TOP + b"\nContent-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * 1_500_000,
    "utf-7": TOP + b"\nContent-Type: text/plain; charset=utf-7\n\n" + b"+" * 1_000_000,
    "charset of idna": TOP + b"\nContent-Type: text/plain; charset=idna\n\n" + b"xn--" * 100_000,
    "charset of punycode": TOP + b"\nContent-Type: text/plain; charset=punycode\n\n" + b"a-" * 300_000,
    "charset of a codec": TOP + b"\nContent-Type: text/plain; charset=zlib_codec\n\n" + b"x\x9c" * 100,
    "hunk of 2,000,000,000 lines": PATCH.replace(b"+1,5 @@", b"+1,2000000000 @@"),
    "hunk of 5,000 digits": PATCH.replace(b"+1,5 @@", b"+1," + b"9" * 5_000 + b" @@"),
    "100,000 hunks": PATCH + b"@@ -1 +1 @@\n-a\n+b\n" * 100_000,
    "20,000 files": TOP + b"\n\n" + b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n" * 20_000,
    "diff --git without end": TOP + b"\n\n---\ndiff --git " + b"a/x " * 500_000,
    "octal path": PATCH.replace(b"a/rust/kernel/led.rs", b'"a/' + b"\\377" * 50_000 + b'"'),
    "trailers": mail("1@x", "Re: [PATCH] rust", body="Acked-by: A <a@x>\n" * 100_000),
    "trailer without end": mail("1@x", "Re: [PATCH] rust", body="Acked-by: " + "a" * 2_000_000 + "@x\n"),
    "At signs": mail("1@x", "Re: [PATCH] rust", body="Acked-by: " + "@" * 500_000 + "\n"),
    "blank lines": TOP + b"\n\n" + b"\n" * 3_000_000,
    "spaces and line ends": TOP + b"\n\n" + b" \n" * 1_500_000,
    "carriage returns": TOP + b"\n\n" + b"\r" * 3_000_000,
    "separators that are lines for some": TOP + b"\n\n" + "\u2028\x0c\x1c\x85".encode() * 300_000,
    "From lines": b"From a@x Mon Mar  2 09:00:00 2026\n" * 50_000 + PATCH,
    "combining characters": headed(b"Subject: [PATCH] " + "e\u0301".encode() * 50_000),
    "date without end": headed(b"Date: " + b"1" * 200_000),
    "random bytes": bytes((at * 7919 + at // 256) % 256 for at in range(300_000)),
}


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessExecutor]:
    with ProcessExecutor(1, Limits()) as running:
        yield running


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_read_or_refused_within_the_limits(workers: ProcessExecutor, name: str) -> None:
    (result,) = workers.map(index, [StoredMail(1, raw(HOSTILE[name]))])

    assert isinstance(result, ParsedMail | ReadFailure)
    if isinstance(result, ParsedMail):
        thread = Thread(1, 1, (raw(HOSTILE[name]), raw(patch("2@x", to="1@x"))))
        (assembled,) = workers.map(_put_together, [thread], TimeLimit(60.0))
        assert not isinstance(assembled, Crashed)


def _put_together(thread: Thread) -> int:
    return len(postings_in(assemble, thread))


def test_a_mail_that_kills_its_reader_is_quarantined_and_holds_nobody_up(
    store: Repository, stop: Event, progress: Silent
) -> None:
    limit = TimeLimit(60, 0.5)  # of processor time, which a loaded machine does not use up
    with ProcessExecutor(2) as workers:

        class Poisoned:
            """Hands that stumble over one mail as a real reader might."""

            def map(self, work, items, time=None):  # type: ignore[no-untyped-def]  # the protocol is generic
                stumbling = {index: _stumbling, index_all: _stumbling_over_one}
                return workers.map(stumbling.get(getattr(work, "func", work), work), items, time or limit)

            def close(self) -> None:
                workers.close()

        archive = FakeArchive([patch("1@x"), mail("bad@x", "poison"), patch("2@x", "fan")])
        PollJob([archive], store, assemble, stop, progress, Poisoned()).run()

    assert [row.reason for row in store.quarantined(9)] == ["took more than 0.5 s of processor time, 2 times"]
    assert sorted(row.posting.message_id for row in store.due_for_review(9)) == ["1@x", "2@x"]


def _stumbling(stored: StoredMail) -> ParsedMail | ReadFailure:
    while b"poison" in stored.mail.raw:
        pass
    return index(stored)


def _stumbling_over_one(stored: Sequence[StoredMail]) -> list[ParsedMail | ReadFailure]:
    return [_stumbling(mail) for mail in stored]


def test_limits_are_those_that_are_promised() -> None:
    assert Limits() == Limits(seconds=5.0, memory=536_870_912)
