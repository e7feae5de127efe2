# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden recheck`: judge series again, and say what changed and why."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.app.lists import known_lists, maintainers_lists
from bot.app.recheck import RecheckSession, open_recheck_session
from bot.cli import status
from bot.cli.context import options
from bot.cli.kernel_option import NoTreeOption, TreeOption, named
from bot.cli.output import complain
from bot.cli.progress import shown
from bot.cli.since import moment
from bot.inbox.error import InboxError
from bot.mail.posting import Part, Posting
from bot.pool.guard import Crashed
from bot.review.difference import Change, ChangeKind
from bot.review.formats.row import Row, clean, record
from bot.review.render.text import count, visible
from bot.service.recheck import RecheckResult
from bot.settings import Settings, load
from rules.finding import withheld_reasons
from rules.lint.rule import Status
from rules.registry import by_id


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    app.command()(recheck)


def recheck(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET", help="Message-ids, mails' web addresses, or series by their change-id."),
    ] = None,
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="ADDRESS", help="All complete series on this list; repeatable."),
    ] = None,
    since: Annotated[
        str, typer.Option(metavar="AGE|DATE", help="With --list: those sent since then (7d, 12h, 2026-03-01).")
    ] = "7d",
    send: Annotated[
        bool, typer.Option("--send", help="Queue a mail where the verdict is one that nobody was told yet.")
    ] = False,
    archive: Annotated[
        list[Path] | None, typer.Option(help="Look for what is missing in this archive first; repeatable.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,
    tree: TreeOption = None,
    no_tree: NoTreeOption = False,
) -> None:
    """Judge series again by today's rules, say what changed against the stored review and why, and store the new one.

    It may run beside the service, any number of times: what is found as it was changes nothing. Without --send nothing
    is queued; with it never a second mail for the same verdict. The service delivers it, or `patchwarden run --once`.

    \b
    Example:
      patchwarden recheck 20260301120000.1-1-author@example.org
      patchwarden recheck https://lore.kernel.org/rust-for-linux/20260301120000.1-1-author@example.org/
      patchwarden recheck --list rust-for-linux@vger.kernel.org --since 2w --format json
      patchwarden recheck --send 20260301120000.1-1-author@example.org

    Exit status: 0 done, whatever was found; 2 a target is nowhere, or not whole; 3 judging failed, or the database
    cannot be written.
    """
    if not targets and not lists:
        raise typer.BadParameter("name a message-id, a mail's web address, a series, or --list", param_hint="TARGET")
    settings = named(load(options(context).config), tree, no_tree)
    start = moment(since, datetime.now(UTC))
    code, records, changed, queued = status.OK, [], 0, 0
    console = Console(stderr=True)
    with shown(console) as progress, open_recheck_session(settings, archive or (), progress) as session:
        for name in lists or ():
            _refuse_misspelt(name, session, settings, start)
        postings, problems, named_ids = _postings(session, targets or [], lists or [], start)
        for problem in problems:
            complain(problem)
            code = status.USAGE
        for posting in postings:
            done = session.job.run(posting, send)
            if isinstance(done, Crashed):
                complain(f"{posting.message_id}: {done.reason}")
                code = status.FAILED
            elif form is Format.JSON:
                records.append(_record(done))
            else:
                changed += not done.changed.nothing
                queued += done.mail is not None
                # Of a whole list only what changed is worth a line.
                if not done.changed.nothing or done.mail is not None or posting.message_id in named_ids:
                    for line in _lines(done, send):
                        typer.echo(line)
    if form is Format.JSON:
        typer.echo(json.dumps(records, indent=2))
    elif lists:
        typer.echo(
            f"{len(postings)} series sent since {start:%Y-%m-%d}: {changed} changed, {count(queued, 'mail')} queued"
        )
    raise typer.Exit(code)


def _refuse_misspelt(name: str, looking: RecheckSession, settings: Settings, start: datetime) -> None:
    """Raise a usage error for a list of which there is no series and whose address looks misspelt."""
    meant = known_lists(maintainers_lists(settings), looking.store).meant(name)
    if meant and not looking.store.posted(start, [name]):
        raise typer.BadParameter(f"{name} looks misspelt; did you mean {meant}?", param_hint="--list")


def _postings(
    session: RecheckSession, targets: list[str], lists: list[str], start: datetime
) -> tuple[list[Posting], list[str], frozenset[str]]:
    """Return the postings to re-check, a line for each target without one, and the ids of the named postings."""
    postings: dict[str, Posting] = {}
    problems = []
    for name in targets:
        try:
            posting = session.find(name)
        except InboxError as error:
            problems.append(str(error))
        else:
            postings[posting.message_id] = posting
    chosen = frozenset(postings)
    if lists:
        postings |= {posting.message_id: posting for posting in session.store.posted(start, lists)}
    return list(postings.values()), problems, chosen


def _lines(done: RecheckResult, send: bool) -> Iterator[str]:
    posting, changed = done.review.posting, done.changed
    yield visible(f"{posting.message_id}  v{posting.series.revision} {posting.series.subject}")
    if changed.later:
        yield f"  a later revision is here: v{changed.later}"
    for change in (*changed.of(ChangeKind.NEW), *changed.of(ChangeKind.GONE)):
        yield visible(f"  {change.kind:5}{_finding(change)} ({change.reason})")
    same = changed.of(ChangeKind.SAME)
    otherwise = Counter((change.comment.finding.rule, change.reason) for change in same if change.reason)
    for (rule, reason), number in otherwise.items():
        yield visible(f"  same {rule}, {count(number, 'place')}: {reason}")
    if same or changed.nothing:
        yield f"  {count(len(same), 'finding')} as before" if same else "  nothing found, as before"
    if done.mail is not None:
        yield f"  the verdict changed: mail {done.mail.message_id} is {done.mail.state}"
    elif changed.verdict:
        yield f"  the verdict changed; {visible(done.unsent) if send else 'nothing is sent without --send'}"
    elif send:
        yield f"  nothing is sent: {visible(done.unsent)}"
    for failure in done.review.failures:
        yield visible(f"  rule {failure.rule} failed on patch {failure.patch}, {failure.path}: {failure.error}")
    yield from (visible(f"  {line}") for line in withheld_reasons(done.review.skipped))


def _finding(change: Change) -> str:
    finding = change.comment.finding
    place = _row(change, None).place
    withheld = "" if change.comment.withheld is None else f" [not mailed: {change.comment.withheld}]"
    return f"{finding.severity} {finding.rule} {place}: {finding.message}{withheld}"


def _record(done: RecheckResult) -> dict[str, Any]:
    posting, changed = done.review.posting, done.changed
    return {
        "message_id": posting.message_id,
        "subject": clean(posting.series.subject),
        "revision": posting.series.revision,
        "later_revision": changed.later,
        "first": changed.first,
        "verdict_changed": changed.verdict,
        "changes": [
            {
                "change": change.kind.value,
                "reason": change.reason,
                "withheld": change.comment.withheld,
                **record(_row(change, posting.part(change.comment.finding.anchor.patch))),
            }
            for change in changed.changes
        ],
        "mail": None if done.mail is None else done.mail.message_id,
        "unsent": clean(done.unsent),
    }


def _row(change: Change, part: Part | None) -> Row:
    rule = by_id(change.comment.finding.rule)
    known = Status.RETIRED if rule is None else rule.status
    return Row(change.comment.finding, known, None if part is None else part.message_id)
