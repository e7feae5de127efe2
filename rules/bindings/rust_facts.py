# SPDX-License-Identifier: GPL-2.0-or-later
"""What a Rust file uses of C: paths into the kernel's `bindings`, under any name, and fields of structs."""

from collections.abc import Iterator
from functools import cache

from rules.bindings.facts import ASSEMBLY_FORM, Access, RustFacts, Use
from rules.bindings.rust_fields import accesses
from rules.lazy import dataclass, field, re
from rules.source.c.source import TRACE_PREFIX
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import NAME, Tokens

_MODULE = re.compile(
    r"^[ \t]*#\[cfg\(((?>[^\n)]|\)(?!\]))++)\)\]\s*+(?>#\[(?>[^\]\n]|\](?![\s#]|pub\b|mod\b))*+\]\s*+){0,20}+"
    r"(?:pub(?:\([^)\n]*+\))?\s++)?mod\s++(\w++)\s*+;",
    re.MULTILINE,
)
_FILE_GATE = re.compile(r"^#!\[cfg\((.+)\)\]\s*$", re.MULTILINE)
ROOTS = ("bindings", "uapi")
_ASSEMBLY = ".rs.S"
_CUT = "// Cut here."  # the build removes what is above this line
_MACRO_OF_C = re.compile(r'"(?>[^"\\\n]|\\.)*+"|\b[A-Z][A-Z\d_]*+\b')


@dataclass(slots=True)
class _Scope:
    """How the file names the kernel's bindings: module words, and single names it imported from there."""

    modules: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def is_rust_source(path: str) -> bool:
    """Tell whether Rust code is in the file: `.rs`, or `.rs.S`, in which C expands macros first."""
    return path.endswith((".rs", _ASSEMBLY))


def is_kernel_crate(path: str) -> bool:
    """Tell whether the file belongs to the crate whose `crate::bindings` are the kernel's."""
    return path.startswith("rust/kernel/")


def modules_under_cfg(source: RustSource) -> tuple[tuple[str, str], ...]:
    """Return the modules that a file declares under a `cfg`, with the text of its brackets; "" is the file itself."""
    own = [("", _gate(source, match)) for match in _FILE_GATE.finditer(source.code)]
    return (*own, *((match[2], _gate(source, match)) for match in _MODULE.finditer(source.code)))


def _gate(source: RustSource, match: re.Match[str]) -> str:
    """Return what the first group of a match in the code holds, its literals included."""
    return source.text[match.start(1) : match.end(1)]


def rust_facts(path: str, content: bytes) -> RustFacts:
    """Return the facts of a Rust file; they are empty if it does not mention the bindings."""
    if path.endswith(_ASSEMBLY):
        return RustFacts(tuple(_macros_in_assembly(content)))
    bound = any(word in content for word in (b"bindings", b"uapi", b"#[export]", b"declare_trace!"))
    gated = b"#![cfg(" in content or (b"#[cfg(" in content and b"mod " in content)
    if not bound and not gated:
        return RustFacts()
    source = RustSource(content)
    modules = modules_under_cfg(source) if gated else ()
    if not bound:
        return RustFacts(modules=modules)
    words = source.tokens
    scope, imported = _scope(path, source)
    gates = _Gates(source)
    paths = _paths(path, words, scope)
    indexes = [*paths, *_macro_arguments(words), *_exports(words), *_trace_events(words)]
    named = {(offset, name, "bindings") for offset, name in imported}
    named |= {(words.offsets[index], name, form) for index, name, form in indexes}
    quote = cache(lambda line: source.line_text(line).strip())  # a line without an end may have thousands of uses
    uses = []
    for offset, name, form in sorted(named):
        line = source.line(offset)
        uses.append(Use(name, line, source.column(offset), quote(line), form, gates.around(line)))
    seen = []
    for struct, chain, index in accesses(words, _named_types(words, scope, paths)):
        line, column = source.line(words.offsets[index]), source.column(words.offsets[index])
        seen.append(Access(struct, chain, line, column, quote(line)))
    return RustFacts(tuple(uses), tuple(dict.fromkeys(seen)), modules)


def _macros_in_assembly(content: bytes) -> Iterator[Use]:
    """Yield the macros of C that a `.rs.S` file expands."""
    _, cut, code = content.decode("utf-8", "surrogateescape").partition(_CUT)
    first = content.count(b"\n", 0, len(content) - len(code.encode("utf-8", "surrogateescape"))) + 1
    for number, text in enumerate(code.split("\n") if cut else (), first):
        for match in _MACRO_OF_C.finditer(text):
            if not match.group().startswith('"'):
                yield Use(match.group(), number, match.start() + 1, text.strip(), ASSEMBLY_FORM)


class _Gates:
    """The `#[cfg]`s around a line."""

    def __init__(self, source: RustSource) -> None:
        self._any = "#[cfg(" in source.code  # in most files there is none
        self._text = source.text.split("\n") if self._any else []
        self._code = source.code.split("\n") if self._any else []
        self._known: dict[tuple[int, int, bool], tuple[str, ...]] = {}

    def around(self, line: int) -> tuple[str, ...]:
        """Return the `#[cfg]`s of the items and statements that contain the line, according to the indentation.

        The result for the lines above is cached, so that not every line of an item searches up to its first line.
        """
        if not self._any:
            return ()
        found: list[str] = []
        passed: list[tuple[int, int, bool]] = []
        rest: tuple[str, ...] = ()
        indent = _indent(self._code[line - 1])
        here = True
        for row in range(line - 2, -1, -1):
            state = row, indent, here
            if state in self._known:
                rest = self._known[state]
                break
            if not found:
                passed.append(state)
            text = self._code[row]
            stripped = text.strip()
            if not stripped:
                here = here and (indent > 0 or bool(self._text[row].strip()))
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
                found += self._gate(row)
            elif _ends_item(stripped):
                here = False
            if indent == 0 and not here:
                break
        gates = tuple(dict.fromkeys((*found, *rest))) if found else rest
        self._known.update(dict.fromkeys(passed, gates))
        return gates

    def _gate(self, row: int) -> list[str]:
        """Return what is in the brackets of the `#[cfg(..)]` in that row, if it ends there."""
        gate = self._text[row].strip().removeprefix("#[cfg(")
        return [gate.removesuffix(")]")] if gate.endswith(")]") and len(gate) > 2 else []


def _ends_item(line: str) -> bool:
    return not line.startswith(("#", ".", "&&", "||")) and line.endswith((";", "}", ","))


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" \t"))


def _scope(path: str, source: RustSource) -> tuple[_Scope, list[tuple[int, str]]]:
    """Return how the file names the bindings, and the offset and name of each C name that a `use` imports."""
    scope = _Scope()
    if is_kernel_crate(path):
        scope.modules = {root: root for root in ROOTS}
    names: list[tuple[int, str]] = []
    for imported in source.uses:
        inside = _inside_bindings(path, imported.path)
        if inside is None:
            if imported.name in ROOTS and scope.modules.get(imported.name) and imported.path[0] not in ROOTS:
                scope.modules.pop(imported.name)  # the file's own module of that name
            continue
        root, rest = inside
        if not rest:
            scope.modules[imported.name] = root
        elif rest[0] != "*":
            names.append((imported.offset, rest[0]))
            if len(rest) == 1 and NAME.match(imported.name):
                scope.names[imported.name] = rest[0]
    return scope, names


def _inside_bindings(path: str, segments: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Return the root and the names after it, if a path leads into the kernel's bindings."""
    if segments and segments[0] == "":
        segments = segments[1:]
    if len(segments) > 1 and (segments[0] == "kernel" or (segments[0] == "crate" and is_kernel_crate(path))):
        segments = segments[1:]
    elif not is_kernel_crate(path):
        return None
    return (segments[0], segments[1:]) if segments and segments[0] in ROOTS else None


def _paths(path: str, words: Tokens, scope: _Scope) -> list[tuple[int, str, str]]:
    """Return each `bindings::NAME` in any spelling, and each imported name of the bindings."""
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
            if NAME.match(name) and _leads_to_bindings(path, words, index - 1, scope):
                found.append((index + 1, name, "bindings"))
                inner = all_words[index + 3] if all_words[index + 2 : index + 3] == ("::",) else ""
                if inner[:1].isupper():
                    found.append((index + 3, f"{name}_{inner}", "bindings"))  # a constant of a newtype enum
        elif (
            word in scope.names
            and not inside_use
            and not (index and all_words[index - 1] in (".", "as", "fn", "struct", "mod"))
            and (all_words[index - 1 : index] != ("::",) or _is_path_in_crate(all_words, index, scope))
        ):
            follows = all_words[index + 1] if index + 1 < len(all_words) else ""
            if follows != ":" or all_words[index - 1] in ("<", "&"):
                found.append((index, scope.names[word], "bindings"))
    return found


def _is_path_in_crate(words: tuple[str, ...], at: int, scope: _Scope) -> bool:
    """Tell whether the word ends a path in this crate, such as `$crate::lamp::internal::lamp` in a macro."""
    start = at
    while start > 1 and words[start - 1] == "::":
        start -= 2
    return words[start] in ("crate", "self", "super") and scope.names[words[at]] == words[at]


def _leads_to_bindings(path: str, words: Tokens, at: int, scope: _Scope) -> bool:
    """Tell whether the path that ends in the word at `at` is the kernel's bindings module."""
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


def _macro_arguments(words: Tokens) -> list[tuple[int, str, str]]:
    """Return the names that are passed to macros of this file which put them behind `bindings::`."""
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
                if NAME.match(all_words[at]) and all_words[at - 1] != "$"
            ]
    return found


def _exports(words: Tokens) -> list[tuple[int, str, str]]:
    """Return the functions under `#[export]`: C declares them too, and both must agree."""
    all_words = words.words
    found = []
    for index in range(len(all_words) - 3):
        if all_words[index : index + 4] == ("#", "[", "export", "]"):
            for at in range(index + 4, min(index + 40, len(all_words) - 1)):
                if all_words[at] == "fn":
                    found.append((at + 1, all_words[at + 1], "export"))
                    break
    return found


def _trace_events(words: Tokens) -> list[tuple[int, str, str]]:
    """Return the trace events of `declare_trace!`: C defines a function for each."""
    all_words = words.words
    found: list[tuple[int, str, str]] = []
    for index, word in enumerate(all_words):
        if word == "declare_trace" and all_words[index + 1 : index + 2] == ("!",) and index + 2 < len(all_words):
            end = words.closing(index + 2)
            found += [
                (at + 1, f"{TRACE_PREFIX}{all_words[at + 1]}", "macro")
                for at in range(index + 3, end - 1)
                if all_words[at] == "fn"
            ]
    return found


def _named_types(words: Tokens, scope: _Scope, paths: list[tuple[int, str, str]]) -> dict[int, str]:
    """Return the index of every word that names a C type or function of the bindings, with that name."""
    types = {index: name for index, name, _ in paths if words.words[index] == name or words.words[index] in scope.names}
    return types | _aliased(words, types)


def _aliased(words: Tokens, types: dict[int, str]) -> dict[int, str]:
    """Return the words that name a bound type because the file has one `type NAME = bindings::T;` for them."""
    targets: dict[str, set[str]] = {}
    all_words = words.words
    for index, word in enumerate(all_words):
        if word == "type" and all_words[index + 2 : index + 3] == ("=",) and NAME.match(all_words[index + 1]):
            end = next((at for at in range(index + 3, min(index + 12, len(all_words))) if all_words[at] == ";"), 0)
            targets.setdefault(all_words[index + 1], set()).add(
                types.get(end - 1, "") if "<" not in all_words[index:end] else ""
            )
    known = {name: next(iter(bound)) for name, bound in targets.items() if len(bound) == 1 and bound != {""}}
    return {
        index: known[word]
        for index, word in enumerate(all_words)
        if word in known and all_words[index - 1 : index] != ("type",) and all_words[index - 1 : index] != (".",)
    }
