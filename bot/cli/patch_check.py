# SPDX-License-Identifier: GPL-2.0-or-later
"""Check the patches of `patchwarden check`, and say what was found and what could not be checked."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from bot.cli import status
from bot.cli.context import GlobalOptions
from bot.cli.kernel_option import refuse_two_trees
from bot.cli.output import Format, choose_rules, complain, exit_status, format_findings, split_failures, without_known
from bot.cli.patch_input import ReadMails, add_thread, assemble_postings, open_sources, read_sources
from bot.inbox.assemble import is_misnumbered_patch
from bot.inbox.error import InboxError
from bot.inbox.mailbox import Mbox, StandardInput
from bot.inbox.patch_text import PatchDirectory
from bot.mail.parse import SYNTHETIC
from bot.mail.posting import Posting
from bot.pipeline.analyse import Analysis, Trees, analyse_on
from bot.pool.forked import forked
from bot.pool.guard import Crashed
from bot.pool.worker import Limits
from bot.review.formats.row import CheckedPosting, Row, RowResult, explain_row, missing_parts_notice, row_of
from bot.review.render.text import visible
from bot.review.reported import delta_line, leave_out_undecided
from rules.analysis.unsafe_delta import UnsafeDelta
from rules.bindings.tree import NoTree
from rules.finding import Fix, Report, skipped_lines
from rules.lazy import replace
from rules.lint.rule import Rule
from rules.registry import active_before_posting, active_for

T = TypeVar("T")
R = TypeVar("R")

if TYPE_CHECKING:
    from pathlib import Path

    from bot.cli.check import CheckOptions
    from bot.cli.patch_input import Isolate
    from bot.pipeline.context import ReviewContext
    from bot.ports.archive import Archive

_ANALYSE_SECONDS: Final = 60.0
_MAX_AT_ONCE: Final = 1_000_000  # bytes that are read and checked in one child


def check_small_patches(context: GlobalOptions, options: "CheckOptions") -> tuple[bytes, tuple[str, ...], int] | None:
    """Check small sources in this process, as `check_patches` does. Return None for other sources."""
    sources, size = open_sources(context, options), 0
    for source in sources:
        if not isinstance(source, Mbox | StandardInput | PatchDirectory):
            return None
        size += source.size()
    if size > _MAX_AT_ONCE:
        return None
    return _check(context, sources, options, _without_child)


def check_patches(context: GlobalOptions, options: "CheckOptions") -> tuple[bytes, tuple[str, ...], int]:
    """Check all mails of the targets, with a child for each step: what exceeds a limit is reported.

    Return what the command prints on standard output, its complaints, and its exit status.
    """
    return _check(context, open_sources(context, options), options, forked)


def _without_child(work: Callable[[T], R], items: Sequence[T], _: Limits) -> Iterator[R | Crashed]:
    """Apply the work in this process. Its exceptions are raised."""
    return map(work, items)


def _check(
    context: GlobalOptions, sources: "Sequence[Archive | InboxError]", options: "CheckOptions", isolate: "Isolate"
) -> tuple[bytes, tuple[str, ...], int]:
    """Read, assemble and check the mails of all sources."""
    form = options.form
    chosen = choose_rules(options.rule) if options.rule else ()
    read = read_sources(sources, options, isolate)
    asked = {message.message_id for message in read.messages}
    if options.tracking:
        add_thread(read, options.tracking, isolate)
    postings = assemble_postings(read, isolate)
    if options.tracking:
        postings = [posting for posting in postings if any(part.message_id in asked for part in posting.parts)]
    choose_tree, rules = _trees_and_rules(context, options, postings, chosen)
    review_context = _dry_run_context(context, rules) if form is Format.MAIL else None
    analysed = _analyse(postings, choose_tree, rules, read, isolate)
    mails = [] if review_context is None else list(_compose_mails(analysed, review_context))
    reports = [analysis.report for _, analysis in analysed]
    failures, unreadable_trees = split_failures(failure for report in reports for failure in report.failures)
    problems = [*_unread(read, postings, form), *(line for report in reports for line in skipped_lines(report.skipped))]
    problems += unreadable_trees
    checked = tuple(_checked(analysed))
    rows = tuple(_rows(reports, checked, rules, explain=options.explain))
    if options.tracking:
        rows = tuple(_rows_about(asked, postings, rows))
    new_rows = without_known(rows, options.baseline, form)
    verdict = RowResult(
        new_rows,
        checked,
        failures,
        tuple(problems),
        _unchecked(checked, options) if form is Format.TEXT and not new_rows else (),
        known=len(rows) - len(new_rows),
    )
    findings = format_findings(verdict, rules, form, context, mails, options.baseline)
    complaints = list(problems)
    if form not in (Format.TEXT, Format.B4) and (form is not Format.TERSE or len(read.messages) > 1):
        complaints += _missing(postings)
    complaints += (failure.line for failure in failures)
    code = status.FAILED if read.broken else exit_status(verdict, options.fail_on, options.baseline)
    return findings, tuple(complaints), code


def _trees_and_rules(
    context: GlobalOptions, options: "CheckOptions", postings: Sequence[Posting], chosen: tuple[Rule, ...]
) -> tuple[Callable[[Posting], Trees], tuple[Rule, ...]]:
    """Return how the trees of a posting are found, and the rules: the chosen ones, or those that may find anything."""
    refuse_two_trees(options.tree, options.no_tree)
    if options.git is not None or options.tree or options.landing or context.has_settings:
        choose_tree = _tree_chooser(context, options.git, options.tree, options.no_tree, options.landing)
        return choose_tree, chosen or active_before_posting()
    if options.form in (Format.SARIF, Format.MAIL):  # These name all rules that were run.
        return _no_tree, chosen or active_before_posting()
    return _no_tree, chosen or _rules_for(postings)


def _rules_for(postings: Sequence[Posting]) -> tuple[Rule, ...]:
    """Return the rules that may find anything in the patches without a tree."""
    patches = [patch for posting in postings for patch in posting.series.patches]
    changes = [change for patch in patches for change in patch.changes]
    added = "\n".join(text for change in changes for text in change.texts("+"))
    shown = "\n".join(hunk.text for change in changes for hunk in change.hunks)
    return active_for({path for patch in patches for path in patch.paths}, added, shown)


def _rows(
    reports: Sequence[Report], checked: Sequence[CheckedPosting], rules: Sequence[Rule], *, explain: bool
) -> Iterator[Row]:
    """Yield the findings of all postings, with their fixes, and on demand with what explains them."""
    statuses = {rule.id: rule.status for rule in rules}
    for report, posting in zip(reports, checked, strict=True):
        fixes: dict[object, Fix] = {fix.subject: fix for fix in report.fixes}
        for finding in report.findings:
            row = row_of(posting, finding, statuses[finding.rule])
            row = explain_row(row) if explain else row
            fix = fixes.get(finding.subject)
            yield row if fix is None else replace(row, fix=fix)


def _rows_about(asked: Collection[str], postings: Sequence[Posting], rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the findings in the patches that were asked for. The cover letter asks for all patches of its series."""
    whole = {
        posting.message_id
        for posting in postings
        if any(part.index == 0 and part.message_id in asked for part in posting.parts)
    }
    yield from (row for row in rows if row.posting in whole or row.message_id in asked)


def _no_tree(_posting: Posting) -> Trees:
    return Trees(NoTree())


def _tree_chooser(
    context: GlobalOptions,
    git: "tuple[Path, str] | None",
    tree: list[str] | None,
    no_tree: bool,
    landing: list[str] | None,
) -> Callable[[Posting], Trees]:
    """Return a function that chooses the trees for a posting. A range has the blobs of its repository."""
    from bot.cli.kernel_option import repository_specs
    from bot.kernel.commit import start_of, with_range
    from bot.kernel.repositories import KernelTrees
    from bot.pipeline.analyse import choose_trees
    from bot.pool.deadline import deadline_suspended

    specs = repository_specs(context, tree, no_tree, landing)
    if git is not None and not tree and not no_tree:
        specs = with_range(specs, *git)
    kernels = KernelTrees(specs, start_of(*git) if git else None, explicit=True, on_index=deadline_suspended)
    return lambda posting: choose_trees(kernels, posting.series, posting.date)


def _analyse(
    postings: Sequence[Posting],
    choose_tree: Callable[[Posting], Trees],
    rules: Sequence[Rule],
    read: ReadMails,
    isolate: "Isolate",
) -> list[tuple[Posting, Analysis]]:
    """Return the postings with their analyses, without undecided findings.

    Postings that cannot be analysed are recorded in `read`.
    """
    analysed = []
    known = {rule.id: rule for rule in rules}

    def analyse(posting: Posting) -> Analysis:
        return analyse_on(choose_tree(posting), posting.series, rules)

    for posting, analysis in zip(postings, isolate(analyse, postings, Limits(_ANALYSE_SECONDS)), strict=True):
        if isinstance(analysis, Crashed):
            read.add(f"{_name(posting.message_id, posting)} cannot be checked", analysis)
            continue
        if analysis.base is not None and analysis.base.doubt:
            complain(f"{visible(posting.series.subject)}: {visible(analysis.base.doubt)}")
        report = leave_out_undecided(analysis.report, posting, known)
        analysed.append((posting, replace(analysis, report=report)))
    return analysed


def _checked(analysed: Sequence[tuple[Posting, Analysis]]) -> Iterator[CheckedPosting]:
    """Yield what is shown of each posting. Its unsafe code is compared with that of an earlier revision."""
    previous = _previous_deltas(analysed) if len(analysed) > 1 else [None] * len(analysed)
    for (posting, analysis), delta in zip(analysed, previous, strict=True):
        yield CheckedPosting(posting, delta_line(analysis.delta, delta), analysis.base_name)


def _previous_deltas(analysed: Iterable[tuple[Posting, Analysis]]) -> Iterator[UnsafeDelta | None]:
    from bot.review.history import LastOfRevisions

    deltas: LastOfRevisions[UnsafeDelta] = LastOfRevisions()
    for posting, analysis in analysed:
        yield deltas.previous(posting, posting.topic)
        deltas.add(posting, analysis.delta)


def _compose_mails(analysed: Sequence[tuple[Posting, Analysis]], context: "ReviewContext") -> Iterator[bytes]:
    """Yield the mails that would be sent."""
    from bot.mail.compose import ComposeRefused, compose
    from bot.pipeline.draft import draft
    from bot.pipeline.review import review_posting
    from bot.review.history import History

    history = History()
    for posting, analysis in analysed:
        review = review_posting(posting, analysis, history.previous(posting), context)
        history.remember(review)
        reply = draft(review, context)
        content = compose(reply) if reply else None
        if isinstance(content, ComposeRefused):
            complain(f"no mail on {posting.message_id}: {content.reason}")
        elif content is not None:
            yield content


def _dry_run_context(context: GlobalOptions, rules: tuple[Rule, ...]) -> "ReviewContext":
    # Imported here so that the other formats do not wait for the database libraries.
    from bot.app.review_context import build_dry_run_context

    return build_dry_run_context(context.settings(), rules)


def _unchecked(checked: Sequence[CheckedPosting], options: "CheckOptions") -> tuple[str, ...]:
    from bot.cli.unchecked import unchecked

    if not checked and options.git is None:  # A hook runs this on each file of a series, so it is no error.
        return ("not checked: a cover letter was given without the patches of its series",)
    if not checked and options.git is not None:
        nothing = "nothing is staged" if options.staged else f"{options.git[1]} has no commits, not counting merges"
        return (f"not checked: {nothing}",)
    patches = [patch for item in checked for patch in item.posting.series.patches]
    paths = dict.fromkeys(path for patch in patches for path in patch.paths)
    has_tree = all(item.base for item in checked)
    return tuple(unchecked(list(paths), options.rule, has_tree=has_tree))


def _unread(read: ReadMails, postings: Sequence[Posting], form: Format) -> Iterator[str]:
    """Yield what could not be read or checked. b4 gives each mail of a series, also those without a patch."""
    problems = [*read.problems, *_misnumbered(read, postings)]
    problems += (problem for posting in postings for problem in _damage(posting))
    yield from problems
    if form is not Format.B4:
        is_all = not (postings or problems or read.broken)
        parts = {part.message_id for posting in postings for part in posting.parts}
        yield from (unread.reason for unread in read.without_patch if is_all or not unread.concerns(parts))
    yield from read.broken


def _misnumbered(read: ReadMails, postings: Sequence[Posting]) -> Iterator[str]:
    """Yield for each patch with the number of a cover letter that it is not checked, unless its series was given."""
    known = {part.message_id for posting in postings for part in posting.parts}
    for message in read.messages:
        if is_misnumbered_patch(message) and message.message_id not in known:
            yield f'"{visible(message.subject)}": not checked: it has the number of a cover letter; number it 1/1'


def _damage(posting: Posting) -> Iterator[str]:
    for patch in posting.series.patches:
        if patch.damage is not None:
            part = posting.part(patch.index)
            name = _name(part.message_id if part is not None else posting.message_id, posting)
            line = f" (line {patch.damage.line} of its text)" if patch.damage.line else ""
            yield f"patch {patch.index}, {name}: cannot read its diff: {patch.damage.reason}{line}"


def _missing(postings: Sequence[Posting]) -> Iterator[str]:
    """Yield for each incomplete series which of its parts are missing."""
    for posting in postings:
        if parts := missing_parts_notice(posting):
            yield f"{visible(posting.series.subject)}: {parts}"


def _name(message_id: str, posting: Posting) -> str:
    """Return the message-id, or the subject of the series for a mail that has none: the user knows only that."""
    return f'"{posting.series.subject}"' if message_id.endswith(SYNTHETIC) else message_id
