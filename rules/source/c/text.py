# SPDX-License-Identifier: GPL-2.0-or-later
"""C text before it is read as declarations: comments blanked, directives told apart, `#if` nests followed."""

import re

_QUOTED_OR_COMMENT = re.compile(
    r"""/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
    re.DOTALL,
)
_NOT_NEWLINE = re.compile(r"[^\n]")
DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w++)((?:[^\\\n]|\\\n|\\.)*+)", re.MULTILINE)
# What is always (or never) so in a kernel compiled with bindgen, and says nothing about the configuration.
_IGNORED_CONDITION = re.compile(
    r"!?\(?(?:!?defined\()?(?:__KERNEL__|__ASSEMBL(?:Y|ER)__|__cplusplus|LINKER_SCRIPT|__CHECKER__|__GENKSYMS__|"
    r"__GENERATING_BOUNDS_H|__BINDGEN__|BUILD_VDSO32_64|TRACE_HEADER_MULTI_READ|__DISABLE_EXPORTS)\)?\)?"
)
_DEEPEST = 63  # nested conditions, and branches of one, that are followed: C promises no more
_SPACES = re.compile(r"[\s\\]+")


def without_comments(text: str) -> str:
    """The text with every comment turned into blanks; strings, line numbers and columns stay.

    A text that begins inside a block comment (a hunk can) loses the lines up to that comment's end.
    """
    end, start = text.find("*/"), text.find("/*")
    if end >= 0 and (start < 0 or end < start) and _looks_like_comment(text[:end]):
        text = _NOT_NEWLINE.sub(" ", text[: end + 2]) + text[end + 2 :]
    if "/" not in text:
        return text
    return _QUOTED_OR_COMMENT.sub(_blank_comment, text)


def _looks_like_comment(lead: str) -> bool:
    lines = [line.strip() for line in lead.split("\n")]
    return all(not line or line.startswith("*") for line in lines)


def _blank_comment(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] != "/":
        return found
    return _NOT_NEWLINE.sub(" ", found)


class Conditions:
    """The `#if` nest around the current line. Header guards and conditions that are always so are not counted."""

    def __init__(self) -> None:
        self._open: list[tuple[str, tuple[str, ...]]] = []  # what holds now, and what the branches before it refuse
        self.current: tuple[str, ...] = ()

    def directive(self, word: str, rest: str, guard: bool = False) -> None:
        """Follow one directive; `guard` says that an `#ifndef` opens a header guard."""
        if word in ("if", "ifdef", "ifndef"):
            condition = "" if guard else _opening(word, rest)
            self._open.append((condition, _refused(condition)))
        elif word in ("elif", "elifdef", "elifndef"):
            self._branch(_opening(word[2:], rest))
        elif word == "else":
            self._branch(None)
        elif word == "endif":
            if self._open:
                self._open.pop()
        else:
            return
        self.current = tuple(dict.fromkeys(condition for condition, _ in self._open[:_DEEPEST] if condition))

    def _branch(self, condition: str | None) -> None:
        earlier = self._open.pop()[1][:_DEEPEST] if self._open else ()
        if condition is not None:
            self._open.append(
                (" && ".join([*earlier, condition]) if condition else "", (*earlier, *_refused(condition)))
            )
        else:
            self._open.append((" && ".join(earlier), earlier))

    @property
    def depth(self) -> int:
        return len(self._open)


def _opening(word: str, rest: str) -> str:
    text = _SPACES.sub(" ", rest).strip()
    if word == "ifdef":
        text = f"defined({text})"
    elif word == "ifndef":
        text = f"!defined({text})"
    else:
        text = re.sub(r"\bdefined (\w+)", r"defined(\1)", text).replace("defined (", "defined(")
    parts = [part.strip() for part in text.split("&&")] if "||" not in text else [text]
    return " && ".join(part for part in parts if not _IGNORED_CONDITION.fullmatch(part))


def _refused(condition: str) -> tuple[str, ...]:
    return (negated(condition),) if condition else ()


def negated(condition: str) -> str:
    """The opposite of a condition, without needless parentheses."""
    if condition.startswith("!") and " " not in condition:
        return condition[1:]
    return f"!{condition}" if re.fullmatch(r"\w+(?:\(\w+\))?", condition) else f"!({condition})"
