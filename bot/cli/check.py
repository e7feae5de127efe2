# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden check`: the verdict on patches at hand, before or after they are posted."""

import importlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from bot.cli import status
from bot.cli.context import options
from bot.cli.kernel_option import NoTreeOption, TreeOption, places
from bot.cli.output import FailOnOption, Format, FormatOption, RuleOption, chosen, complain, outcome, printed
from bot.inbox.assemble import assemble
from bot.inbox.error import InboxError
from bot.inbox.git_range import GitRange
from bot.inbox.source import open_source
from bot.inbox.thread import threads
from bot.jobs.isolation import Broken
from bot.jobs.judgement import judged_against
from bot.jobs.timing import own_work, timed
from bot.kernel.base import Base
from bot.kernel.commit import start_of
from bot.kernel.kernels import Kernels
from bot.mail.compose import Refused, compose
from bot.mail.message import Message, UnreadableMail
from bot.mail.parse import SYNTHETIC, parse
from bot.mail.posting import Posting
from bot.mail.target import target
from bot.ports import Archive
from bot.review.comment import Basis, Identity, Review
from bot.review.formats.row import Verdict, of_review
from bot.review.history import History
from bot.review.policy import Policy
from bot.review.prose import visible
from bot.review.recipients import RecipientContext
from bot.review.reply import reply
from bot.review.review import review
from bot.settings import load
from rules.finding import Severity, silences
from rules.rule import Rule
from rules.tree import Tree

_BARE: Final = b"From: nobody <nobody@diff.invalid>\nSubject: [PATCH] a diff without a mail\n\n"
_READING: Final = 5.0
_JUDGING: Final = 60.0
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
    (what can be is judged still); 3 a rule or the program failed, or reading a mail took 5 s, putting a thread together
    or judging a series 60 s (the others are judged still).
    """
    if not targets and git is None:
        raise typer.BadParameter("name a file, a folder, - for standard input, or --git", param_hint="TARGET")
    rules = chosen(rule)
    read = _read(targets or (), git, context)
    postings, broken = _postings(read.messages)
    speaking = _speaking(context) if form is Format.MAIL else None
    reviews, mails, unjudged = _judge(postings, rules, _based(context, git, tree, no_tree), speaking)
    broken += read.broken + unjudged
    problems = [*read.problems, *(problem for posting in postings for problem in _damage(posting))]
    if not (postings or problems or broken) and form is not Format.B4:
        problems.append(f"no patch in {', '.join(read.names)}")
    problems += broken
    problems += (line for each in reviews for line in silences(each.skipped))
    known = {each.id: each for each in rules}
    verdict = Verdict(
        tuple(row for each in reviews for row in of_review(each, known)),
        tuple(reviews),
        tuple(failure for each in reviews for failure in each.failures),
        tuple(problems),
    )
    typer.echo(printed(verdict, rules, form, mails), nl=False)
    for problem in problems:
        complain(problem)
    for failure in verdict.failures:
        complain(f"rule {failure.rule} failed on patch {failure.patch}, {failure.path}: {failure.error}")
    raise typer.Exit(status.FAILED if broken else outcome(verdict, fail_on))


def _source(name: str, context: typer.Context) -> Archive:
    """A path, or else what a message-id or a mail's web address names, fetched from the archive of the settings."""
    message_id = None if name == "-" or Path(name).exists() or _is_path(name) else target(name)
    if message_id is None:
        if "://" in name:
            raise InboxError(f"{name}: not the address of a mail, which is https://ARCHIVE/LIST/MESSAGE-ID/")
        if not name:
            raise InboxError("a target is empty")
        return open_source(name)
    # Only here: what speaks HTTP takes longer to load than the check of a patch.
    wiring = importlib.import_module("bot.wiring_lore")
    series: Archive = wiring.series(load(options(context).config), message_id)
    return series


def _is_path(name: str) -> bool:
    """Whether the name is one of a file, here or not: a mistyped one is not to be asked for on the network.

    Ids with a slash or such an ending are written between `<` and `>`.
    """
    if name.startswith("<") or "://" in name:
        return False
    return "/" in name or name.startswith((".", "~")) or name.lower().endswith(_SUFFIXES)


@dataclass(slots=True)
class _Read:
    """The mails of all sources, what could not be read of them, and what broke while they were read."""

    names: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def _read(targets: Iterable[str], git: tuple[Path, str] | None, context: typer.Context) -> _Read:
    """What stands in the targets and the range; of one that cannot be read the reason."""
    read = _Read()
    for name in targets:
        try:
            _take(read, _source(name, context))
        except InboxError as error:
            read.problems.append(str(error))
    if git is not None:
        # A range that is none leaves nothing to judge against.
        _take(read, GitRange(*git))
    return read


def _take(read: _Read, source: Archive) -> None:
    read.names.append(source.name)
    for batch in source.batches({}):
        for mail in batch.mails:
            message = timed(f"mail {mail.origin}", _READING, partial(_parse, mail.raw))
            if isinstance(message, Broken):
                read.broken.append(f"{source.name}: cannot read mail {mail.origin}: {message.reason}")
            elif isinstance(message, UnreadableMail):
                of = f" {message.message_id}" if message.message_id else ""
                read.problems.append(f"{source.name}: cannot read mail {mail.origin}{of}: {message.reason}")
            else:
                read.messages.append(message)


def _parse(raw: bytes) -> Message | UnreadableMail:
    """The mail; a diff that no mail is around becomes one."""
    raw = raw.removeprefix(BOM_UTF8)
    bare = raw.lstrip().startswith((b"diff -", b"--- ", b"Index: "))
    return parse(_BARE + raw.lstrip() if bare else raw)


def _postings(messages: Sequence[Message]) -> tuple[list[Posting], list[str]]:
    """The postings in the order of their first mails, and what broke; mails without an id are taken as one thread."""
    nameless = [message for message in messages if message.message_id.endswith(SYNTHETIC)]
    named = [message for message in messages if not message.message_id.endswith(SYNTHETIC)]
    postings: list[Posting] = []
    broken: list[str] = []
    for thread in (*threads(named), *([tuple(nameless)] if nameless else ())):
        found = timed(f"thread of {thread[0].message_id}", _JUDGING, partial(assemble, thread))
        if isinstance(found, Broken):
            broken.append(f"the thread of {thread[0].message_id} cannot be put together: {found.reason}")
        else:
            postings += found
    return postings, broken


def _based(
    context: typer.Context, git: tuple[Path, str] | None, tree: list[str] | None, no_tree: bool
) -> Callable[[Posting], tuple[Tree, Base | None]]:
    """The tree that a posting is judged against: the range's own start, unless another one is named.

    Says where a tree is at hand and not asked, because the posting is not made for it.
    """
    start = start_of(*git) if git else None
    kernels = Kernels(places(context, tree, no_tree), start, word=True, patiently=own_work)

    def based(posting: Posting) -> tuple[Tree, Base | None]:
        found, base = kernels.tree(posting.series, posting.date)
        if base is not None and base.doubt:
            complain(f"{visible(posting.series.subject)}: {visible(base.doubt)}")
        return found, base

    return based


def _judge(
    postings: Iterable[Posting],
    rules: Sequence[Rule],
    based: Callable[[Posting], tuple[Tree, Base | None]],
    speaking: tuple[Policy, RecipientContext, Identity] | None,
) -> tuple[list[Review], list[bytes], list[str]]:
    """The review of each posting, the mails that would be sent where somebody speaks, and what cannot be judged."""
    history, reviews, mails, broken = History(), [], [], []
    policy, addressing = speaking[:2] if speaking else (None, None)

    def reviewed(posting: Posting) -> tuple[Review, Basis]:
        found = judged_against(*based(posting), posting.series, rules)
        previous = history.previous(posting)
        return review(posting, found.report, rules, previous, policy, found.delta, addressing), found.basis

    for posting in postings:
        found = timed(f"review of {posting.message_id}", _JUDGING, partial(reviewed, posting))
        if isinstance(found, Broken):
            broken.append(f"{posting.message_id} cannot be judged: {found.reason}")
            continue
        made, basis = found
        history.remember(made)
        reviews.append(replace(made, basis=basis))
        answer = reply(made, rules, speaking[2]) if speaking else None
        content = compose(answer) if answer else None
        if isinstance(content, Refused):
            complain(f"no mail on {posting.message_id}: {content.reason}")
        elif content is not None:
            mails.append(content)
    return reviews, mails, broken


def _speaking(context: typer.Context) -> tuple[Policy, RecipientContext, Identity]:
    # The other formats do not wait for the database's libraries, which wiring loads.
    from bot.wiring import policy  # noqa: PLC0415
    from bot.wiring_identity import identity  # noqa: PLC0415
    from bot.wiring_recipients import rehearsed_context  # noqa: PLC0415

    settings = load(options(context).config)
    return policy(settings), rehearsed_context(settings), identity(settings)


def _damage(posting: Posting) -> Iterator[str]:
    for patch in posting.series.patches:
        if patch.damage is not None:
            part = posting.part(patch.index)
            name = part.message_id if part is not None else posting.message_id
            line = f" (line {patch.damage.line} of its text)" if patch.damage.line else ""
            yield f"patch {patch.index}, {name}: cannot read its diff: {patch.damage.reason}{line}"
