# SPDX-License-Identifier: GPL-2.0-or-later
"""Who on Rust's side still stands at the end of a series as before it: those the series has not updated."""

import re

from rules.border.change import BorderChange
from rules.border.index import LocatedHelper, MemberUser, User

_CONFIG = re.compile(r"\bCONFIG_\w+")
_LONGEST = 14


class Standing:
    """Compares the text around a use before and after the series."""

    def __init__(self, change: BorderChange) -> None:
        self._change = change
        self._lines: dict[tuple[str, bool], list[str]] = {}

    def users(self, users: tuple[User, ...]) -> tuple[User, ...]:
        """The users whose statement is the same as before."""
        return tuple(one for one in users if self._stands(one.path, one.use.line))

    def members(self, users: tuple[MemberUser, ...]) -> tuple[MemberUser, ...]:
        """The field accesses whose line is the same as before."""
        return tuple(one for one in users if self._stands(one.path, one.access.line, longest=1))

    def helpers(self, helpers: tuple[LocatedHelper, ...]) -> tuple[LocatedHelper, ...]:
        """The helpers whose text is the same as before."""
        return tuple(one for one in helpers if self._stands(one.path, one.helper.line, longest=40, function=True))

    def ungated(self, users: tuple[User, ...], conditions: tuple[str, ...]) -> tuple[User, ...]:
        """The users that, after the series, are built even where the conditions do not hold."""
        words = set(_CONFIG.findall(" ".join(conditions)))
        return tuple(one for one in users if not words or not words <= set(_CONFIG.findall(" ".join(self._gates(one)))))

    def _gates(self, user: User) -> tuple[str, ...]:
        """The `cfg`s around a user after the series, which may have added them."""
        module = self._change.after.gates(user.path)
        if user.path not in self._change.known:
            return (*module, *user.use.gates)
        name, text = user.use.name, user.use.text
        before = [one.use for one in self._change.before.users(name) if one.path == user.path and one.use.text == text]
        after = [one.use for one in self._change.after.users(name) if one.path == user.path and one.use.text == text]
        use = after[before.index(user.use)] if len(before) == len(after) and user.use in before else user.use
        return (*module, *use.gates)

    def _stands(self, path: str, line: int, longest: int = _LONGEST, function: bool = False) -> bool:
        if path not in self._change.known:
            return True
        before, after = self._text(path, before=True), self._text(path, before=False)
        snippet = _statement(before, line - 1, longest, function)
        if not snippet:
            return False
        first = snippet[0]
        return any(text == first and after[index : index + len(snippet)] == snippet for index, text in enumerate(after))

    def _text(self, path: str, before: bool) -> list[str]:
        if (path, before) not in self._lines:
            border = self._change.before if before else self._change.after
            content = border.facts.read(path) or b""
            self._lines[path, before] = [one.strip() for one in content.decode("utf-8", "surrogateescape").split("\n")]
        return self._lines[path, before]


def _statement(lines: list[str], start: int, longest: int, function: bool) -> list[str]:
    """The lines from `start` to where its brackets close; of a C function to the brace that ends it."""
    found: list[str] = []
    depth = 0
    for text in lines[start : start + longest]:
        found.append(text)
        depth += sum(text.count(sign) for sign in "([{") - sum(text.count(sign) for sign in ")]}")
        if function and text == "}":
            break
        if not function and depth <= 0:
            break
    return found
