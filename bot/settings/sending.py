# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of sending: the transport of mails, their limits, and the stop file."""

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.settings.types import BounceAddress

_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")


class SendingSettings(BaseModel):
    """How mails are sent, for lists whose mode is moderate, author or list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transport: Literal["none", "smtp", "sendmail", "maildir"] = Field(
        default="none", description="none, smtp, sendmail or maildir. With none, these modes are refused."
    )
    host: str = Field(default="", description="The host name of the mail server, for smtp.")
    port: int = Field(default=587, ge=1, le=65535, description="The port of the mail server.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="starttls, tls, or none. none is only allowed for a mail server on this machine.",
    )
    user: str = Field(default="", description="The user name at the mail server. If empty, we do not log in.")
    password_file: Path = Field(
        default=Path("var/password"), description="The file with the password. It is read for each connection."
    )
    timeout_seconds: int = Field(default=30, ge=1, description="Seconds to wait for a reply of the mail server.")
    sendmail: tuple[str, ...] = Field(default=("/usr/sbin/sendmail",), description="The sendmail command.")
    maildir: Path = Field(default=Path("var/maildir"), description="The Maildir that mails are delivered to.")
    bounces: BounceAddress | Literal[""] = Field(
        default="",
        description="The envelope sender of mails by smtp and sendmail, where bounces arrive, such as "
        '"bounces+{token}@your.domain". {token} is replaced by a text that proves that a bounce belongs to a mail of '
        "ours; without it bounces stop nothing. The mail server must deliver all these addresses to `mailbox` of "
        "[commands]. If empty, the address of [identity] is used.",
    )
    stop_file: Path | Literal[""] = Field(
        default="",
        description="While this file exists, no mail is sent. `patchwarden stop` creates it. If empty, the file is "
        '"stop" beside the database.',
    )
    max_mails_per_series: int = Field(
        default=3, ge=1, description="Maximum number of mails per series, all revisions together."
    )
    max_mails_per_author_per_day: int = Field(
        default=3, ge=1, description="Maximum number of mails per author per day."
    )
    max_mails_per_list_per_day: int = Field(default=5, ge=1, description="Maximum number of mails per list per day.")
    max_recipients: int = Field(
        default=100,
        ge=1,
        description="Maximum number of recipients of a mail, To and Cc together. A mail with more recipients goes only "
        "to its author and to the lists and maintainers who agreed, and never to more than this number.",
    )
    max_mails_per_hour: int = Field(default=20, ge=1, description="Maximum number of mails per hour.")
    max_mail_bytes: int = Field(
        default=20_000, ge=1000, description="Maximum size of a mail, in bytes. Larger mails are refused."
    )
    expire_hours: int = Field(default=72, ge=1, description="Hours after which a waiting mail expires and is not sent.")
    max_attempts: int = Field(
        default=24,
        ge=1,
        description="Maximum number of attempts for a mail that the mail server refuses temporarily. Waits grow from "
        "one minute to one hour, so 24 attempts take about 19 hours. If the last attempt fails, the mail is refused.",
    )
    grace_hours: int = Field(
        default=6,
        ge=0,
        description="Hours during which the archives are searched for an unconfirmed mail, before `resend` applies.",
    )
    resend: bool = Field(
        default=False,
        description="Retry an unconfirmed mail after that. If false, it waits for `patchwarden outbox resend`.",
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.transport == "smtp" and not self.host:
            raise ValueError('transport "smtp" needs a host')
        if self.transport == "smtp" and self.security == "none" and self.host not in _LOCAL_HOSTS:
            raise ValueError('security "none" is only allowed for a mail server on this machine')
        return self
