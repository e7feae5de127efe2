# SPDX-License-Identifier: GPL-2.0-or-later
"""Prepare C text for the scanner: blank its comments, recognise its directives, follow its `#if`s."""

from functools import lru_cache

from rules.lazy import re
from rules.source.c.value import evaluate

_QUOTED_OR_COMMENT = re.compile(
    r"""/\*[^*]*+(?>\*(?!/)[^*]*+)*+(?:\*/|\Z)|//[^\\\n]*+(?>\\\n?+[^\\\n]*+)*+|"""
    r""""[^"\\\n]*+(?>\\.[^"\\\n]*+)*+"|'[^'\\\n]*+(?>\\.[^'\\\n]*+)*+'""",
    re.DOTALL,
)
DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w++)([^\\\n]*+(?>\\(?:\n|.)[^\\\n]*+)*+)", re.MULTILINE)
# Conditions that say nothing about the configuration, although they do not always have the same value.
_IGNORED_CONDITION = re.compile(
    r"!?\(?(?:!?defined\()?(?:__ASSEMBL(?:Y|ER)__|LINKER_SCRIPT|__GENERATING_BOUNDS_H|BUILD_VDSO32_64|"
    r"TRACE_HEADER_MULTI_READ|__DISABLE_EXPORTS)\)?\)?"
)
# Conditions that always have the same value when bindgen, or the compiler of the helpers, reads the kernel's C code.
_CONSTANT = re.compile(
    r"(!?)\(?(?:(\d\w*)|(?:defined\()?(?:__cplusplus|__CHECKER__|__GENKSYMS__)\)?|"
    r"(?:(?:defined|IS_ENABLED|IS_BUILTIN|IS_REACHABLE)\()?(__KERNEL__|CONFIG_RUST)\)?)\)?"
)
_CONDITIONAL = frozenset({"if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif"})
_TRUE, _FALSE = "1", "0"
_MAX_DEPTH = 63  # nested conditions, and branches of one condition; C requires no more of a compiler
_SPACES = re.compile(r"[\s\\]+")
_MAX_CACHED = 200  # characters of a condition that is cached, because the same ones occur often


def without_comments(text: str) -> str:
    """Replace every comment with blanks. Strings, line numbers and columns stay.

    A hunk can begin inside a block comment; then the text up to the end of that comment is blanked.
    """
    end = text.find("*/")
    if end >= 0 and _is_comment_text(text[:end]):
        text = _blank(text[:end]) + "  " + text[end + 2 :]
    if "/" not in text:
        return text
    return _QUOTED_OR_COMMENT.sub(_blank_comment, text)


def _is_comment_text(lead: str) -> bool:
    lines = [line.strip() for line in lead.split("\n")]
    return all(not line or line.startswith("*") for line in lines)


def _blank_comment(match: re.Match[str]) -> str:
    text = match.group()
    return _blank(text) if text[0] == "/" else text


def _blank(text: str) -> str:
    """Replace every character except the ends of lines by a blank."""
    return "\n".join(" " * len(line) for line in text.split("\n")) if "\n" in text else " " * len(text)


def find_directive(text: str, position: int) -> int:
    """Return the position of the next directive, else the end: code that no compiler reads ends there."""
    match = DIRECTIVE.search(text, position)
    return match.start() if match is not None else len(text)


def without_directives(text: str) -> str:
    """Return a text without its directives."""
    return DIRECTIVE.sub("", text) if "#" in text else text


def find_sign(signs: re.Pattern[str], text: str, position: int) -> tuple[str, int, int] | None:
    """Return the next sign of a text, its start and its end.

    A `#` counts if it begins a directive; its start is that of its line. The text before `position` is not searched, so
    that many `#` in a line take linear time.
    """
    while match := signs.search(text, position):
        sign, at, end = match.group(), match.start(), match.end()
        if sign != "#":
            return sign, at, end
        start = text.rfind("\n", max(position - 1, 0), at) + 1
        if (start or not position) and not text[start:at].strip(" \t"):
            return sign, start, end
        position = end
    return None


class Conditions:
    """The conditions of the `#if`s around the current line, without header guards and constant conditions."""

    def __init__(self) -> None:
        # For each open `#if`: the condition of the current branch, and the negated conditions of the branches so far.
        self._open: list[tuple[str, tuple[str, ...]]] = []
        self.current: tuple[str, ...] = ()
        self.is_dead = False  # whether no compiler reads the current line

    def follow(self, word: str, rest: str, is_guard: bool = False) -> None:
        """Follow a directive; `is_guard` says that an `#ifndef` opens a header guard."""
        if word not in _CONDITIONAL:
            return
        if word in ("if", "ifdef", "ifndef"):
            condition = "" if is_guard else _read_condition(word, rest)
            self._open.append((condition, _negations(condition)))
        elif word in ("elif", "elifdef", "elifndef"):
            self._branch(_read_condition(word[2:], rest))
        elif word == "else":
            self._branch(None)
        elif self._open:
            self._open.pop()
        conditions = dict.fromkeys(condition for condition, _ in self._open[:_MAX_DEPTH] if condition)
        self.is_dead = _FALSE in conditions
        self.current = tuple(condition for condition in conditions if condition not in (_TRUE, _FALSE))

    def _branch(self, condition: str | None) -> None:
        earlier = self._open.pop()[1][:_MAX_DEPTH] if self._open else ()
        if _FALSE in earlier or condition == _FALSE:
            self._open.append((_FALSE, earlier))
        elif condition == _TRUE:
            self._open.append((" && ".join(earlier), (*earlier, _FALSE)))
        elif condition is None:
            self._open.append((" && ".join(earlier), earlier))
        else:
            joined = " && ".join([*earlier, condition]) if condition else ""
            self._open.append((joined, (*earlier, *_negations(condition))))

    @property
    def depth(self) -> int:
        return len(self._open)


def _read_condition(word: str, rest: str) -> str:
    """Return the condition of a directive, without its constant parts: `_TRUE` or `_FALSE` if it is constant."""
    return _read_cached(word, rest) if len(rest) <= _MAX_CACHED else _read_expression(word, rest)


def _read_expression(word: str, rest: str) -> str:
    text = _SPACES.sub(" ", rest).strip()
    if word == "ifdef":
        text = f"defined({text})"
    elif word == "ifndef":
        text = f"!defined({text})"
    else:
        text = re.sub(r"\bdefined (\w+)", r"defined(\1)", text).replace("defined (", "defined(")
        text = text.replace("IS_BUILTIN(", "defined(")  # the same for an option
    if "||" in text:
        values = {_constant(part.strip()) for part in text.split("||")} if "&&" not in text else {""}
        return _FALSE if values == {_FALSE} else _TRUE if _TRUE in values else text
    parts = [part.strip() for part in text.split("&&")]
    values = {_constant(part) for part in parts}
    if _FALSE in values or values == {_TRUE}:
        return _FALSE if _FALSE in values else _TRUE
    return " && ".join(part for part in parts if not (_constant(part) or _IGNORED_CONDITION.fullmatch(part)))


_read_cached = lru_cache(maxsize=256)(_read_expression)


def _constant(part: str) -> str:
    """Return the value of a part of a condition that is constant, "" for another part."""
    match = _CONSTANT.fullmatch(part)
    if match is None:
        return ""
    negation, number, always_true = match.groups()
    value = evaluate(number) if number else int(always_true is not None)
    return "" if value is None else _TRUE if (value != 0) != bool(negation) else _FALSE


def _negations(condition: str) -> tuple[str, ...]:
    if condition in (_TRUE, _FALSE):
        return (_FALSE,) if condition == _TRUE else ()
    return (negate(condition),) if condition else ()


def negate(condition: str) -> str:
    """Negate a condition without needless parentheses."""
    if condition.startswith("!") and " " not in condition:
        return condition[1:]
    return f"!{condition}" if re.fullmatch(r"\w+(?:\(\w+\))?", condition) else f"!({condition})"


def option_key(condition: str) -> str:
    """Return the same text for `#ifdef CONFIG_X` and `#if IS_ENABLED(CONFIG_X)`.

    The second one is also true if the option is `m`, which few options can be.
    """
    return condition.replace("IS_ENABLED(", "defined(")


def join_conditions(outer: tuple[str, ...], inner: tuple[str, ...]) -> tuple[str, ...]:
    """Return the outer and the inner conditions, each once."""
    return tuple(dict.fromkeys((*outer, *inner)))
