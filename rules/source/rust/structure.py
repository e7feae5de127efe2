# SPDX-License-Identifier: GPL-2.0-or-later
"""The structure of Rust tokens: brackets, and which function, impl, macro or statement a place belongs to.

It works on the code without comments and literals, so that it knows the bodies of macros and incomplete fragments
too. The parse does not: docs/adr/0008-reading-rust.md.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate

from rules.lazy import cached_property, re

_BRACKET = re.compile(r"([][(){}])")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_MAX_DEPTH = 64  # brackets around a place
_MAX_LENGTH = 8_000  # characters of a head or a statement
_SPACE = re.compile(r"\s*")
_ATTRIBUTE = re.compile(r"#\[[^][(){}]*+(?:\([^][(){}]*+\)[^][(){}]*+)?\]")  # with one pair of parentheses at most
_ITEM_HEAD = re.compile(
    r"(?P<head>(?:pub\b\s*(?:\([^)]{0,99}\)\s*)?)?(?:(?:default|const|async|safe)\s+){0,4}"
    r"(?P<unsafe>unsafe\s+)?(?:extern\s+)?)"
    r"(?P<kind>fn|struct|enum|union|type|trait|impl|mod|static|const)\b\s*(?P<name>[A-Za-z_]\w*)?"
)
# The first two characters of the words with which the head of an item begins.
_ITEM_STARTS = frozenset({"pu", "de", "co", "as", "sa", "un", "ex", "fn", "st", "en", "ty", "tr", "im", "mo"})
_BLOCK_STARTS = _ITEM_STARTS | {"if", "ma", "lo", "wh", "fo"}
_BLOCK_LIKE = re.compile(
    r"(?:'\w+\s*:\s*)?(?:if|match|loop|while|for|unsafe|fn|impl|mod|trait|struct|enum|union|extern|pub|async|const|static)\b"
)
_MACRO_HEAD = re.compile(r"!\s*(?:\w+\s*)?\Z")
_FUNCTION_HEAD = re.compile(r"\bfn\s+\w")
_CONTAINER_HEAD = re.compile(r"\b(?:impl|trait|mod|extern)\b")
_STATEMENT_EDGE = re.compile(r"[][(){};,]|::<(?>[^][<>(){};]|<[^][<>(){};]*+>)*+>")
_LET = re.compile(r"let\b")
_MAX_ATTRIBUTES = 100  # of an item: comments between attributes ask for those that follow, each of them again
_CONTINUES = re.compile(r"\s*(?:\.|\?|>|else\b)")  # with the end of generics that end in braces
_IMPL_OR_TRAIT = re.compile(
    r"(?>#\[[^\]]*+\]\s*+)*+(?:pub\b\s*(?:\([^)]{0,99}\)\s*)?)?(?:unsafe\s+)?(?:impl\b|trait\s+(?P<trait>\w+))"
)
_NO_NAMES = frozenset({"::", "->", "mut", "const", "dyn", "fn", "where"})


class Structure:
    """The brackets of a text and what they enclose. Brackets without a partner are ignored."""

    def __init__(self, text: str, code: str) -> None:
        """Take the text, and its code: the same text with comments and literals blanked out."""
        self.text = text
        self.code = code
        self._heads: dict[int, str] = {}
        self._kinds: dict[int, str] = {}
        self._skipped: tuple[int, int, tuple[int, str]] = (0, -1, (0, ""))  # blanks, and what follows them

    @cached_property
    def _brackets(self) -> "_Brackets":
        return _Brackets(self.code)

    def closing(self, opening: int) -> int | None:
        """Return the offset of the bracket that closes the one at `opening`, or None if it is not shown."""
        return self._brackets.closing(opening)

    def opening(self, closing: int) -> int | None:
        """Return the offset of the bracket that the one at `closing` closes, or None if it is not shown."""
        return self._brackets.openings.get(closing)

    def enclosing(self, offset: int) -> Iterator[int]:
        """Yield the offsets of the opening brackets around a place, the innermost first."""
        return self._brackets.enclosing(offset)

    def head(self, opening: int) -> str:
        """Return the code before a bracket, back to the end of the statement, block or list entry before it."""
        if opening not in self._heads:
            limit = max(0, opening - _MAX_LENGTH)
            start = max(self.code.rfind(char, limit, opening) for char in ";{}")
            self._heads[opening] = self.code[max(start + 1, limit) : opening].strip()
        return self._heads[opening]

    def macros(self, offset: int) -> Iterator[str]:
        """Yield the heads of the macro calls and definitions around a place, the innermost first."""
        return (self.head(opening) for opening in self.enclosing(offset) if self._kind(opening) == "macro")

    def function(self, offset: int) -> tuple[int, int | None] | None:
        """Return start and end of the body of the innermost function around a place, or None if none is shown."""
        for opening in self.enclosing(offset):
            if self._kind(opening) == "fn":
                return opening, self.closing(opening)
        return None

    def container(self, offset: int) -> str | None:
        """Return the head of the innermost impl, trait, module or extern block around a place, or None."""
        for opening in self.enclosing(offset):
            if self._kind(opening) == "item":
                return self.head(opening)
        return None

    def self_type(self, offset: int) -> str | None:
        """Return the name of the type or trait that `Self` stands for at a place, or None if that is not shown."""
        return implemented_type(self.container(offset) or "")

    def skip_attributes(self, offset: int) -> tuple[int, str]:
        """Return the offset of the first code after blanks, comments and attributes, and these attributes."""
        start, end, found = self._skipped
        if not start <= offset <= end:  # else the same code follows, as after each of many comments
            end = self._after_blanks(offset)
            found = self._read_attributes(end)
            self._skipped = offset, end, found
        return found

    def _read_attributes(self, offset: int) -> tuple[int, str]:
        attributes: list[str] = []
        while self.code.startswith("#[", offset):
            simple = _ATTRIBUTE.match(self.code, offset)  # most are, and need no table of all brackets
            last = self.closing(offset + 1) if simple is None else simple.end() - 1
            if last is None or len(attributes) == _MAX_ATTRIBUTES:
                return len(self.code), "\n".join(attributes)
            attributes.append(self.text[offset : last + 1])
            offset = self._after_blanks(last + 1)
        return offset, "\n".join(attributes)

    def _after_blanks(self, offset: int) -> int:
        match = _SPACE.match(self.code, offset)
        return match.end() if match else offset

    def statement_end(self, offset: int) -> tuple[int, str] | None:
        """Return where the statement, item or list entry that starts at `offset` ends, and the character that ends it.

        The character is its own ";" or ",", the bracket that closes what is around it, or "" for the end of a block.
        The commas in the generics and the where clause of an item do not end it, nor those in the types of a `let` and
        in `::<A, B>`. Return None if the end is not shown or far away. This needs no table of all brackets, because few
        statements of a file are asked for.
        """
        start = self.code[offset : offset + 2]
        is_block_like = (start in _BLOCK_STARTS or start[:1] == "'") and _BLOCK_LIKE.match(
            self.code, offset
        ) is not None
        item = self.item_head(offset)
        is_item = item is not None and (item["kind"] == "impl" or item["name"] is not None)
        is_of_list = not is_item and not _LET.match(self.code, offset)
        depth = 0
        for match in _STATEMENT_EDGE.finditer(self.code, offset, offset + _MAX_LENGTH):
            char, at = match[0], match.start()
            if char in "([{":
                depth += 1
            elif depth == 0 and char[0] != ":" and (is_of_list or char != ","):
                return at, char
            elif char in ")]}":
                depth -= 1
                is_block = depth == 0 and char == "}" and is_block_like and not _CONTINUES.match(self.code, at + 1)
                if is_block and not (is_item and self.code.startswith(",", at + 1)):
                    return at + 1, ""
        return None

    def item_head(self, offset: int) -> re.Match[str] | None:
        """Match the head of the item that starts at `offset`: its groups are head, unsafe, kind and name."""
        return _ITEM_HEAD.match(self.code, offset) if self.code[offset : offset + 2] in _ITEM_STARTS else None

    def _kind(self, opening: int) -> str:
        """Return what a bracket belongs to: "fn", "item" (impl, trait, module, extern block), "macro", or ""."""
        if opening not in self._kinds:
            head = self.head(opening)
            is_brace = self.code[opening] == "{"
            self._kinds[opening] = (
                "macro" if _MACRO_HEAD.search(head[-200:])
                else "fn" if is_brace and _FUNCTION_HEAD.search(head)
                else "item" if is_brace and _CONTAINER_HEAD.search(head)
                else ""
            )  # fmt: skip
        return self._kinds[opening]


class _Brackets:
    """A table of the brackets: `openings` has the opening bracket of each closing one."""

    def __init__(self, code: str) -> None:
        pieces = _BRACKET.split(code)  # the text before a bracket, the bracket, and so on: faster than matches
        self._events = list(accumulate(map(len, pieces)))[:-1:2]
        opens: list[int] = []
        parents: list[int] = []
        closes: list[int | None] = []
        openings: dict[int, int] = {}
        innermost: list[int] = []  # the bracket that is open after each event, -1 if none is
        current, expected = -1, ""
        for at, char in zip(self._events, pieces[1::2], strict=True):
            if char in _PAIRS:
                opens.append(at)
                parents.append(current)
                closes.append(None)
                current, expected = len(opens) - 1, _PAIRS[char]
            elif char == expected:
                closes[current] = at
                openings[at] = opens[current]
                current = parents[current]
                expected = _PAIRS[code[opens[current]]] if current >= 0 else ""
            innermost.append(current)
        self.openings, self._innermost = openings, innermost
        self._opens, self._parents, self._closes = opens, parents, closes

    def enclosing(self, offset: int) -> Iterator[int]:
        before = bisect_right(self._events, offset - 1) - 1
        current = self._innermost[before] if before >= 0 else -1
        for _ in range(_MAX_DEPTH):
            if current < 0:
                return
            yield self._opens[current]
            current = self._parents[current]

    def closing(self, opening: int) -> int | None:
        at = bisect_left(self._opens, opening)
        return self._closes[at] if at < len(self._opens) and self._opens[at] == opening else None


def split_items(code: str) -> Iterator[tuple[int, int]]:
    """Yield where the parts of a file's code begin and end: after a line `}` on which no bracket is open.

    Each part has complete items. Code whose brackets do not balance is not split further.
    """
    start = at = depth = 0
    while depth >= 0 and (end := code.find("\n}\n", max(0, at - 1)) + 3) > 2:
        depth += sum(
            [code.count(opening, at, end) - code.count(closing, at, end) for opening, closing in _PAIRS.items()]
        )
        at = end
        if not depth:
            yield start, end
            start = end
    yield start, len(code)


def implemented_type(head: str) -> str | None:
    """Return the type that the head of an impl is for, or the name of a trait, without path and generics.

    Return None for other heads.
    """
    match = _IMPL_OR_TRAIT.match(head)
    if match is None:
        return None
    if match["trait"]:
        return match["trait"]
    depth = 0
    words: list[str] = []
    for word in re.findall(r"->|[<>]|\w+|::", head[match.end() :]):
        if word == "<":
            depth += 1
        elif word == ">":
            depth -= 1
        elif word == "where" and depth == 0:
            break
        elif depth == 0:
            if word == "for":
                words.clear()
            else:
                words.append(word)
    names = [word for word in words if word not in _NO_NAMES]
    return next((name for name in reversed(names) if name[0].isupper()), names[-1] if names else None)
