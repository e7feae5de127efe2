# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden pending`: what the pending series change, use and add, and which of them collide."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from rich.text import Text

from bot.cli import status
from bot.cli.command import Argument, Command, Option, UsageError, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import announce, existing, reading
from bot.cli.json_output import ReportFormat, ReportFormatOption
from bot.cli.screen import print_table, screen, table
from bot.error import SettingsError
from bot.mail.target import target
from bot.review.formats.row import clean
from bot.review.pending import PendingPosting
from bot.review.render.text import count, visible
from bot.store.roles import Role, sole_worker
from rules.bindings.collisions import Collision, find_collisions
from rules.bindings.pending_facts import PendingFact, PendingKind

if TYPE_CHECKING:
    from bot.settings.tables import Settings
    from bot.store.listing import ListingRows

_MAX_SHOWN = 20  # facts of one kind in the text output
_LABELS = {
    PendingKind.C_CHANGE: "changes C declarations",
    PendingKind.C_USE: "begins to use from C",
    PendingKind.ADDED: "adds",
    PendingKind.ITEM_CHANGE: "changes Rust items",
    PendingKind.ITEM_USE: "begins to use from the kernel crate",
    PendingKind.REWRITE: "rewrites lines of",
}
_COUNTED = {
    PendingKind.C_CHANGE: "C changes",
    PendingKind.C_USE: "new C uses",
    PendingKind.ADDED: "additions",
    PendingKind.ITEM_CHANGE: "Rust changes",
    PendingKind.ITEM_USE: "new Rust uses",
    PendingKind.REWRITE: "rewrites",
}


def pending(
    context: GlobalOptions,
    name: Annotated[
        str | None,
        Argument(
            metavar="NAME|MESSAGE-ID",
            help="A C name, a field as struct.field, a Rust path, a file, or the message-id or web address of a mail.",
        ),
    ] = None,
    form: ReportFormatOption = ReportFormat.TEXT,
    rebuild: Annotated[
        bool, Option("--rebuild", help="Analyse the stored series again, and rebuild the table of pending series.")
    ] = False,
) -> int:
    """List the pending series: those that were reviewed and sent within the last `pending_days` days.

    With a name, list the series that change, use or add it. With a message-id, print what that series does, and which pending series it collides with. Two series do not collide if one of them names the other, or if they are in one thread or by one author.

    \b
    Example:
      patchwarden pending
      patchwarden pending request_irq
      patchwarden pending kernel::page::Page
      patchwarden pending --format json

    Exit status: 0 printed, even if no series is pending; 2 bad usage, wrong settings, or the series is not pending; 3 the database cannot be used, or a series could not be analysed.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    settings = context.settings()
    if rebuild:
        if name is not None:
            raise UsageError("--rebuild concerns all series; leave the name out", option="--rebuild")
        return _rebuild(settings)
    with reading(settings) as store:
        message_id = target(name) if name is not None else None
        if message_id is not None:
            _print_posting(store, message_id, form)
        elif name is not None:
            _print_users(store, name, form)
        else:
            _print_all(store.pending_postings(), form)
    return status.OK


def _rebuild(settings: "Settings") -> int:
    announce(settings)
    from bot.app.pending import build_rebuild_job
    from bot.cli.output import complain
    from bot.cli.progress import show_progress
    from bot.pipeline.analyse import LIMITS
    from bot.pool.executor import ProcessExecutor

    with (
        show_progress() as progress,
        existing(settings) as store,
        sole_worker(settings.database, Role.REVIEWER, server=settings.server),
        ProcessExecutor(1, LIMITS) as executor,
    ):
        number, failures = build_rebuild_job(settings, store, executor, progress).run()
    echo(f"{number} pending series")
    for failure in failures:
        complain(failure)
    return status.FAILED if failures else status.OK


def _print_all(postings: Sequence[PendingPosting], form: ReportFormat) -> None:
    if form is ReportFormat.JSON:
        echo(json.dumps([_record(posting) for posting in postings], indent=2))
    elif not postings:
        echo("No series is pending.")
    else:
        rows = table("sent", "series", "facts", "message-id", cut={"series": 3, "facts": 2, "message-id": 2})
        for posting in postings:
            kinds = Counter(fact.kind for fact in posting.facts.facts)
            facts = ", ".join(f"{label} {kinds[kind]}" for kind, label in _COUNTED.items() if kinds[kind])
            texts = (_title(posting), facts, posting.message_id)
            rows.add_row(f"{posting.sent:%Y-%m-%d}", *(Text(visible(text)) for text in texts))
        print_table(screen(), rows)


def _print_users(store: "ListingRows", name: str, form: ReportFormat) -> None:
    wanted = {name, *(f"{kind} {name}" for kind in ("helper", "binding", "file", "macro"))}
    postings = store.pending_with((kind, key) for kind in PendingKind for key in wanted)
    matches = [
        (posting, [fact for fact in posting.facts.facts if not wanted.isdisjoint(fact.keys)]) for posting in postings
    ]
    if form is ReportFormat.JSON:
        records = [{**_record(posting), "facts": list(map(_fact_record, facts))} for posting, facts in matches]
        echo(json.dumps(records, indent=2))
    elif not matches:
        echo(f"No pending series changes, uses or adds {visible(name)}.")
    else:
        for posting, facts in matches:
            echo("\n".join([*_head(posting), *_facts(facts)]))


def _print_posting(store: "ListingRows", message_id: str, form: ReportFormat) -> None:
    from bot.pipeline.pending import unrelated

    posting = store.find_pending(message_id)
    if posting is None:
        raise SettingsError(f"no pending series contains {message_id}; `patchwarden explain` says what happened to it")
    others = unrelated(posting, store.pending_with(posting.facts.partner_keys), store)
    collisions = [(other, list(find_collisions(posting.facts, other.facts))) for other in others]
    collisions = [(other, pairs) for other, pairs in collisions if pairs]
    if form is ReportFormat.JSON:
        record = {
            **_record(posting),
            "facts": list(map(_fact_record, posting.facts.facts)),
            "truncated": list(posting.facts.truncated),
            "collisions": [
                {**_record(other), "facts": list(map(_collision_record, pairs))} for other, pairs in collisions
            ],
        }
        echo(json.dumps(record, indent=2))
        return
    lines = [*_head(posting), *_facts(posting.facts.facts)]
    lines += (f"  too many facts, some are left out: {kind}" for kind in posting.facts.truncated)
    for other, pairs in collisions:
        lines += [
            "  collides with",
            *(f"    {line}" for line in _head(other)),
            *map(_collision_line, pairs[:_MAX_SHOWN]),
        ]
    lines += [] if collisions else ["  collides with no other pending series"]
    echo("\n".join(lines))


def _head(posting: PendingPosting) -> list[str]:
    return [visible(posting.message_id), visible(f"  {_title(posting)}, {posting.author}, {posting.sent:%Y-%m-%d}")]


def _title(posting: PendingPosting) -> str:
    return f"v{posting.revision} {posting.subject}"


def _facts(facts: Sequence[PendingFact]) -> Iterator[str]:
    """Yield what a posting does, the names of each kind in lines below its label."""
    for kind in PendingKind:
        names = list(dict.fromkeys(fact.name for fact in facts if fact.kind is kind))
        if names:
            yield f"  {_LABELS[kind]}:"
            yield from (visible(f"    {name}") for name in names[:_MAX_SHOWN])
            if len(names) > _MAX_SHOWN:
                yield f"    and {count(len(names) - _MAX_SHOWN, 'name')} more"


def _collision_line(collision: Collision) -> str:
    mine, other = collision.mine.place, collision.other.place
    places = f"{mine.path}:{mine.line}, there {other.path}:{other.line}"
    return visible(f"      {collision.kind} {collision.mine.name}: {places}")


def _record(posting: PendingPosting) -> dict[str, Any]:
    return {
        "message_id": posting.message_id,
        "subject": clean(posting.subject),
        "revision": posting.revision,
        "author": posting.author,
        "sent": posting.sent.isoformat(),
    }


def _fact_record(fact: PendingFact) -> dict[str, Any]:
    return {
        "kind": fact.kind.value,
        "name": clean(fact.name),
        "patch": fact.place.patch,
        "path": clean(fact.place.path),
        "side": fact.place.side,
        "line": fact.place.line,
        "text": clean(fact.place.text),
    }


def _collision_record(collision: Collision) -> dict[str, Any]:
    return {
        "collision": collision.kind.value,
        "this": _fact_record(collision.mine),
        "other": _fact_record(collision.other),
    }


COMMAND: Final = Command(pending)
