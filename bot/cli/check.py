# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden check`: the findings in patches at hand, before or after they are posted."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli import status
from bot.cli.context import options
from bot.cli.kernel_option import NoTreeOption, TreeOption, places
from bot.cli.no_patch import explain_no_patch
from bot.cli.output import FailOnOption, Format, FormatOption, RuleOption, chosen, complain, outcome, printed
from bot.inbox.assemble import as_patch, assemble, candidate
from bot.inbox.error import InboxError
from bot.inbox.git_range import GitRange
from bot.inbox.mailbox import Mbox, StandardInput
from bot.inbox.patch_text import PatchDirectory, read_as_mails
from bot.inbox.source import open_patches
from bot.inbox.thread import threads
from bot.kernel.base import Base
from bot.kernel.commit import start_of
from bot.kernel.repositories import KernelTrees
from bot.mail.compose import ComposeRefused, compose
from bot.mail.message import Message, UnreadableMail
from bot.mail.parse import NO_HEADER, SYNTHETIC, parse
from bot.mail.posting import Posting
from bot.mail.target import target
from bot.pipeline.analyse import Analysis, analyse_on
from bot.pipeline.context import ReviewContext
from bot.pipeline.draft import draft
from bot.pipeline.review import review_posting
from bot.pool.deadline import deadline_suspended
from bot.pool.forked import forked
from bot.pool.guard import Crashed
from bot.pool.worker import Limits
from bot.ports import Archive, RawMail
from bot.review.formats.row import RowResult, of_review
from bot.review.history import History
from bot.review.model import Review
from bot.review.render.text import visible
from bot.settings import load
from rules.bindings.tree import Tree
from rules.finding import Severity, withheld_reasons
from rules.lint.rule import Rule

_MESSAGE_ID: Final = re.compile(rb"^message-id:[ \t]{0,9}<([^<>\s]{1,250})>", re.MULTILINE | re.IGNORECASE)
_HEAD: Final = 64_000  # bytes of a mail that are searched for its message-id
_READING: Final = 5.0  # seconds
_SPLITTING: Final = 60.0
_ANALYSING: Final = 60.0
_SPLIT_FACTOR: Final = 6  # bytes of memory for each byte of a file that is split
_SUFFIXES: Final = (".eml", ".patch", ".diff", ".mbox", ".mbx", ".txt", ".git", ".gz", ".rs", ".c", ".h")


def register(app: typer.Typer) -> None:
    app.command()(check)


def check(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET",
            help="Mails, patches, mboxes, Maildirs, public-inbox archives; - is stdin; a message-id or a mail's web "
            "address is fetched from the archive that the settings name, else from lore.kernel.org.",
        ),
    ] = None,
    git: Annotated[
        tuple[Path, str] | None, typer.Option("--git", metavar="REPO A..B", help="Check these commits of a repository.")
    ] = None,
    form: FormatOption = Format.TEXT,
    fail_on: FailOnOption = Severity.WARNING,
    rule: RuleOption = None,
    tree: TreeOption = None,
    no_tree: NoTreeOption = False,
) -> None:
    """Say what the rules find in patches, without sending anything.

    Patches of several targets are put together to one series where they count as one. Findings of rules in preview, and
    those that a later patch of the series mends, are shown but do not make the check fail.

    \b
    Example:
      patchwarden check 000*.patch
      patchwarden check --git ~/linux origin/master..HEAD
      patchwarden check 20260301120000.1-2-author@example.org
      b4 mbox -o - MESSAGE-ID | patchwarden check --format terse -
      git config b4.review-perpatch-check-cmd 'patchwarden check --format b4 -'

    Exit status: 0 nothing at or above --fail-on; 1 findings; 2 bad usage, or input that cannot be read or judged whole
    (what can be is judged still), also because reading a mail took 5 s, splitting a file, putting a thread together or
    judging a series 60 s, or any of these 512 MB; 3 a rule or the program failed.
    """
    if not targets and git is None:
        raise typer.BadParameter("name a file, a folder, - for standard input, or --git", param_hint="TARGET")
    rules = chosen(rule)
    read = _read(targets or (), git, context)
    postings = _postings(read)
    review_context = _rehearsal(context, rules) if form is Format.MAIL else ReviewContext(tuple(rules))
    reviews = _review(postings, _based(context, git, tree, no_tree), review_context, read)
    mails = list(_mails_of(reviews, review_context)) if form is Format.MAIL else []
    broken = read.broken
    problems = [*read.problems, *(problem for posting in postings for problem in _damage(posting))]
    if not (postings or problems or broken) and form is not Format.B4:
        problems += read.without_patch
    problems += broken
    problems += (line for review in reviews for line in withheld_reasons(review.skipped))
    known = {rule.id: rule for rule in rules}
    verdict = RowResult(
        tuple(row for review in reviews for row in of_review(review, known)),
        tuple(reviews),
        tuple(failure for review in reviews for failure in review.failures),
        tuple(problems),
    )
    typer.echo(printed(verdict, rules, form, mails), nl=False)
    for problem in problems:
        complain(problem)
    for failure in verdict.failures:
        complain(f"rule {failure.rule} failed on patch {failure.patch}, {failure.path}: {failure.error}")
    raise typer.Exit(status.FAILED if broken else outcome(verdict, fail_on))


def _source(name: str, context: typer.Context) -> Archive:
    """Return the source at a path, or the series of a message-id or web address, fetched from the archive."""
    message_id = None if name == "-" or Path(name).exists() or _is_path(name) else target(name)
    if message_id is None:
        if "://" in name:
            raise InboxError(f"{name}: not the address of a mail, which is https://ARCHIVE/LIST/MESSAGE-ID/")
        if not name:
            raise InboxError("a target is empty")
        return open_patches(name)
    # Only here: HTTP takes longer to load than the check of a patch takes.
    from bot.app.lore import build_series_archive  # noqa: PLC0415

    return build_series_archive(load(options(context).config), message_id)


def _is_path(name: str) -> bool:
    """Return whether the name is one of a file, here or not: a mistyped path is not looked for on the network.

    A message-id with a slash or with the ending of a file is written between `<` and `>`.
    """
    if name.startswith("<") or "://" in name:
        return False
    return "/" in name or name.startswith((".", "~")) or name.lower().endswith(_SUFFIXES)


@dataclass(slots=True)
class _Read:
    """The mails of all sources, why others could not be read, and faults of the program while reading."""

    messages: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    without_patch: list[str] = field(default_factory=list)

    def add(self, what: str, crashed: Crashed) -> None:
        """Note a limit that the input exceeded as its problem, anything else as a fault of the program."""
        (self.problems if crashed.exceeded else self.broken).append(f"{what}: {crashed.reason}")


def _read(targets: Iterable[str], git: tuple[Path, str] | None, context: typer.Context) -> _Read:
    """Return the mails of the targets and the range, and why others cannot be read."""
    read = _Read()
    for name in targets:
        try:
            _take(read, _source(name, context))
        except InboxError as error:
            read.problems.append(str(error))
    if git is not None:
        # Without a valid range there is no kernel to analyse against, so its error is raised.
        _take(read, GitRange(*git))
    return read


def _take(read: _Read, source: Archive) -> None:
    mails, messages = _mails(source), list[Message]()
    if isinstance(mails, Crashed):
        read.problems.append(f"{source.name}: cannot be read: {mails.reason}")
        return
    for mail, message in zip(mails, forked(parse, [mail.raw for mail in mails], Limits(_READING)), strict=True):
        if isinstance(message, Crashed):
            message_id = _named_id(mail.raw)
            of = f" {message_id}" if message_id else ""
            read.add(f"{source.name}: cannot read mail {mail.origin}{of}", message)
        elif isinstance(message, UnreadableMail) and message.reason == NO_HEADER and len(mails) == 1:
            read.problems.append(explain_no_patch(source.name, mails, messages))
            return
        elif isinstance(message, UnreadableMail):
            of = f" {message.message_id}" if message.message_id else ""
            read.problems.append(f"{source.name}: cannot read mail {mail.origin}{of}: {message.reason}")
        else:
            messages.append(message)
    if not any(map(candidate, messages)):
        messages = [as_patch(message) for message in messages]
    if not any(map(candidate, messages)):
        read.without_patch.append(explain_no_patch(source.name, mails, messages))
    read.messages += messages


def _mails(source: Archive) -> list[RawMail] | Crashed:
    """Return all mails of a source; one text with many mails is split within limits."""

    def split(source: Archive) -> list[RawMail]:
        return [mail for batch in source.batches({}) for mail in batch.mails]

    def split_text(source: Archive) -> list[RawMail]:
        try:
            return read_as_mails(split(source))
        except ValueError as error:
            raise InboxError(f"{source.name}: {error}") from error

    if not isinstance(source, Mbox | StandardInput | PatchDirectory):
        return split(source)
    size = source.size()
    usual = Limits()
    limits = Limits(_SPLITTING, usual.memory + _SPLIT_FACTOR * size, usual.result + _SPLIT_FACTOR * size)
    (mails,) = forked(split_text, [source], limits)
    if isinstance(mails, Crashed) and not mails.exceeded:
        raise InboxError(mails.reason)
    return mails


def _named_id(raw: bytes) -> str:
    """Return the message-id in the header of a mail that cannot be read, or ""."""
    match = _MESSAGE_ID.search(raw, 0, _HEAD)
    return visible(match[1].decode("utf-8", "replace")) if match else ""


def _postings(read: _Read) -> list[Posting]:
    """Return the postings in the order of their first mails; mails without a message-id count as one thread."""
    messages = read.messages
    nameless = [message for message in messages if message.message_id.endswith(SYNTHETIC)]
    named = [message for message in messages if not message.message_id.endswith(SYNTHETIC)]
    postings: list[Posting] = []
    for thread in (*threads(named), *([tuple(nameless)] if nameless else ())):
        (assembled,) = forked(assemble, [thread], Limits(_ANALYSING))
        if isinstance(assembled, Crashed):
            read.add(f"the thread of {thread[0].message_id} cannot be put together", assembled)
        else:
            postings += assembled
    return postings


def _based(
    context: typer.Context, git: tuple[Path, str] | None, tree: list[str] | None, no_tree: bool
) -> Callable[[Posting], tuple[Tree, Base | None]]:
    """Return the choice of the tree for a posting: the start of the range, unless options name another one."""
    start = start_of(*git) if git else None
    kernels = KernelTrees(places(context, tree, no_tree), start, word=True, patiently=deadline_suspended)
    return lambda posting: kernels.tree(posting.series, posting.date)


def _review(
    postings: Sequence[Posting],
    based: Callable[[Posting], tuple[Tree, Base | None]],
    context: ReviewContext,
    read: _Read,
) -> list[Review]:
    """Return the review of each posting that could be analysed."""
    history, reviews = History(), []

    def analyse(posting: Posting) -> Analysis:
        return analyse_on(*based(posting), posting.series, context.rules)

    for posting, analysis in zip(postings, forked(analyse, postings, Limits(_ANALYSING)), strict=True):
        if isinstance(analysis, Crashed):
            read.add(f"{posting.message_id} cannot be judged", analysis)
            continue
        if analysis.base is not None and analysis.base.doubt:
            complain(f"{visible(posting.series.subject)}: {visible(analysis.base.doubt)}")
        review = review_posting(posting, analysis, history.previous(posting), context)
        history.remember(review)
        reviews.append(review)
    return reviews


def _mails_of(reviews: Iterable[Review], context: ReviewContext) -> Iterator[bytes]:
    """Yield the mails that would be sent."""
    for review in reviews:
        reply = draft(review, context)
        content = compose(reply) if reply else None
        if isinstance(content, ComposeRefused):
            complain(f"no mail on {review.posting.message_id}: {content.reason}")
        elif content is not None:
            yield content


def _rehearsal(context: typer.Context, rules: Sequence[Rule]) -> ReviewContext:
    # Only here: the other formats do not wait for the libraries of the database.
    from bot.app.review_context import build_rehearsal  # noqa: PLC0415

    return build_rehearsal(load(options(context).config), rules)


def _damage(posting: Posting) -> Iterator[str]:
    for patch in posting.series.patches:
        if patch.damage is not None:
            part = posting.part(patch.index)
            name = part.message_id if part is not None else posting.message_id
            line = f" (line {patch.damage.line} of its text)" if patch.damage.line else ""
            yield f"patch {patch.index}, {name}: cannot read its diff: {patch.damage.reason}{line}"
