# SPDX-License-Identifier: GPL-2.0-or-later
"""Submit mails over SMTP, one connection per mail, and know at every moment whether the mail may have left."""

import base64
import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.outbox.final_reply import MalformedReplyError, read_final_reply
from bot.outbox.wire import own_sender, strange, unfit, wire
from rules.lazy import dataclass, re

Security = Literal["starttls", "tls", "none"]

_SCRUBBED: Final = "***"
_MIN_SECRET: Final = 4
"""Shorter passwords are not removed from texts: their removal would hide words."""
_DOTS = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails are submitted. The password is read from its file at each connection and kept nowhere."""

    host: str
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    password_file: Path | None = None
    timeout: float = 30.0


class _BoundedReplies(smtplib.SMTP):
    """A connection whose time-out limits each whole reply. smtplib's own starts again with each piece of a reply."""

    def getreply(self) -> tuple[int, bytes]:
        sock = self.sock
        assert sock is not None

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # without TLS: another thread reads

        timer = threading.Timer(self.timeout, hang_up)
        timer.daemon = True
        timer.start()
        try:
            return super().getreply()
        finally:
            timer.cancel()


class _BoundedRepliesTls(_BoundedReplies, smtplib.SMTP_SSL):
    """The same over TLS from the start."""


class Smtp:
    """Submits mails to a server. A failure before the final dot left nothing; after it, only a valid reply counts.

    `halted` is asked last before the content is sent; a reason ends the attempt, and nothing has left. `sender_of`
    gives the envelope sender of a mail.
    """

    repeatable: Final = False
    done: Final = MailState.SENT

    def __init__(
        self,
        server: Server,
        halted: Callable[[], str],
        limit: int = 20_000,
        sender_of: Callable[[Outgoing], str] = own_sender,
    ) -> None:
        self._server = server
        self._sender_of = sender_of
        self._halted = halted
        self._limit = limit
        self._secrets: tuple[str, ...] = ()

    def deliver(self, mail: Outgoing) -> str:
        if problem := unfit(mail.content, self._limit):
            raise UnfitError(problem)
        sender = self._sender_of(mail)
        if address := strange((sender, *mail.envelope_to)):
            raise UnfitError(f"{address!r} is not a plain address")
        with self._scrubbed_errors(), self._connected() as smtp:
            with self._explained("envelope"):
                refused = self._envelope(smtp, mail, sender)
            if reason := self._halted():
                raise OutboxError(reason)
            answer = self._content(smtp, mail)
            return self._scrubbed("; ".join((answer, *refused)))

    def test_login(self) -> None:
        """Connect and log in as for a mail, and quit. Raises OutboxError, whose cause is the error of the step."""
        with self._scrubbed_errors(), self._connected():
            pass

    @contextmanager
    def _scrubbed_errors(self) -> Iterator[None]:
        """Remove the password from errors: a server's reply may repeat it."""
        try:
            yield
        except OutboxError as error:
            error.args = tuple(self._scrubbed(str(argument)) for argument in error.args)
            raise

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        self._secrets = ()
        context = ssl.create_default_context()
        with self._explained("connecting"):
            if server.security == "tls":
                smtp: smtplib.SMTP = _BoundedRepliesTls(
                    server.host, server.port, timeout=server.timeout, context=context
                )
            else:
                smtp = _BoundedReplies(server.host, server.port, timeout=server.timeout)
        try:
            with self._explained("connecting"):
                smtp.ehlo()
            if server.security == "starttls":
                with self._explained("STARTTLS"):
                    smtp.starttls(context=context)
                    smtp.ehlo()
            if server.user:
                password = self._password()
                self._secrets = _forms(server.user, password)
                with self._explained("login"):
                    smtp.login(server.user, password)
            yield smtp
        finally:
            # Whatever the server says to QUIT, it took the mail or did not; waiting for its answer settles nothing.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.docmd("QUIT")
            smtp.close()

    def _password(self) -> str:
        path = self._server.password_file
        if path is None:
            raise OutboxError("a user but no password file is set for the mail server")
        try:
            password = path.read_text("utf-8").removesuffix("\n")
        except OSError as error:
            raise OutboxError(f"cannot read the password from {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:  # The error would show the password.
            raise OutboxError(f"the password in {path} is not text in UTF-8") from error
        if not password.isascii():  # smtplib would name a character of the password.
            raise OutboxError(f"the password in {path} has characters that are not ASCII")
        return password

    def _envelope(self, smtp: smtplib.SMTP, mail: Outgoing, sender: str) -> tuple[str, ...]:
        """Send sender and recipients. Return the permanently refused recipients; the mail goes to the others."""
        eight = not mail.content.isascii()
        if eight and not smtp.has_extn("8bitmime"):
            raise RefusedError("the server takes no 8-bit mails")
        _accepted(smtp.mail(sender, ["BODY=8BITMIME"] if eight else []), "sender")
        refused = []
        for address in mail.envelope_to:
            try:
                _accepted(smtp.rcpt(address), f"recipient {address}")
            except RefusedError as error:
                refused.append(str(error))
        if len(refused) == len(mail.envelope_to):
            raise RefusedError("; ".join(refused))
        return tuple(refused)

    def _content(self, smtp: smtplib.SMTP, mail: Outgoing) -> str:
        with self._explained("content"):
            code, text = smtp.docmd("DATA")
            if code != 354:
                _accepted((code, text), "content")
                raise OutboxError(f"{self._where}: {code} to DATA")
            # Without the dot the server cannot take the mail: whatever fails until here left nothing.
            smtp.send(_DOTS.sub(b"..", wire(mail.content)))
        try:
            smtp.send(b".\r\n")
            reply = read_final_reply(smtp, self._server.timeout)
        except (OSError, smtplib.SMTPException, MalformedReplyError) as error:
            raise DeliveryUnconfirmedError(
                f"{self._where}: no valid reply after the content was sent: {_text(str(error))}"
            ) from error
        return _accepted((reply.code, reply.text), "content")

    def _scrubbed(self, text: str) -> str:
        """Return the text without the password in any form that was sent, even if the end of the text cuts it."""
        for secret in self._secrets:
            text = text.replace(secret, _SCRUBBED)
            cut = next((n for n in range(len(secret) - 1, _MIN_SECRET, -1) if text.endswith(secret[:n])), 0)
            text = f"{text[:-cut]}{_SCRUBBED}" if cut else text
        return text

    @property
    def _where(self) -> str:
        return f"{self._server.host}:{self._server.port}"

    @contextmanager
    def _explained(self, step: str) -> Iterator[None]:
        """Convert smtplib's errors to ours, for a step before the final dot.

        It raises ValueError for a reply to AUTH or a user name that it cannot decode or encode.
        """
        try:
            yield
        except smtplib.SMTPResponseException as error:
            reply = f"{error.smtp_code} {_text(error.smtp_error)}" if error.smtp_code >= 0 else "no SMTP reply"
            raise OutboxError(f"{self._where}: {step}: {reply}") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise OutboxError(f"{self._where}: {step}: {_text(str(error)).removesuffix('.')}") from error


def _accepted(answer: tuple[int, bytes], step: str) -> str:
    """Return the server's text if it accepted. Raises RefusedError for 5xx, OutboxError for everything else."""
    code, text = answer
    if 200 <= code < 300:
        return f"{code} {_text(text)}"
    kind = RefusedError if 500 <= code < 600 else OutboxError
    raise kind(f"{step}: {code} {_text(text)}")


def _forms(user: str, password: str) -> tuple[str, ...]:
    """Return the password as in its file and as AUTH PLAIN and AUTH LOGIN send it, longest form first."""
    if len(password) < _MIN_SECRET:
        return ()
    plain, login = (base64.b64encode(text.encode()).decode() for text in (f"\0{user}\0{password}", password))
    return (plain, login, password)


def _text(reply: bytes | str) -> str:
    """Return the server's text as one printable line."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:300]
