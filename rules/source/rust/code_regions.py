# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the code of a Rust file is: in a macro, in `unsafe` code, in constant code, or in a type of an item."""

from rules.lazy import re
from rules.source.rust.generics import closing_angle
from rules.source.rust.tokens import OPENING_BRACKETS, Tokens

_VALUE_END = re.compile(r"[\w)\]|]")
_BEFORE_CLOSURE = frozenset(
    ("move", "mut", "async", "static", "const", "return", "in", "if", "else", "while", "match", "break")
)
_BEFORE_NO_ITEM = frozenset(("*", "<", ",", "&", "raw"))  # what precedes `const` in a type or expression
_BEFORE_IMPL = frozenset(("}", ";", "]", "{", "unsafe"))
_MAX_VALUE = 400  # words of the value of a constant
_MAX_TYPE = 100  # words of the type of a constant, or of the head of an item


MARKS = frozenset((*"{;!#|=[(", "->", "unsafe", "fn", "async", "const", "static", "struct", "union", "type", "impl"))
"""The words that may begin or end a region."""


class Regions:
    """The regions of a source that the last entered word is in. All words of MARKS are entered in order."""

    def __init__(self, words: Tokens) -> None:
        self._words = words
        self._macro_end = self._unsafe_end = self._const_end = -1
        self._awaits_body = False  # of an unsafe function
        self._awaits_const = False  # the body of a constant function
        self._const_starts: dict[int, int] = {}  # the last index of each constant expression, by the first one
        self._type_start = self._type_end = self._inner_end = -1

    def enter(self, at: int) -> None:
        """Note the region that begins at an index."""
        words = self._words.words
        word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
        self._enter_const(at, word, following)
        self._enter_type(at, word)
        if word == "unsafe":
            self._awaits_body = following not in ("impl", "trait")
        elif word in ("{", ";"):
            if word == "{" and self._awaits_body:
                self._unsafe_end = max(self._unsafe_end, self._words.closing(at))
            self._awaits_body = False
        elif word in ("!", "#"):
            is_apart = (word == "#" and following == "!") or words[at - 1 : at] == ("macro_rules",)
            opening = at + 2 if is_apart else at + 1
            if words[opening : opening + 1] and words[opening] in OPENING_BRACKETS:
                self._macro_end = max(self._macro_end, self._words.closing(opening))

    def _enter_const(self, at: int, word: str, following: str) -> None:
        """Note the constant code that begins at an index. A function or closure in it may be called later."""
        words = self._words.words
        if at in self._const_starts:
            self._const_end = max(self._const_end, self._const_starts.pop(at))
        if word in ("fn", "async") or (word == "|" and begins_closure(words[at - 1] if at else "")):
            self._const_end = -1
        elif word in ("const", "static"):
            before = words[at - 1] if at else ""
            is_function = word == "const" and following in ("fn", "unsafe", "extern", "async")
            self._awaits_const = is_function and before not in _BEFORE_NO_ITEM
            name = at + 2 if following == "mut" else at + 1
            if following == "{":
                self._const_starts[at + 1] = self._words.closing(at + 1)
            elif before not in _BEFORE_NO_ITEM and words[name + 1 : name + 2] == (":",):
                self._await_value(name + 2)
        elif word == "{" and self._awaits_const:
            self._const_end = max(self._const_end, self._words.closing(at))
            self._awaits_const = False
        elif word == ";":
            self._awaits_const = False
        elif word == "[":
            closing = self._words.closing(at)
            if semicolon := self._find_semicolon(at + 1, closing):
                self._const_starts[semicolon] = closing

    def _enter_type(self, at: int, word: str) -> None:
        """Note the fields, aliases and heads of an `impl` that begin at an index."""
        words = self._words.words
        if word == "(":
            if self._type_start < at <= self._type_end:  # perhaps the parameters of a function
                self._inner_end = max(self._inner_end, self._words.closing(at))
        elif word == "->":
            if self._type_start < at <= self._type_end:  # the result of a function, whose lifetimes may be omitted
                self._inner_end = self._type_end
        elif word in ("struct", "union") and words[at + 1 : at + 2] != ("(",):
            opening = self._find_near(at + 1, ("{", "(", ";"))
            if opening and words[opening] != ";":
                self._type_start, self._type_end = opening, self._words.closing(opening)
        elif word == "type" and words[at + 2 : at + 3] in (("=",), ("<",), (":",)):
            equals, end = self._find_near(at + 1, ("=", ";")), self._find_near(at + 1, (";",))
            if equals < end:
                self._type_start, self._type_end = equals, end
        elif word == "impl" and (at == 0 or words[at - 1] in _BEFORE_IMPL):
            start = closing_angle(self._words, at + 1) if words[at + 1 : at + 2] == ("<",) else at
            self._type_start, self._type_end = start, self._find_near(start + 1, ("{", "where", ";"))

    def _find_near(self, at: int, wanted: tuple[str, ...]) -> int:
        """Return the index of the first wanted word in the next ones, 0 if there is none."""
        end = min(at + _MAX_TYPE, len(self._words.words))
        return next((index for index in range(at, end) if self._words.words[index] in wanted), 0)

    def _await_value(self, at: int) -> None:
        """Note where the value of a constant or static begins and ends. Its type begins at the index."""
        words, depth, end = self._words.words, 0, min(at + _MAX_TYPE, len(self._words.words))
        while at < end and words[at] not in (";", "{") and (depth or words[at] != "="):
            depth += (words[at] == "<") - (words[at] == ">")
            at = self._words.after(at)
        if at < end and words[at] == "=" and (semicolon := self._find_semicolon(at, len(words))):
            self._const_starts[at] = semicolon

    def _find_semicolon(self, at: int, end: int) -> int:
        """Return the index of the first `;` before an index and outside of brackets, 0 if none is near."""
        found = self._words.find(at, end, (";",), _MAX_VALUE)
        return found if found < end and self._words.words[found] == ";" else 0

    def needs_lifetimes(self, at: int) -> bool:
        """Tell whether a type at the last index must be written with its lifetimes: none can be inferred there."""
        start = max(self._inner_end, self._type_start, self._const_end)
        return start < at <= self._type_end and not self.is_in_macro(at)

    def is_in_const(self, at: int) -> bool:
        """Tell whether the last index is certainly in code that the compiler evaluates."""
        return at <= self._const_end and not self.is_in_macro(at)

    def is_in_macro(self, at: int) -> bool:
        """Tell whether the last index is in the arguments of a macro, or in an attribute."""
        return at <= self._macro_end

    def is_in_unsafe(self, at: int) -> bool:
        """Tell whether the last index is in an `unsafe` block or function."""
        return at <= self._unsafe_end


def begins_closure(last: str) -> bool:
    """Tell whether a `|` after a word may begin a closure."""
    return not _VALUE_END.match(last) or last in _BEFORE_CLOSURE
