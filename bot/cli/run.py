# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden run`: run the service, or one round of it."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli import status
from bot.cli.command import Command, Option, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import announce, database_name, stop_notice
from bot.cli.logged import logged
from bot.cli.output import complain
from bot.cli.progress import Silent, show_progress
from bot.ports.store import Tally
from bot.review.render.text import count, visible
from bot.settings.paths import displayed
from rules.listing import listing

if TYPE_CHECKING:
    from rich.console import Console

    from bot.app.service import Service
    from bot.pipeline.outcome import Outcome
    from bot.service.deliver import DeliveryResult
    from bot.service.poll import PollResult
    from bot.settings.tables import Settings

_MAX_ROWS = 40
_MAX_NAMED = 3  # series that were checked only in part
_NAME = "patchwarden"


def run(
    context: GlobalOptions,
    once: Annotated[bool, Option("--once", help="Process new mails once, print a table, and exit.")] = False,
    archive: Annotated[
        list[Path] | None,
        Option(help="Read this public-inbox archive, mbox or Maildir instead of those in the settings; repeatable."),
    ] = None,
    deliver: Annotated[
        bool,
        Option(
            "--deliver/--no-deliver",
            help="Also deliver mails, which is the default, or leave that to `patchwarden deliver`.",
        ),
    ] = True,
) -> int:
    """Read archives, review their series, and deliver the reviews. By default, mails are only written to a folder.

    Without --once it runs until SIGTERM or Ctrl-C. It can be killed at any time, and then continues where it stopped.

    \b
    Example:
      patchwarden run --once
      patchwarden run --once --archive ~/archives/rust-for-linux.git
      patchwarden --config /etc/patchwarden.toml run
      patchwarden --config /etc/patchwarden.toml run --no-deliver

    Exit status: 0 done or stopped; 2 wrong settings, or an archive that cannot be read; 3 the database or the outbox cannot be written, another process works on the database, or a review failed.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    settings = context.settings()
    work = _once if once else _serve
    with logged(settings, "run" if deliver else "run --no-deliver", context.verbose, once=once):
        return work(settings, archive or (), deliver=deliver)


def _serve(settings: "Settings", archives: Sequence[Path], *, deliver: bool) -> int:
    from bot.app.service import open_service
    from bot.service.schedule import serve, stopped_by_signals

    with open_service(settings, archives, Silent(), deliver=deliver) as service, stopped_by_signals(service.stop):
        serve(
            service.schedule(settings),
            service.stop,
            service.watchdog,
            wakeups=service.wakeups,
            recorder=service.recorder,
        )
    return status.OK


def _once(settings: "Settings", archives: Sequence[Path], *, deliver: bool) -> int:
    announce(settings)
    from bot.app.service import open_service
    from bot.service.schedule import stopped_by_signals

    with (
        show_progress() as progress,
        open_service(settings, archives, progress, deliver=deliver, once=True) as service,
    ):
        with stopped_by_signals(service.stop):
            polled, reviewed, delivered = _run_jobs(service)
        tally, stopped = service.store.tally(), stop_notice(settings, service.store)
    from bot.cli.screen import screen  # it takes 2 MB, which the jobs need

    console = screen()
    unready = {outcome.posting_id: outcome for outcome in polled.unready}
    done = {outcome.posting_id for outcome in reviewed}
    outcomes = [*reviewed, *(outcome for posting_id, outcome in unready.items() if posting_id not in done)]
    if outcomes:
        _print_table(console, outcomes)
    else:
        console.print(f"Nothing to review: {count(polled.mails, 'new mail')}, no new series.", highlight=False)
    _print_summary(console, settings, outcomes, tally)
    if stopped:
        echo(stopped)
    if service.stop.is_set():
        console.print("Stopped before the end. Run the same command to continue.")
    for problem in (*polled.problems, *delivered.problems):
        complain(problem)
    failed = bool(delivered.problems) or any(outcome.failures for outcome in reviewed)
    return status.FAILED if failed else status.USAGE if polled.problems else status.OK


def _run_jobs(service: "Service") -> "tuple[PollResult, Sequence[Outcome], DeliveryResult]":
    """Run each job once."""
    from bot.service.deliver import DeliveryResult

    run = service.recorder.run
    run("projection", service.projection.run)
    polled = run("poll", service.poll.run)
    if service.backfill is not None and run("backfill", service.backfill.run).mails:
        polled = polled.followed_by(run("poll", service.poll.run))
    for name, job in (("signatures", service.signatures), ("commands", service.commands), ("bounces", service.bounces)):
        if job is not None:
            run(name, job.run)
    reviewed = run("review", service.review.run)
    service.review.end_processes()  # the jobs that follow need the memory
    later_jobs = {"landing": service.landing, "kernel-tree": service.kernel_tree, "digest": service.digest}
    for name, later_job in later_jobs.items():
        if later_job is not None:
            run(name, later_job.run)
    delivered = DeliveryResult()
    if service.deliver is not None:
        service.stop_switch.refresh()
        delivered = run("deliver", service.deliver.run)
    if service.checks is not None:
        run("checks", service.checks.run)
    service.recorder.flush()
    return polled, reviewed, delivered


def _print_table(console: "Console", outcomes: "Sequence[Outcome]") -> None:
    """Print a line for each series; if there are many, only for those with a mail or findings."""
    from rich.text import Text

    from bot.cli.screen import print_table, table

    rows = outcomes
    if len(rows) > _MAX_ROWS:
        rows = sorted((row for row in outcomes if row.mail or row.findings), key=lambda row: not row.mail)[:_MAX_ROWS]
    cut = {"series": 3, "would be sent to": 2}
    shown_table = table("series", "revision", "patches", "findings", "would be sent to", cut=cut)
    for number in (1, 2, 3):
        shown_table.columns[number].justify = "right"
    for row in rows:
        count = str(row.patches) if row.patches == row.expected else f"{row.patches}/{row.expected}"
        findings = "-" if row.refused else str(row.findings)
        # Text, not str: rich would read brackets in a subject as markup.
        shown_table.add_row(
            Text(visible(row.subject)), f"v{row.revision}", count, findings, Text(visible(_destination(row)))
        )
    if rows:
        print_table(console, shown_table)
    if len(outcomes) > len(rows):
        console.print(f"{len(outcomes) - len(rows):,} more series are not shown.", highlight=False)


def _destination(outcome: "Outcome") -> str:
    if outcome.refused:
        return f"no mail: {outcome.refused}"
    if not outcome.mail:
        return f"no mail: {outcome.unmailed_reason or 'no findings'}"
    first, more = outcome.to[0], len(outcome.to) - 1
    return f"{first} and {more} more" if more else first


def _print_summary(console: "Console", settings: "Settings", outcomes: "Sequence[Outcome]", tally: Tally) -> None:
    reviewed = [outcome for outcome in outcomes if not outcome.refused]
    mails = [outcome for outcome in outcomes if outcome.mail]
    if outcomes:
        console.print(
            f"{len(reviewed):,} series reviewed, {len(mails):,} with a mail; "
            f"{len(outcomes) - len(reviewed):,} not reviewed (incomplete, damaged or refused).",
            highlight=False,
        )
    if skipped := [outcome.posting_id for outcome in outcomes if outcome.skipped]:
        shown = visible(listing(skipped, _MAX_NAMED))
        console.print(
            f"{len(skipped):,} of them checked only in part; `{_program()} explain` says why: {shown}",
            highlight=False,
            markup=False,
        )
    known = ", ".join(f"{number:,} {state}" for state, number in sorted(tally.mails.items())) or "none"
    reasons = f" (`{_program()} quarantine list` says why)" if tally.unreadable else ""
    console.print(
        f"{database_name(settings)} contains {tally.postings:,} series and {count(tally.raw, 'mail')}, "
        f"{tally.unreadable:,} of them unreadable{reasons}. Mails in the outbox: {known}.",
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
        console.print(f"Next: {_program()} outbox show {mails[-1].mail[:8]}", highlight=False, soft_wrap=True)
    elif tally.mails:
        console.print(f"Next: {_program()} outbox list", highlight=False, soft_wrap=True)


def _program() -> str:
    """Return the name or path that starts this program: `make run` does not put it on PATH."""
    path = Path(sys.argv[0])
    if path.name != _NAME or shutil.which(_NAME):
        return _NAME
    return min(os.path.relpath(path), str(path.absolute()), key=len)


COMMAND: Final = Command(run)
