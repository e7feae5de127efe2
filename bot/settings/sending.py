# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of sending: how mails leave, how many, and what stops them."""

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.settings.types import BounceAddress

_HERE: Final = ("localhost", "127.0.0.1", "::1")


class SendingSettings(BaseModel):
    """How mails leave, for lists whose mode is moderate, author or list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transport: Literal["none", "smtp", "sendmail", "maildir"] = Field(
        default="none", description="none: such modes are refused; smtp, sendmail or maildir."
    )
    host: str = Field(default="", description="The mail server's name, for smtp.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="starttls, tls, or none, which only a server on this machine should be spoken to with.",
    )
    user: str = Field(default="", description="Who we are to the mail server; none: no authentication.")
    password_file: Path = Field(
        default=Path("var/password"), description="The file with the password, read at each connection."
    )
    timeout_seconds: int = Field(default=30, ge=1, description="How long the mail server may take for an answer.")
    sendmail: tuple[str, ...] = Field(default=("/usr/sbin/sendmail",), description="The sendmail command.")
    maildir: Path = Field(default=Path("var/maildir"), description="The Maildir that mails are put into.")
    bounces: BounceAddress | Literal[""] = Field(
        default="",
        description="Where bounces go, the envelope sender of mails by smtp and sendmail, such as "
        '"bounces+{token}@your.domain": {token} becomes a text that proves that a bounce is of a mail of ours, and is '
        "needed for bounces to stop anything. The mail server has to deliver every such address to [answers] mailbox. "
        "None: the address of [identity], and no bounce is authentic.",
    )
    stop_file: Path | Literal[""] = Field(
        default="",
        description='While this file exists nothing is sent; `patchwarden stop` makes it. None: the file "stop" beside '
        "the database.",
    )
    series_cap: int = Field(default=3, ge=1, description="So many mails at most on all revisions of a series.")
    author_cap: int = Field(default=3, ge=1, description="So many mails at most to one author in a day.")
    list_cap: int = Field(default=5, ge=1, description="So many mails at most on one list in a day.")
    recipients_cap: int = Field(
        default=100,
        ge=1,
        description="A mail that would go to more people and lists, To and Cc together, goes to its author and to "
        "lists and maintainers who consented only, and never to more than this.",
    )
    hour_cap: int = Field(default=20, ge=1, description="So many mails at most in an hour.")
    size_cap: int = Field(default=20_000, ge=1000, description="A mail of more bytes is refused.")
    expire_hours: int = Field(default=72, ge=1, description="A mail that waited so long is not sent any more.")
    max_attempts: int = Field(
        default=24,
        ge=1,
        description="Maximum number of attempts for a mail that the mail server refuses for now. Waits grow from one "
        "minute to one hour, so 24 attempts take about 19 hours. After the last one the mail is refused.",
    )
    grace_hours: int = Field(
        default=6,
        ge=0,
        description="Hours for which an unconfirmed mail is looked for in the archives before anything else is done.",
    )
    resend: bool = Field(
        default=False,
        description="Send an unconfirmed mail once more after that; false: it waits for `patchwarden outbox resend`.",
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.transport == "smtp" and not self.host:
            raise ValueError('transport "smtp" needs a host')
        if self.transport == "smtp" and self.security == "none" and self.host not in _HERE:
            raise ValueError('security "none" is only for a mail server on this machine')
        return self
