# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden digest`: print or send a summary of recent events."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from bot.cli.command import Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import existing, reading_digest
from bot.cli.json_output import echo_json
from bot.cli.since import parse_time
from bot.digest.html import digest_html
from bot.digest.model import Digest
from bot.digest.period import Period
from bot.digest.text import digest_text
from bot.mail.address import is_plain
from bot.mail.reply import Identity


class Format(StrEnum):
    """The output format of a digest."""

    TEXT = "text"
    HTML = "html"
    JSON = "json"


def digest(
    context: GlobalOptions,
    reader: Annotated[
        str | None,
        Option("--for", metavar="WHO", help="The address of the recipient of the digest. Default: everything."),
    ] = None,
    since: Annotated[str, Option(metavar="AGE|DATE", help="Start of the period (7d, 12h, 2026-03-01).")] = "7d",
    until: Annotated[str, Option(metavar="AGE|DATE", help="End of the period. Default: now.")] = "0h",
    form: Annotated[Format, Option("--format", help="text, html or json.")] = Format.TEXT,
    send: Annotated[
        bool,
        Option(
            "--send",
            help="Queue the digest as a mail to WHO instead. The period is rounded to whole days and mailed only once.",
        ),
    ] = False,
) -> None:
    """Summarise recent events: series that wait for review, findings, unsafe code, mails sent and findings withheld.

    The service mails digests to the recipients in the settings. Use this command to read a digest, or to send it now.

    \b
    Example:
      patchwarden digest
      patchwarden digest --since 2w --format html > digest.html
      patchwarden digest --for maintainer@example.org --since 2026-03-01 --until 2026-03-08 --send

    Exit status: 0 shown or queued, or nothing happened; 2 bad usage, wrong settings, or there is no database; 3 the database cannot be used.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.app.clock import SystemClock
    from bot.app.digest import DIGEST_MODES, build_digest_job, build_digest_writer
    from bot.app.identity import build_identity

    if send and not reader:
        raise UsageError("a mail needs a recipient: add --for ADDRESS", option="--send")
    if reader and not is_plain(reader):
        raise UsageError(f"{reader!r} is not a plain address", option="--for")
    settings = context.settings()
    leaves = DIGEST_MODES[settings.digest.mode].sends
    if send and leaves and (reader or "").lower() not in {name.lower() for name in settings.digest.recipients}:
        raise UsageError(f"{reader} is not in `[digest] recipients`", option="--for")
    now = datetime.now(UTC)
    period = Period(parse_time(since, now), parse_time(until, now, "--until"))
    if send:
        # With whole days, the same command on the same day has the same period, so it cannot send a second mail.
        period = Period(
            *(end.replace(hour=0, minute=0, second=0, microsecond=0) for end in (period.since, period.until))
        )
    if period.since >= period.until:
        raise UsageError("the period ends before it begins", option="--since")
    if not send:
        with reading_digest(settings) as store:
            writer = build_digest_writer(settings, store, SystemClock())
            written = writer.digest(reader or "", writer.collect(period))
        _print(written, build_identity(settings), form)
        return
    with existing(settings) as store:
        job = build_digest_job(settings, store, SystemClock())
        written = job.digest(reader or "", job.collect(period))
        mail = job.send(written)
    days = f"{period.since:%Y-%m-%d} to {period.until:%Y-%m-%d} (whole days)"
    reason = f"nothing happened in {days}" if written.is_empty else "this digest was written before"
    dry = "" if leaves else "; it becomes a file, because `mode` in [digest] is dry-run"
    echo(f"no mail: {reason}" if mail is None else f"{mail.message_id} is {mail.state} for {reader}{dry}")


def _print(written: Digest, identity: Identity, form: Format) -> None:
    if form is Format.HTML:
        echo(digest_html(written, identity.version, identity.contact, links=identity.links), nl=False)
    elif form is Format.JSON:
        from dataclasses import asdict

        echo_json(asdict(written))
    else:
        echo(digest_text(written, identity.version, identity.contact, links=identity.links), nl=False)


COMMAND: Final = Command(digest)
