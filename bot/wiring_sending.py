# SPDX-License-Identifier: GPL-2.0-or-later
"""What sends mail, from the settings."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from bot.jobs.deliver import Sending
from bot.jobs.unconfirmed import ResendPolicy
from bot.outbox.brakes import Caps, StopFile
from bot.outbox.folder import Folder
from bot.outbox.sendmail import Maildir, Sendmail
from bot.outbox.smtp import Server, Smtp
from bot.ports import Mailer
from bot.review.consent import Consent, Mode, strictest
from bot.settings import Settings


def mailers(settings: Settings) -> dict[str, Mailer]:
    """The transport of each mode that has one."""
    found: dict[str, Mailer] = {Mode.DRY_RUN.value: Folder(settings.outbox.directory)}
    if (transport := _transport(settings)) is not None:
        found |= {mode.value: transport for mode in Mode if mode.sends}
    return found


def sending(settings: Settings) -> Sending:
    """What holds mails back."""
    chosen = settings.sending
    return Sending(
        stop=stop_file(settings),
        consent=lambda lists: consent(settings, lists),
        caps=Caps(chosen.series_cap, chosen.author_cap, chosen.list_cap, chosen.hour_cap),
        resend=ResendPolicy(timedelta(hours=chosen.grace_hours), chosen.resend),
        expire=timedelta(hours=chosen.expire_hours),
    )


def remove_parts(settings: Settings) -> None:
    """Remove the half-written mails that a killed process left; only for the sole sender.

    In the Maildir, which others may write too, ours are those that are named by a message-id of ours.
    """
    domain = settings.identity.address.partition("@")[2]
    ours = [*settings.outbox.directory.glob("*.part"), *(settings.sending.maildir / "tmp").glob(f"*@{domain}")]
    for part in ours:
        with suppress(OSError):
            part.unlink()


def stop_file(settings: Settings) -> StopFile:
    return StopFile(settings.sending.stop_file)


def consent(settings: Settings, lists: Sequence[str]) -> Consent:
    """What all these lists allow."""
    known = {
        name: Consent(
            mode=one.mode,
            maintainers=one.maintainers,
            embargo=timedelta(hours=one.embargo_hours) if one.mode.sends else timedelta(),
            quiet=(one.quiet_hours,) if one.quiet_hours else (),
            severity=one.severity,
            without=frozenset(one.without),
            list_day=one.list_cap or None,
        )
        for name, one in settings.lists.items()
    }
    return strictest(lists, known, Consent(Mode(settings.unlisted)))


def _transport(settings: Settings) -> Mailer | None:
    chosen, halted = settings.sending, stop_file(settings).reason
    if chosen.transport == "smtp":
        server = Server(
            chosen.host, chosen.port, chosen.security, chosen.user, chosen.password_file, chosen.timeout_seconds
        )
        return Smtp(server, halted, chosen.size_cap)
    if chosen.transport == "sendmail":
        return Sendmail(chosen.sendmail, halted, chosen.size_cap)
    return Maildir(chosen.maildir, halted) if chosen.transport == "maildir" else None
