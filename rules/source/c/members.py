# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the members of a C struct, union or enum, in order, with the conditions of the `#if`s around each."""

from functools import lru_cache

from rules.lazy import dataclass, re, replace
from rules.source.c.declarator import read_declarator, split_commas, tokenize, without_unknown_annotations
from rules.source.c.simple import read_simple_field
from rules.source.c.text import (
    DIRECTIVE,
    Conditions,
    find_directive,
    find_sign,
    join_conditions,
    without_directives,
)
from rules.source.c.value import evaluate

_MAX_DEPTH = 16
_BRACKETS = re.compile(r"[{};#]")
_BRACES = re.compile(r"[{}]")
_ENUMERATOR_END = re.compile(r"[(),]|^[ \t]*#[^\\\n]*+(?>\\(?:\n|.)[^\\\n]*+)*+", re.MULTILINE)
_MAX_CACHED = 60  # characters of a field that is cached, because the same ones occur often
_ENUMERATOR = re.compile(r"\s*+([A-Za-z_]\w*+)\s*+(?:=(.*))?\Z", re.DOTALL)
_GROUP = re.compile(r"\s*(?:__)?struct_group(_attr|_tagged)?\s*\(")
_MEMBER_MACRO = re.compile(
    r"\s*(?:__)?DECLARE_(BITMAP|FLEX_ARRAY|HASHTABLE|KFIFO|KFIFO_PTR)\s*\((.*)\)\s*\Z", re.DOTALL
)
_AGGREGATE = re.compile(r"\b(struct|union|enum)\b")


@dataclass(frozen=True, slots=True)
class Member:
    """A field or an enumerator. `type` is the canonical type of a field, `value` the number of an enumerator.

    `expression` is the value of an enumerator as text: a number if known, otherwise the last expression `+ n`.
    `through` is the path to a field through anonymous structs and unions. bindgen makes fields of them:
    `__bindgen_anon_1.`, without the number if an `#if` makes it unknown.
    """

    name: str
    line: int
    type: str = ""
    expression: str = ""
    value: int | None = None
    conditions: tuple[str, ...] = ()
    through: str = ""


class _Anonymous:
    """Count the anonymous members of a struct as bindgen does."""

    def __init__(self) -> None:
        self._count = 0
        self._is_unknown = False

    def next(self, conditions: tuple[str, ...]) -> str:
        self._count += 1
        self._is_unknown = self._is_unknown or bool(conditions)
        return "__bindgen_anon." if self._is_unknown else f"__bindgen_anon_{self._count}."


class _LineCounter:
    """Tell the line numbers of positions in a text. The positions must rise."""

    def __init__(self, text: str, first: int) -> None:
        self._text = text
        self._line = first
        self._position = 0

    def at(self, position: int) -> int:
        self._line += self._text.count("\n", self._position, position)
        self._position = position
        return self._line


def read_fields(body: str, line: int, depth: int = 0) -> tuple[Member, ...]:
    """Return the fields of a struct or union. `body` is the text between its braces, `line` the first line.

    Fields of anonymous members belong to the outer struct; fields of named members are listed as `outer.inner`.
    Structs nested deeper than `_MAX_DEPTH` are not read.
    """
    members: list[Member] = []
    lines = _LineCounter(body, line)
    conditions = Conditions()
    anonymous = outer = _Anonymous()
    through = ""
    position = start = 0
    while mark := find_sign(_BRACKETS, body, position):
        sign, sign_at, position = mark
        if sign == "#":
            directive = DIRECTIVE.match(body, sign_at)
            if directive is None:
                continue
            is_inside_member = bool(body[start:sign_at].strip())
            conditions.follow(directive.group(1), directive.group(2))
            position = find_directive(body, directive.end()) if conditions.is_dead else directive.end()
            start = start if is_inside_member else position
        elif sign == "{":
            end = find_closing_brace(body, sign_at)
            semicolon = body.find(";", end)
            semicolon = len(body) if semicolon < 0 else semicolon
            head, tail = body[start:sign_at], body[end + 1 : semicolon]
            at = lines.at(sign_at)
            inner = body[sign_at + 1 : end]
            nested = _read_nested(head, inner, tail, at, conditions.current, anonymous, depth)
            members += [replace(member, through=through + member.through) for member in nested]
            position = start = semicolon + 1
        elif sign == ";":
            group = _GROUP.match(body, start)
            if group is not None:
                opened = group.end()
                for _ in range({"_attr": 2, "_tagged": 2}.get(group.group(1) or "", 1)):
                    comma = body.find(",", opened)
                    opened = comma + 1 if comma >= 0 else len(body) + 1
                # struct_group() makes an anonymous union of two structs; the first of them is anonymous.
                through = f"{outer.next(conditions.current)}__bindgen_anon_1."
                anonymous = _Anonymous()
                position = start = opened
                continue
            if through and body[start:sign_at].strip() == ")":
                through, anonymous = "", outer
            text = body[start:sign_at]
            at = lines.at(start + len(text) - len(text.lstrip()))
            members += _read_field(text, at, conditions.current, through)
            start = position
        else:
            start = position
    return tuple(members)


def read_enumerators(body: str, line: int) -> tuple[Member, ...]:
    """Return the enumerators of an enum with the values that C gives them."""
    members: list[Member] = []
    known: dict[str, int | None] = {}
    conditions = Conditions()
    base, offset = "0", -1
    value: int | None = -1
    at = line
    for chunk in _split_enumerators(body):
        directive = DIRECTIVE.match(chunk)
        if directive is not None:
            conditions.follow(directive.group(1), directive.group(2))
            at += chunk.count("\n")
            continue
        match = _ENUMERATOR.match(chunk) if not conditions.is_dead else None
        if match is not None:
            name, expression = match.group(1), (match.group(2) or "").strip()
            if expression:
                value, base, offset = evaluate(expression, known), expression, 0
            else:
                value, offset = (None if value is None else value + 1), offset + 1
            text = " ".join(base.split()) + (f" + {offset}" if offset else "") if value is None else str(value)
            known[name] = value
            members.append(Member(name, at + chunk.count("\n", 0, match.start(1)), "", text, value, conditions.current))
        at += chunk.count("\n")
    return tuple(members)


def find_closing_brace(text: str, opening: int) -> int:
    """Return the index of the matching brace, else of the first `}` in column 0, else the end."""
    depth = 0
    for match in _BRACES.finditer(text, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    closing = text.find("\n}", opening)
    return closing + 1 if closing >= 0 else len(text)


def _split_enumerators(body: str) -> list[str]:
    """Split the body of an enum into enumerators and directives. Only the commas are removed."""
    chunks: list[str] = []
    depth = start = 0
    for match in _ENUMERATOR_END.finditer(body):
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


def _read_nested(
    head: str, body: str, tail: str, line: int, conditions: tuple[str, ...], anonymous: _Anonymous, depth: int
) -> list[Member]:
    """Return the members that a nested struct, union or enum declares, and its fields."""
    kind = _AGGREGATE.search(head)
    if kind is None:
        return []
    word = kind.group(1)
    inner = read_fields(body, line, depth + 1) if depth < _MAX_DEPTH else ()
    tag = tokenize(head[kind.end() :])
    base = f"{word} {tag[0]}" if tag else f"{word} {{}}"
    parts = [without_unknown_annotations([word, "_", *part]) for part in split_commas(tokenize(tail)) if part]
    declarators = [read_declarator(part) for part in parts]
    members = [
        Member(declarator.name, line, base + declarator.type.removeprefix(f"{word} _"), conditions=conditions)
        for declarator in declarators
        if declarator and declarator.parameters is None  # an unknown annotation
    ]
    prefixes = [f"{member.name}." for member in members] or [""]
    through = "" if members or word == "enum" else anonymous.next(conditions)
    for field in inner:
        joined = join_conditions(conditions, field.conditions)
        path = field.through if "." in field.name else through + field.through
        members += [Member(prefix + field.name, field.line, field.type, "", None, joined, path) for prefix in prefixes]
    return members


def _read_field(text: str, line: int, conditions: tuple[str, ...], through: str) -> list[Member]:
    """Return the fields that the text before a semicolon declares."""
    text = without_directives(text).strip()
    fields = _read_cached(text) if len(text) <= _MAX_CACHED else _read_names(text)
    return [Member(name, line, c_type, "", None, conditions, through) for name, c_type in fields]


def _read_names(text: str) -> tuple[tuple[str, str], ...]:
    """Return the names and types of the fields that a text declares."""
    field = read_simple_field(text)
    if field is not None:
        return (field,)
    macro = _MEMBER_MACRO.match(text)
    if macro is not None:
        arguments = [" ".join(part) for part in split_commas(tokenize(macro.group(2)))]
        name = arguments[-1] if macro.group(1) == "FLEX_ARRAY" else arguments[0]
        others = ", ".join(argument for argument in arguments if argument != name)
        return ((name, f"{macro.group(1)}({others})"),)
    parts = split_commas(tokenize(text))
    fields: list[tuple[str, str]] = []
    specifiers: list[str] = []
    for index, part in enumerate(parts):
        tokens = without_unknown_annotations(part if index == 0 else [*specifiers, *part])
        declarator = read_declarator(tokens)
        if declarator is None or not declarator.name:
            continue
        if index == 0 and len(parts) > 1:
            specifiers = _shared_specifiers(part)
        if declarator.parameters is not None:
            continue  # an unknown macro that declares fields
        width = f" : {''.join(tokens[tokens.index(':') + 1 :])}" if ":" in tokens else ""
        fields.append((declarator.name, declarator.type + width))
    return tuple(fields)


_read_cached = lru_cache(maxsize=256)(_read_names)


def _shared_specifiers(tokens: list[str]) -> list[str]:
    """Return the specifiers that the first of several declarators shares with the others."""
    end = min((tokens.index(sign) for sign in "*[:(" if sign in tokens), default=len(tokens))
    words = tokens[:end]
    return words if "*" in tokens and tokens.index("*") < len(tokens) - 1 else words[:-1]
