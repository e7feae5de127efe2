# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine's own mail system: its sendmail command, or a Maildir."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.outbox.whole import write_whole
from bot.outbox.wire import own_sender, strange, unfit

_REFUSED: Final = frozenset({64, 65, 66, 67, 68, 69, 72, 73, 77, 78})
"""The statuses of sysexits.h that say that the mail was not taken.

The others do not: 75 (EX_TEMPFAIL) is also "queued" by sendmail(8), and 70, 71, 74 and 76 come after a mail left too.
"""
_NOT_RUN: Final = frozenset({126, 127})
"""Exit statuses of a shell that cannot run the command."""


class Sendmail:
    """Pass mails to a command like sendmail: bytes on stdin, sender after `-f`, recipients after `--`.

    `sender_of` gives the envelope sender of a mail.
    """

    repeatable: Final = False
    done: Final = MailState.SENT

    def __init__(
        self,
        command: Sequence[str],
        halted: Callable[[], str],
        limit: int = 20_000,
        timeout: float = 60,
        sender_of: Callable[[Outgoing], str] = own_sender,
    ) -> None:
        self._sender_of = sender_of
        self._command = tuple(command)
        self._halted = halted
        self._limit = limit
        self._timeout = timeout

    def deliver(self, mail: Outgoing) -> str:
        if problem := unfit(mail.content, self._limit):
            raise UnfitError(problem)
        sender = self._sender_of(mail)
        if address := strange((sender, *mail.envelope_to)):
            raise UnfitError(f"{address!r} is not a plain address")
        if reason := self._halted():
            raise OutboxError(reason)
        line = [*self._command, "-i", "-f", sender, "--", *mail.envelope_to]
        try:
            process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        except OSError as error:
            raise OutboxError(f"{self._command[0]}: {error.strerror}") from error
        with process:
            return self._ended(process, mail.content)

    def _ended(self, process: subprocess.Popen[bytes], content: bytes) -> str:
        """Pass the mail to the command and wait for its end. From here on the mail may have left."""
        name = self._command[0]
        try:
            _, errors = process.communicate(content, self._timeout)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise DeliveryUnconfirmedError(f"{name} did not end in {self._timeout:.0f} s") from error
        except OSError as error:
            process.kill()
            raise DeliveryUnconfirmedError(f"{name}: {error.strerror}") from error
        text = " ".join(errors.decode("utf-8", "replace").split())[:300]
        if process.returncode == 0:
            return f"accepted by {name}"
        if process.returncode < 0:
            raise DeliveryUnconfirmedError(f"{name} was killed by signal {-process.returncode}")
        ended = f"{name} ended with {process.returncode}: {text}"
        if process.returncode in _NOT_RUN:
            raise OutboxError(ended)
        if process.returncode in _REFUSED:
            raise RefusedError(ended)
        raise DeliveryUnconfirmedError(ended)


class Maildir:
    """Write mails to `new` of a Maildir, atomically.

    Not repeatable: a reader of the Maildir may have taken the first file.
    """

    repeatable: Final = False
    done: Final = MailState.SENT

    def __init__(self, path: Path, halted: Callable[[], str]) -> None:
        self._path = path
        self._halted = halted

    def deliver(self, mail: Outgoing) -> str:
        if reason := self._halted():
            raise OutboxError(reason)
        name = mail.message_id.replace("/", "_")
        new = self._path / "new" / name
        try:
            (self._path / "cur").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutboxError(f"cannot write {self._path}: {error.strerror}") from error
        write_whole(new, mail.content, self._path / "tmp" / name)
        return str(new)
