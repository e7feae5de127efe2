# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden run`: the service, or one round of it."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bot.app.service import Service, open_service
from bot.cli import status
from bot.cli.context import options
from bot.cli.logged import logged
from bot.cli.output import complain
from bot.cli.progress import Silent, shown
from bot.cli.screen import print_table, screen, table
from bot.pipeline.outcome import Outcome
from bot.ports import Tally
from bot.review.render.text import visible
from bot.service.deliver import DeliveryResult
from bot.service.poll import PollResult
from bot.service.schedule import serve, stopped_by_signals
from bot.settings import Settings, load
from bot.settings.paths import displayed

_MOST_ROWS = 40
_NAME = "patchwarden"


def register(app: typer.Typer) -> None:
    app.command()(run)


def run(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="One round over what is new, then a table, then the end.")
    ] = False,
    archive: Annotated[
        list[Path] | None,
        typer.Option(help="Read this public-inbox archive, mbox or Maildir instead of the settings'; repeatable."),
    ] = None,
    deliver: Annotated[
        bool, typer.Option("--deliver/--no-deliver", help="Deliver too, or leave that to `patchwarden deliver`.")
    ] = True,
) -> None:
    """Read archives, review the series in them, and deliver the reviews: files in a folder by default.

    Without --once it goes on until SIGTERM or Ctrl-C. It can be killed at any time and takes up where it was.

    \b
    Example:
      patchwarden run --once
      patchwarden run --once --archive ~/archives/rust-for-linux.git
      patchwarden --config /etc/patchwarden.toml run
      patchwarden --config /etc/patchwarden.toml run --no-deliver

    Exit status: 0 done or stopped; 2 wrong settings, or an archive that cannot be read; 3 the database or the outbox
    cannot be written, another run holds the database, or reviewing failed.
    """
    settings = load(options(context).config)
    work = _once if once else _serve
    with logged(settings, "run" if deliver else "run --no-deliver", options(context).verbose, once=once):
        ended = work(settings, archive or (), deliver=deliver)
    raise typer.Exit(ended)


def _serve(settings: Settings, archives: Sequence[Path], *, deliver: bool) -> int:
    with open_service(settings, archives, Silent(), deliver=deliver) as service, stopped_by_signals(service.stop):
        serve(service.schedule(settings), service.stop, service.watchdog)
    return status.OK


def _once(settings: Settings, archives: Sequence[Path], *, deliver: bool) -> int:
    console = screen()
    with (
        shown(Console(stderr=True)) as progress,
        open_service(settings, archives, progress, deliver=deliver, once=True) as service,
    ):
        with stopped_by_signals(service.stop):
            polled, reviewed, delivered = _run_jobs(service)
        tally = service.store.tally()
    unready = {one.posting_id: one for one in polled.unready}
    outcomes = [*reviewed, *(one for key, one in unready.items() if key not in {each.posting_id for each in reviewed})]
    if outcomes:
        _print_table(console, outcomes)
    else:
        console.print(f"Nothing new: {polled.mails:,} new mails, no series to review.", highlight=False)
    _print_summary(console, settings, outcomes, tally)
    if service.stop.is_set():
        console.print("Stopped before the end; the same command goes on from here.")
    for problem in (*polled.problems, *delivered.problems):
        complain(problem)
    failed = bool(delivered.problems) or any(one.failures for one in reviewed)
    return status.FAILED if failed else status.USAGE if polled.problems else status.OK


def _run_jobs(service: Service) -> tuple[PollResult, Sequence[Outcome], DeliveryResult]:
    """Run each job once."""
    polled = service.poll.run()
    if service.backfill is not None and service.backfill.run().mails:
        polled = polled.followed_by(service.poll.run())
    for job in (service.signatures, service.commands, service.bounces):
        if job is not None:
            job.run()
    reviewed = service.review.run()
    if service.digest is not None:
        service.digest.run()
    if service.deliver is None:
        return polled, reviewed, DeliveryResult()
    service.stop_switch.look()
    return polled, reviewed, service.deliver.run()


def _print_table(console: Console, outcomes: Sequence[Outcome]) -> None:
    """One line a series; of many only those that have a mail or findings."""
    rows = outcomes
    if len(rows) > _MOST_ROWS:
        rows = sorted((one for one in outcomes if one.mail or one.findings), key=lambda one: not one.mail)[:_MOST_ROWS]
    cut = {"series": 3, "would be sent to": 2}
    shown_table = table("series", "revision", "patches", "findings", "would be sent to", cut=cut)
    for number in (1, 2, 3):
        shown_table.columns[number].justify = "right"
    for one in rows:
        count = str(one.patches) if one.patches == one.expected else f"{one.patches}/{one.expected}"
        findings = "-" if one.refused else str(one.findings)
        # Text, not str: a subject is not our markup, whatever brackets it has.
        shown_table.add_row(
            Text(visible(one.subject)), f"v{one.revision}", count, findings, Text(visible(_destination(one)))
        )
    if rows:
        print_table(console, shown_table)
    if len(outcomes) > len(rows):
        console.print(f"{len(outcomes) - len(rows):,} more series are not shown.", highlight=False)


def _destination(one: Outcome) -> str:
    if one.refused:
        return f"nobody: {one.refused}"
    if not one.mail:
        return f"nobody: {one.unsaid or 'nothing to say'}"
    first, more = one.to[0], len(one.to) - 1
    return f"{first} and {more} more" if more else first


def _print_summary(console: Console, settings: Settings, outcomes: Sequence[Outcome], tally: Tally) -> None:
    reviewed = [one for one in outcomes if not one.refused]
    mails = [one for one in outcomes if one.mail]
    if outcomes:
        console.print(
            f"{len(reviewed):,} series reviewed, {len(mails):,} with a mail; "
            f"{len(outcomes) - len(reviewed):,} not reviewed (incomplete, damaged or refused).",
            highlight=False,
        )
    if skipped := sum(one.skipped > 0 for one in outcomes):
        console.print(
            f"{skipped:,} of them not judged whole: `{_NAME} explain` says what was too much.", highlight=False
        )
    known = ", ".join(f"{count:,} {state}" for state, count in sorted(tally.mails.items())) or "none"
    console.print(
        f"{displayed(settings.database)} knows {tally.postings:,} series and {tally.raw:,} mails, "
        f"{tally.unreadable:,} of them unreadable. Mails to send: {known}.",
        highlight=False,
    )
    if tally.mails.get("filed"):
        files = f"are files in {displayed(settings.outbox.directory)}"
        alone = set(tally.mails) == {"filed"}
        console.print(
            f"Nothing was sent: the mails {files}." if alone else f"The filed mails were not sent: they {files}.",
            highlight=False,
        )
    if mails:
        console.print(f"Next: {_ourselves()} outbox show {mails[-1].mail[:8]}", highlight=False, soft_wrap=True)
    elif tally.mails:
        console.print(f"Next: {_ourselves()} outbox list", highlight=False, soft_wrap=True)


def _ourselves() -> str:
    """How this program is called from here: `make run` does not put it on PATH."""
    called = Path(sys.argv[0])
    if called.name != _NAME or shutil.which(_NAME):
        return _NAME
    return min(os.path.relpath(called), str(called.absolute()), key=len)
