# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the users in Rust whose text a series leaves unchanged."""

from typing import Final

from rules.bindings.bindings_diff import BindingsDiff, is_kbuild
from rules.bindings.facts import Access, LocatedHelper, MemberUser, Use, User
from rules.bindings.new_names import CONFIG_NAME, find_breaking_ways
from rules.lazy import re

NOT_FOR_BINDGEN: Final = "!defined(__BINDGEN__)"
"""The condition that hides C code from bindgen alone: helpers still see it."""

_MAX_STATEMENT_LINES = 14
_MAX_HELPER_LINES = 40


class UnchangedUsers:
    """Compare the text around a use before and after a series."""

    def __init__(self, diff: BindingsDiff) -> None:
        self._diff = diff
        self._lines: dict[tuple[str, bool], list[str]] = {}
        self._left: dict[str, set[tuple[object, ...]]] = {}

    def users(self, users: tuple[User, ...]) -> tuple[User, ...]:
        """Return the users whose statement is unchanged and has the same meaning, which depends on other lines too."""
        return tuple(
            user
            for user in users
            if self._is_unchanged(user.path, user.use.line, user.use.name) and self._is_left(user.path, user.use)
        )

    def members(self, users: tuple[MemberUser, ...]) -> tuple[MemberUser, ...]:
        """Return the field accesses whose line is unchanged and is about the same struct."""

        def name(user: MemberUser) -> str:
            return user.access.chain[0 if user.access.chain[-1] == "()" else -1]

        return tuple(
            user
            for user in users
            if self._is_unchanged(user.path, user.access.line, name(user), max_lines=1)
            and self._is_left(user.path, user.access)
        )

    def helpers(self, helpers: tuple[LocatedHelper, ...]) -> tuple[LocatedHelper, ...]:
        """Return the helpers whose text is unchanged."""
        return tuple(
            located
            for located in helpers
            if self._is_unchanged(
                located.path, located.helper.line, located.helper.name, _MAX_HELPER_LINES, is_function=True
            )
        )

    def ungated(self, users: tuple[User, ...], conditions: tuple[str, ...]) -> tuple[User, ...]:
        """Return the users that are built after the series although the conditions do not hold.

        A user is omitted if Kconfig proves that its options imply the conditions, or does not show that they do not.
        """
        if not CONFIG_NAME.search(" ".join(conditions)):
            return users
        return tuple(user for user in users if self._is_built_without(user, conditions))

    def _is_built_without(self, user: User, conditions: tuple[str, ...]) -> bool:
        diff = self._diff
        hidden = diff.changed_lines.get(user.path, ())
        if any("cfg" in line for line in hidden) or any(map(is_kbuild, diff.changed_lines)):
            return False
        ways = find_breaking_ways(diff.after, self._after(user), conditions, accepts_undeclared=True)
        return next(ways, None) is not None

    def _after(self, user: User) -> User:
        """Return a user with its line and the `cfg`s around it after the series."""
        diff = self._diff
        use = user.use
        if user.path in diff.known_paths:
            before, after = (
                [
                    other.use
                    for other in bindings.users(use.name)
                    if (other.path, other.use.text) == (user.path, use.text)
                ]
                for bindings in (diff.before, diff.after)
            )
            use = after[before.index(use)] if len(before) == len(after) and use in before else use
        return User(user.path, use, diff.after.gates(user.path))

    def _is_unchanged(
        self, path: str, line: int, name: str, max_lines: int = _MAX_STATEMENT_LINES, is_function: bool = False
    ) -> bool:
        if path in self._diff.changed_lines and self._may_be_changed(path, line, name, max_lines):
            return False
        if path not in self._diff.known_paths:
            return self._read_lines(path, before=True)[line - 1] not in self._diff.removed_lines
        before, after = self._read_lines(path, before=True), self._read_lines(path, before=False)
        statement = _statement(before, line - 1, max_lines, is_function)
        # If the file has the same statement several times, the removal of one may be the removal of any of them.
        return bool(statement) and 0 < _count(before, statement) <= _count(after, statement)

    def _is_left(self, path: str, used: Use | Access) -> bool:
        """Tell whether the file uses the same on such a line after the series: an import may say otherwise."""
        if path not in self._diff.known_paths:
            return True
        if path not in self._left:
            facts = self._diff.after.facts.rust(path)
            self._left[path] = {*map(_meaning, facts.uses), *map(_meaning, facts.accesses)}
        return _meaning(used) in self._left[path]

    def _may_be_changed(self, path: str, line: int, name: str, max_lines: int) -> bool:
        """Tell whether the series may change a user in a file of which only the changed lines are known."""
        changed = self._diff.changed_lines[path]
        word = re.compile(rf"\b{re.escape(name)}\b")
        statement = _statement(self._read_lines(path, before=True), line - 1, max_lines, is_function=False)
        return not changed.isdisjoint(statement) or any(word.search(text) for text in changed)

    def _read_lines(self, path: str, before: bool) -> list[str]:
        if (path, before) not in self._lines:
            bindings = self._diff.before if before else self._diff.after
            text = (bindings.facts.read(path) or b"").decode("utf-8", "surrogateescape")
            self._lines[path, before] = [line.strip() for line in text.split("\n")]
        return self._lines[path, before]


def depends_on_config(path: str, gates: tuple[str, ...]) -> bool:
    """Tell whether Rust code is built only with some Kconfig option, which may depend on others."""
    return not path.startswith("rust/") or CONFIG_NAME.search(" ".join(gates)) is not None


def _meaning(used: Use | Access) -> tuple[object, ...]:
    """Return what a line uses, without its place."""
    if isinstance(used, Use):
        return used.name, used.form, used.text
    return used.struct, used.chain, used.text


def _count(lines: list[str], statement: list[str]) -> int:
    first, length = statement[0], len(statement)
    return sum(text == first and lines[index : index + length] == statement for index, text in enumerate(lines))


def _statement(lines: list[str], start: int, max_lines: int, is_function: bool) -> list[str]:
    """Return the lines from `start` to the line that closes its brackets, or to the brace that ends a C function."""
    statement: list[str] = []
    depth = 0
    for text in lines[start : start + max_lines]:
        statement.append(text)
        depth += sum(text.count(sign) for sign in "([{") - sum(text.count(sign) for sign in ")]}")
        if text == "}" if is_function else depth <= 0:
            break
    return statement
