# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden mute`: show, add and remove mutes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli.command import Argument, Group, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import changing_mutes, created, existing, missing, reading
from bot.error import SettingsError
from bot.kernel.error import KernelError
from bot.mail.address import is_plain, parse_address
from bot.mail.command import Scope
from bot.mail.header import decode_header
from bot.mail.state import MailState
from bot.ports.mutes import MutedPosting, MuteReport
from bot.ports.outbox import MailChange
from bot.review.consent import Mode
from bot.review.disposition import ActiveMute
from bot.review.render.text import count, visible
from bot.suggestion import suggestion

if TYPE_CHECKING:
    from bot.settings.tables import Settings
    from bot.store.mutes import MuteWriter
    from bot.store.repository import Repository

_BY: Final = "the operator"
_MAX_POSTINGS: Final = 20
_MAX_RECIPIENTS: Final = 3
_MAX_SUBJECT: Final = 120
"""Maximum number of characters of a subject that are shown."""
_UNSTOPPABLE: Final = {
    MailState.SENDING: "being sent",
    MailState.SENT: "sent",
    MailState.UNCONFIRMED: "unconfirmed",
}

ScopeArgument = Annotated[Scope, Argument(help="series, author or list.")]
SubjectArgument = Annotated[
    str,
    Argument(
        help="Of a series: the message-id or web address of any mail of its thread, or its topic as `mute list` shows "
        "it. Of an author or a list: the address."
    ),
]


def show(context: GlobalOptions) -> None:
    """List the mutes: date, scope, subject, and who requested each.

    \b
    Example:
      patchwarden mute list

    Exit status: 0 shown; 2 wrong settings; 3 the database cannot be read.
    """
    settings = context.settings()
    if reason := missing(settings):
        echo(f"Nothing is muted: {reason}.")
        return
    with reading(settings) as store:
        mutes = store.mutes()
    for muted in mutes:
        echo(f"{muted.given:%Y-%m-%d}  {muted.scope:6}  {visible(muted.subject)}  (by {visible(muted.by)})")
    if not mutes:
        echo("Nothing is muted.")


def add(context: GlobalOptions, scope: ScopeArgument, subject: SubjectArgument) -> None:
    """Mute a series, an author or a list: no review of it is mailed any more.

    Mails that are queued, approved or held are withdrawn at once and never sent. Later reviews are stored, not mailed. Mails that left cannot be stopped; an unconfirmed mail is not sent again. Replies to commands by mail and digests are not muted.

    A mute covers all revisions of a series, and all series of an author or on a list. If the subject is muted already, the first mute stays, with its date.

    \b
    Example:
      patchwarden mute add series 20260301120000.1-2-author@example.org
      patchwarden mute add series https://lore.kernel.org/all/20260301120000.1-2-author@example.org/
      patchwarden mute add author somebody@example.org
      patchwarden mute add list rust-for-linux@lists.example.org

    Exit status: 0 muted; 2 SUBJECT is neither a stored series nor an address, or wrong settings; 3 the database cannot be written.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    now = datetime.now(UTC)
    settings = context.settings()
    if scope is Scope.SERIES and (reason := missing(settings)):
        raise SettingsError(f"{subject!r} cannot be found: {reason}")
    with changing_mutes(settings, created) as store:
        report = store.mute(ActiveMute(scope, _name(scope, subject, store), _BY, "", now), now)
    for line in _lines(report, settings):
        echo(visible(line))


def lift(context: GlobalOptions, scope: ScopeArgument, subject: SubjectArgument) -> None:
    """Remove a mute. Later reviews are mailed again. The mails that the mute withdrew stay withdrawn.

    \b
    Example:
      patchwarden mute lift list rust-for-linux@lists.example.org

    Exit status: 0 removed; 2 SUBJECT is not muted, or wrong settings; 3 the database cannot be written.
    """
    with changing_mutes(context.settings(), existing) as store:
        muted = _find_mute(scope, subject, store)
        store.unmute(scope, muted.subject)
    echo(visible(f"lifted: {scope} {muted.subject} (muted since {muted.given:%Y-%m-%d} by {muted.by})"))
    echo("mails that it withdrew stay withdrawn")


def _address(scope: Scope, text: str) -> str:
    """Return the address of an author or list in lower case. Raises SettingsError if the text is not one mailbox."""
    address = parse_address(text)
    if address is None or not is_plain(address.address):
        raise SettingsError(f"{text!r} is not the address of one {scope}; write it as local@domain")
    return address.key


def _name(scope: Scope, text: str, store: "MuteWriter | Repository") -> str:
    """Return the subject that the text names. Raises SettingsError."""
    if scope is not Scope.SERIES:
        return _address(scope, text)
    from bot.service.find_series import find_topic

    return find_topic(text, store)


def _find_mute(scope: Scope, text: str, store: "MuteWriter | Repository") -> ActiveMute:
    """Return the mute that the text names. Raises SettingsError if there is none."""
    mutes = {muted.subject: muted for muted in store.mutes() if muted.scope is scope}
    shown = [muted for muted in mutes.values() if visible(muted.subject) == text]
    named = mutes.get(text) or (shown[0] if len(shown) == 1 else None)
    if named is not None:
        return named
    name = _name(scope, text, store)
    if name not in mutes:
        raise SettingsError(
            f"the {scope} {name!r} is not muted{suggestion(name, mutes)}; `patchwarden mute list` shows what is muted"
        )
    return mutes[name]


def _explain_unknown(muted: ActiveMute, settings: "Settings") -> Iterator[str]:
    """Yield lines that say that no stored posting matches, and what the user may have meant."""
    from bot.app.lists import known_lists, maintainers_lists

    if muted.scope is Scope.SERIES:
        yield "no stored posting has this topic any more, because its thread changed meanwhile; try again"
        return
    with existing(settings) as store:
        name, authors = muted.subject, store.known_authors()
        try:
            lists = known_lists(maintainers_lists(settings), store)
        except KernelError:  # muting must also work without a readable kernel tree
            lists = known_lists(frozenset(), store)
    if muted.scope is Scope.AUTHOR:
        yield f"no stored posting is from {name}; the mute applies to later ones{suggestion(name, authors)}"
        if name in lists.all:
            yield f"{name} is a list; run `patchwarden mute add list {name}` to mute it"
    else:
        meant = lists.meant(name)
        similar = f"; did you mean {meant!r}?" if meant else suggestion(name, lists.all)
        yield f"no stored posting names the list {name}; the mute applies to later ones{similar}"
        if name in authors:
            yield f"{name} is an author; run `patchwarden mute add author {name}` to mute them"


def _lines(report: MuteReport, settings: "Settings") -> Iterator[str]:
    """Yield lines about the muted postings, the mails that the mute withdrew, and those that it cannot stop."""
    muted = report.muted
    name = f"{muted.scope} {muted.subject}"
    if report.is_new:
        yield f"muted: {name}"
    else:
        yield f"already muted since {muted.given:%Y-%m-%d} by {muted.by}: {name}"
    if report.postings:
        authors = dict.fromkeys(posting.author.key for posting in report.postings)
        if muted.scope is Scope.SERIES:
            yield f"author: {', '.join(authors)}"
        yield f"stored postings: {len(report.postings)}"
        yield from _postings(report.postings)
    else:
        yield from _explain_unknown(muted, settings)
    yield from _withdrawn(report.withdrawn)
    if report.left:
        counts = ", ".join(
            f"{report.left[state]} {word}" for state, word in _UNSTOPPABLE.items() if state in report.left
        )
        yield f"mails that can no longer be stopped: {counts}"


def _postings(postings: Sequence[MutedPosting]) -> Iterator[str]:
    if len(postings) > _MAX_POSTINGS:
        yield f"  the newest {_MAX_POSTINGS}:"
    for posting in postings[-_MAX_POSTINGS:]:
        yield f"  {posting.sent:%Y-%m-%d}  v{posting.revision}  {posting.message_id}  {_shorten(posting.subject)}"


def _withdrawn(changes: Sequence[MailChange]) -> Iterator[str]:
    if not changes:
        yield "no queued mail is affected"
        return
    yield f"{count(len(changes), 'queued mail')} withdrawn and never sent, even after `patchwarden mute lift`:"
    for change in changes:
        mail = change.mail
        note = " (a file of a dry run)" if mail.mode == Mode.DRY_RUN else ""
        yield f"  {mail.message_id}: {change.before} -> {mail.state}{note}"
        more = len(mail.envelope_to) - _MAX_RECIPIENTS
        yield f"    To: {', '.join(mail.envelope_to[:_MAX_RECIPIENTS])}{f' and {more} more' if more > 0 else ''}"
        yield f"    Subject: {_shorten(_subject(mail.content))}"


def _subject(content: bytes) -> str:
    from email.parser import BytesHeaderParser

    return decode_header(str(BytesHeaderParser().parsebytes(content)["Subject"] or ""))


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_SUBJECT else f"{text[:_MAX_SUBJECT]}..."


COMMAND: Final = Group(
    "Show, add and remove mutes. Mutes can only be removed here.", {"list": show, "add": add, "lift": lift}
)
