# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of the commands by mail about a series: what each would do, and a mail with a one-time token to send.

The page changes nothing. A token proves nothing either: only a signed mail is obeyed, and then its token is used up.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final
from urllib.parse import quote, urlencode

from bot.mail.one_time_token import VERB, OneTimeToken, series_token
from bot.mail.outgoing import COMMAND_REPLY
from bot.mail.state import MailState
from bot.ports.web import OurMail, SeriesDetail, SeriesSummary
from bot.review.render.text import count, visible
from bot.web.mails import reply_addresses
from rules.lazy import dataclass
from rules.listing import listing

_MAX_RULES: Final = 20
_MAX_LISTS: Final = 5
_MAX_SUBJECT: Final = 200  # characters of the subject of the mail
_WAITING: Final = frozenset({MailState.QUEUED, MailState.HELD, MailState.APPROVED})
_ALL: Final = "the author, maintainers of the touched files, maintainers in the settings"
_AUTHOR: Final = "the author, maintainers in the settings"
_MAINTAINER: Final = "maintainers in the settings"


@dataclass(frozen=True, slots=True)
class OfferedCommand:
    """A command: its words, what it would do, who may give it, the lines of the mail, and a `mailto:` link to it."""

    words: str
    effect: str
    givers: str
    lines: str
    link: str


@dataclass(frozen=True, slots=True)
class CommandsView:
    """The commands about a series. `address` accepts them, "" if none does; `hidden` rules have no commands here."""

    series: SeriesSummary
    address: str
    commands: tuple[OfferedCommand, ...]
    hidden: int


def commands_view(detail: SeriesDetail, today: date, random_number: Callable[[], str]) -> CommandsView:
    """Return the commands about the series; `random_number` is called for the token of each."""
    mail, address = _command_mail(detail)
    if mail is None:
        return CommandsView(detail.summary, "", (), 0)
    effects, hidden = _effects(detail)
    subject = visible(" ".join(detail.summary.subject.split()))[:_MAX_SUBJECT]
    commands = []
    for words, effect, givers in effects:
        token = OneTimeToken(series_token(address), today, random_number())
        lines = f"patchwarden: {words}\npatchwarden: {VERB} {token}\n"
        fields = {"subject": f"Re: {subject}", "In-Reply-To": f"<{mail.message_id}>", "body": lines}
        query = urlencode({name: value.replace("\n", "\r\n") for name, value in fields.items()}, quote_via=quote)
        commands.append(OfferedCommand(words, effect, givers, lines, f"mailto:{quote(address, safe='@')}?{query}"))
    return CommandsView(detail.summary, address, tuple(commands), hidden)


def command_address(detail: SeriesDetail) -> str:
    """Return the address that accepts commands about the series, "" if our mails name none."""
    return _command_mail(detail)[1]


def _command_mail(detail: SeriesDetail) -> tuple[OurMail | None, str]:
    """Return our newest mail with an address that accepts commands, and the address."""
    for mail in reversed(detail.mails):
        if mail.kind != COMMAND_REPLY:
            for address in reply_addresses(mail):
                if series_token(address):
                    return mail, address
    return None, ""


def _effects(detail: SeriesDetail) -> tuple[list[tuple[str, str, str]], int]:
    """Return the words, the effect and the givers of each command, and how many rules have none."""
    findings = Counter(entry.finding.rule for entry in (detail.review.current if detail.review else ()))
    rules = sorted(findings)[:_MAX_RULES]
    of_rules = (command for rule in rules for command in _of_rule(rule, findings[rule]))
    return [*_of_series(detail), *of_rules], len(findings) - len(rules)


def _of_series(detail: SeriesDetail) -> Iterator[tuple[str, str, str]]:
    waiting = sum(mail.state in _WAITING for mail in detail.mails)
    withdrawn = f" {count(waiting, 'mail')} that did not leave yet would be withdrawn." if waiting else ""
    yield (
        "recheck",
        "The newest kernel and rules check this revision again. You get a mail if the result changed.",
        _ALL,
    )
    yield "mute series", f"No more mails about any revision of this series.{withdrawn}", _ALL
    author = detail.summary.author or "this author"
    yield "mute author", f"No more mails about any series of {author}, not only this one.{withdrawn}", _AUTHOR
    if detail.lists:
        lists = listing(detail.lists, _MAX_LISTS)
        effect = f"No more mails about any series on {lists}, as far as you maintain them.{withdrawn}"
        yield "mute list", effect, _MAINTAINER
    yield "help", "You get a mail with all commands and the names of the findings. Nothing else changes.", _ALL


def _of_rule(rule: str, number: int) -> Iterator[tuple[str, str, str]]:
    findings = count(number, "finding")
    yield f"not-applicable {rule}", f"{findings} of {rule} would not be reported again in any revision.", _ALL
    yield f"fixed {rule}", f"{findings} of {rule} would count as fixed in the next revision.", _ALL
    yield f"explain {rule}", f"You get a mail that explains {rule}. Nothing else changes.", _ALL
