# SPDX-License-Identifier: GPL-2.0-or-later
"""Who on Rust's side still stands at the end of a series as before it: those the series has not updated."""

import re

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.located import LocatedHelper, MemberUser, User

_CONFIG = re.compile(r"\bCONFIG_\w+")
_LONGEST = 14


class UnchangedUsers:
    """Compares the text around a use before and after the series."""

    def __init__(self, change: BindingsDiff) -> None:
        self._change = change
        self._lines: dict[tuple[str, bool], list[str]] = {}

    def users(self, users: tuple[User, ...]) -> tuple[User, ...]:
        """The users whose statement is the same as before."""
        return tuple(one for one in users if self._stands(one.path, one.use.line, one.use.name))

    def members(self, users: tuple[MemberUser, ...]) -> tuple[MemberUser, ...]:
        """The field accesses whose line is the same as before."""
        names = [one.access.chain[0] if one.access.chain[-1] == "()" else one.access.chain[-1] for one in users]
        found = zip(users, names, strict=True)
        return tuple(one for one, name in found if self._stands(one.path, one.access.line, name, longest=1))

    def helpers(self, helpers: tuple[LocatedHelper, ...]) -> tuple[LocatedHelper, ...]:
        """The helpers whose text is the same as before."""
        return tuple(
            one
            for one in helpers
            if self._stands(one.path, one.helper.line, one.helper.name, longest=40, function=True)
        )

    def ungated(self, users: tuple[User, ...], conditions: tuple[str, ...]) -> tuple[User, ...]:
        """The users that, after the series, are built even where the conditions do not hold.

        What Kconfig makes of another option around a user, or of the one that builds a driver, is not known here.
        """
        if not _CONFIG.search(" ".join(conditions)):
            return users
        return tuple(one for one in users if not depends(one.path, self._gates(one)))

    def _gates(self, user: User) -> tuple[str, ...]:
        """The `cfg`s around a user after the series, which may have added them."""
        module = self._change.after.gates(user.path)
        module += tuple(text for text in self._change.shown.get(user.path, ()) if "cfg" in text)
        if user.path not in self._change.known:
            return (*module, *user.use.gates)
        name, text = user.use.name, user.use.text
        before = [one.use for one in self._change.before.users(name) if one.path == user.path and one.use.text == text]
        after = [one.use for one in self._change.after.users(name) if one.path == user.path and one.use.text == text]
        use = after[before.index(user.use)] if len(before) == len(after) and user.use in before else user.use
        return (*module, *use.gates)

    def _stands(self, path: str, line: int, name: str, longest: int = _LONGEST, function: bool = False) -> bool:
        if path in self._change.shown and self._is_shown(path, line, name, longest):
            return False
        if path not in self._change.known:
            return True
        before, after = self._text(path, before=True), self._text(path, before=False)
        snippet = _statement(before, line - 1, longest, function)
        # Of several alike, one that goes counts as any of them.
        return bool(snippet) and 0 < _count(before, snippet) <= _count(after, snippet)

    def _is_shown(self, path: str, line: int, name: str, longest: int) -> bool:
        """Whether the series may change a user in a file of which only the changed lines are known."""
        shown = self._change.shown[path]
        word = re.compile(rf"\b{re.escape(name)}\b")
        snippet = _statement(self._text(path, before=True), line - 1, longest, function=False)
        return not shown.isdisjoint(snippet) or any(word.search(text) for text in shown)

    def _text(self, path: str, before: bool) -> list[str]:
        if (path, before) not in self._lines:
            border = self._change.before if before else self._change.after
            content = border.facts.read(path) or b""
            self._lines[path, before] = [one.strip() for one in content.decode("utf-8", "surrogateescape").split("\n")]
        return self._lines[path, before]


def depends(path: str, gates: tuple[str, ...]) -> bool:
    """Whether Rust code is built only with some option of Kconfig, which may depend on others."""
    return not path.startswith("rust/") or _CONFIG.search(" ".join(gates)) is not None


def _count(lines: list[str], snippet: list[str]) -> int:
    first, length = snippet[0], len(snippet)
    return sum(text == first and lines[index : index + length] == snippet for index, text in enumerate(lines))


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
