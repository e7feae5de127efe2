# SPDX-License-Identifier: GPL-2.0-or-later
"""The dry run's transport: one .eml file a mail."""

import os
from pathlib import Path
from typing import Final

from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from bot.outbox.error import DeliveryUnconfirmedError, OutboxError
from bot.outbox.whole import write_whole
from rules.lazy import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


class Folder:
    """Write each mail atomically, to a name derived from its message-id. A repetition writes the same file."""

    repeatable: Final = True
    done: Final = MailState.FILED

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def deliver(self, mail: Outgoing) -> str:
        name = mail.message_id.partition("@")[0]
        if not _NAME.fullmatch(name):
            raise OutboxError(f"{self._directory}: the message-id {mail.message_id!r} gives no file name")
        path = self._directory / f"{name}.eml"
        try:
            write_whole(path, mail.content, path.with_suffix(".part"))
        except DeliveryUnconfirmedError as error:
            raise OutboxError(str(error)) from error  # A repetition writes the same file.
        return os.fsencode(path).decode("utf-8", "backslashreplace")  # the database stores it
