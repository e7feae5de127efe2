# SPDX-License-Identifier: GPL-2.0-or-later
import base64
import socket
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from smtplib import SMTP
from threading import Thread

import pytest
from aiosmtpd.controller import Controller

from bot.mail.outgoing import Outgoing
from bot.outbox import smtp as smtp_module
from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.outbox.final_reply import MalformedReplyError, read_final_reply
from bot.outbox.smtp import Server, Smtp
from tests.fakes.sink import Raw, Sink
from tests.fakes.submission import RecordingHandler

CONTENT = b"Subject: x\nReferences: <" + b"a" * 200 + b"@x>\n\nFrom here\n.\n..dots\n.x\n"


def _mail(content: bytes = CONTENT, *to: str) -> Outgoing:
    to = to or ("a@example.org",)
    return Outgoing("1@x", "p@x", "review", "bot@bot.example.org", to, content, datetime(2026, 1, 1, tzinfo=UTC))


def _smtp(server: Sink, halted: str = "") -> Smtp:
    return Smtp(Server("127.0.0.1", server.port, "none", timeout=60), lambda: halted)


def _answer(server: Sink, step: str, answer: str) -> None:
    server.misbehave = {step: answer}.get


def test_the_bytes_on_the_wire_are_the_frozen_ones_with_crlf_and_stuffed_dots(server: Sink) -> None:
    assert _smtp(server).deliver(_mail()) == "250 taken"

    assert server.after_greeting() == (
        b"MAIL FROM:<bot@bot.example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"
        b"Subject: x\r\nReferences: <" + b"a" * 200 + b"@x>\r\n\r\nFrom here\r\n..\r\n...dots\r\n..x\r\n.\r\nQUIT\r\n"
    )
    assert server.taken == [CONTENT.replace(b"\n", b"\r\n")]


def test_every_recipient_is_in_the_envelope_once(server: Sink) -> None:
    _smtp(server).deliver(_mail(CONTENT, "a@example.org", "b@example.org"))

    assert server.envelopes == [("bot@bot.example.org", ("a@example.org", "b@example.org"))]


def test_eight_bits_are_announced(server: Sink) -> None:
    _smtp(server).deliver(_mail(CONTENT + "ä\n".encode()))

    assert b"body=8bitmime\r\n" in bytes(server.raw).lower()


def test_a_server_without_eight_bits_is_a_refusal(server: Sink) -> None:
    server.extensions = ()

    with pytest.raises(RefusedError, match="8-bit"):
        _smtp(server).deliver(_mail(CONTENT + "ä\n".encode()))
    assert server.taken == []


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: x\n\n\r.\r\nMAIL FROM:<evil@x>\n",
        b"Subject: x\n\n.\r\r\nQUIT\n",
        b"Subject: x\rBcc: y@x\n\nb\n",
        b"Subject: x\n\n\0\n",
    ],
)
def test_smuggled_bytes_never_leave(server: Sink, content: bytes) -> None:
    with pytest.raises(UnfitError, match="not fit to be sent"):
        _smtp(server).deliver(_mail(content))

    assert server.taken == []


@pytest.mark.parametrize(
    "address", ["a@x>\r\nRCPT TO:<evil@x", "a b@x", "<a@x>", "-oQ/tmp@x", "a@x@y", "", "a@-x", "ä@x", "a@x\n"]
)
def test_an_address_that_is_not_plain_never_reaches_the_envelope(server: Sink, address: str) -> None:
    with pytest.raises(UnfitError, match="is not a plain address"):
        _smtp(server).deliver(_mail(CONTENT, "b@example.org", address or " "))

    assert server.taken == []


@pytest.mark.parametrize("smuggled", [b".\nMAIL FROM:<evil@x>", b".\r\nQUIT", b"..\n.\n.\n", b"\n.\n\n.\n"])
def test_lone_dots_end_no_mail(server: Sink, smuggled: bytes) -> None:
    content = b"Subject: x\n\n" + smuggled + b"\nend\n"
    _smtp(server).deliver(_mail(content))

    assert server.taken == [content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")]


@pytest.mark.parametrize("step", ["connect", "MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize(("answer", "error"), [("451 later", OutboxError), ("500 never", RefusedError)])
def test_an_answer_that_is_no_leaves_nothing(server: Sink, step: str, answer: str, error: type[OutboxError]) -> None:
    _answer(server, step, answer)
    expected = OutboxError if step == "connect" else error

    with pytest.raises(OutboxError, match=answer) as raised:
        _smtp(server).deliver(_mail())

    assert (type(raised.value), server.taken) == (expected, [])
    refused = {"MAIL": "sender", "RCPT": "recipient a@example.org", "connect": f"127.0.0.1:{server.port}: connecting"}
    assert str(raised.value) == f"{refused.get(step, 'content')}: {answer}"


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_connection_cut_before_the_content_left_nothing(server: Sink, step: str) -> None:
    _answer(server, step, "cut")

    with pytest.raises(OutboxError) as error:
        _smtp(server).deliver(_mail())

    assert (type(error.value), server.taken) == (OutboxError, [])


@pytest.mark.parametrize(("step", "taken"), [("dot", 0), ("250", 1)])
@pytest.mark.parametrize("answer", ["cut", "reset"])
def test_a_connection_that_ends_after_the_dot_is_unconfirmed(server: Sink, step: str, answer: str, taken: int) -> None:
    _answer(server, step, answer)

    with pytest.raises(DeliveryUnconfirmedError, match="no valid reply after the content was sent"):
        _smtp(server).deliver(_mail())

    assert len(server.taken) == taken


@pytest.mark.parametrize("answer", ["cut", "reset"])
def test_a_connection_that_ends_amid_a_long_content_left_nothing(server: Sink, answer: str) -> None:
    """More than the buffers of both ends hold, so that the dot is not even written."""
    _answer(server, "content", answer)
    content = b"Subject: x\n\n" + b"line\n" * 4_000_000
    smtp = Smtp(Server("127.0.0.1", server.port, "none"), str, limit=len(content))

    with pytest.raises(OutboxError) as error:
        smtp.deliver(_mail(content))

    assert (type(error.value), server.taken) == (OutboxError, [])


BAD_REPLIES = [
    b"",
    b"2",
    b"25",
    b"250",
    b"250 taken",
    b"250 taken\r",
    b"250 taken\n",
    b"250-one line\r\n",
    b"250-one line\r\n250",
    b"250-one line\r\n25",
    b"250-one line\r\n550 another code\r\n",
    b"550-one line\r\n250 another code\r\n",
    b"250_taken\r\n",
    b"250taken\r\n",
    b"2500 taken\r\n",
    b" 250 taken\r\n",
    b"\r\n250 taken\r\n",
    b"taken\r\n",
    b"-50 taken\r\n",
    b"2+0 taken\r\n",
    b"\xb2\xb5\xb0 taken\r\n",
    b"290 no such code\r\n",
    b"550",
    b"45",
    b"451 la",
    b"550 no\n",
    b"550-no\r\n",
    b"950 no\r\n",
    b"650 no\r\n",
    b"000 no\r\n",
    b"120 wait\r\n",
    b"354 go on\r\n",
    b"250 a\0b\r\n",
    b"550 a\rb\r\n",
    b"250 " + b"x" * 507 + b"\r\n",
    b"550 " + b"x" * 1_000_000,
    b"250-x\r\n" * 65 + b"250 x\r\n",
    b"250-x\r\n" * 100_000,
]


@pytest.mark.parametrize("reply", BAD_REPLIES, ids=[f"reply {number}" for number in range(len(BAD_REPLIES))])
@pytest.mark.parametrize(("step", "taken"), [("dot", 0), ("250", 1)])
def test_a_malformed_final_reply_is_unconfirmed(server: Sink, step: str, taken: int, reply: bytes) -> None:
    server.misbehave = {step: Raw(reply)}.get

    with pytest.raises(DeliveryUnconfirmedError):
        _smtp(server).deliver(_mail())

    assert len(server.taken) == taken


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"250", "the connection was closed before the reply was complete"),
        (b"250taken\r\n", r"malformed reply b'250taken\r\n'"),
        (b"250 " + b"x" * 99 + b"\0\r\n", f"malformed reply {b'250 ' + b'x' * 56!r}"),
        (b"250-taken\r\n550 no\r\n", "a reply with the codes 250 and 550"),
        (b"250 " + b"x" * 508, "a reply line is longer than 512 octets"),
        (b"250-x\r\n" * 65, "a reply of more than 64 lines"),
    ],
)
def test_an_unconfirmed_delivery_says_what_is_wrong_with_the_reply(server: Sink, reply: bytes, reason: str) -> None:
    server.misbehave = {"250": Raw(reply)}.get

    with pytest.raises(DeliveryUnconfirmedError) as error:
        _smtp(server).deliver(_mail())

    assert str(error.value) == f"127.0.0.1:{server.port}: no valid reply after the content was sent: {reason}"


@pytest.mark.parametrize("reply", [b"", b"2", b"250 taken", b"250-taken\r\n"])
def test_a_final_reply_that_does_not_come_in_time_is_unconfirmed(
    server: Sink, reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_module, "read_final_reply", lambda smtp, _: read_final_reply(smtp, 0.2))
    server.misbehave = {"250": Raw(reply, hangs=True)}.get

    with pytest.raises(DeliveryUnconfirmedError):
        _smtp(server).deliver(_mail())


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (b"250\r\n", None, "250"),
        (b"250 \r\n", None, "250"),
        (b"250 taken\r\n", None, "250 taken"),
        (b"251-will\r\n251 forward\r\n", None, "251 will forward"),
        (b"250-x\r\n" * 63 + b"250 x\r\n", None, "250 x"),
        (b"250 " + b"x" * 506 + b"\r\n", None, "250 xxx"),
        (b"250 t\xc3\xa4ken\r\n", None, "250 t\xe4ken"),
        (b"250 t\xe4ken\r\n", None, "250 t\ufffdken"),
        (b"451\r\n", OutboxError, "content: 451"),
        (b"451-more\r\n451 later\r\n", OutboxError, "content: 451 more later"),
        (b"550 no\r\n", RefusedError, "content: 550 no"),
        (b"554-no\r\n554\r\n", RefusedError, "content: 554 no"),
    ],
)
def test_a_well_formed_final_reply_says_whether_the_mail_was_taken(
    server: Sink, reply: bytes, error: type[OutboxError] | None, words: str
) -> None:
    server.misbehave = {"250": Raw(reply)}.get

    if error is None:
        assert _smtp(server).deliver(_mail()).startswith(words)
    else:
        with pytest.raises(OutboxError, match=words) as raised:
            _smtp(server).deliver(_mail())
        assert type(raised.value) is error


def test_a_reply_that_comes_in_drops_is_read_until_the_time_is_over() -> None:
    """The time is counted for the whole reply: each drop alone comes soon enough."""
    now, drops = 0.0, iter([b"250-", b"a", b"b", b"c", b"d", b"\r\n250 taken\r\n"])

    class Slow:
        def settimeout(self, left: float) -> None:
            assert left > 0

        def read1(self, size: int) -> bytes:
            nonlocal now
            now += 1
            return next(drops)

    smtp = SMTP()
    smtp.sock = smtp.file = Slow()  # type: ignore[assignment]

    with pytest.raises(MalformedReplyError, match="not complete after 3 s"):
        read_final_reply(smtp, 3, lambda: now)


def test_a_broken_goodbye_changes_nothing(server: Sink) -> None:
    _answer(server, "QUIT", "cut")

    assert _smtp(server).deliver(_mail()) == "250 taken"


def test_a_recipient_that_is_refused_keeps_the_mail_from_nobody_else(server: Sink) -> None:
    answers = iter(["550 no such user", None])
    server.misbehave = lambda step: next(answers) if step == "RCPT" else None

    assert _smtp(server).deliver(_mail(CONTENT, "a@example.org", "b@example.org")) == (
        "250 taken; recipient a@example.org: 550 no such user"
    )
    assert server.envelopes[0][1] == ("b@example.org",)


def test_the_stop_file_is_asked_last_before_the_content(server: Sink) -> None:
    with pytest.raises(OutboxError, match="stopped by hand"):
        _smtp(server, "stopped by hand").deliver(_mail())

    assert b"rcpt" in bytes(server.raw).lower()
    assert b"DATA" not in bytes(server.raw)


def test_no_server_is_an_error_that_names_it() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(OutboxError, match=f"127.0.0.1:{port}: connecting: "):
        Smtp(Server("127.0.0.1", port, "none", timeout=60), str).deliver(_mail())


@pytest.mark.parametrize(
    ("step", "reply", "expected"),
    [
        ("connect", "cut", "connecting: Connection unexpectedly closed$"),
        ("connect", "hello", "connecting: no SMTP reply$"),
        ("AUTH", "334 no base64!", "login: "),
        ("AUTH", "334 /////w==", "login: "),
        ("AUTH", "535 no", "login: 535 no$"),
        ("MAIL", "cut", "envelope: Connection unexpectedly closed$"),
        ("DATA", "cut", "content: Connection unexpectedly closed$"),
    ],
)
def test_the_error_before_the_final_dot_names_the_step(
    server: Sink, tmp_path: Path, step: str, reply: str, expected: str
) -> None:
    (tmp_path / "password").write_text("secret\n")
    server.extensions = ("8BITMIME", "AUTH CRAM-MD5")
    server.misbehave = {"AUTH": "235 welcome", step: reply}.get

    with pytest.raises(OutboxError, match=f"^127.0.0.1:{server.port}: {expected}"):
        Smtp(Server("127.0.0.1", server.port, "none", "bot", tmp_path / "password", 60), str).deliver(_mail())


def test_a_reply_without_an_end_is_cut_off() -> None:
    def answer(listening: socket.socket) -> None:
        client, _ = listening.accept()
        with client, suppress(OSError):
            while True:
                client.sendall(b"220-wait\r\n")
                time.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=answer, args=(listening,), daemon=True).start()
        port = listening.getsockname()[1]
        with pytest.raises(OutboxError, match=f"127.0.0.1:{port}: connecting: "):
            Smtp(Server("127.0.0.1", port, "none", timeout=0.5), str).deliver(_mail())


def test_a_user_name_that_cannot_be_sent_is_an_error(server: Sink, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    server.extensions = ("8BITMIME", "AUTH PLAIN")

    with pytest.raises(OutboxError, match="login: "):
        Smtp(Server("127.0.0.1", server.port, "none", "bót", tmp_path / "password", 60), str).deliver(_mail())


def test_a_server_that_takes_no_encryption_is_an_error(server: Sink) -> None:
    with pytest.raises(OutboxError, match=r"STARTTLS extension not supported by server$"):
        Smtp(Server("127.0.0.1", server.port, timeout=60), str).deliver(_mail())


def test_the_password_is_read_from_its_file_or_its_absence_is_reported(server: Sink, tmp_path: Path) -> None:
    server.extensions = ("8BITMIME", "AUTH PLAIN")
    server.misbehave = {"AUTH": "235 welcome"}.get
    place = Server("127.0.0.1", server.port, "none", "bot", tmp_path / "password", 60)
    with pytest.raises(OutboxError, match=r"cannot read the password from .*: No such file or directory"):
        Smtp(place, str).deliver(_mail())

    (tmp_path / "password").write_text("secret\n")

    assert Smtp(place, str).deliver(_mail()) == "250 taken"
    assert "secret" not in repr(place)


PASSWORD = "correct horse"
PLAIN, LOGIN = (base64.b64encode(text).decode() for text in (b"\0bot\0correct horse", b"correct horse"))


def _with_password(server: Sink, folder: Path, password: str = PASSWORD) -> Smtp:
    server.extensions = ("8BITMIME", "AUTH PLAIN")
    (folder / "password").write_text(f"{password}\n")
    return Smtp(Server("127.0.0.1", server.port, "none", "bot", folder / "password", 60), str)


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (f"taken, {PASSWORD}!", "taken, ***!"),
        (f"taken {PLAIN} {LOGIN} {PASSWORD} {PASSWORD}", "taken *** *** *** ***"),
        ("x" * 290 + PASSWORD, "x" * 290 + "***"),
        ("x" * 291 + PASSWORD, "x" * 291 + "***"),
        ("x" * 293 + PLAIN, "x" * 293 + "***"),
        ("x" * 297 + PASSWORD, "x" * 297 + "cor"),
    ],
)
def test_the_reply_of_a_server_never_shows_the_password_in_any_form(
    server: Sink, tmp_path: Path, reply: str, shown: str
) -> None:
    """A beginning that the end of the text cut off is shown only where it is too short to tell anything."""
    smtp = _with_password(server, tmp_path)
    server.misbehave = {"AUTH": "235 welcome", "dot": f"250 {reply}"}.get
    assert smtp.deliver(_mail()) == f"250 {shown}"

    server.misbehave = {"AUTH": "235 welcome", "dot": f"550 {reply}"}.get
    with pytest.raises(RefusedError) as error:
        smtp.deliver(_mail())
    assert str(error.value) == f"content: 550 {shown}"


def test_a_password_that_may_be_a_part_of_a_word_is_not_removed(server: Sink, tmp_path: Path) -> None:
    server.misbehave = {"AUTH": "235 welcome", "dot": "250 taken"}.get

    assert _with_password(server, tmp_path, "tak").deliver(_mail()) == "250 taken"
    assert _with_password(server, tmp_path, "take").deliver(_mail()) == "250 ***n"


def test_a_password_that_cannot_be_sent_is_an_error(server: Sink, tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match=rf"the password in {tmp_path}/password has characters that are not ASCII"):
        _with_password(server, tmp_path, "pässword").deliver(_mail())

    no_file = Server("127.0.0.1", server.port, "none", "bot", timeout=60)
    with pytest.raises(OutboxError, match=r"^a user but no password file is set for the mail server$"):
        Smtp(no_file, str).deliver(_mail())


def test_the_envelope_sender_is_the_given_one(server: Sink) -> None:
    place = Server("127.0.0.1", server.port, "none", timeout=60)

    Smtp(place, str, sender_of=lambda mail: f"bounce+{mail.message_id[0]}@example.org").deliver(_mail())

    assert server.envelopes == [("bounce+1@example.org", ("a@example.org",))]
    with pytest.raises(UnfitError, match="is not a plain address"):
        Smtp(place, str, sender_of=lambda _: "-oQ@example.org").deliver(_mail())


def test_starttls_is_never_skipped(server: Sink) -> None:
    with pytest.raises(OutboxError, match="STARTTLS"):
        Smtp(replace(Server("127.0.0.1", server.port), timeout=60), str).deliver(_mail())

    assert server.taken == []


def test_an_independent_server_takes_it_too() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    handler = RecordingHandler()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        Smtp(Server("127.0.0.1", port, "none", timeout=60), str).deliver(_mail())
    finally:
        controller.stop()

    assert handler.taken == [CONTENT.replace(b"\n", b"\r\n")]
