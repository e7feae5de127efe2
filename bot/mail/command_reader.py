# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the commands in a mail to us: few, unambiguous, and at the start of a line of the sender's own text."""

from collections.abc import Callable, Iterator
from typing import Final

from bot.mail.command import MAX_REASON, Command, Explain, Fixed, Help, Mute, NotApplicable, Recheck, Scope
from bot.mail.message import Message
from bot.mail.mime import Text, first_text, multipart_boundary
from bot.mail.one_time_token import VERB, OneTimeToken, read_token
from rules.lazy import dataclass, re

MAX_COMMANDS: Final = 3


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A mail with a command that is not understood: none of its commands is executed."""

    reason: str


_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_WIDEST: Final = 500  # The number of characters of a line that are searched.
_LINE = re.compile(r"patchwarden:[ \t]*+(\S*+)[ \t]*+(.*)", re.IGNORECASE)
_FINDING = re.compile(r"[0-9a-f]{6,16}|[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
_RULE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
# The end of the sender's own text: a signature, a diff, an unmarked quotation, a forwarded mail.
_END = re.compile(
    r"--[ \t]*$|-- ?>8|.*- *- *(?:8<|>8) *- *-"
    r"|diff --git |diff -[a-zA-Z]|Index: |--- \S|\+\+\+ \S|@@ -|\*\*\* \S+[ \t]+\S"
    r"|-{2,}[ \t]*(?:original|forwarded|begin forwarded|weitergeleitete|urspr)|begin forwarded message"
    r"|_{10,}[ \t]*$|(?:from|sent|date|to|subject|von|gesendet)[ \t]*:[ \t]*\S|--[\w=.'+-]{6,}",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[ \t]*[>|]")
_ATTRIBUTION = re.compile(
    r".*(?:\b(?:wrote|writes|said|schrieb|geschrieben|écrit|escribió|scrisse|пишет|написал)\b|写道).{0,60}[:：][ \t]*$",  # noqa: RUF001 full-width colon
    re.IGNORECASE,
)
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")


def commands(message: Message) -> tuple[Command, ...] | Ambiguous:
    """Return the commands in the mail in order, without repetitions; empty if there are none.

    Only lines of the first text part count that begin with `patchwarden:`, outside of quotations, diffs, fences,
    signatures and forwarded mails. If one command is unknown, or if there are too many, none is executed. A line with a
    one-time token is not a command.
    """
    parsed: dict[Command, None] = {}
    tokens: set[OneTimeToken | None] = set()
    for verb, argument in command_lines(message):
        if verb.lower() == VERB:
            tokens.add(read_token(argument.strip()))
            continue
        command = _command(verb.lower(), argument.strip())
        if command is None:
            return Ambiguous(f"unknown command: {verb[:40]!r}")
        parsed[command] = None
    if None in tokens or len(tokens) > 1:
        return Ambiguous("not a one-time token" if None in tokens else "two different one-time tokens")
    if len(parsed) > MAX_COMMANDS:
        return Ambiguous(f"more than {MAX_COMMANDS} commands")
    named = [command.finding for command in parsed if isinstance(command, NotApplicable | Fixed)]
    if len(set(named)) < len(named):
        return Ambiguous("two different commands for one finding")
    if sum(isinstance(command, Mute) for command in parsed) > 1:
        return Ambiguous("two different mutes")
    return tuple(parsed)


def one_time_token(message: Message) -> OneTimeToken | None:
    """Return the one-time token in the mail, if `commands` understands the mail and there is one."""
    arguments = (argument.strip() for verb, argument in command_lines(message) if verb.lower() == VERB)
    return next(map(read_token, arguments), None)


def command_lines(message: Message) -> list[tuple[str, str]]:
    """Return the verb and the argument of each command line of the mail, verbatim."""
    text = own_text(message)
    return [] if text is None else asked(text)


def own_text(message: Message) -> Text | None:
    """Return the text that is searched for commands, or None."""
    fields = {name.lower(): value for name, value in reversed(message.headers) if name.lower().startswith("content-")}
    if multipart_boundary(fields.get("content-type", "")) is None:
        return Text(message.body, message.flowed)
    blank = _BLANK_LINE.search(raw := message.raw.lstrip(b"\r\n"))
    return first_text(fields, raw[blank.end() :]) if blank else None


def asked(text: Text) -> list[tuple[str, str]]:
    """Return the verb and the argument of each command line, verbatim."""
    matches = (_LINE.fullmatch(line) for line in _own_lines(text))
    return [(match[1], match[2].rstrip()) for match in matches if match]


def _own_lines(text: Text) -> Iterator[str]:
    """Yield the lines that the sender wrote, without the continuations of flowed lines."""
    lines = [line[:_WIDEST] for line in text.text.split("\n")]
    runs_on = fenced = False
    for number, line in enumerate(lines):
        if _END.match(line) or (_ATTRIBUTION.match(line) and not _quotes_next(lines, number)):
            return
        if _FENCE.match(line):
            fenced = not fenced
        elif not (runs_on or fenced or _QUOTED.match(line)):
            yield line
        runs_on = text.flowed and line.endswith(" ") and not _QUOTED.match(line)


def _quotes_next(lines: list[str], number: int) -> bool:
    """Return whether the text after an attribution is marked as a quotation; otherwise its end is unknown."""
    following = next((line for line in lines[number + 1 :] if line.strip()), "")
    return bool(_QUOTED.match(following))


def _command(verb: str, argument: str) -> Command | None:
    read = _VERBS.get(verb)
    return None if read is None else read(argument)


def _explain(argument: str) -> Command | None:
    rule = argument.lower()
    return Explain(rule) if _RULE.fullmatch(rule) else None


def _not_applicable(argument: str) -> Command | None:
    finding, _, reason = argument.partition(" ")
    finding = finding.lower()
    return NotApplicable(finding, " ".join(reason.split())[:MAX_REASON]) if _FINDING.fullmatch(finding) else None


def _fixed(argument: str) -> Command | None:
    finding = argument.lower()
    return Fixed(finding) if _FINDING.fullmatch(finding) else None


def _mute(argument: str) -> Command | None:
    scope = argument.lower() or Scope.SERIES.value
    return Mute(Scope(scope)) if scope in set(Scope) else None


_VERBS: Final[dict[str, Callable[[str], Command | None]]] = {
    "recheck": lambda argument: None if argument else Recheck(),
    "explain": _explain,
    "not-applicable": _not_applicable,
    "fixed": _fixed,
    "mute": _mute,
    "help": lambda argument: None if argument else Help(),
}
