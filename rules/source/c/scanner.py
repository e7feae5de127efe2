# SPDX-License-Identifier: GPL-2.0-or-later
"""Scan a C text item by item.

This is a scanner of tokens and not a grammar: the tree-sitter grammar fails on 867 of the 2,852 headers in
include/linux of Linux 7.3, because macros replace declarations. The scanner relies on the layout of kernel code: a
top-level declaration begins in column 0, and a brace in column 0 ends the body of a function.
"""

from collections.abc import Iterator
from itertools import takewhile

from rules.lazy import re
from rules.source.c.declaration import CSource, Declaration, Kind
from rules.source.c.declarator import (
    TOKEN,
    Declarator,
    read_declarator,
    split_commas,
    tokenize,
    without_annotations,
    without_standard_attributes,
)
from rules.source.c.layout import continues_after, find_first_item, is_lone_call, is_old_style
from rules.source.c.macros import expand_event_macro, is_declaring, read_declaring_macro, remove_leading_calls
from rules.source.c.members import find_closing_brace, read_enumerators, read_fields
from rules.source.c.simple import SimpleFunction, find_linkage, read_simple_function
from rules.source.c.text import (
    DIRECTIVE,
    Conditions,
    find_directive,
    find_sign,
    join_conditions,
    without_comments,
    without_directives,
)

_ITEM_END = re.compile(r"[;{}()#]")
_START = re.compile(r"\S")
_DEFINE = re.compile(r"\s*(\w+)(\([^)]*\))?", re.DOTALL)
_LINE_DEFINE = re.compile(r"#[ \t]*+define\b([^\\\n]*+)(?=\n)")
_GUARD = re.compile(r"#\s*+define\s++([^\n]*+)\n")
_INCLUDE = re.compile(r"\s*(<[^>\n]+>|\"[^\"\n]+\")")
_CALL = re.compile(r"(\w+)\s*\((.*?)\)\s*\Z", re.DOTALL)
_LINKAGES = {"": Kind.FUNCTION, "static": Kind.STATIC, "inline": Kind.INLINE}
_EXTERN_C = re.compile(r'extern\s+"C"\s*\Z')
_CALL_HEAD = re.compile(r"\w+\s*\(")
_VALUE = re.compile(r"=\s*\Z")
# `context_lock_struct(mutex) {` defines a struct. The other arguments of the macro are annotations.
_STRUCT_MACRO = re.compile(r"\A(\s*+(?:typedef\s++)?)(?:\w+_struct|struct_\w+)\s*\(\s*(\w++)[^()]*+\)\s*+(?=\Z)")
_ITEM_IN_COLUMN_0 = re.compile(r"\n(?:#[ \t]*+define\b|[A-Za-z_]\w*+(?![ \t]*+:))")
_ITEM_BELOW = re.compile(r";?+[ \t]*+(?>\n[ \t]*+)*+(?<=\n)(?:#|[A-Za-z_]\w*+(?![ \t]*+:))")
_BODY_SIGNS = re.compile(r"[{}]|'(?:[^'\\\n]|\\.)'|\"(?>[^\"\\\n]|\\.)*+\"")
_AGGREGATE = re.compile(
    r"(?:typedef\s+|static\s+|const\s+|extern\s+|__\w+\s+)*(struct|union|enum)\b([^;={]*)\Z", re.DOTALL
)


class Scanner:
    """Collect the declarations and includes of a C text."""

    def __init__(self, text: str, line: int, is_complete: bool) -> None:
        self._text = without_comments(text)
        self._first = line
        self._is_complete = is_complete
        self._conditions = Conditions()
        self._declarations: list[Declaration] = []
        self._includes: list[str] = []
        self._event_macros: dict[str, tuple[tuple[str, ...], str]] = {}
        self._newlines_at = 0
        self._newlines = 0
        self._found: dict[str, int] = {}

    def run(self) -> CSource:
        text = self._text
        position = 0 if self._is_complete else find_first_item(text)
        while match := _START.search(text, position):
            start = match.start()
            if text[start] == "#":
                position = self._directive(start)
            elif text[start] in "};)":
                position = start + 1
            else:
                position = self._item(start)
        return CSource(tuple(self._declarations), tuple(self._includes))

    def _line(self, position: int) -> int:
        """Return the number of the line at a position. Positions mostly rise, so counting is linear."""
        if position >= self._newlines_at:
            self._newlines += self._text.count("\n", self._newlines_at, position)
        else:
            self._newlines -= self._text.count("\n", position, self._newlines_at)
        self._newlines_at = position
        return self._first + self._newlines

    def _find_below(self, sign: str, position: int) -> int:
        """Return where the sign is next, else the end of the text. Positions rise, so searching is linear."""
        if self._found.get(sign, -1) < position:
            found = self._text.find(sign, position)
            self._found[sign] = found if found >= 0 else len(self._text)
        return self._found[sign]

    def _directive(self, start: int) -> int:
        define = _LINE_DEFINE.match(self._text, start)
        if define is not None and not self._conditions.is_dead and self._text[start - 1 : start] in ("\n", ""):
            self._macro(define[1], start, define.end())
            return define.end()
        line_start = self._text.rfind("\n", 0, start) + 1
        match = DIRECTIVE.match(self._text, line_start)
        if match is None:
            return start + 1
        word, rest = match.group(1), match.group(2)
        is_guard = word == "ifndef" and self._is_guard(rest, match.end())
        self._conditions.follow(word, rest, is_guard)
        if self._conditions.is_dead:
            return find_directive(self._text, match.end())
        if word == "define":
            self._macro(rest, start, match.end())
        elif word == "include" and (include := _INCLUDE.match(rest)):
            self._includes.append(include.group(1))
        return match.end()

    def _is_guard(self, rest: str, end: int) -> bool:
        name = rest.strip()
        if self._conditions.depth or name.startswith("CONFIG_"):
            return False
        match = _GUARD.match(self._text[end : end + 200].lstrip())
        return match is not None and match[1].rstrip(" \t") == name != ""

    def _macro(self, rest: str, start: int, end: int) -> None:
        match = _DEFINE.match(rest)
        if match is None:
            return
        name, arguments = match.group(1), match.group(2)
        body = " ".join(rest[match.end() :].replace("\\\n", " ").split())
        parameters = tuple(part.strip() for part in arguments[1:-1].split(",")) if arguments else ()
        kind = Kind.MACRO_FUNCTION if arguments is not None else Kind.MACRO
        if arguments is not None and "_EVENT" in body:
            self._event_macros[name] = parameters, body
        self._add(kind, name, self._line(start), self._line(end), body, parameters, defined=True)

    def _item(self, start: int) -> int:
        """Read a top-level item and return the position where the next item may begin."""
        function = read_simple_function(self._text, start)
        if function is not None:
            return self._function(function, start)
        text, position, depth = self._text, start, 0
        while mark := find_sign(_ITEM_END, text, position):
            sign, at, position = mark
            if sign == "(":
                depth += 1
            elif sign == ")":
                depth -= 1
                if depth <= 0 and is_lone_call(text, start, position):
                    self._call(start, position)
                    return position
            elif sign == "#":
                if depth <= 0 and not continues_after(text, start, at):
                    return at
                directive = DIRECTIVE.match(text, at)
                position = directive.end() if directive else position
            elif sign == "}" and (depth <= 0 or text[at - 1 : at] == "\n"):
                return position
            elif sign == ";" and depth <= 0:
                if is_old_style(text, start, position):
                    continue
                self._declare(start, at, defined=False)
                return position
            elif sign == "{" and (depth <= 0 or text[at - 1 : at] == "\n"):
                return self._braces(start, at)
        return len(text)  # the text ends within the item

    def _function(self, function: SimpleFunction, start: int) -> int:
        at = last = function.end
        is_defined = self._text.startswith("{", at)
        if is_defined:
            last = self._find_body_end(at)
        name, parameters = function.name, function.parameters
        line, last_line = self._line(start), self._line(last)
        self._add(_LINKAGES[function.linkage], name, line, last_line, function.type, parameters, is_defined)
        if is_defined:
            self._conditions_of_body(at, last)
        return min(last + 1, len(self._text))

    def _braces(self, start: int, at: int) -> int:
        text = self._text
        head = text[start:at]
        if _EXTERN_C.search(head):
            return at + 1
        aggregate = _read_aggregate_head(head)
        if aggregate is not None:
            end = self._aggregate(start, at, aggregate.group(1), aggregate.group(2))
            self._macros_inside(at, end)
            return end
        if _VALUE.search(head):
            closing = find_closing_brace(text, at)
            semicolon = text.find(";", closing)
            self._declare(start, start + head.rindex("="), defined=True)
            return semicolon + 1 if semicolon >= 0 else len(text)
        closing = self._find_body_end(at)
        self._declare(start, at, defined=True, last=closing)
        self._conditions_of_body(at, closing)
        return min(closing + 1, len(text))

    def _find_body_end(self, at: int) -> int:
        """Return the position of the brace that closes the body of a function, else the end of the text."""
        text = self._text
        line_end = self._find_below("\n", at)
        if end := _find_matching_brace(text, at, line_end):
            return end
        if text.count("{", at, line_end) == text.count("}", at, line_end):
            return text.rindex("}", at, line_end)
        closing = min(self._find_below("\n}", at) + 1, len(text))
        if _ITEM_IN_COLUMN_0.search(text, line_end, closing):  # the body ends at the end of a line above it
            end = _find_matching_brace(text, at, closing)
            return end if end and _ITEM_BELOW.match(text, end + 1, closing) else closing
        return closing

    def _macros_inside(self, start: int, end: int) -> None:
        if self._text.find("define", start, end) < 0:
            return
        for match in DIRECTIVE.finditer(self._text, start, end):
            if match.group(1) == "define":
                self._macro(match.group(2), match.start(), match.end())

    def _conditions_of_body(self, start: int, end: int) -> None:
        if self._text.find("\n#", start, end) < 0:
            return
        for match in DIRECTIVE.finditer(self._text, start, end):
            self._conditions.follow(match.group(1), match.group(2))

    def _aggregate(self, start: int, at: int, word: str, middle: str) -> int:
        """Read a struct, union or enum whose body begins at `at`; `middle` is the text between its keyword and body."""
        text = self._text
        closing = find_closing_brace(text, at)
        semicolon = text.find(";", closing)
        semicolon = len(text) if semicolon < 0 else semicolon
        if closing >= len(text) and not self._is_complete:
            return len(text)
        tag = next(iter(tokenize(middle)), "")
        body = text[at + 1 : closing]
        line = self._line(at)
        first, last = self._line(start), self._line(semicolon)
        conditions = self._conditions.current
        tail = tokenize(without_directives(text[closing + 1 : semicolon]))
        is_typedef = text.startswith("typedef", start)
        declarators = [read_declarator([word, "_", *part]) for part in split_commas(tail) if part]
        named = [declarator for declarator in declarators if declarator and declarator.name]
        owner = tag or (named[0].name if is_typedef and named else "")
        members = read_enumerators(body, line) if word == "enum" else read_fields(body, line)
        if owner:
            self._declarations.append(
                Declaration(Kind(word), owner, first, last, members=members, conditions=conditions, defined=True)
            )
        for member in members if word == "enum" else ():
            joined = join_conditions(conditions, member.conditions)
            position = (member.line, member.line)
            self._declarations.append(
                Declaration(Kind.CONSTANT, member.name, *position, member.expression, (), (), joined, True, owner)
            )
        kind = Kind.TYPEDEF if is_typedef else Kind.VARIABLE
        for declarator in named:
            if declarator.name != owner:
                c_type = f"{word} {tag or '{}'}" + declarator.type.removeprefix(f"{word} _")
                self._declarations.append(
                    Declaration(kind, declarator.name, first, last, c_type, conditions=conditions, defined=True)
                )
        return semicolon + 1

    def _call(self, start: int, end: int) -> None:
        match = _CALL.match(self._text[start:end])
        if match is None or not (match[1] in self._event_macros or is_declaring(match[1])):
            return
        name, arguments = match.group(1), split_commas(TOKEN.findall(match.group(2)))
        event = expand_event_macro(*self._event_macros[name], arguments) if name in self._event_macros else None
        if event is not None:
            name, arguments = event[0], split_commas(TOKEN.findall(event[1]))
        first = arguments[0][0] if arguments and arguments[0] else ""
        line, last, conditions = self._line(start), self._line(end), self._conditions.current
        if name.startswith("EXPORT_SYMBOL") or name in ("EXPORT_PER_CPU_SYMBOL", "EXPORT_PER_CPU_SYMBOL_GPL"):
            self._declarations.append(Declaration(Kind.EXPORT, first, line, last, name, conditions=conditions))
        elif macro := read_declaring_macro(name, arguments):
            kind, declared, c_type, parameters = macro
            self._declarations.append(
                Declaration(kind, declared, line, last, c_type, parameters, (), conditions, defined=True, parent=name)
            )

    def _declare(self, start: int, end: int, defined: bool, last: int | None = None) -> None:
        head = without_standard_attributes(without_directives(self._text[start:end]))
        raw = TOKEN.findall(head)
        if not raw:
            return
        line, last_line = self._line(start), self._line(last if last is not None else end)
        if raw[0] == "typedef":
            self._typedef(head, line, last_line)
            return
        if len(raw) == 2 and raw[0] in ("struct", "union", "enum"):
            self._add(Kind.OPAQUE, raw[1], line, last_line, raw[0])
            return
        specifiers = remove_leading_calls(raw)
        words = set(specifiers[: specifiers.index("(")] if "(" in specifiers else specifiers)
        tokens = remove_leading_calls(without_annotations(raw))
        if "=" in tokens:
            tokens = tokens[: tokens.index("=")]
        if _CALL_HEAD.match(head) and tokens[1:2] == ["("] and tokens[3:5] != [")", "("]:
            self._call(start, start + len(self._text[start:end].rstrip()))
            return
        kind = _LINKAGES[find_linkage(words)]
        for size, declarator in _read_declarators(tokens):
            if declarator.parameters is not None:
                name, c_type, parameters = declarator.name, declarator.type, declarator.parameters
                self._add(kind, name, line, last_line, c_type, parameters, defined)
            elif "extern" in words or defined or size > 1:
                self._add(Kind.VARIABLE, declarator.name, line, last_line, declarator.type, defined=defined)

    def _typedef(self, head: str, line: int, last: int) -> None:
        for _, declarator in _read_declarators(tokenize(head)[1:]):
            parameters = "" if declarator.parameters is None else f" ({', '.join(declarator.parameters)})"
            self._add(Kind.TYPEDEF, declarator.name, line, last, declarator.type + parameters, defined=True)

    def _add(
        self,
        kind: Kind,
        name: str,
        line: int,
        last: int,
        c_type: str,
        parameters: tuple[str, ...] = (),
        defined: bool = False,
    ) -> None:
        # `#ifndef f` with `#define f f` lets an architecture override f. It is not a condition of the configuration.
        conditions = self._conditions.current
        if conditions:
            own = f"!defined({name})", f"defined({name})"
            conditions = tuple(condition for condition in conditions if condition not in own)
        self._declarations.append(Declaration(kind, name, line, last, c_type, parameters, (), conditions, defined))


def _find_matching_brace(text: str, opening: int, end: int) -> int:
    """Return the position of the brace that closes the one at `opening`, if it is before `end`; else 0."""
    depth = 0
    for match in _BODY_SIGNS.finditer(text, opening, end):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return 0


def _read_aggregate_head(head: str) -> re.Match[str] | None:
    """Return the keyword of a struct, union or enum and the text after it; None if the head is that of another item."""
    text = without_directives(head)
    if "_struct" in text or "struct_" in text:
        text = _STRUCT_MACRO.sub(r"\1struct \2 ", text)
    match = _AGGREGATE.fullmatch(text)
    # `struct __aligned(8) x {` is an aggregate, `struct x *__aligned(8) f(void) {` is a function.
    return None if match is not None and "(" in match[2] and "(" in tokenize(match[2]) else match


def _read_declarators(tokens: list[str]) -> Iterator[tuple[int, Declarator]]:
    """Yield the named declarators of a declaration, each with its number of tokens."""
    parts = split_commas(tokens)
    specifiers = _shared_specifiers(tokens) if len(parts) > 1 else []
    for index, part in enumerate(parts):
        declarator = read_declarator(part if index == 0 else [*specifiers, *part])
        if declarator is not None and declarator.name:
            yield len(part), declarator


def _shared_specifiers(tokens: list[str]) -> list[str]:
    """Return the specifiers that the first of several declarators shares with the others."""
    specifiers = list(takewhile(lambda token: token.replace(" ", "").isidentifier(), tokens))
    is_pointer = tokens[len(specifiers) : len(specifiers) + 1] == ["*"]
    if is_pointer or tokens[len(specifiers) : len(specifiers) + 2] == ["(", "*"]:
        return specifiers
    return specifiers[:-1]  # the last word is the first declared name
