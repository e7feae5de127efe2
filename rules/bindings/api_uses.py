# SPDX-License-Identifier: GPL-2.0-or-later
"""The uses of an item of the `kernel` crate, by a path, that a series leaves as they were."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from rules.bindings.api_breakage import ApiUser
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.crate_api import CrateApi
from rules.lazy import re
from rules.source.rust.api import RustApi
from rules.source.rust.path_uses import PathUse, quote_line
from rules.source.rust.tokens import Path

_WORD = re.compile(rb"[A-Za-z_]\w*+")
_MAX_SEARCHED = 32  # names that are searched one by one


class ItemUse(NamedTuple):
    """A use of an item, or of something in it, as its file writes it.

    `below` are the names after the item. `exported` is the path of the `pub use` or alias through which the use leads
    to the item, empty if it names the item itself.
    """

    file: str
    written: PathUse
    below: Path
    exported: Path = ()

    @property
    def is_item(self) -> bool:
        """Whether the path ends with the item."""
        return not self.below

    @property
    def generics(self) -> int | None:
        """The number of generic arguments after the name of the item; None if they may be inferred."""
        counts = self.written.generics
        return counts[-1 - len(self.below)] if len(self.below) < len(counts) else None

    @property
    def is_type(self) -> bool:
        """Whether the item is a type without lifetimes where the compiler infers no arguments."""
        return self.is_item and self.written.lifetimes is None

    @property
    def lifetimes(self) -> int | None:
        """The number of lifetimes that are passed to the item; None if they are omitted where they may be."""
        return 0 if self.is_type else (self.is_item and self.written.lifetimes) or None


class RustAfter:
    """The Rust files after a series, and which of their lines the series leaves as they were."""

    def __init__(self, diff: BindingsDiff, after: CrateApi) -> None:
        self._diff = diff
        self._after = after
        self._searched = 0
        self._lines_before: dict[str, frozenset[str]] = {}
        self._changed_names: dict[tuple[str, str], bool] = {}

    def files_with(self, name: str) -> Iterator[tuple[str, RustApi]]:
        """Yield the files that contain a name, with what they use."""
        word = name.encode()
        self._searched += 1
        if self._searched > _MAX_SEARCHED:
            paths = self._paths_by_word.get(word, [])
        else:
            paths = [path for path, content in self._contents if word in content]
        return ((path, self._after.api(path)) for path in paths)

    def is_unchanged(self, path: str, text: str, name: str) -> bool:
        """Tell whether the series leaves a line as it was, and the lines to which its brackets continue.

        Of some files only the changed lines are known.
        """
        if path in self._diff.known_paths and text not in self._read_lines_before(path):
            return False  # the series adds the line
        if self.is_uncertain(path) and (_is_open(text) or self._names_changed_line(path, name)):
            return False
        return text not in self._diff.removed_lines

    def is_uncertain(self, path: str) -> bool:
        """Tell whether the series changes a file, but only the changed lines are known."""
        return path in self._diff.changed_lines

    def _names_changed_line(self, path: str, name: str) -> bool:
        if (path, name) not in self._changed_names:
            self._changed_names[path, name] = any(name in line for line in self._diff.changed_lines[path])
        return self._changed_names[path, name]

    @cached_property
    def _paths_by_word(self) -> dict[bytes, list[str]]:
        paths: dict[bytes, list[str]] = {}
        for path, content in self._contents:
            for word in dict.fromkeys(_WORD.findall(content)):
                paths.setdefault(word, []).append(path)
        return paths

    @cached_property
    def _contents(self) -> list[tuple[str, bytes]]:
        """Every Rust file that is built. It is read once, because each changed item is searched in all files."""
        facts = self._diff.after.facts
        paths = (path for path in facts.rust_paths() if path.endswith(".rs") and self._after.is_built(path))
        return [(path, facts.read(path) or b"") for path in paths]

    def _read_lines_before(self, path: str) -> frozenset[str]:
        """Return the lines of a file before the series, as uses quote them."""
        if path not in self._lines_before:
            content = self._diff.before.facts.read(path) or b""
            lines = content.decode("utf-8", "surrogateescape").split("\n")
            self._lines_before[path] = frozenset(map(quote_line, lines))
        return self._lines_before[path]


class ItemUses:
    """The uses that lead to the items of the crate."""

    def __init__(self, diff: BindingsDiff, before: CrateApi, after: CrateApi, files: RustAfter) -> None:
        self._diff = diff
        self._before, self._after = before, after
        self._files = files
        self._old_uses: dict[str, set[tuple[Path, str]]] = {}
        self._uses_by_name: dict[str, dict[str, list[PathUse]]] = {}
        self._uses_by_item: dict[str, dict[Path, list[ItemUse]]] = {}

    def left_behind(self, item: Path, is_user: Callable[[ItemUse], bool]) -> list[ItemUse]:
        """Return such uses of an item, in lines that the series leaves as they were."""
        name = item[-1]
        return [
            use
            for use in self._of(item)
            if is_user(use)
            and not (use.written.is_method_call and self.is_uncertain(use))  # the type may change
            and self._files.is_unchanged(use.file, use.written.text, name)
            and self._was_used(use.file, use.written)
        ]

    def is_uncertain(self, use: ItemUse) -> bool:
        """Tell whether the series changes the file of a use, but only the changed lines are known."""
        return self._files.is_uncertain(use.file)

    def leads_to(self, item: Path, use: ItemUse) -> bool:
        """Tell whether a use still means an item: the series may change the `pub use` between them."""
        return not use.exported or self._after.definition(use.exported) == item

    def leads_nowhere(self, use: ItemUse) -> bool:
        """Tell whether a use means a removed item and no other: the series may change the `pub use` between them."""
        return not use.exported or self._after.exists(use.exported) is False

    def _of(self, item: Path) -> list[ItemUse]:
        """Return the uses after the series that lead to an item before it, in the order of paths and lines."""
        name = item[-1]
        if name not in self._uses_by_item:
            by_item = self._uses_by_item[name] = {}
            for file, _ in self._files.files_with(name):
                for use in self._uses_naming(name, file):
                    written = self._before.absolute(use.path, use.module, file)
                    if written is not None:
                        for path, item_use in self._items_on(written, name, file, use):
                            by_item.setdefault(path, []).append(item_use)
        return self._uses_by_item[name].get(item, [])

    def _uses_naming(self, name: str, file: str) -> list[PathUse]:
        """Return the uses in a file, after the series, whose paths contain a name."""
        if file not in self._uses_by_name:
            by_name = self._uses_by_name[file] = {}
            for use in self._after.api(file).uses:
                for part in dict.fromkeys(use.path):
                    by_name.setdefault(part, []).append(use)
        return self._uses_by_name[file].get(name, [])

    def _items_on(self, written: Path, name: str, file: str, use: PathUse) -> Iterator[tuple[Path, ItemUse]]:
        """Yield each item with that name to which a path leads, directly or through `pub use`."""
        for end in _ends(written, name):
            yield written[:end], ItemUse(file, use, written[end:])
        defined = self._before.definition(written)
        for end in _ends(defined, name):
            if defined[:end] != written[:end]:
                below = defined[end:]
                yield defined[:end], ItemUse(file, use, below, written[: len(written) - len(below)])

    def _was_used(self, file: str, use: PathUse) -> bool:
        """Tell whether a file used the path before the series, on a line with the same text."""
        if file not in self._diff.known_paths:
            return True
        if file not in self._old_uses:
            self._old_uses[file] = {(old.path, old.text) for old in self._before.api(file).uses}
        return (use.path, use.text) in self._old_uses[file]


def _is_open(text: str) -> bool:
    """Tell whether the arguments of a line continue on the next one."""
    words = text.replace("->", "").replace("=>", "")
    return words.count("(") > words.count(")") or words.count("<") > words.count(">")


def users_of(uses: Iterable[ItemUse]) -> tuple[ApiUser, ...]:
    """Return the lines of some uses, each once."""
    lines = {(use.file, use.written.line): use.written.text for use in uses}
    return tuple(ApiUser(file, line, text) for (file, line), text in lines.items())


def _ends(path: Path, name: str) -> Iterator[int]:
    """Yield the end of each part of a path that ends with the name."""
    return (end for end, part in enumerate(path, 1) if part == name)
