# SPDX-License-Identifier: GPL-2.0-or-later
"""The effects of commands: changes to store, and paragraphs of the reply."""

from collections.abc import Callable, Iterable
from datetime import datetime

from bot.mail.address import Address
from bot.mail.command import (
    RECHECK,
    Command,
    Explain,
    Fixed,
    Help,
    Mute,
    NotApplicable,
    Recheck,
    Scope,
)
from bot.mail.posting import Posting
from bot.pool.guard import Crashed
from bot.review.command_reply import explanation, help_text, recheck_text, unknown_finding
from bot.review.disposition import ActiveMute, Disposition, DispositionKind, match_findings, plain_reason
from bot.review.model import Review
from bot.service.recheck import RecheckResult
from rules.lazy import dataclass, field
from rules.registry import by_id


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The posting of a command with its stored review, the sender, the mail of the command, and the time.

    `lists` are those of the posting that the sender maintains, and may mute.
    """

    posting: Posting
    review: Review | None
    sender: Address
    lists: tuple[str, ...]
    message_id: str
    now: datetime


@dataclass(slots=True)
class CommandEffect:
    """The changes to store, the paragraphs of the reply, and a note for each command, for the log."""

    changes: list[Disposition | ActiveMute] = field(default_factory=list)
    paragraphs: list[list[str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


def respond(
    commands: Iterable[Command], case: CommandContext, recheck: Callable[[Posting], RecheckResult | Crashed] | None
) -> CommandEffect:
    """Return the effects of the commands, in their order. Only a re-check happens here; it may be repeated.

    `recheck` is None if the limit of re-checks is reached: no re-check happens, and the reply does not mention it.
    """
    response = CommandEffect()
    for command in commands:
        if isinstance(command, Recheck):
            if recheck is None:
                response.done.append("no recheck: too many in a day")
                continue
            rechecked = recheck(case.posting)
            if isinstance(rechecked, RecheckResult) and not rechecked.changed.is_empty:
                response.paragraphs.append(recheck_text(rechecked.review, rechecked.changed))
            response.done.append(RECHECK)
        elif isinstance(command, Explain):
            response.paragraphs.append(explanation(by_id(command.rule), command.rule))
            response.done.append(f"explain {command.rule}")
        elif isinstance(command, Help):
            response.paragraphs.append(help_text(case.review))
            response.done.append("help")
        elif isinstance(command, Mute):
            response.changes += _mutes(command.scope, case)
            response.done.append(f"mute {command.scope}")
        else:
            _dispose(command, case, response)
    return response


def _dispose(command: NotApplicable | Fixed, case: CommandContext, response: CommandEffect) -> None:
    meant = None if case.review is None else match_findings(case.review, command.finding)
    if meant is None:
        response.paragraphs.append(unknown_finding(command.finding))
        response.done.append(f"unknown finding {command.finding}")
        return
    answer, reason = DispositionKind.FIXED, ""
    if isinstance(command, NotApplicable):
        answer, reason = DispositionKind.NOT_APPLICABLE, plain_reason(command.reason)
    response.changes += [
        Disposition(case.posting.topic, fingerprint, rule, answer, reason, case.sender.key, case.message_id, case.now)
        for fingerprint, rule in meant
    ]
    response.done.append(f"{answer} {command.finding}")


def _mutes(scope: Scope, case: CommandContext) -> list[ActiveMute]:
    subjects = {
        Scope.SERIES: (case.posting.topic,),
        Scope.AUTHOR: (case.posting.author.key,),
        Scope.LIST: case.lists,
    }[scope]
    return [ActiveMute(scope, subject, case.sender.key, case.message_id, case.now) for subject in subjects]
