# SPDX-License-Identifier: GPL-2.0-or-later
"""The public items that a series adds to the `kernel` crate, removes from it, or gives other parameters."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from rules.bindings.bindings_diff import ChangedFile
from rules.bindings.crate_paths import ItemKey, full_name, is_in_crate
from rules.bindings.pending_facts import MAX_TEXT, PendingFact, PendingKind
from rules.diff.patch import Hunk, Line
from rules.diff.rewrites import digest
from rules.finding import Anchor, Side
from rules.lazy import dataclass, re
from rules.source.rust.api import ApiItem, read_items
from rules.source.rust.source import RustSource, showing

_ITEM_HEAD = re.compile(r"pub(?:\([\w ]{0,40}\))? |macro_rules!")
_FN = re.compile(r"fn(?<=\bfn)\b")  # the letters come first because that is fast
_HEAD = re.compile(r"[ \t]*+(?:pub |(?:mut )?\w++: [^=;]*+,?$)")
_OUTERMOST = re.compile(r"\n(?![ \t])[^\S\n]*+pub ")  # on each public item of `_is_outermost`, except macros
_WORD = re.compile(r"\w+")
_MAX_SEARCHED = 32  # names that are searched one by one
_ITEM_KINDS = frozenset(("fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro"))


class RustFile(ChangedFile, Protocol):
    """A changed file with its Rust. rules.analysis.view.FileView implements it."""

    @property
    def pre_rust(self) -> tuple[RustSource, ...]: ...

    @property
    def post_rust(self) -> tuple[RustSource, ...]: ...

    @property
    def added(self) -> tuple[Line, ...]: ...


@dataclass(frozen=True, slots=True)
class _CrateItem:
    """A public item of the crate with its file and its source."""

    file: RustFile
    source: RustSource
    item: ApiItem

    @property
    def text(self) -> str:
        return self.source.line_text(self.item.line)


def find_item_changes(files: Sequence[RustFile]) -> Iterator[PendingFact]:
    """Yield the public items of the `kernel` crate that a series adds, removes, or gives other parameters.

    The items of new files are not listed: the files are.
    """
    in_crate = [file for file in files if is_in_crate(file.change.path) or is_in_crate(file.change.before or "")]
    new_paths = {file.change.path for file in in_crate if file.change.is_new}
    changed = {file: _changed_hunks(file) for file in in_crate if file.change.path not in new_paths}
    changed = {file: hunks for file, hunks in changed.items() if hunks}
    files = tuple(changed)
    old, new = _items_before(changed), _items_after(changed)
    removed, added = _Places(files, "pre"), _Places(files, "post")
    gone = {key: place for key, item in old.items() if key not in new and (place := removed.of(item.text)) is not None}
    words = _words_after(in_crate, {key.name for key in gone})
    for key, item in old.items():
        name = full_name(key.path)
        if key not in new:
            if key in gone and key.name not in words:
                yield PendingFact(PendingKind.ITEM_CHANGE, name, gone[key], _form(item.item), "")
        elif item.item.kind == "fn" and item.item.parameters != new[key].item.parameters:
            place = removed.of(item.text) or added.of(new[key].text) or _anchor(item.file, item.item.line, item.text)
            yield PendingFact(PendingKind.ITEM_CHANGE, name, place, _form(item.item), _form(new[key].item))
    for key, item in new.items():
        place = added.of(item.text)
        if key in old or place is None or removed.has_word(key.name):
            continue
        name, trait = full_name(key.path), ItemKey(key.module, "", "trait", key.owner)
        if trait not in new:
            name = f"macro {name}" if key.kind == "macro" else name
            yield PendingFact(PendingKind.ADDED, name, place, "", _tokens_of(item))
        elif trait in old and not item.item.is_default:
            yield PendingFact(PendingKind.ITEM_CHANGE, name, place, "", _form(item.item))


def _changed_hunks(file: RustFile) -> tuple[Hunk, ...]:
    """Return the hunks that may change an item: they change the head of one, or a line of parameters.

    None if the file has the same of these lines before and after the patch, so that they are moved at most.
    """
    heads: dict[str, set[str]] = {"+": set(), "-": set()}
    hunks: list[Hunk] = []
    for hunk in file.change.hunks:
        changed = [line for line in hunk.text.split("\n") if line[:1] in heads and _is_head(line[1:])]
        for line in changed:
            heads[line[0]].add(line[1:])
        hunks += [hunk] if changed else []
    return tuple(hunks) if heads["+"] != heads["-"] else ()


def _words_after(files: Sequence[RustFile], names: Collection[str]) -> frozenset[str]:
    """Return the words of the code after the patches, of which those texts are left out that have none of the names."""
    sources = [source for file in files for source in file.post_rust] if names else []
    if len(names) <= _MAX_SEARCHED:
        sources = [source for source in sources if any(map(source.text.__contains__, names))]
    return frozenset().union(*(source.tokens.words for source in sources))


def _is_head(text: str) -> bool:
    if ("pub " in text or ": " in text) and _HEAD.match(text):
        return True
    return ("fn" in text and _FN.search(text) is not None) or "macro_rules!" in text


class _Places:
    """The first place of each line that a series removes (`pre`) or adds (`post`)."""

    def __init__(self, files: Sequence[RustFile], side: Side) -> None:
        self._side: Side = side
        self._places: dict[str, tuple[RustFile, int]] = {}
        for file in files:
            for hunk in file.change.hunks:
                for number, text in (hunk.removed if side == "pre" else hunk.added).items():
                    self._places.setdefault(text, (file, number))

    def of(self, text: str) -> Anchor | None:
        """Return the place of a line with this text."""
        if text not in self._places:
            return None
        file, number = self._places[text]
        path = (file.change.before if self._side == "pre" else None) or file.change.path
        return Anchor(file.patch.index, path, self._side, number or 1, 1, text[:MAX_TEXT])

    def has_word(self, word: str) -> bool:
        """Tell whether a line that begins an item has a word, so that the item may be moved."""
        return word in self._words

    @cached_property
    def _words(self) -> frozenset[str]:
        heads = (text for text in self._places if _ITEM_HEAD.match(text.lstrip()))
        return frozenset(word for text in heads for word in _WORD.findall(text))


def _changed_sources(file: RustFile, hunks: Iterable[Hunk], side: Side) -> Iterator[RustSource]:
    """Yield the Rust of these hunks; of a complete image all of it."""
    if side == "pre":
        return showing(file.pre_rust, {hunk.before_start for hunk in hunks})
    return showing(file.post_rust, {hunk.after_start for hunk in hunks})


def _items_before(changed: Mapping[RustFile, Sequence[Hunk]]) -> dict[ItemKey, _CrateItem]:
    """Return the items of each file before the first patch that changes it. In a hunk only outermost items count."""
    items: dict[ItemKey, _CrateItem] = {}
    seen: set[str] = set()
    for file, hunks in changed.items():
        path = file.change.before
        is_complete = file.pre is not None and file.pre.is_complete
        if path is not None and is_in_crate(path) and not (is_complete and path in seen):
            for key, item in _read_items(file, path, _changed_sources(file, hunks, "pre"), is_complete):
                items.setdefault(key, item)
        seen.update(filter(None, (path, file.change.after)))
    return items


def _items_after(changed: Mapping[RustFile, Sequence[Hunk]]) -> dict[ItemKey, _CrateItem]:
    """Return the items of each file after the last patch that changes it."""
    items: dict[ItemKey, _CrateItem] = {}
    last = {file.change.after: file for file in changed}
    for file, hunks in changed.items():
        path = file.change.after
        is_complete = file.post is not None and file.post.is_complete
        if path is not None and is_in_crate(path) and not (is_complete and last[path] is not file):
            items |= _read_items(file, path, _changed_sources(file, hunks, "post"), is_complete)
    return items


def _read_items(
    file: RustFile, path: str, sources: Iterable[RustSource], is_complete: bool
) -> Iterator[tuple[ItemKey, _CrateItem]]:
    for source in sources:
        shown = f"\n{source.text}"
        if not (is_complete or _OUTERMOST.search(shown) or "macro_rules" in shown):
            continue
        items = read_items(source)
        traits = {(item.module, item.name) for item in items if item.kind == "trait"}
        for item in items:
            crate_item = _CrateItem(file, source, item)
            text = crate_item.text
            if item.kind not in _ITEM_KINDS or item.is_conditional or not (is_complete or _is_outermost(item, text)):
                continue
            is_public = item.kind == "macro" or text.lstrip().startswith("pub ")
            if is_public or (item.module, item.owner) in traits:
                yield ItemKey.of(item, path), crate_item


def _is_outermost(item: ApiItem, text: str) -> bool:
    return not item.owner and not item.module and not text.startswith((" ", "\t"))


def _form(item: ApiItem) -> str:
    return item.kind if item.parameters is None else f"{item.kind} {item.parameters}"


def _tokens_of(item: _CrateItem) -> str:
    """Return a digest of the tokens of an item."""
    words, source = item.source.tokens, item.source
    at = start = bisect_left(words.offsets, item.item.line, key=source.line)
    at = words.find(at, len(words.words), (";", "{"))
    end = words.closing(at) if words.words[at : at + 1] == ("{",) else at
    text = source.text[words.offsets[start] : words.offsets[end] + 1 if end < len(words.offsets) else None]
    return digest("".join(text.split()))


def _anchor(file: RustFile, line: int, text: str) -> Anchor:
    return Anchor(file.patch.index, file.change.path, "post", line, 1, text[:MAX_TEXT])
