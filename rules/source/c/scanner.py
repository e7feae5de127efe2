# SPDX-License-Identifier: GPL-2.0-or-later
"""A C text read item by item.

A scanner over words, not a grammar: of the 2,852 headers in Linux 7.3's include/linux the tree-sitter grammar fails
on 867, because of macros that stand where C has a declaration. The scanner leans on how the kernel is written: what
is declared at the top of a file begins in column 0, and a function's body ends with a brace there, whatever
`#ifdef`s do in between.
"""

import re

from rules.source.c.declaration import CSource, Declaration, Kind
from rules.source.c.declarator import TOKEN, declarator, split_commas, tokens_of
from rules.source.c.layout import continues, first_item, is_lone_call, is_old_style
from rules.source.c.macros import made_by, without_leading_calls
from rules.source.c.members import enum_members, matching_brace, struct_members
from rules.source.c.text import DIRECTIVE, Conditions, without_comments

_ITEM_END = re.compile(r"[;{}()]|^[ \t]*#", re.MULTILINE)
_START = re.compile(r"\S")
_DEFINE = re.compile(r"\s*(\w+)(\([^)]*\))?", re.DOTALL)
_INCLUDE = re.compile(r"\s*(<[^>\n]+>|\"[^\"\n]+\")")
_CALL = re.compile(r"(\w+)\s*\((.*?)\)\s*\Z", re.DOTALL)
_EXTERN_C = re.compile(r'extern\s+"C"\s*\Z')
_SPACE = re.compile(r"(?:\s|\\\n)+")
# `context_lock_struct(mutex) {` defines a struct; the macro's other arguments are annotations.
_STRUCT_MACRO = re.compile(r"\b(?:\w+_struct|struct_\w+)\s*\(\s*(\w++)[^()]*+\)\s*+(?=\Z)")
_AGGREGATE = re.compile(
    r"(?:typedef\s+|static\s+|const\s+|extern\s+|__\w+\s+)*(struct|union|enum)\b([^(;={]*)\Z", re.DOTALL
)


class Scanner:
    def __init__(self, text: str, line: int, whole: bool) -> None:
        self._text = without_comments(text)
        self._first = line
        self._whole = whole
        self._conditions = Conditions()
        self._declarations: list[Declaration] = []
        self._includes: list[str] = []
        self._newlines_at = 0
        self._newlines = 0

    def run(self) -> CSource:
        text, position = self._text, 0
        if not self._whole:
            position = first_item(self._text)
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
        """The number of the line at that place; asked in rising order, so that counting stays linear."""
        if position >= self._newlines_at:
            self._newlines += self._text.count("\n", self._newlines_at, position)
        else:
            self._newlines -= self._text.count("\n", position, self._newlines_at)
        self._newlines_at = position
        return self._first + self._newlines

    def _directive(self, start: int) -> int:
        line_start = self._text.rfind("\n", 0, start) + 1
        match = DIRECTIVE.match(self._text, line_start)
        if match is None:
            return start + 1
        word, rest = match.group(1), match.group(2)
        if word == "define":
            self._macro(rest, start, match.end())
        elif word == "include":
            found = _INCLUDE.match(rest)
            if found is not None:
                self._includes.append(found.group(1))
        else:
            guard = word == "ifndef" and self._is_guard(rest, match.end())
            self._conditions.directive(word, rest, guard)
        return match.end()

    def _is_guard(self, rest: str, end: int) -> bool:
        name = rest.strip()
        following = self._text[end : end + 200].lstrip()
        defines = re.match(rf"#\s*define\s+{re.escape(name)}\b[ \t]*\n", following) is not None
        return defines and not name.startswith("CONFIG_") and self._conditions.depth == 0

    def _macro(self, rest: str, start: int, end: int) -> None:
        match = _DEFINE.match(rest)
        if match is None:
            return
        name, arguments = match.group(1), match.group(2)
        body = _SPACE.sub(" ", rest[match.end() :]).strip()
        parameters = tuple(part.strip() for part in arguments[1:-1].split(",")) if arguments else ()
        kind = Kind.MACRO_FUNCTION if arguments is not None else Kind.MACRO
        # `#ifndef f` / `#define f f` lets an architecture override f: no condition of the configuration.
        own = {f"!defined({name})", f"defined({name})"}
        conditions = tuple(one for one in self._conditions.current if one not in own)
        self._declarations.append(
            Declaration(
                kind, name, self._line(start), self._line(end), body, parameters, conditions=conditions, defined=True
            )
        )

    def _item(self, start: int) -> int:
        """Read one top-level item; where the next one may begin."""
        text, position, depth = self._text, start, 0
        while match := _ITEM_END.search(text, position):
            sign, at = match.group().strip(), match.start()
            position = match.end()
            if sign == "(":
                depth += 1
            elif sign == ")":
                depth -= 1
                if depth <= 0 and is_lone_call(text, start, position):
                    self._call(start, position)
                    return position
            elif sign == "#":
                if depth <= 0 and not continues(text, start, at):
                    self._declare(start, at, defined=False)
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
        return len(text)  # an item that the text cuts off: what is known of it is not enough

    def _braces(self, start: int, at: int) -> int:
        text = self._text
        head = text[start:at]
        if _EXTERN_C.search(head):
            return at + 1
        aggregate = _AGGREGATE.fullmatch(_STRUCT_MACRO.sub(r"struct \1 ", DIRECTIVE.sub("", head)))
        if aggregate is not None:
            end = self._aggregate(start, at, aggregate.group(1), aggregate.group(2))
            self._macros_inside(at, end)
            return end
        if re.search(r"=\s*\Z", head):
            closing = matching_brace(text, at)
            semicolon = text.find(";", closing)
            self._declare(start, start + head.rindex("="), defined=True)
            return semicolon + 1 if semicolon >= 0 else len(text)
        line_end = text.find("\n", at)
        line_end = len(text) if line_end < 0 else line_end
        one_line = text[at:line_end]
        if one_line.count("{") == one_line.count("}"):
            closing = at + one_line.rindex("}")
        else:
            closing = text.find("\n}", at)
            closing = closing + 1 if closing >= 0 else len(text)
        self._declare(start, at, defined=True, last=closing)
        self._conditions_of_body(at, closing)
        return min(closing + 1, len(text))

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
            if match.group(1).startswith(("if", "el", "endif")):
                self._conditions.directive(match.group(1), match.group(2))

    def _aggregate(self, start: int, at: int, word: str, middle: str) -> int:
        text = self._text
        closing = matching_brace(text, at)
        semicolon = text.find(";", closing)
        semicolon = len(text) if semicolon < 0 else semicolon
        if closing >= len(text) and not self._whole:
            return len(text)
        tag = next((one for one in tokens_of(middle)), "")
        body = text[at + 1 : closing]
        line = self._line(at)
        first, last = self._line(start), self._line(semicolon)
        conditions = self._conditions.current
        tail = tokens_of(DIRECTIVE.sub("", text[closing + 1 : semicolon]))
        typedef = text.startswith("typedef", start)
        names = [
            one for one in (declarator([word, "_", *part]) for part in split_commas(tail) if part) if one and one.name
        ]
        owner = tag or (names[0].name if typedef and names else "")
        members = enum_members(body, line) if word == "enum" else struct_members(body, line)
        if owner:
            self._declarations.append(
                Declaration(Kind(word), owner, first, last, members=members, conditions=conditions, defined=True)
            )
        if word == "enum":
            for member in members:
                both = (*conditions, *(one for one in member.conditions if one not in conditions))
                self._declarations.append(
                    Declaration(
                        Kind.CONSTANT,
                        member.name,
                        member.line,
                        member.line,
                        member.expression,
                        (),
                        (),
                        both,
                        True,
                        owner,
                    )
                )
        for one in names:
            if one.name != owner:
                kind = Kind.TYPEDEF if typedef else Kind.VARIABLE
                shown = f"{word} {tag or '{}'}" + one.type.removeprefix(f"{word} _")
                self._declarations.append(
                    Declaration(kind, one.name, first, last, shown, conditions=conditions, defined=True)
                )
        return semicolon + 1

    def _call(self, start: int, end: int) -> None:
        match = _CALL.match(self._text[start:end])
        if match is None:
            return
        name, arguments = match.group(1), split_commas(TOKEN.findall(match.group(2)))
        first = arguments[0][0] if arguments and arguments[0] else ""
        line, last, conditions = self._line(start), self._line(end), self._conditions.current
        if name.startswith("EXPORT_SYMBOL") or name in ("EXPORT_PER_CPU_SYMBOL", "EXPORT_PER_CPU_SYMBOL_GPL"):
            self._declarations.append(Declaration(Kind.EXPORT, first, line, last, name, conditions=conditions))
        elif made := made_by(name, arguments):
            kind, made_name, shown, parameters = made
            self._declarations.append(
                Declaration(kind, made_name, line, last, shown, parameters, (), conditions, defined=True, parent=name)
            )

    def _declare(self, start: int, end: int, defined: bool, last: int | None = None) -> None:
        head = DIRECTIVE.sub("", self._text[start:end])
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
        words = set(raw[: raw.index("(")] if "(" in raw else raw)
        tokens = without_leading_calls(tokens_of(head))
        if "=" in tokens:
            tokens = tokens[: tokens.index("=")]
        if re.match(r"\w+\s*\(", head) and tokens[1:2] == ["("] and tokens[3:5] != [")", "("]:
            self._call(start, start + len(self._text[start:end].rstrip()))
            return
        for index, part in enumerate(split_commas(tokens)):
            one = declarator(part if index == 0 else [tokens[0], *part])
            if one is None or not one.name:
                continue
            if one.parameters is None:
                if not ("extern" in words or defined or len(part) > 1):
                    continue
                self._add(Kind.VARIABLE, one.name, line, last_line, one.type, defined=defined)
            else:
                inline = bool(
                    words & {"inline", "__inline", "__inline__", "__always_inline", "nokprobe_inline"}
                ) or any(word.endswith(("_INLINE", "_inline")) for word in words)
                kind = Kind.INLINE if inline else Kind.STATIC if "static" in words else Kind.FUNCTION
                self._add(kind, one.name, line, last_line, one.type, one.parameters, defined)

    def _typedef(self, head: str, line: int, last: int) -> None:
        tokens = tokens_of(head)[1:]
        for index, part in enumerate(split_commas(tokens)):
            one = declarator(part if index == 0 else [tokens[0], *part])
            if one is None or not one.name:
                continue
            shown = one.type if one.parameters is None else f"{one.type} ({', '.join(one.parameters)})"
            self._add(Kind.TYPEDEF, one.name, line, last, shown, defined=True)

    def _add(
        self,
        kind: Kind,
        name: str,
        line: int,
        last: int,
        shown: str,
        parameters: tuple[str, ...] = (),
        defined: bool = False,
    ) -> None:
        own = {f"!defined({name})", f"defined({name})"}
        conditions = tuple(one for one in self._conditions.current if one not in own)
        self._declarations.append(Declaration(kind, name, line, last, shown, parameters, (), conditions, defined))
