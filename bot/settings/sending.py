# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of sending: the transport of mails, their limits, and the stop file."""

from pathlib import Path
from typing import Literal

from bot.settings.table import Table, setting
from bot.settings.types import LOCAL_HOSTS, BounceAddress


class SendingSettings(Table):
    """How mails are sent, for lists whose mode is moderate, author or list."""

    transport: Literal["none", "smtp", "sendmail", "maildir"] = setting(
        "none", "none, smtp, sendmail or maildir. With none, these modes are refused."
    )
    host: str = setting("", "The host name of the mail server, for smtp.")
    port: int = setting(587, "The port of the mail server.", ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = setting(
        "starttls", "starttls, tls, or none. none is only allowed for a mail server on this machine."
    )
    user: str = setting("", "The user name at the mail server. If empty, we do not log in.")
    password_file: Path = setting(Path("var/password"), "The file with the password. It is read for each connection.")
    timeout_seconds: int = setting(
        100,
        "Seconds to wait for a reply of the mail server. If it needs longer to take a mail, for example to scan it, "
        "the delivery is unconfirmed.",
        ge=1,
    )
    sendmail: tuple[str, ...] = setting(("/usr/sbin/sendmail",), "The sendmail command.")
    maildir: Path = setting(Path("var/maildir"), "The Maildir that mails are delivered to.")
    bounces: BounceAddress | Literal[""] = setting(
        "",
        "The envelope sender of mails by smtp and sendmail, where bounces arrive, such as "
        '"bounces+{token}@your.domain". {token} is replaced by a text that proves that a bounce belongs to a mail of '
        "ours; without it bounces stop nothing. The mail server must deliver all these addresses to `mailbox` of "
        "[commands]. If empty, the address of [identity] is used.",
    )
    stop_file: Path | Literal[""] = setting(
        "",
        'While this file exists, no mail is sent. `patchwarden stop` creates it. If empty, the file is "stop" beside '
        "the database.",
    )
    max_mails_per_series: int = setting(3, "Maximum number of mails per series, all revisions together.", ge=1)
    max_mails_per_author_per_day: int = setting(3, "Maximum number of mails per author per day.", ge=1)
    max_mails_per_list_per_day: int = setting(5, "Maximum number of mails per list per day.", ge=1)
    max_recipients: int = setting(
        100,
        "Maximum number of recipients of a mail, To and Cc together. A mail with more recipients goes only to its "
        "author and to the lists and maintainers who agreed, and never to more than this number.",
        ge=1,
    )
    max_mails_per_hour: int = setting(20, "Maximum number of mails per hour.", ge=1)
    max_mail_bytes: int = setting(20_000, "Maximum size of a mail, in bytes. Larger mails are refused.", ge=1000)
    expire_hours: int = setting(72, "Hours after which a waiting mail expires and is not sent.", ge=1)
    max_attempts: int = setting(
        24,
        "Maximum number of attempts for a mail that the mail server refuses temporarily. Waits grow from one minute "
        "to one hour, so 24 attempts take about 19 hours. If the last attempt fails, the mail is refused.",
        ge=1,
    )
    grace_hours: int = setting(
        6, "Hours during which the archives are searched for an unconfirmed mail, before `resend` applies.", ge=0
    )
    resend: bool = setting(
        False, "Retry an unconfirmed mail after that. If false, it waits for `patchwarden outbox resend`."
    )

    def check(self) -> None:
        if self.transport == "smtp" and not self.host:
            raise ValueError('transport "smtp" needs a host')
        if self.transport == "smtp" and self.security == "none" and self.host not in LOCAL_HOSTS:
            raise ValueError('security "none" is only allowed for a mail server on this machine')
