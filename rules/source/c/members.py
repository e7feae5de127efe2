# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands between the braces of a C struct, union or enum: members in order, with the `#if` nest around each."""

import re
from dataclasses import dataclass, replace

from rules.source.c.declarator import Declarator, declarator, split_commas, tokens_of
from rules.source.c.text import DIRECTIVE, Conditions
from rules.source.c.value import evaluate

_DEEPEST = 16
_BRACKETS = re.compile(r"[{};]|^[ \t]*#", re.MULTILINE)
_ENUMERATOR = re.compile(r"\s*+([A-Za-z_]\w*+)\s*+(?:=(.*))?\Z", re.DOTALL)
_GROUP = re.compile(r"\s*(?:__)?struct_group(_attr|_tagged)?\s*\(")
_MEMBER_MACRO = re.compile(
    r"\s*(?:__)?DECLARE_(BITMAP|FLEX_ARRAY|HASHTABLE|KFIFO|KFIFO_PTR)\s*\((.*)\)\s*\Z", re.DOTALL
)
_AGGREGATE = re.compile(r"\b(struct|union|enum)\b")


@dataclass(frozen=True, slots=True)
class Member:
    """A field or an enumerator. `type` is a field's canonical type; `value` an enumerator's number, None if unknown.

    `expression` is what an enumerator is set to, or `PREVIOUS + n` counted from the last one that says so.
    `through` is the way to a field through anonymous structs and unions, which are fields of their own to bindgen:
    `__bindgen_anon_1.`, without the number where an `#if` leaves it open.
    """

    name: str
    line: int
    type: str = ""
    expression: str = ""
    value: int | None = None
    conditions: tuple[str, ...] = ()
    through: str = ""


class _Anonymous:
    """Counts the anonymous members of one struct as bindgen does."""

    def __init__(self) -> None:
        self._count = 0
        self._open = False

    def next(self, conditions: tuple[str, ...]) -> str:
        self._count += 1
        self._open = self._open or bool(conditions)
        return "__bindgen_anon." if self._open else f"__bindgen_anon_{self._count}."


class _LineCounter:
    """Tells the line numbers of places in a text, which are asked for in rising order."""

    def __init__(self, text: str, first: int) -> None:
        self._text = text
        self._line = first
        self._place = 0

    def at(self, place: int) -> int:
        self._line += self._text.count("\n", self._place, place)
        self._place = place
        return self._line


def struct_members(body: str, line: int, depth: int = 0) -> tuple[Member, ...]:
    """The fields of a struct or union whose braces hold `body`; `line` is the number of the body's first line.

    Fields of anonymous members count as the outer's; those of named ones are listed as `outer.inner`. What is nested
    deeper than people do it, counted from `depth`, is not looked into.
    """
    members: list[Member] = []
    lines = _LineCounter(body, line)
    conditions = Conditions()
    anonymous = outer = _Anonymous()
    through = ""
    position = start = 0
    while match := _BRACKETS.search(body, position):
        sign = match.group().strip()
        if sign == "#":
            directive = DIRECTIVE.match(body, match.start())
            if directive is None:
                position = match.end()
                continue
            if body[start : match.start()].strip():
                position = directive.end()  # a directive inside a member
                conditions.directive(directive.group(1), directive.group(2))
                continue
            conditions.directive(directive.group(1), directive.group(2))
            position = start = directive.end()
        elif sign == "{":
            end = matching_brace(body, match.start())
            semicolon = body.find(";", end)
            semicolon = len(body) if semicolon < 0 else semicolon
            head, tail = body[start : match.start()], body[end + 1 : semicolon]
            at = lines.at(match.start())
            found = _nested(head, body[match.start() + 1 : end], tail, at, conditions.current, anonymous, depth)
            members += [replace(one, through=through + one.through) for one in found] if through else found
            position = start = semicolon + 1
        elif sign == ";":
            group = _GROUP.match(body, start)
            if group is not None:
                opened = group.end()
                for _ in range({"_attr": 2, "_tagged": 2}.get(group.group(1) or "", 1)):
                    comma = body.find(",", opened)
                    opened = comma + 1 if comma >= 0 else len(body) + 1
                # An anonymous union of two structs, the first of them anonymous too.
                through = f"{outer.next(conditions.current)}__bindgen_anon_1."
                anonymous = _Anonymous()
                position = start = opened
                continue
            if through and body[start : match.start()].strip() == ")":
                through, anonymous = "", outer
            at = lines.at(start + _blank(body[start : match.start()]))
            found = _fields(body[start : match.start()], at, conditions.current)
            members += [replace(one, through=through) for one in found] if through else found
            position = start = match.end()
        else:
            position = start = match.end()
    return tuple(members)


def enum_members(body: str, line: int) -> tuple[Member, ...]:
    """The enumerators of a body, counted as C counts them."""
    members: list[Member] = []
    known: dict[str, int | None] = {}
    conditions = Conditions()
    base, offset, value = "", 0, None
    first = True
    at = line
    for chunk in _enumerator_chunks(body):
        directive = DIRECTIVE.match(chunk)
        if directive is not None:
            conditions.directive(directive.group(1), directive.group(2))
            at += chunk.count("\n")
            continue
        match = _ENUMERATOR.match(chunk)
        if match is not None:
            name, expression = match.group(1), (match.group(2) or "").strip()
            if expression:
                value, base, offset = evaluate(expression, known), expression, 0
            elif first:
                value, base, offset = 0, "0", 0
            else:
                value, offset = (None if value is None else value + 1), offset + 1
            first = False
            shown = " ".join(base.split()) + (f" + {offset}" if offset else "")
            if value is not None:
                shown = str(value)
            known[name] = value
            members.append(
                Member(name, at + chunk.count("\n", 0, match.start(1)), "", shown, value, conditions.current)
            )
        at += chunk.count("\n")
    return tuple(members)


def matching_brace(text: str, opening: int) -> int:
    """The index of the brace that closes the one at `opening`, else of the first `}` in column 0, else the end."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(text, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    closing = text.find("\n}", opening)
    return closing + 1 if closing >= 0 else len(text)


def _enumerator_chunks(body: str) -> list[str]:
    """The body cut into enumerators and directives, nothing lost but the commas."""
    chunks: list[str] = []
    depth = start = 0
    for match in re.finditer(r"[(),]|^[ \t]*#(?:[^\\\n]|\\\n|\\.)*", body, re.MULTILINE):
        sign = match.group()
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif sign == "," and depth <= 0:
            chunks.append(body[start : match.start()])
            start = match.end()
        elif sign != ",":
            chunks += [body[start : match.start()], sign]
            start = match.end()
    chunks.append(body[start:])
    return chunks


def _blank(text: str) -> int:
    return len(text) - len(text.lstrip())


def _nested(
    head: str, body: str, tail: str, line: int, conditions: tuple[str, ...], anonymous: _Anonymous, depth: int
) -> list[Member]:
    kind = _AGGREGATE.search(head)
    if kind is None:
        return []
    word = kind.group(1)
    inner: tuple[Member, ...] = ()
    if word != "enum" and depth < _DEEPEST:
        inner = struct_members(body, line, depth + 1)
    tag = tokens_of(head[kind.end() :])
    shown = f"{word} {tag[0]}" if tag else f"{word} {{}}"
    names = [declarator([word, "_", *part]) for part in split_commas(tokens_of(tail)) if part]
    outer = [
        Member(one.name, line, shown + one.type.removeprefix(f"{word} _"), conditions=conditions)
        for one in names
        if one
    ]
    found = [*outer]
    prefixes = [f"{one.name}." for one in outer] or [""]
    through = "" if outer or word == "enum" else anonymous.next(conditions)
    for member in inner:
        both = (*conditions, *(one for one in member.conditions if one not in conditions))
        way = member.through if "." in member.name else through + member.through
        found += [Member(prefix + member.name, member.line, member.type, "", None, both, way) for prefix in prefixes]
    return found


def _fields(text: str, line: int, conditions: tuple[str, ...]) -> list[Member]:
    text = DIRECTIVE.sub("", text)
    macro = _MEMBER_MACRO.match(text)
    if macro is not None:
        arguments = [" ".join(part) for part in split_commas(tokens_of(macro.group(2)))]
        flexible = macro.group(1) == "FLEX_ARRAY"
        name = arguments[-1] if flexible else arguments[0]
        return [
            Member(
                name,
                line,
                f"{macro.group(1)}({', '.join(one for one in arguments if one != name)})",
                "",
                None,
                conditions,
            )
        ]
    parts = split_commas(tokens_of(text))
    found: list[Member] = []
    base: list[str] = []
    for index, part in enumerate(parts):
        tokens = part if index == 0 else [*base, *part]
        one: Declarator | None = declarator(tokens)
        if one is None or not one.name:
            continue
        if index == 0 and len(parts) > 1:
            base = _base(part)
        shown = one.type if ":" not in tokens else f"{one.type} : {''.join(tokens[tokens.index(':') + 1 :])}"
        if one.parameters is not None:
            continue  # a macro that makes fields out of its arguments: unknown
        found.append(Member(one.name, line, shown, "", None, conditions))
    return found


def _base(tokens: list[str]) -> list[str]:
    """The specifiers that the first of several declarators shares with the others."""
    words = tokens[: tokens.index("*")] if "*" in tokens else tokens
    words = words[: words.index("[")] if "[" in words else words
    words = words[: words.index(":")] if ":" in words else words
    words = words[: words.index("(")] if "(" in words else words
    return words if "*" in tokens and tokens.index("*") < len(tokens) - 1 else words[:-1]
