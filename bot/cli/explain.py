# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden explain`: explain what happened to a mail, and why."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli.command import Argument, Command, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import reading_history
from bot.cli.json_output import ReportFormat, ReportFormatOption, echo_json
from bot.error import SettingsError
from bot.mail.attestation import Attestation
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.posting import Posting
from bot.mail.refusal import RefusalTerms, refuse_mail, refuse_posting
from bot.mail.target import stored_id, target
from bot.pool.forked import forked
from bot.pool.worker import Limits
from bot.ports.landing import AppliedRecord
from bot.ports.mails import MailStatus
from bot.ports.store import StoredPosting
from bot.review.consent import Mode, deciding_lists
from bot.review.render.text import listed, visible
from bot.review.unmailed import withheld_lines

if TYPE_CHECKING:
    from bot.settings.tables import Settings

_MAX_LISTS: Final = 3
_STATES = {
    "new": "waits to be read",
    "read": "was read",
    "unreadable": "cannot be read",
    "duplicate": "is a copy of an earlier mail",
    "private": "came only to our own mailbox, so it is not reviewed; the log names the outcome of a command or bounce",
    "conflict": "has the message-id of an earlier mail, so it is not reviewed",
    "deleted": "was removed",
}


def explain(
    context: GlobalOptions,
    mail: Annotated[
        str, Argument(metavar="MESSAGE-ID", help="A message-id, or the web address of a mail in an archive.")
    ],
    form: ReportFormatOption = ReportFormat.TEXT,
) -> None:
    """Explain what happened to a mail: its source, its state, its series, and our reply or why there is none.

    \b
    Example:
      patchwarden explain 20260301120000.1-2-author@example.org
      patchwarden explain --format json 20260301120000.1-2-author@example.org
      patchwarden explain https://lore.kernel.org/rust-for-linux/20260301120000.1-2-author@example.org/

    Exit status: 0 explained; 2 not a message-id, unknown mail, wrong settings, or there is no database; 3 the database cannot be read.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.app.refusal_terms import build_refusal_terms

    message_id = target(mail) or stored_id(mail)
    if message_id is None:
        raise SettingsError(f"{mail!r} is neither a message-id nor the web address of a mail")
    settings = context.settings()
    with reading_history(settings) as store:
        mails = store.mails_with_id(message_id)
        postings = store.postings_with_part(message_id)
        attestations = store.attestations(message_id)
    if not mails:
        raise SettingsError(
            f"no mail with the id {visible(message_id)} is in the database; check the id, and with "
            "`patchwarden doctor` whether its list is followed"
        )
    terms, now, modes = build_refusal_terms(settings), datetime.now(UTC), _Modes(settings)
    if form is ReportFormat.JSON:
        series = [_series_record(stored, terms, now, modes) for stored in postings]
        record = {
            "message_id": message_id,
            "mails": list(map(_mail_record, mails)),
            "signatures": list(map(_signature_record, attestations)),
            "series": series,
            "no_series_reason": "" if series else _no_patch(mails[0], terms),
        }
        echo_json(record)
        return
    echo(visible(message_id))
    for line in _lines(mails, postings, attestations, terms, now, modes):
        echo(visible(f"  {line}"))


class _Modes:
    """The modes of lists in the settings."""

    def __init__(self, settings: "Settings") -> None:
        self._known = {name.lower(): chosen.mode for name, chosen in settings.lists.items()}
        self._other = Mode(settings.default_mode)

    def of(self, posting: Posting) -> tuple[Mode, tuple[str, ...]]:
        """Return the mode of the posting, and the lists that decide it."""
        return deciding_lists({*posting.lists, *posting.carriers}, self._known, self._other)

    def line(self, posting: Posting) -> str:
        """Return both as a line of text."""
        mode, lists = self.of(posting)
        without = " (no table in [lists])"
        names = listed((f"{name}{'' if name.lower() in self._known else without}" for name in lists), _MAX_LISTS)
        return f"mode {mode} of {names}" if names else f"mode {mode}: it names no list"


def _mail_record(mail: MailStatus) -> dict[str, object]:
    return {
        "state": mail.state,
        "reason": mail.reason,
        "source": mail.source,
        "origin": mail.mail.origin,
        "arrived": mail.mail.arrived,
    }


def _signature_record(signature: Attestation) -> dict[str, object]:
    return {
        "kind": signature.kind,
        "identity": signature.identity,
        "aligned": signature.aligned,
        "verdict": signature.verdict.value,
        "reason": signature.reason,
    }


def _series_record(stored: StoredPosting, terms: RefusalTerms, now: datetime, modes: _Modes) -> dict[str, object]:
    posting, review = stored.posting, stored.review
    mode, deciding = modes.of(posting)
    refused = None if stored.verdict else refuse_posting(posting, stored.context, now, terms)
    return {
        "message_id": posting.message_id,
        "subject": posting.series.subject,
        "revision": posting.series.revision,
        "patches": len(posting.series.patches),
        "expected": posting.expected,
        "state": stored.state,
        "detail": posting.state_detail(stored.state, stored.detail),
        "missing_parts": stored.searched,
        "verdict": stored.verdict,
        "reason": stored.reason,
        "would_be_refused": str(refused) if refused else "",
        "mode": mode.value,
        "deciding_lists": deciding,
        "base": review.basis.base if review else "",
        "withheld": [
            {
                "rule": entry.finding.rule,
                "severity": entry.finding.severity.value,
                "place": entry.finding.place,
                "fingerprint": entry.finding.fingerprint,
                "reason": entry.withheld,
            }
            for entry in (review.current if review else ())
            if entry.withheld is not None
        ],
        "applied": [
            {"patch": patch, "commit": applied.commit, "ref": applied.ref} for patch, applied in _applied(stored)
        ],
        "reply": stored.answer,
    }


def _lines(
    mails: Sequence[MailStatus],
    postings: Sequence[StoredPosting],
    attestations: Sequence[Attestation],
    terms: RefusalTerms,
    now: datetime,
    modes: _Modes,
) -> Iterator[str]:
    for mail in mails:
        reason = f" ({mail.reason})" if mail.reason and mail.state not in ("conflict", "private") else ""
        source = f"from {mail.source} ({mail.mail.origin}), arrived {mail.mail.arrived:%Y-%m-%d %H:%M} UTC"
        yield f"{_STATES.get(mail.state, mail.state)}{reason}; {source}"
    for signature in attestations:
        owner = "the author's" if signature.aligned else "not the author's"
        reason = f": {signature.reason}" if signature.reason else ""
        yield visible(
            f"{signature.kind} signature of {signature.identity or '?'}, {owner}: {signature.verdict}{reason}"
        )
    for posting in postings:
        yield from _posting(posting, terms, now, modes)
    if not postings:
        yield f"in no series: {_no_patch(mails[0], terms)}"


def _posting(stored: StoredPosting, terms: RefusalTerms, now: datetime, modes: _Modes) -> Iterator[str]:
    posting, series = stored.posting, stored.posting.series
    yield f'in "{series.subject}", v{series.revision}, {len(series.patches)} of {posting.expected} patches'
    detail = posting.state_detail(stored.state, stored.detail)
    yield f"  series {posting.message_id}, {stored.state}{f': {detail}' if detail else ''}"
    if stored.searched:
        yield f"  missing parts: {stored.searched}"
    if stored.verdict:
        yield f"  {stored.verdict}{f': {stored.reason}' if stored.reason else ''}"
    else:
        refused = refuse_posting(posting, stored.context, now, terms)
        yield f"  not reviewed yet; {f'would be refused: {refused}' if refused else 'due for review'}"
    yield f"  {modes.line(posting)}"
    if stored.review is not None:
        if base := stored.review.basis.base:
            yield f"  checked against {base}"
        yield from (f"  {line}" for line in withheld_lines(stored.review))
    for patch, record in _applied(stored):
        which = f"patch {patch} " if len(series.patches) > 1 else ""
        yield f"  {which}applied as {record.commit[:12]} in {record.ref} ({record.by})"
    yield f"  our reply: {stored.answer} (`patchwarden outbox show`)" if stored.answer else "  no reply from us"


def _applied(stored: StoredPosting) -> Iterator[tuple[int, AppliedRecord]]:
    """Yield the index of each patch that a landing ref has, with its record of the first such ref."""
    records = {record.message_id: record for record in reversed(stored.applied)}
    for patch in stored.posting.series.patches:
        part = stored.posting.part(patch.index)
        record = None if part is None else records.get(part.message_id)
        if record is not None:
            yield patch.index, record


def _no_patch(mail: MailStatus, terms: RefusalTerms) -> str:
    if not mail.mail.raw:
        return "its text was removed"
    (message,) = forked(parse, [mail.mail.raw], Limits())
    if not isinstance(message, Message):
        return message.reason
    if refused := refuse_mail(message, terms):
        return str(refused)
    from bot.inbox.assemble import is_misnumbered_patch

    if is_misnumbered_patch(message):
        return "no-patch: it has the number of a cover letter"
    return "no-patch: it contains no diff, and it is not the cover letter of stored patches"


COMMAND: Final = Command(explain)
