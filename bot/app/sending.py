# SPDX-License-Identifier: GPL-2.0-or-later
"""The transports of mails, the rules for sending, and the stop."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.app.digest import DIGEST_MODES
from bot.mail.envelope import envelope_sender
from bot.mail.outgoing import Outgoing
from bot.mail.refusal import RefusalTerms
from bot.outbox.brakes import Caps
from bot.outbox.folder import Folder
from bot.outbox.permit import SendRules
from bot.outbox.sendmail import Maildir, Sendmail
from bot.outbox.wire import own_sender
from bot.ports.outbox import Mailer, SendingRecord, SoleSender, Stop
from bot.review.consent import Mode
from bot.review.recipients import RecipientContext, recipients
from bot.service.bounces import BounceAddress
from bot.service.deliver import SendingContext
from bot.service.unconfirmed import ResendPolicy
from bot.settings.tables import Settings

if TYPE_CHECKING:
    from bot.outbox.smtp import Smtp


def build_mailers(settings: Settings, stop: Stop, bounces: BounceAddress) -> dict[str, Mailer]:
    """Return the transport of each mode. Each transport checks the stop before the content of a mail leaves.

    Mails with an envelope are sent from the bounce address in the settings, if any.
    """
    transports: dict[str, Mailer] = {Mode.DRY_RUN.value: Folder(settings.outbox.directory)}
    if (transport := _build_transport(settings, stop.reason, bounces)) is not None:
        transports |= {mode.value: transport for mode in Mode if mode.sends}
    return transports


def build_sending_context(
    settings: Settings,
    stop: Stop,
    context: Callable[[], RecipientContext],
    terms: RefusalTerms,
    record: SendingRecord,
    role: SoleSender,
) -> SendingContext:
    """Return the context that decides whether mails are sent."""
    chosen = settings.sending
    return SendingContext(
        stop=stop,
        rules=lambda: build_send_rules(settings, context(), terms),
        resend=ResendPolicy(timedelta(hours=chosen.grace_hours), chosen.resend),
        expire=timedelta(hours=chosen.expire_hours),
        max_attempts=chosen.max_attempts,
        record=record,
        role=role,
    )


def build_send_rules(settings: Settings, context: RecipientContext, terms: RefusalTerms) -> SendRules:
    """Return the rules of the settings for sending a mail."""
    chosen = settings.sending
    return SendRules(
        consent_of=context.consent_of,
        recipients_of=lambda posting, part: recipients(posting, part, context),
        caps=Caps(
            chosen.max_mails_per_series,
            chosen.max_mails_per_author_per_day,
            chosen.max_mails_per_list_per_day,
            chosen.max_mails_per_hour,
        ),
        terms=terms,
        ignored=context.ignored,
        readers=frozenset(reader.lower() for reader in settings.digest.recipients),
        digest_mode=DIGEST_MODES[settings.digest.mode],
        commands=bool(settings.commands.secret_file),
    )


def remove_partial_mails(settings: Settings) -> None:
    """Remove the partial mails of a killed process. Only the sole sender may call this.

    Other programs may write to the Maildir too, so only files named by our message-ids are removed there.
    """
    domain = settings.identity.address.partition("@")[2]
    partial_mails = [*settings.outbox.directory.glob("*.part"), *(settings.sending.maildir / "tmp").glob(f"*@{domain}")]
    for partial_mail in partial_mails:
        with suppress(OSError):
            partial_mail.unlink()


def build_smtp(
    settings: Settings, halted: Callable[[], str] = str, sender_of: Callable[[Outgoing], str] = own_sender
) -> "Smtp":
    """Return the transport to the mail server of the settings."""
    from bot.outbox.smtp import Server, Smtp

    chosen = settings.sending
    server = Server(
        chosen.host, chosen.port, chosen.security, chosen.user, chosen.password_file, chosen.timeout_seconds
    )
    return Smtp(server, halted, chosen.max_mail_bytes, sender_of)


def _build_transport(settings: Settings, halted: Callable[[], str], bounces: BounceAddress) -> Mailer | None:
    chosen = settings.sending

    def sender_of(mail: Outgoing) -> str:
        if not bounces.address:
            return mail.envelope_from
        return envelope_sender(bounces.address, bounces.key, mail.message_id, mail.envelope_to)

    if chosen.transport == "smtp":
        return build_smtp(settings, halted, sender_of)
    if chosen.transport == "sendmail":
        return Sendmail(chosen.sendmail, halted, chosen.max_mail_bytes, sender_of=sender_of)
    return Maildir(chosen.maildir, halted) if chosen.transport == "maildir" else None
