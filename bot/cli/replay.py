# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden replay`: review archives in memory. Nothing is sent."""

import os
import pickle
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final

from bot.cli import status
from bot.cli.command import Argument, Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.jobs import ClusterOption, SchedulerOption, chosen_cluster
from bot.cli.kernel_option import LandingOption, NoTreeOption, TreeOption, refs_check, repository_specs
from bot.cli.output import RuleOption, choose_rules, complain
from bot.cli.progress import show_progress
from bot.cli.since import parse_time
from bot.error import SettingsError
from bot.mail.state import MailState
from bot.pool.guard import Crashed
from bot.pool.memory import PeakMemory
from bot.ports.running import Progress
from bot.review.formats.jsonl import line
from bot.review.formats.row import of_review
from bot.review.model import FindingState
from bot.review.render.text import count
from bot.settings.paths import nearest_existing
from bot.version import VERSION
from rules.finding import Confidence, skipped_lines
from rules.lazy import dataclass, field, replace
from rules.lint.rule import Rule

if TYPE_CHECKING:
    from bot.mail.outgoing import Outgoing
    from bot.outbox.folder import Folder
    from bot.pipeline.replay import ReplayedPosting, ReplayEvent
    from bot.pipeline.replay_index import UnreadableInput
    from bot.web.report import ReplayReport
    from bot.web.static_site import StaticSite

_MAX_PROBLEMS: Final = 20  # maximum number of problems of each kind that are printed
_CERTAINTY: Final = (
    (Confidence.HIGH, "certain"),
    (Confidence.MEDIUM, "likely"),
    (Confidence.LOW, "unknown: the bindings of the tree are not used"),
)


class Form(StrEnum):
    """The output format."""

    TEXT = "text"
    JSONL = "jsonl"


@dataclass(slots=True)
class Tally:
    """The counts of a replay."""

    mails: int = 0
    threads: int = 0
    unreadable: "list[UnreadableInput]" = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    postings: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    patches: int = 0
    damaged: int = 0
    bases: Counter[Confidence] = field(default_factory=Counter)
    matched: int = 0
    announced: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    mailed: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    would_send: int = 0
    held: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def replay(
    context: GlobalOptions,
    archives: Annotated[list[str], Argument(metavar="ARCHIVE", help="Archives, mboxes, Maildirs; - is stdin.")],
    since: Annotated[str, Option(metavar="AGE|DATE", help="Skip older mails (7d, 12h, 2026-03-01; UTC).")] = "",
    jobs: Annotated[int, Option(minimum=0, help="Number of processes. 0: one per core.")] = 0,
    cluster: ClusterOption = "",
    scheduler: SchedulerOption = "",
    form: Annotated[
        Form,
        Option(
            "--format", help="text: a table at the end; jsonl: findings as they are found, and the table on stderr."
        ),
    ] = Form.TEXT,
    mails: Annotated[
        Path | None, Option(metavar="DIR", help="Write the mails that would be sent to this folder.")
    ] = None,
    report: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Write web pages about all series, findings and mails to this folder. It must be new, empty, or an "
            "earlier report.",
        ),
    ] = None,
    rule: RuleOption = None,
    tree: TreeOption = None,
    no_tree: NoTreeOption = False,
    landing: LandingOption = None,
) -> int:
    """Review archives as if their mails arrived now, and print what would be found and sent.

    The output does not depend on --jobs, --cluster and --scheduler. With a cluster it is written at the end, and not at all if the cluster fails; docs/how-to/replay-on-a-cluster.md says how to start one. A report is complete when its folder appears; it needs no server and no network. The settings for reviews and for our identity apply; the modes of lists do not.

    \b
    Example:
      patchwarden replay ~/archives/rust-for-linux.git --since 2026-01-01 --mails would-send
      patchwarden replay ~/archives/rust-for-linux.git --report report
      patchwarden replay --format jsonl archive.git > findings.jsonl
      patchwarden replay --scheduler tcp://10.0.0.1:8786 --report report ~/archives/*.git

    Exit status: 0 done, with or without findings; 2 bad usage, an archive cannot be read, or the report cannot be written; 3 a rule or the program failed on a mail (the rest is still reviewed), or the cluster failed (nothing is written).
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.app.review_context import build_author_rules, build_dry_run_context
    from bot.inbox.source import open_source
    from bot.outbox.folder import Folder
    from bot.pipeline.replay import LIMITS, ReplayedPosting
    from bot.pipeline.replay import replay as replay_archives
    from bot.pool.executor import preload_all

    preload_all()
    settings = context.settings()
    repositories = replace(repository_specs(context, tree, no_tree, landing), lands_when_sent=True)
    review_context = build_dry_run_context(settings, choose_rules(rule), () if rule else build_author_rules(settings))
    sources = [open_source(archive) for archive in archives]
    start = parse_time(since, datetime.now(UTC)) if since else None
    if mails is not None:
        _refuse_unfit_folder(mails)
    tally, began = Tally(), time.monotonic()
    is_cluster = bool(cluster or scheduler)
    if is_cluster:
        repositories = repositories.absolute()
    with _output(review_context.rules, form, Folder(mails) if mails else None, is_delayed=is_cluster) as output:
        with (
            show_progress() as progress,
            PeakMemory() as memory,
            _opened(report) as pages,
            chosen_cluster(cluster, scheduler, jobs, partial(refs_check, repositories), LIMITS) as workers,
        ):
            jobs = jobs or os.cpu_count() or 1
            for event in replay_archives(sources, repositories, review_context, start, jobs, progress, workers):
                _count(tally, event)
                if isinstance(event, ReplayedPosting):
                    output.add(event)
                if pages is not None:
                    pages.note(event)
            if pages is not None:
                pages.write(review_context.rules, tally, progress)
            peak = memory.bytes
        output.finish()
    place = "the processes on this machine" if scheduler else "all processes"
    for text in _table(tally, time.monotonic() - began, f"peak memory of {place}", peak):
        echo(text, err=form is Form.JSONL)
    for problem in (*tally.failures[:_MAX_PROBLEMS], *tally.held[:_MAX_PROBLEMS], *tally.skipped[:_MAX_PROBLEMS]):
        complain(problem)
    if len(tally.failures) > _MAX_PROBLEMS:
        complain(f"and {count(len(tally.failures) - _MAX_PROBLEMS, 'more failure')}")
    return status.FAILED if tally.failures else status.OK


def _refuse_unfit_folder(folder: Path) -> None:
    """Raise UsageError if no mail can be written to that folder, before any mail is reviewed. It is made later."""
    existing = nearest_existing(folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        problem = "cannot be written" if existing.is_dir() else "is not a folder"
        raise UsageError(f"{existing} {problem}", option="--mails")


@dataclass(slots=True)
class _Pages:
    """The report, and the folder of its pages."""

    report: "ReplayReport"
    site: "StaticSite"

    def note(self, event: "ReplayEvent") -> None:
        """Add what the event says about a posting."""
        from bot.pipeline.replay import RefusedPosting, ReplayedPosting

        if isinstance(event, ReplayedPosting):
            self.report.add(event.result.review, event.result.outgoing)
        elif isinstance(event, RefusedPosting):
            self.report.refuse(event.refusal.kind)

    def write(self, rules: Sequence[Rule], tally: Tally, progress: Progress) -> None:
        """Write all pages."""
        facts = {
            "Mails read": tally.mails,
            "Unreadable mails": len(tally.unreadable),
            "Threads with patches": tally.threads,
            "Failures of the program": len(tally.failures),
        }
        self.report.write(self.site, rules, facts, progress)


@contextmanager
def _opened(folder: Path | None) -> Iterator[_Pages | None]:
    """Yield the report that is written to the folder at the end, None without a folder."""
    if folder is None:
        yield None
        return
    import tempfile

    from bot.web.report import KIND, REPORT, ReplayReport
    from bot.web.static_site import StaticSiteError, static_site

    try:
        with (
            tempfile.TemporaryFile(prefix="patchwarden-report-") as file,
            static_site(folder, KIND, REPORT, VERSION) as site,
        ):
            yield _Pages(ReplayReport(file), site)
    except StaticSiteError as error:
        raise SettingsError(f"--report: {error}") from error


def _count(tally: Tally, event: "ReplayEvent") -> None:
    from bot.pipeline.replay import RefusedPosting
    from bot.pipeline.replay_index import ReadingDone, UnreadableInput

    if isinstance(event, UnreadableInput):
        tally.unreadable.append(event)
    elif isinstance(event, Crashed):
        tally.failures.append(event.reason)
    elif isinstance(event, RefusedPosting):
        tally.postings["refused"] += 1
        tally.refused[event.refusal.kind] += 1
    elif isinstance(event, ReadingDone):
        tally.mails, tally.threads = event.mails, event.threads
    else:
        _count_review(tally, event)


def _count_review(tally: Tally, replayed: "ReplayedPosting") -> None:
    review, mail = replayed.result.review, replayed.result.outgoing
    patches = review.posting.series.patches
    tally.postings[review.posting.state.word] += 1
    tally.patches += len(patches)
    tally.damaged += sum(patch.damage is not None for patch in patches)
    if replayed.base is not None:
        tally.bases[replayed.base.certainty] += 1
        tally.matched += replayed.base.evidence.matched
        tally.announced += replayed.base.evidence.announced
    for entry in review.findings:
        if entry.state is not FindingState.RESOLVED:
            tally.findings[entry.finding.rule] += 1
            if entry.withheld is None:
                tally.mailed[entry.finding.rule] += 1
            else:
                tally.withheld[entry.withheld.partition(":")[0]] += 1
    tally.failures += (f"{review.posting.message_id}: {failure.line}" for failure in review.failures)
    tally.skipped += (f"{review.posting.message_id}: {line}" for line in skipped_lines(review.skipped))
    held = mail.reason if mail is not None and mail.state is MailState.HELD else replayed.result.refused
    tally.would_send += mail is not None and not held
    tally.held += [f"the mail on {review.posting.message_id} would be held: {held}"] if held else []


class _Output:
    """Where the findings and mails are written: at once, or with a file `waiting` all of them at the end."""

    def __init__(self, rules: Sequence[Rule], form: Form, folder: "Folder | None", waiting: IO[bytes] | None) -> None:
        self._known = {rule.id: rule for rule in rules}
        self._form = form
        self._folder = folder
        self._waiting = waiting

    def add(self, replayed: "ReplayedPosting") -> None:
        """Write the findings and the mail of a posting, or let them wait."""
        rows = of_review(replayed.result.review, self._known) if self._form is Form.JSONL else ()
        lines = "".join(map(line, rows)).encode("utf-8", "replace")
        mail = None if self._folder is None else replayed.result.outgoing
        if self._waiting is None:
            self._write(lines, mail)
        elif lines or mail is not None:
            pickle.dump((lines, mail), self._waiting)

    def finish(self) -> None:
        """Write what waits."""
        if self._waiting is not None:
            self._waiting.seek(0)
            with suppress(EOFError):
                while True:
                    self._write(*pickle.load(self._waiting))  # noqa: S301 this process wrote it

    def _write(self, lines: bytes, mail: "Outgoing | None") -> None:
        if lines:
            echo(lines, nl=False)
        if self._folder is not None and mail is not None:
            self._folder.deliver(mail)


@contextmanager
def _output(rules: Sequence[Rule], form: Form, folder: "Folder | None", *, is_delayed: bool) -> Iterator[_Output]:
    if not is_delayed:
        yield _Output(rules, form, folder, None)
        return
    import tempfile

    with tempfile.TemporaryFile(prefix="patchwarden-replay-") as waiting:
        yield _Output(rules, form, folder, waiting)


def _table(tally: Tally, seconds: float, peak_name: str, peak: int) -> list[str]:
    rows = [*_rows(tally), ("wall time", f"{seconds:.1f} s"), (peak_name, f"{peak / 2**20:,.0f} MB")]
    names, values = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [f"{name:{names}}  {value:>{values}}" for name, value in rows]


def _rows(tally: Tally) -> Iterable[tuple[str, str]]:
    yield "mails", f"{tally.mails:,}"
    yield "unreadable mails", f"{len(tally.unreadable):,}"
    yield from (
        (f"  {reason}", f"{number:,}") for reason, number in _most_frequent(mail.reason for mail in tally.unreadable)
    )
    yield "threads with patches", f"{tally.threads:,}"
    yield "postings", f"{tally.postings.total():,}"
    yield from ((f"  {word}", f"{number:,}") for word, number in sorted(tally.postings.items()))
    yield from ((f"    {kind}", f"{number:,}") for kind, number in sorted(tally.refused.items()))
    yield "patches", f"{tally.patches:,}"
    yield "  with a diff that cannot be read", f"{tally.damaged:,}"
    if tally.bases:
        yield "postings with a kernel tree", f"{tally.bases.total():,}"
        yield from ((f"  {word}", f"{tally.bases[level]:,}") for level, word in _CERTAINTY)
        yield "files whose ids match the tree", f"{tally.matched:,} of {tally.announced:,}"
    yield "findings", f"{tally.findings.total():,}"
    yield from (
        (f"  {rule}", f"{number:,} ({tally.mailed[rule]:,} mailed)") for rule, number in sorted(tally.findings.items())
    )
    yield "withheld", f"{tally.withheld.total():,}"
    yield from ((f"  {reason}", f"{number:,}") for reason, number in _most_frequent(tally.withheld.elements()))
    yield "mails that would be sent", f"{tally.would_send:,}"
    yield "failures", f"{len(tally.failures):,}"
    if tally.skipped:
        yield "places that were not checked", f"{len(tally.skipped):,}"


def _most_frequent(reasons: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(reasons).items(), key=lambda item: (-item[1], item[0]))[:12]


COMMAND: Final = Command(replay)
