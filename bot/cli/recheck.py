# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden recheck`: check series again, and print what changed and why."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from bot.cli import status
from bot.cli.command import Argument, Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import announce
from bot.cli.json_output import ReportFormat, ReportFormatOption
from bot.cli.kernel_option import LandingOption, NoTreeOption, TreeOption, with_repositories
from bot.cli.output import complain
from bot.cli.progress import show_progress
from bot.cli.since import parse_time
from bot.inbox.error import InboxError
from bot.mail.posting import Part, Posting
from bot.pool.guard import Crashed
from bot.review.difference import Change, ChangeKind
from bot.review.formats.row import Row, clean, record
from bot.review.render.text import count, visible
from bot.review.unmailed import withheld_lines
from rules.lint.rule import Status
from rules.registry import by_id

if TYPE_CHECKING:
    from bot.app.recheck import RecheckSession
    from bot.service.recheck import RecheckResult
    from bot.settings.tables import Settings


def recheck(
    context: GlobalOptions,
    targets: Annotated[
        list[str] | None,
        Argument(metavar="TARGET", help="Message-ids, web addresses of mails, or change-ids of series."),
    ] = None,
    lists: Annotated[
        list[str] | None,
        Option(
            "--list", metavar="ADDRESS", help="Check all complete series on this list that are not applied; repeatable."
        ),
    ] = None,
    since: Annotated[
        str, Option(metavar="AGE|DATE", help="With --list: only series sent since then (7d, 12h, 2026-03-01).")
    ] = "7d",
    send: Annotated[bool, Option("--send", help="Queue a mail for each verdict that was not mailed before.")] = False,
    archive: Annotated[
        list[Path] | None, Option(help="Search this archive first for missing mails; repeatable.")
    ] = None,
    form: ReportFormatOption = ReportFormat.TEXT,
    tree: TreeOption = None,
    no_tree: NoTreeOption = False,
    landing: LandingOption = None,
) -> int:
    """Check series again with the current rules, compare with the stored reviews, and store the new reviews.

    The service may run meanwhile. An unchanged result changes nothing. With --send a mail is queued, but never two mails for the same verdict. The service delivers it, or `patchwarden run --once`.

    \b
    Example:
      patchwarden recheck 20260301120000.1-1-author@example.org
      patchwarden recheck https://lore.kernel.org/rust-for-linux/20260301120000.1-1-author@example.org/
      patchwarden recheck --list rust-for-linux@vger.kernel.org --since 2w --format json
      patchwarden recheck --send 20260301120000.1-1-author@example.org

    Exit status: 0 done, with or without findings; 2 a target was not found or is incomplete; 3 a check failed, or the database cannot be written.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    if not targets and not lists:
        raise UsageError("name a message-id, the web address of a mail, a series, or --list", option="TARGET")
    settings = with_repositories(context.settings(), tree, no_tree, landing)
    context.configure_log("error")  # failures are printed as the result of the command
    announce(settings)
    from bot.app.recheck import open_recheck_session

    start = parse_time(since, datetime.now(UTC))
    code, records, changed, queued = status.OK, [], 0, 0
    with show_progress() as progress, open_recheck_session(settings, archive or (), progress) as session:
        for name in lists or ():
            _refuse_misspelt(name, session, settings, start)
        postings, problems, named_ids = _postings(session, targets or [], lists or [], start)
        for problem in problems:
            complain(problem)
            code = status.USAGE
        for posting in postings:
            result = session.job.run(posting, send)
            if isinstance(result, Crashed):
                complain(f"{posting.message_id}: {result.reason}")
                code = status.FAILED
            elif form is ReportFormat.JSON:
                records.append(_record(result))
            else:
                changed += not result.changed.is_empty
                queued += result.mail is not None
                # Of a whole list, unchanged series are not printed.
                if not result.changed.is_empty or result.mail is not None or posting.message_id in named_ids:
                    for line in _lines(result, send):
                        echo(line)
    if form is ReportFormat.JSON:
        echo(json.dumps(records, indent=2))
    elif lists:
        echo(f"{len(postings)} series sent since {start:%Y-%m-%d}: {changed} changed, {count(queued, 'mail')} queued")
    return code


def _refuse_misspelt(name: str, session: "RecheckSession", settings: "Settings", start: datetime) -> None:
    """Raise a usage error for a list that has no series and whose address looks misspelt."""
    from bot.app.lists import known_lists, maintainers_lists

    meant = known_lists(maintainers_lists(settings), session.store).meant(name)
    if meant and not session.store.posted(start, [name]):
        raise UsageError(f"{name} looks misspelt; did you mean {meant}?", option="--list")


def _postings(
    session: "RecheckSession", targets: list[str], lists: list[str], start: datetime
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


def _lines(result: "RecheckResult", send: bool) -> Iterator[str]:
    posting, changed = result.review.posting, result.changed
    yield visible(f"{posting.message_id}  v{posting.series.revision} {posting.series.subject}")
    if changed.later:
        yield f"  a later revision exists: v{changed.later}"
    for change in (*changed.of(ChangeKind.NEW), *changed.of(ChangeKind.GONE)):
        yield visible(f"  {change.kind:5}{_finding(change)} ({change.reason})")
    same = changed.of(ChangeKind.SAME)
    otherwise = Counter((change.entry.finding.rule, change.reason) for change in same if change.reason)
    for (rule, reason), number in otherwise.items():
        yield visible(f"  same {rule}, {count(number, 'place')}: {reason}")
    if same or changed.is_empty:
        yield f"  {count(len(same), 'finding')} as before" if same else "  no findings, as before"
    yield from (visible(f"  {line}") for line in withheld_lines(result.review))
    if result.mail is not None:
        yield f"  the verdict changed: mail {result.mail.message_id} is {result.mail.state}"
    elif changed.verdict:
        yield f"  the verdict changed; {visible(result.unsent) if send else 'nothing is sent without --send'}"
    elif send:
        yield f"  nothing is sent: {visible(result.unsent)}"
    for failure in result.review.failures:
        yield visible(f"  {failure.line}")
    yield from (visible(f"  {line}") for line in result.review.unchecked)


def _finding(change: Change) -> str:
    finding = change.entry.finding
    return f"{finding.severity} {finding.rule} {finding.place}: {finding.message}"


def _record(result: "RecheckResult") -> dict[str, Any]:
    posting, changed = result.review.posting, result.changed
    return {
        "message_id": posting.message_id,
        "subject": clean(posting.series.subject),
        "revision": posting.series.revision,
        "later_revision": changed.later,
        "first_review": changed.first,
        "verdict_changed": changed.verdict,
        "changes": [
            {
                "change": change.kind.value,
                "reason": change.reason,
                "withheld": change.entry.withheld,
                **record(_row(change, posting.part(change.entry.finding.anchor.patch))),
            }
            for change in changed.changes
        ],
        "mail": None if result.mail is None else result.mail.message_id,
        "no_mail_reason": clean(result.unsent),
    }


def _row(change: Change, part: Part | None) -> Row:
    rule = by_id(change.entry.finding.rule)
    known = Status.RETIRED if rule is None else rule.status
    return Row(change.entry.finding, known, None if part is None else part.message_id)


COMMAND: Final = Command(recheck)
