# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide whether a mail may be sent now. The decision is pure, and is made in the transaction that claims the mail."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.mail.answered import answered_part, authors_of
from bot.mail.command import Scope
from bot.mail.outgoing import COMMAND_REPLY, DIGEST, Outgoing
from bot.mail.posting import Part, Posting
from bot.mail.refusal import RefusalTerms, refuse_posting
from bot.mail.state import MailState
from bot.outbox.brakes import MINUTE, Caps, broken, capped, quiet
from bot.ports.outbox import AlreadySent, Candidate, Decision, Hold, PostingStatus, Send, Wait, Withdraw
from bot.review.consent import Consent, Mode
from bot.review.disposition import mute_reason
from bot.review.model import Recipients
from rules.lazy import dataclass, field, replace

_REFUSING_VERDICTS: Final = ("refused", "quarantined")


@dataclass(frozen=True, slots=True)
class SendRules:
    """The current settings for sending.

    `consent_of` gives what the lists of a posting allow together, `recipients_of` who may get a mail that answers a
    part of it. `transports` are the modes that have a transport. `ignored` are people who want no mail, `readers` those
    who get digests; all are in lower case. `commands` says that replies to commands are sent. `stopped` says why all
    sending is stopped, or "".
    """

    consent_of: Callable[[Posting], Consent]
    recipients_of: Callable[[Posting, Part], Recipients]
    transports: frozenset[str] = frozenset()
    caps: Caps = field(default_factory=Caps)
    terms: RefusalTerms = field(default_factory=RefusalTerms)
    ignored: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()
    digest_mode: Mode = Mode.DRY_RUN
    commands: bool = False
    stopped: str = ""


def permit(candidate: Candidate, rules: SendRules, now: datetime, *, is_archived: bool) -> Decision:
    """Decide whether the mail may be sent now. A mail that a person approved passes the cap of its series only.

    A mail that an archive has, `is_archived`, counts as sent. The file of a dry run is not sent: only a list that is
    switched off withdraws it.
    """
    mail = candidate.mail
    consent = _consent(candidate, rules)
    if mail.mode == Mode.DRY_RUN and consent.mode is not Mode.OFF:
        return Send() if mail.mode in rules.transports else _no_transport(mail)
    if is_archived:
        return AlreadySent(
            "found in the archive" if mail.attempts else "an archive has it, but it was not sent from here"
        )
    if reason := _mode_objection(mail, consent.mode) or _objection(candidate, rules, now):
        return Withdraw(reason)
    needs_approval = consent.mode.needs_approval and mail.state is not MailState.APPROVED
    if not needs_approval and (reason := _recipient_objection(candidate, rules)):
        return Withdraw(reason)
    if mail.mode not in rules.transports:
        return _no_transport(mail)
    if stopped := rules.stopped or candidate.stopped:
        return Wait(stopped, now + MINUTE)
    if trouble := broken(candidate.pace):
        return Wait(trouble, now + MINUTE, halts=True)
    if needs_approval:
        return Hold("the mode is moderate now: it waits for approval")
    return _delay(candidate, rules, consent, now) or Send()


def _no_transport(mail: Outgoing) -> Hold:
    return Hold(f"no transport is set for mode {mail.mode}")


def _consent(candidate: Candidate, rules: SendRules) -> Consent:
    """Return what applies to the mail now. A digest has a mode of its own, which no list decides."""
    if candidate.mail.kind == DIGEST:
        return Consent(rules.digest_mode)
    # Whether a posting that is no longer stored had consent is unknown; `_objection` withdraws the mail.
    return Consent(Mode.LIST) if candidate.posting is None else rules.consent_of(candidate.posting.posting)


def _mode_objection(mail: Outgoing, mode: Mode) -> str:
    """Return why the mode no longer allows the mail, or ""."""
    return "" if mode.sends else f"the mode was {mail.mode} when it was written and is {mode} now"


def _objection(candidate: Candidate, rules: SendRules, now: datetime) -> str:
    """Return why a mail of its kind is no longer allowed, or ""."""
    if candidate.mail.kind == DIGEST:
        return _digest_objection(candidate.mail, rules)
    if candidate.posting is None:
        return "its series is no longer stored"
    if candidate.mail.kind == COMMAND_REPLY:
        return _answer_objection(candidate.mail, rules)
    return _review_objection(candidate, candidate.posting, rules, now)


def _digest_objection(mail: Outgoing, rules: SendRules) -> str:
    if not _goes_to_author_alone(mail):
        return "a digest goes to its reader alone"
    return "" if mail.author in rules.readers else f"{mail.author} is no longer a reader of digests"


def _answer_objection(mail: Outgoing, rules: SendRules) -> str:
    """Return why a reply to a command is not allowed. A mute does not matter: the reply may be about the mute."""
    if not _goes_to_author_alone(mail):
        return "a reply to a command goes to its sender alone"
    if mail.author in rules.ignored:
        return f"{mail.author} wants no mail now"
    return "" if rules.commands else "commands by mail are switched off now"


def _review_objection(candidate: Candidate, status: PostingStatus, rules: SendRules, now: datetime) -> str:
    mail, posting = candidate.mail, status.posting
    if reason := _posting_objection(status, rules.terms, now):
        return reason
    part = answered_part(mail.content, posting)
    if part is None:
        return "the mail that it answers is no longer part of the series"
    authors = authors_of(mail, posting, part)
    if ignored := authors & rules.ignored:
        return f"{min(ignored)} wants no mail now"
    mutes = [muted for muted in candidate.mutes if muted.scope is not Scope.AUTHOR or muted.subject in authors]
    return mute_reason(mutes)


def _recipient_objection(candidate: Candidate, rules: SendRules) -> str:
    """Return which recipient of a review may no longer get it, and why, or ""."""
    mail, status = candidate.mail, candidate.posting
    if status is None or mail.kind in {COMMAND_REPLY, DIGEST}:
        return ""
    part = answered_part(mail.content, status.posting)
    allowed = Recipients() if part is None else rules.recipients_of(status.posting, part)
    known = {address.key for address in (*allowed.to, *allowed.cc)}
    strangers = [address for address in mail.envelope_to if address.lower() not in known]
    if strangers:
        return f"{strangers[0]} may not get it now" + (f": {allowed.reason}" if allowed.reason else "")
    return ""


def _posting_objection(status: PostingStatus, terms: RefusalTerms, now: datetime) -> str:
    """Return why the series is no longer to be answered, or "". Its age does not matter: a mail may wait long."""
    if status.removed:
        return f"{status.removed} was removed from its archive"
    if status.state != "complete":
        return f"the series is {status.state} now: {status.posting.state_detail(status.state, status.detail)}"
    if status.verdict in _REFUSING_VERDICTS:
        return f"the series is {status.verdict} now: {status.reason}"
    refusal = refuse_posting(status.posting, status.context, now, replace(terms, stale=None))
    return "" if refusal is None else f"the series is refused now: {refusal}"


def _goes_to_author_alone(mail: Outgoing) -> bool:
    return [address.lower() for address in mail.envelope_to] == [mail.author]


def _delay(candidate: Candidate, rules: SendRules, consent: Consent, now: datetime) -> Decision | None:
    """Return what the embargo, the caps and the quiet hours say."""
    mail = candidate.mail
    if candidate.posting is not None and mail.kind != COMMAND_REPLY:
        due = consent.embargo_end(candidate.posting.context.last, mail.created or now)
        if due > now:
            return Wait("embargo", due)
    caps = rules.caps if consent.list_day is None else replace(rules.caps, list_day=consent.list_day)
    if mail.state is MailState.APPROVED:  # a person who approves a mail knows of those before it
        caps = replace(caps, series=sys.maxsize)
    brakes = (capped(candidate.pace, caps, now), *(quiet(hours, now) for hours in consent.quiet))
    brake = next((brake for brake in brakes if brake is not None), None)
    if brake is None:
        return None
    return Hold(brake.reason) if brake.until is None else Wait(brake.reason, brake.until)
