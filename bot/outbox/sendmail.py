# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine's own mail system: its sendmail command, or a Maildir."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.outbox.whole import write_whole
from bot.outbox.wire import strange, unfit
from bot.ports import MailState, Outgoing

_TEMPORARY: Final = 75
"""EX_TEMPFAIL of sysexits.h: try again later."""


class Sendmail:
    """Hands mails to a command as sendmail does: bytes on stdin, sender after `-f`, recipients after `--`."""

    repeatable: Final = False
    done: Final = MailState.SENT

    def __init__(
        self, command: Sequence[str], halted: Callable[[], str], limit: int = 20_000, timeout: float = 60
    ) -> None:
        self._command = tuple(command)
        self._halted = halted
        self._limit = limit
        self._timeout = timeout

    def deliver(self, mail: Outgoing) -> str:
        if problem := unfit(mail.content, self._limit):
            raise UnfitError(problem)
        if address := strange((mail.envelope_from, *mail.envelope_to)):
            raise UnfitError(f"{address!r} is no plain address")
        if reason := self._halted():
            raise OutboxError(reason)
        line = [*self._command, "-i", "-f", mail.envelope_from, "--", *mail.envelope_to]
        try:
            ended = subprocess.run(line, input=mail.content, capture_output=True, timeout=self._timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise DeliveryUnconfirmedError(f"{self._command[0]} did not end in {self._timeout:.0f} s") from error
        except OSError as error:
            raise OutboxError(f"{self._command[0]}: {error.strerror}") from error
        said = " ".join(ended.stderr.decode("utf-8", "replace").split())[:300]
        if ended.returncode == _TEMPORARY:
            raise OutboxError(f"{self._command[0]}: {said or 'try again later'}")
        if ended.returncode < 0:
            raise DeliveryUnconfirmedError(f"{self._command[0]} was killed by signal {-ended.returncode}")
        if ended.returncode:
            raise RefusedError(f"{self._command[0]} ended with {ended.returncode}: {said}")
        return f"taken by {self._command[0]}"


class Maildir:
    """Puts mails into `new` of a Maildir, whole or not at all.

    Not repeatable: whoever reads the Maildir may have taken the first one away.
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
