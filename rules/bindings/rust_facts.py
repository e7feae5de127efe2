# SPDX-License-Identifier: GPL-2.0-or-later
"""What a Rust file uses of C: paths into the kernel's `bindings`, whatever their name there, and fields of structs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rules.bindings.facts import Access, RustFacts, Use
from rules.bindings.rust_fields import accesses
from rules.source.rust.words import TokenText, words_of

_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_MODULE = re.compile(
    r"^[ \t]*#\[cfg\(((?:[^\n)]|\)(?!\]))++)\)\]\s*+(?:#\[(?:[^\]\n]|\](?![\s#]|pub\b|mod\b))*+\]\s*+){0,20}+"
    r"(?:pub(?:\([^)\n]*+\))?\s++)?mod\s++(\w++)\s*+;",
    re.MULTILINE,
)
_FILE_GATE = re.compile(r"^#!\[cfg\((.+)\)\]\s*$", re.MULTILINE)
ROOTS = ("bindings", "uapi")
_MAX_GROUPS = 16


@dataclass(slots=True)
class _Scope:
    """How the file names the kernel's bindings: module words, and single names it imported from there."""

    modules: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def is_kernel_crate(path: str) -> bool:
    """Whether the file belongs to the crate whose `crate::bindings` are the kernel's."""
    return path.startswith("rust/kernel/")


def modules_under_cfg(text: str) -> tuple[tuple[str, str], ...]:
    """The modules that a Rust file declares under a `cfg`, each with what is in its brackets; "" is the file itself."""
    own = [("", gate) for gate in _FILE_GATE.findall(text)]
    return (*own, *((match.group(2), match.group(1)) for match in _MODULE.finditer(text)))


def rust_facts(path: str, content: bytes) -> RustFacts:
    """The facts of one Rust file; empty for one that never speaks of bindings."""
    if b"bindings" not in content and b"uapi" not in content and b"#[export]" not in content and b"cfg(" not in content:
        return RustFacts()
    text = content.decode("utf-8", "surrogateescape")
    modules = modules_under_cfg(text)
    if b"bindings" not in content and b"uapi" not in content and b"#[export]" not in content:
        return RustFacts(modules=modules)
    words = words_of(text)
    lines = text.split("\n")
    starts = [0]
    for one in lines:
        starts.append(starts[-1] + len(one) + 1)
    scope, imports = _scope(path, words)
    place = _Placer(lines, starts)
    found = [(index, name, "bindings") for index, name in imports]
    found += _paths(path, words, scope)
    found += _macro_arguments(words)
    found += _exports(words)
    uses = []
    for index, name, form in sorted(set(found)):
        line, column = place.of(words.offsets[index])
        uses.append(Use(name, line, column, lines[line - 1].strip(), form, place.gates(line)))
    seen = []
    for struct, chain, index in accesses(words, _named_types(words, scope, path)):
        line, column = place.of(words.offsets[index])
        seen.append(Access(struct, chain, line, column, lines[line - 1].strip()))
    return RustFacts(tuple(uses), tuple(dict.fromkeys(seen)), modules)


class _Placer:
    """Line and column of an offset, asked in rising order or not."""

    def __init__(self, lines: list[str], starts: list[int]) -> None:
        self._lines = lines
        self._starts = starts
        self._known: dict[tuple[int, int, bool], tuple[str, ...]] = {}

    def of(self, offset: int) -> tuple[int, int]:
        low, high = 0, len(self._starts) - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts[middle] <= offset else (low, middle)
        return low + 1, offset - self._starts[low] + 1

    def gates(self, line: int) -> tuple[str, ...]:
        """Return the `#[cfg]`s of the items and statements that the line stands in, told by indentation.

        What one line found above itself is remembered, so that many lines of one item do not each walk up to its top.
        """
        found: list[str] = []
        passed: list[tuple[int, int, bool]] = []
        rest: tuple[str, ...] = ()
        indent = _indent(self._lines[line - 1])
        number = line - 1
        here = True
        while number >= 1:
            state = number, indent, here
            if state in self._known:
                rest = self._known[state]
                break
            if not found:
                passed.append(state)
            text = self._lines[number - 1]
            stripped = text.strip()
            number -= 1
            if not stripped:
                here = False if indent == 0 else here
                continue
            depth = _indent(text)
            if depth > indent:
                here = False
                continue
            if depth < indent:
                if stripped in ("}", ")", "]"):
                    continue
                indent, here = depth, True
            elif stripped.startswith("#[cfg(") and here:
                gate = stripped.removeprefix("#[cfg(")
                found += [gate.removesuffix(")]")] if gate.endswith(")]") and len(gate) > 2 else []
            elif not stripped.startswith(("#", "//", ".", "&&", "||")) and stripped.endswith((";", "}", ",")):
                here = False
            if indent == 0 and not here:
                break
        gates = tuple(dict.fromkeys((*found, *rest))) if found else rest
        self._known.update(dict.fromkeys(passed, gates))
        return gates


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" \t"))


def _scope(path: str, words: TokenText) -> tuple[_Scope, list[tuple[int, str]]]:
    scope = _Scope()
    if is_kernel_crate(path):
        scope.modules = {root: root for root in ROOTS}
    imports: list[tuple[int, str]] = []
    for index, word in enumerate(words.words):
        if word == "use" and (index == 0 or words.words[index - 1] not in (".", "::")):
            for segments, alias, at in _use_tree(words, index + 1, len(words.words), ()):
                inside = _inside_bindings(path, segments)
                if inside is None:
                    if alias in ROOTS and scope.modules.get(alias) and segments[0] not in ("bindings", "uapi"):
                        scope.modules.pop(alias)  # the file's own module of that name
                    continue
                root, rest = inside
                if not rest or rest == ("self",):
                    scope.modules[alias if alias != "self" else root] = root
                elif rest[0] != "*":
                    imports.append((at, rest[0]))
                    if len(rest) == 1 and _NAME.match(alias):
                        scope.names[alias] = rest[0]
    return scope, imports


def _inside_bindings(path: str, segments: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The root and what follows it, if a path leads into the kernel's bindings."""
    if segments and segments[0] == "":
        segments = segments[1:]
    if len(segments) > 1 and (segments[0] == "kernel" or (segments[0] == "crate" and is_kernel_crate(path))):
        segments = segments[1:]
    elif not is_kernel_crate(path):
        return None
    return (segments[0], segments[1:]) if segments and segments[0] in ROOTS else None


def _use_tree(
    words: TokenText, at: int, stop: int, prefix: tuple[str, ...], depth: int = 0
) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Yield the full paths of a `use` up to the word at `stop`, each with its name and the index of its last word.

    Groups that are nested deeper than people write them are not looked into.
    """
    path = list(prefix)
    last = at
    index = at
    while index < stop:
        word = words.words[index]
        if word == "{":
            if depth < _MAX_GROUPS:
                yield from _use_group(words, index, stop, tuple(path), depth + 1)
            return
        if word == "::":
            index += 1
            continue
        if word == "as" and index + 1 < stop:
            yield tuple(path), words.words[index + 1], last
            return
        if word in ";,}" or not (_NAME.match(word) or word == "*"):
            break
        path.append(word)
        last = index
        index += 1
    if len(path) > len(prefix):
        name = path[-2] if path[-1] == "self" and len(path) > 1 else path[-1]
        yield tuple(path), name, last


def _use_group(
    words: TokenText, opening: int, stop: int, prefix: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Yield what `_use_tree` does for each item between the braces that open there."""
    end = min(words.closing(opening), stop - 1)
    start = opening + 1
    nested = 0
    for inner in range(opening + 1, end + 1):
        sign = words.words[inner]
        nested += (sign == "{") - (sign == "}" and inner != end)
        is_over = inner == end or sign in (";", "use")  # where no brace closes it, the group ends with the statement
        if (sign == "," and nested == 0) or is_over:
            if inner > start:
                yield from _use_tree(words, start, inner, prefix, depth)
            start = inner + 1
        if is_over:
            return


def _paths(path: str, words: TokenText, scope: _Scope) -> list[tuple[int, str, str]]:
    """`bindings::NAME` in every spelling, and names that were imported from there."""
    found = []
    all_words = words.words
    inside_use = False
    for index, word in enumerate(all_words):
        if word == "use" and (index == 0 or all_words[index - 1] not in (".", "::")):
            inside_use = True
        elif word == ";":
            inside_use = False
        if word == "::" and index and index + 1 < len(all_words):
            name = all_words[index + 1]
            if _NAME.match(name) and _leads_to_bindings(path, words, index - 1, scope):
                found.append((index + 1, name, "bindings"))
                inner = all_words[index + 3] if all_words[index + 2 : index + 3] == ("::",) else ""
                if inner[:1].isupper():
                    found.append((index + 3, f"{name}_{inner}", "bindings"))  # a constant of a newtype enum
        elif (
            word in scope.names
            and not inside_use
            and not (index and all_words[index - 1] in ("::", ".", "as", "fn", "struct", "mod"))
        ):
            follows = all_words[index + 1] if index + 1 < len(all_words) else ""
            if follows != ":" or all_words[index - 1] in ("<", "&"):
                found.append((index, scope.names[word], "bindings"))
    return found


def _leads_to_bindings(path: str, words: TokenText, at: int, scope: _Scope) -> bool:
    """Whether the path that ends in the word at `at` is the kernel's bindings module."""
    all_words = words.words
    word = all_words[at]
    before = all_words[at - 1] if at else ""
    if before != "::":
        return word in scope.modules
    if word not in ROOTS:
        return False
    root = all_words[at - 2] if at >= 2 else ""
    if root == "kernel":
        return True
    return root == "crate" and (is_kernel_crate(path) or (at >= 3 and all_words[at - 3] == "$"))


def _macro_arguments(words: TokenText) -> list[tuple[int, str, str]]:
    """Names given to macros of this file that put them behind `bindings::`."""
    all_words = words.words
    pasting: list[str] = []
    spans: list[tuple[int, int]] = []
    for index, word in enumerate(all_words):
        if word == "macro_rules" and all_words[index + 1 : index + 2] == ("!",) and index + 3 < len(all_words):
            end = words.closing(index + 3)
            body = all_words[index + 3 : end]
            spans.append((index, end))
            direct = any(body[at : at + 2] == ("::", "$") and body[at - 1] in ROOTS for at in range(1, len(body) - 1))
            through = any(body[at] in pasting and body[at + 1 : at + 2] == ("!",) for at in range(len(body)))
            if direct or through:
                pasting.append(all_words[index + 2])
    found: list[tuple[int, str, str]] = []
    for index, word in enumerate(all_words):
        if word in pasting and all_words[index + 1 : index + 2] == ("!",) and index + 2 < len(all_words):
            end = words.closing(index + 2)
            found += [
                (at, all_words[at], "macro")
                for at in range(index + 3, end)
                if _NAME.match(all_words[at]) and all_words[at - 1] != "$"
            ]
    return found


def _exports(words: TokenText) -> list[tuple[int, str, str]]:
    """Functions under `#[export]`: C declares them too, and both must agree."""
    all_words = words.words
    found = []
    for index in range(len(all_words) - 3):
        if all_words[index : index + 4] == ("#", "[", "export", "]"):
            for at in range(index + 4, min(index + 40, len(all_words) - 1)):
                if all_words[at] == "fn":
                    found.append((at + 1, all_words[at + 1], "export"))
                    break
    return found


def _named_types(words: TokenText, scope: _Scope, path: str) -> dict[int, str]:
    """The index of every word that names a C type or function through the bindings, and that name."""
    found = _paths(path, words, scope)
    types = {index: name for index, name, _ in found if words.words[index] == name or words.words[index] in scope.names}
    return types | _aliased(words, types)


def _aliased(words: TokenText, types: dict[int, str]) -> dict[int, str]:
    """The words that a `type NAME = bindings::T;` makes another name of T, where the file says so once."""
    meant: dict[str, set[str]] = {}
    all_words = words.words
    for index, word in enumerate(all_words):
        if word == "type" and all_words[index + 2 : index + 3] == ("=",) and _NAME.match(all_words[index + 1]):
            end = next((at for at in range(index + 3, min(index + 12, len(all_words))) if all_words[at] == ";"), 0)
            meant.setdefault(all_words[index + 1], set()).add(
                types.get(end - 1, "") if "<" not in all_words[index:end] else ""
            )
    known = {name: found.copy().pop() for name, found in meant.items() if len(found) == 1 and found != {""}}
    return {
        index: known[word]
        for index, word in enumerate(all_words)
        if word in known and all_words[index - 1 : index] != ("type",) and all_words[index - 1 : index] != (".",)
    }
