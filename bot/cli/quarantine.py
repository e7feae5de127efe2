# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden quarantine`: mails that could not be read, and series that could not be checked."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

from rich.table import Table
from rich.text import Text

from bot.cli.command import Argument, Group, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import existing, missing, reading
from bot.cli.json_output import ReportFormat, ReportFormatOption, echo_json
from bot.cli.screen import print_table, screen, table
from bot.error import SettingsError
from bot.mail.parse import TOO_LARGE
from bot.ports.mails import MailStatus
from bot.review.render.text import visible

if TYPE_CHECKING:
    from bot.ports.store import QuarantinedPosting

_MAX_LISTED = 1000


def list_all(context: GlobalOptions, form: ReportFormatOption = ReportFormat.TEXT) -> None:
    """List series that could not be checked and mails that could not be read, newest first, with the reason.

    Use the name in the first column to show or release them.

    \b
    Example:
      patchwarden quarantine list
      patchwarden quarantine list --format json

    Exit status: 0 done; 2 wrong settings; 3 the database cannot be read.
    """
    settings = context.settings()
    if reason := missing(settings):
        echo_json([]) if form is ReportFormat.JSON else echo(f"Nothing is in quarantine: {reason}.")
        return
    with reading(settings) as store:
        series, mails = store.quarantined_postings(_MAX_LISTED), store.quarantined(_MAX_LISTED)
    if form is ReportFormat.JSON:
        echo_json([*map(_series_record, series), *map(_mail_record, mails)])
        return
    if not series and not mails:
        echo("Nothing is in quarantine.")
        return
    rows = table("name", "arrived", "reason", "content", cut={"name": 2, "reason": 3, "content": 2})
    for stored in series:
        title = f"v{stored.posting.series.revision} {stored.posting.series.subject}"
        _add(rows, stored.posting.message_id, stored.arrived, stored.reason, title)
    for mail in mails:
        where = f"{mail.source.rstrip('/').rpartition('/')[2]} {mail.mail.origin[:24]}"
        size = f"{len(mail.mail.raw)} bytes" if not mail.is_unread else "not stored,"
        _add(rows, str(mail.id), mail.mail.arrived, mail.reason, f"{size} from {where}")
    print_table(screen(), rows)


def show(
    context: GlobalOptions,
    number: Annotated[int, Argument(metavar="NUMBER", help="The number of the mail in the list.")],
) -> None:
    """Print a mail as it arrived. On a terminal, control characters are escaped. For a series use `explain`.

    \b
    Example:
      patchwarden quarantine show 17 | less

    Exit status: 0 printed; 2 no such mail in quarantine; 3 the database cannot be read.
    """
    with reading(context.settings()) as store:
        mail = _find(store.quarantined(_MAX_LISTED), number)
    raw = mail.mail.raw
    if mail.is_unread:
        raise SettingsError(f"the mail {number} is not stored, because it was not read: {mail.reason}")
    if sys.stdout.isatty():
        raw = "\n".join(map(visible, raw.decode("utf-8", "replace").split("\n"))).encode()
    echo(raw, nl=False)


def release(
    context: GlobalOptions,
    names: Annotated[
        list[str], Argument(metavar="NAME", help="Numbers of mails or message-ids of series, as in the list.")
    ],
) -> None:
    """Read mails and check series again in the next round, for example after an update or if the machine was busy.

    A mail that is not stored is read from its archive, for example after a repair, at the latest 10 minutes later. A mail that is too large stays in quarantine.

    \b
    Example:
      patchwarden quarantine release 17 18
      patchwarden quarantine release 20260301120000.1-1-author@example.org

    Exit status: 0 released; 2 none of these can be released; 3 the database cannot be written.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    with existing(context.settings()) as store:
        large = {mail.id for mail in store.quarantined(_MAX_LISTED) if mail.is_unread and mail.reason == TOO_LARGE}
        numbers = {int(name) for name in names if name.isdecimal()}
        count = store.release([*(numbers - large)], names)
    kept = "".join(f"; {number} stays: a mail {TOO_LARGE} is never read" for number in sorted(numbers & large))
    if not count:
        raise SettingsError(kept[2:] or f"{', '.join(names)}: not in quarantine")
    echo(f"{count} released; they are read and checked again in the next round{kept}")


def _series_record(stored: "QuarantinedPosting") -> dict[str, object]:
    posting = stored.posting
    return {
        "name": posting.message_id,
        "kind": "series",
        "arrived": stored.arrived,
        "reason": stored.reason,
        "subject": posting.series.subject,
        "revision": posting.series.revision,
    }


def _mail_record(mail: MailStatus) -> dict[str, object]:
    return {
        "name": str(mail.id),
        "kind": "mail",
        "arrived": mail.mail.arrived,
        "reason": mail.reason,
        "source": mail.source,
        "origin": mail.mail.origin,
        "bytes": len(mail.mail.raw),
    }


def _add(rows: Table, name: str, arrived: datetime, *texts: str) -> None:
    rows.add_row(Text(visible(name)), f"{arrived:%Y-%m-%d %H:%M}", *(Text(visible(text)) for text in texts))


def _find(mails: Sequence[MailStatus], number: int) -> MailStatus:
    mail = next((mail for mail in mails if mail.id == number), None)
    if mail is None:
        raise SettingsError(f"no mail with the number {number} is in quarantine")
    return mail


COMMAND: Final = Group(
    "List, show or release mails that could not be read and series that could not be checked.",
    {"list": list_all, "show": show, "release": release},
)
