# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden outbox`: the mails in the outbox, their states and why they wait."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from rich.text import Text

from bot.cli import status
from bot.cli.command import Argument, Group, Option, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import existing, missing, notices, reading, stop_notice
from bot.cli.json_output import ReportFormat, ReportFormatOption, echo_json
from bot.cli.screen import print_table, screen, table
from bot.error import SettingsError
from bot.mail.outgoing import Outgoing
from bot.mail.state import DROPPABLE, MailState
from bot.review.render.text import visible
from bot.settings.paths import displayed
from bot.store.roles import Role, sole_worker

if TYPE_CHECKING:
    from bot.settings.tables import Settings
    from bot.store.listing import ListingRows

_Id = Annotated[str, Argument(metavar="ID", help="The message-id of the mail, or a unique prefix of it.")]

_NEXT: Final[Mapping[MailState, str]] = {
    MailState.QUEUED: "due",
    MailState.APPROVED: "due",
    MailState.HELD: "run `patchwarden outbox approve` to send it",
    MailState.UNCONFIRMED: (
        "if neither the archive nor the log of the mail server has it, run `patchwarden outbox resend`, "
        "else `patchwarden outbox drop`"
    ),
}


def list_mails(
    context: GlobalOptions,
    state: Annotated[MailState | None, Option(help="List only mails in this state.")] = None,
    form: ReportFormatOption = ReportFormat.TEXT,
) -> None:
    """List the mails, newest first: id, state, recipients, and why they wait.

    \b
    Example:
      patchwarden outbox list
      patchwarden outbox list --state held
      patchwarden outbox list --format json

    Exit status: 0 done; 2 wrong settings; 3 the database cannot be read.
    """
    from bot.app.identity import can_send

    settings = context.settings()
    if reason := missing(settings):
        echo_json({"notices": [], "mails": []}) if form is ReportFormat.JSON else echo(f"No mail: {reason}.")
        return
    now = datetime.now(UTC)
    with reading(settings) as store:
        mails = store.mails(state)
        lines = notices(store, now)
        stopped = stop_notice(settings, store)
    if can_send(settings):
        lines = [*_blocked(settings), *lines]
    if stopped:
        lines = [stopped, *lines]
    if form is ReportFormat.JSON:
        echo_json({"notices": lines, "mails": [_record(mail, now) for mail in mails]})
        return
    for line in lines:
        echo(line)
    if not mails:
        echo("No mail." if state is None else f"No mail is {state}.")
        return
    rows = table("id", "state", "to", "posting", "place or reason", cut={"to": 2, "posting": 3, "place or reason": 3})
    for mail in mails:
        more = f" +{len(mail.envelope_to) - 1}" if len(mail.envelope_to) > 1 else ""
        first = mail.envelope_to[0] if mail.envelope_to else "(from the ledger)"
        shown = (first + more, mail.posting_id, _note(mail, now))
        rows.add_row(mail.message_id[:8], mail.state, *(Text(visible(text)) for text in shown))
    print_table(screen(), rows)


def _record(mail: Outgoing, now: datetime) -> dict[str, object]:
    return {
        "id": mail.message_id,
        "kind": mail.kind,
        "state": mail.state.value,
        "recipients": mail.envelope_to,
        "posting": mail.posting_id,
        "created": mail.created,
        "due": mail.due,
        "attempts": mail.attempts,
        "note": _note(mail, now),
    }


def _blocked(settings: "Settings") -> Iterator[str]:
    """Yield a line that says why the difference between database and ledger blocks sending, if it does."""
    from bot.app.continuity import preview_difference
    from bot.service.continuity import RECONCILE

    with reading(settings) as store:
        if reasons := preview_difference(settings, store).reasons:
            yield f"Nothing is sent: {visible('; '.join(reasons))}; {RECONCILE}."


def show(
    context: GlobalOptions,
    message_id: _Id,
) -> None:
    """Print a mail exactly as it would be sent. Its state and recipients go to stderr.

    \b
    Example:
      patchwarden outbox show 3f2a91c0
      patchwarden outbox show 3f2a91c0 | less

    Exit status: 0 printed; 2 no such mail, or several mails match the id; 3 the database cannot be read.
    """
    with reading(context.settings()) as store:
        mail = _find_mail(store, message_id)
    _print(mail)


def approve(context: GlobalOptions, message_id: _Id) -> None:
    """Approve a held mail, so that it is sent, and print it.

    A mail is held if a person must approve it, if it exceeds a limit, or if it is not fit to be sent. `patchwarden outbox list` says why.

    \b
    Example:
      patchwarden outbox show 3f2a91c0
      patchwarden outbox approve 3f2a91c0

    Exit status: 0 approved; 2 no such mail, or it is not held; 3 the database cannot be written.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    _print(_decide(context, message_id, [MailState.HELD], MailState.APPROVED, "by hand", err=True))


def resend(context: GlobalOptions, message_id: _Id) -> None:
    """Retry a mail whose delivery is unconfirmed: the same bytes under the same message-id.

    First look in the archive of the list and in the log of the mail server whether it arrived.

    \b
    Example:
      patchwarden outbox list --state unconfirmed
      patchwarden outbox resend 3f2a91c0

    Exit status: 0 it will be sent; 2 no such mail, or it is not unconfirmed; 3 the database cannot be written.
    """
    _decide(context, message_id, [MailState.UNCONFIRMED], MailState.APPROVED, "sent again by hand")


def drop(context: GlobalOptions, message_id: _Id) -> None:
    """Withdraw a mail that waits, is held or is unconfirmed. It is never sent, or never sent again.

    \b
    Example:
      patchwarden outbox drop 3f2a91c0

    Exit status: 0 dropped; 2 no such mail, or it was already sent or withdrawn; 3 the database cannot be written.
    """
    _decide(context, message_id, DROPPABLE, MailState.WITHDRAWN, "dropped by hand")


def reconcile_outbox(
    context: GlobalOptions,
    apply: Annotated[bool, Option("--apply", help="Settle the difference; stop the sender first.")] = False,
) -> int:
    """Compare the database with its ledger and the archives, after a restore or if the database was lost or replaced.

    Nothing is sent until the difference is settled. With --apply, mails that the ledger or an archive contains count as sent, so that no posting gets a second mail. A mail becomes unconfirmed if only the attempt to send it is known.

    \b
    Example:
      patchwarden outbox reconcile
      patchwarden outbox reconcile --apply

    Exit status: 0 no difference, or it is settled; 1 there is a difference; 2 wrong settings, or no database; 3 the database or the ledger cannot be used, or a sender is running.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.app.continuity import find_secret_problem, preview_difference, settle_difference

    settings, lost_secret = context.settings(), ""
    with existing(settings) as store:
        if not apply:
            difference, lost_secret = preview_difference(settings, store), find_secret_problem(settings, store)
        else:
            with sole_worker(settings.database, Role.SENDER, server=settings.server):
                difference = settle_difference(settings, store)
    for reason in filter(None, (lost_secret, *difference.reasons)):
        echo(visible(reason))
    rows = table("id", "known from", "kind", "posting", "outcome", cut={"posting": 3})
    for attempt in difference.unknown:
        outcome = "sent" if attempt.state == "sent" else "unknown"
        rows.add_row(attempt.message_id[:8], "ledger", *map(Text, (attempt.kind, attempt.posting_id, outcome)))
    for claim in difference.claims:
        rows.add_row(claim.message_id[:8], "archive", "", Text(claim.in_reply_to), "sent")
    if difference.unknown or difference.claims:
        print_table(screen(), rows)
    if not (difference.reasons or lost_secret):
        echo("No difference.")
    elif apply:
        echo("The difference is settled; start the service again.")
    else:
        echo("Nothing is sent. Run `patchwarden outbox reconcile --apply` to settle the difference.")
        return status.FINDINGS
    return status.OK


def _decide(
    context: GlobalOptions,
    message_id: str,
    before: Sequence[MailState],
    after: MailState,
    reason: str,
    *,
    err: bool = False,
) -> Outgoing:
    with existing(context.settings()) as store:
        mail = _find_mail(store, message_id)
        if not store.decide(mail.message_id, before, after, datetime.now(UTC), reason):
            *others, last = before
            expected = f"{', '.join(others)} or {last}" if others else last
            raise SettingsError(f"{mail.message_id} is {mail.state}, not {expected}")
        decided = _find_mail(store, mail.message_id)
    echo(f"{mail.message_id}: {mail.state} -> {after}", err=err)
    return decided


def _find_mail(store: "ListingRows", message_id: str) -> Outgoing:
    start = message_id.strip("<>")
    if not start:  # It is the prefix of each id, so with a single mail it would name that one.
        raise SettingsError("the id is empty; `patchwarden outbox list` lists all")
    mail = store.mail(start)
    if mail is None:
        if any(mail.message_id.casefold().startswith(start.casefold()) for mail in store.mails()):
            raise SettingsError(f"more than one mail has an id that starts with {message_id!r}; write more of it")
        raise SettingsError(f"no mail has an id that starts with {message_id!r}; `patchwarden outbox list` lists all")
    return mail


def _print(mail: Outgoing) -> None:
    """Print the mail on stdout, and its state and recipients on stderr."""
    note = _note(mail, datetime.now(UTC))
    echo(f"# {mail.state}{f' ({note})' if note else ''}, from {mail.envelope_from} to", err=True)
    echo(visible(f"# {', '.join(mail.envelope_to)}"), err=True)
    if not mail.content:
        echo("# its text was removed by retention", err=True)
    echo(mail.content, nl=False)


def _note(mail: Outgoing, now: datetime) -> str:
    """Return where the mail is, or why and until when it waits."""
    waits = mail.state.is_deliverable and mail.due > now
    until = f"not before {mail.due:%Y-%m-%d %H:%M} UTC" if waits else _NEXT.get(mail.state, "")
    where = displayed(Path(mail.destination)) if mail.destination.startswith("/") else mail.destination
    return visible("; ".join(filter(None, (mail.reason, where, until))))


COMMAND: Final = Group(
    "List the mails in the outbox; show, approve, resend or drop a mail.",
    {
        "list": list_mails,
        "show": show,
        "approve": approve,
        "resend": resend,
        "drop": drop,
        "reconcile": reconcile_outbox,
    },
    default="list",
)
