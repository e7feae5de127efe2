# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden explain`: what became of a mail, and why."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.app.review_context import build_refusal_terms
from bot.cli.context import options
from bot.error import SettingsError
from bot.mail.attestation import Attestation
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.refusal import RefusalTerms, refuse_mail, refuse_posting
from bot.mail.target import target
from bot.pool.forked import forked
from bot.pool.worker import Limits
from bot.ports import KeptPosting, MailStatus
from bot.review.render.text import visible
from bot.settings import load
from bot.store.repository import Repository

_STATES = {
    "new": "waits to be read",
    "read": "was read",
    "unreadable": "cannot be read",
    "duplicate": "is a copy of a mail that was there before",
    "private": "reached our own mailbox alone, so that nothing of it is reviewed",
    "conflict": "claims the id of a mail that arrived earlier; that mail stands, and this one gets no review",
    "deleted": "was removed",
}


def register(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    context: typer.Context,
    mail: Annotated[
        str, typer.Argument(metavar="MESSAGE-ID", help="A message-id, or a mail's address in a web archive.")
    ],
) -> None:
    """Say what became of a mail: where it came from, whether it was read, which series it is in, and why there is no
    review of it, or which mail answers it.

    \b
    Example:
      patchwarden explain 20260301120000.1-2-author@example.org
      patchwarden explain https://lore.kernel.org/rust-for-linux/20260301120000.1-2-author@example.org/

    Exit status: 0 explained; 2 no message-id, no such mail here, or wrong settings; 3 the database cannot be read.
    """
    message_id = target(mail)
    if message_id is None:
        raise SettingsError(f"{mail!r} is neither a message-id nor the address of a mail")
    settings = load(options(context).config)
    with Repository(settings.database) as store:
        kept = store.kept(message_id)
        postings = store.kept_postings(message_id)
        attested = store.attestations(message_id)
    if not kept:
        raise SettingsError(f"no mail with the id {message_id} is here")
    typer.echo(visible(message_id))
    for line in _lines(kept, postings, attested, build_refusal_terms(settings), datetime.now(UTC)):
        typer.echo(visible(f"  {line}"))


def _lines(
    kept: Sequence[MailStatus],
    postings: Sequence[KeptPosting],
    attested: Sequence[Attestation],
    by: RefusalTerms,
    now: datetime,
) -> Iterator[str]:
    for one in kept:
        why = f" ({one.reason})" if one.reason and one.state not in ("conflict", "private") else ""
        came = f"from {one.source} ({one.mail.origin}), arrived {one.mail.arrived:%Y-%m-%d %H:%M} UTC"
        yield f"{_STATES.get(one.state, one.state)}{why}; {came}"
    for signature in attested:
        whose = "the author's" if signature.aligned else "not the author's"
        reason = f": {signature.reason}" if signature.reason else ""
        yield visible(
            f"{signature.kind} signature of {signature.identity or '?'}, {whose}: {signature.verdict}{reason}"
        )
    for posting in postings:
        yield from _posting(posting, by, now)
    if not postings:
        yield f"in no series: {_no_patch(kept[0], by)}"


def _posting(one: KeptPosting, by: RefusalTerms, now: datetime) -> Iterator[str]:
    posting, series = one.posting, one.posting.series
    yield f'in "{series.subject}", v{series.revision}, {len(series.patches)} of {posting.expected} patches'
    yield f"  series {posting.message_id}, {one.state}{f': {one.detail}' if one.detail else ''}"
    if one.searched:
        yield f"  missing parts: {one.searched}"
    if one.verdict:
        yield f"  {one.verdict}{f': {one.reason}' if one.reason else ''}"
    else:
        refused = refuse_posting(posting, one.context, now, by)
        yield f"  not reviewed yet; {f'would be refused: {refused}' if refused else 'due for review'}"
    if one.base:
        yield f"  judged against {one.base}"
    yield f"  answered by {one.answer} (`patchwarden outbox show`)" if one.answer else "  no mail answers it"


def _no_patch(kept: MailStatus, by: RefusalTerms) -> str:
    if not kept.mail.raw:
        return "its text is not here any more"
    (message,) = forked(parse, [kept.mail.raw], Limits())
    if not isinstance(message, Message):
        return message.reason
    refused = refuse_mail(message, by)
    return str(refused) if refused else "no-patch: it has no diff, or is no cover letter of patches that are here"
