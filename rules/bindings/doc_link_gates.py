# SPDX-License-Identifier: GPL-2.0-or-later
"""Links in the documentation of the `kernel` crate to items that their own options do not imply.

A link is resolved as rustdoc does: in the module of the documented item. A name that a glob import, the prelude or a
macro may provide too is left out, and so is documentation that rustdoc does not show.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Final

from rules.bindings.crate_api import CrateApi
from rules.bindings.crate_paths import absolute_path, file_of, is_in_crate, module_of
from rules.bindings.index import Bindings
from rules.bindings.kconfig_closure import Verdict
from rules.bindings.module_facts import ModuleFacts
from rules.lazy import dataclass
from rules.source.kbuild.condition import ALWAYS, Condition, both, either
from rules.source.rust.api import ApiItem, RustApi
from rules.source.rust.cfg import Gates
from rules.source.rust.doc_links import MODULE_HEAD, DocLink, read_doc_links
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import OPENING_BRACKETS, Path

_ROOTS: Final = ("crate", "kernel", "self", "super")
_MAX_MEMBERS: Final = 500  # associated items that are searched in other files
_MAX_LOOKUPS: Final = 2_000  # names that glob imports may have
_MAX_CANDIDATES: Final = 32  # that a module has for a name
_PRELUDE: Final = frozenset(
    (
        *("Option", "Some", "None", "Result", "Ok", "Err", "Clone", "Copy", "Send", "Sync", "Sized", "Drop", "Fn"),
        *("FnMut", "FnOnce", "AsyncFn", "AsyncFnMut", "AsyncFnOnce", "Iterator", "IntoIterator", "Extend", "Unpin"),
        *("DoubleEndedIterator", "ExactSizeIterator", "FromIterator", "Default", "Eq", "Ord", "PartialEq"),
        *("PartialOrd", "Debug", "Hash", "From", "Into", "TryFrom", "TryInto", "AsRef", "AsMut", "ToOwned", "drop"),
        *("bool", "char", "str", "slice", "array", "tuple", "pointer", "reference", "unit", "never", "fn", "f32"),
        *("f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"),
        *("core", "alloc", "std", "bindings", "uapi", "macros", "pin_init", "ffi", "zerocopy", "build_error"),
    )
)
"""The names that every module has, whatever it imports."""


@dataclass(frozen=True, slots=True)
class GatedLink:
    """A link to a path that needs options which those of the link do not imply. `gate` has the missing ones."""

    path: str
    link: DocLink
    name: Path
    gate: Condition


class _File:
    """A file of the crate, as far as links need it.

    `names` are the conditions of its modules and items, by the inline modules around them and their names; `members`
    are the associated items, by these modules, the type or trait, and the name.
    """

    def __init__(self, content: bytes, facts: ModuleFacts, api: RustApi) -> None:
        self.source = RustSource(content)
        self.gates = Gates(self.source)
        self.names: dict[tuple[Path, str], list[Condition]] = {}
        for line in facts.modules:
            self.names.setdefault((line.inside, line.name), []).append(line.condition)
        for offer in facts.offers:
            if not offer.is_macro and not offer.target:
                self.names.setdefault((offer.inside, offer.name), []).append(offer.condition)
        self.members: dict[tuple[Path, str, str], list[ApiItem]] = {}
        for item in api.items:
            if item.owner:
                self.members.setdefault((item.module, item.owner, item.name), []).append(item)
        self.traits = {item.name for item in api.items if item.kind == "trait"}
        self.member_owners: dict[str, set[str]] = {}
        for _, owner, name in self.members:
            self.member_owners.setdefault(name, set()).add(owner)
        self.implemented = {item.name for block in api.implementations for item in block.items}

    @cached_property
    def words_in_macros(self) -> frozenset[str]:
        """The words in the calls and definitions of macros."""
        words, found, until = self.source.tokens.words, set[str](), 0
        for at in range(1, len(words) - 2):
            if at >= until and words[at] == "!" and (words[at - 1].isidentifier()):
                opening = at + 1 if words[at + 1] in OPENING_BRACKETS else at + 2
                if words[opening] in OPENING_BRACKETS:
                    until = self.source.tokens.closing(opening)
                    found.update(words[opening:until])
        return frozenset(found)

    @cached_property
    def imports(self) -> dict[tuple[Path, str], list[tuple[Path, Condition]]]:
        """The path and the condition of each import outside of functions, by its inline modules and its name."""
        imports: dict[tuple[Path, str], list[tuple[Path, Condition]]] = {}
        structure = self.source.structure
        for imported in self.source.uses:
            heads = [MODULE_HEAD.search(structure.head(at)) for at in structure.enclosing(imported.offset)]
            # The braces of a `use` tree around the name are not modules.
            inside = tuple(head["name"] for head in reversed(heads) if head is not None)
            if structure.function(imported.offset) is None:
                condition = self.gates.at(imported.offset)
                imports.setdefault((inside, imported.name), []).append((imported.path, condition))
        return imports


class DocLinkGates:
    """The links of the documentation of the `kernel` crate in a tree, with what they need."""

    def __init__(self, bindings: Bindings) -> None:
        self._facts = bindings.facts
        self._crate = bindings.gated_crate
        self._kconfig = bindings.kconfig
        self._api = CrateApi(bindings.facts)
        self._files: dict[str, _File] = {}
        self._shown: dict[str, bool] = {}
        self._defined_again: dict[tuple[str, str, str], bool] = {}
        self._lookups: dict[Path, bool | None] = {}
        self._breaches: dict[str, tuple[GatedLink, ...]] = {}

    def broken(self, path: str) -> tuple[GatedLink, ...]:
        """Return the links of a file that do not resolve in some configuration in which rustdoc shows them."""
        if path not in self._breaches:
            self._breaches[path] = tuple(self._find_broken(path)) if is_in_crate(path) else ()
        return self._breaches[path]

    def gated_names(self, path: str) -> set[tuple[str, Condition]]:
        """Return the modules, items and associated items of a file that are under a `cfg`, with their conditions."""
        file, facts = self._file(path), self._facts.modules(path)
        names = [(line.name, line.condition) for line in facts.modules]
        names += [(offer.name, offer.condition) for offer in facts.offers]
        names += [(item.name, file.gates.at(item.offset)) for item in self._api.api(path).items if item.owner]
        return {(name, condition) for name, condition in names if condition != ALWAYS}

    def _find_broken(self, path: str) -> Iterator[GatedLink]:
        content = self._facts.read(path)
        if content is None or b"[" not in content:
            return
        ways = self._crate.build.ways(path)
        links = read_doc_links(self._file(path).source) if ways else ()
        for link in links:
            target = self._target(path, link) if link.is_public else None
            if target is None:
                continue
            name, gate = target
            for way in ways:
                user = both(way, self._file(path).gates.at(link.offset), link.condition)
                if gate != ALWAYS and self._kconfig.implies(user, gate)[0] is Verdict.REFUTED:
                    if self._is_shown(path):
                        yield GatedLink(path, link, name, self._kconfig.missing(user, gate) or gate)
                    break

    def _file(self, path: str) -> _File:
        if path not in self._files:
            content = self._facts.read(path) or b""
            self._files[path] = _File(content, self._facts.modules(path), self._api.api(path))
        return self._files[path]

    def _target(self, path: str, link: DocLink) -> tuple[Path, Condition] | None:
        """Return what a link names, below the crate, with its condition; None if that is not certain."""
        module = (*module_of(path), *link.module)
        names = link.path
        if names[0] == "Self":
            if not link.self_type:
                return None
            names = (link.self_type, *names[1:])
        if names[0] in _ROOTS:
            full = absolute_path(names, module)
            if not full:
                return None
            return self._absolute(full, is_macro=link.is_macro)
        if link.is_macro:
            return self._macro(path, link, names)
        return self._relative(path, link, module, names)

    def _absolute(self, full: Path, *, is_macro: bool) -> tuple[Path, Condition]:
        if is_macro or len(full) == 1:
            return self._crate.gate(full, is_macro=is_macro)
        name, gate = self._crate.gate(full)
        member = self._member_condition(full)
        return (name, gate) if member == ALWAYS else (full, both(gate, member))

    def _macro(self, path: str, link: DocLink, names: Path) -> tuple[Path, Condition] | None:
        """Return the condition of a macro without a path: those that the crate exports are in scope everywhere."""
        imported = self._file(path).imports.get((link.module, names[-1]), [])
        if len(names) > 1 or any(absolute_path(target, ()) != names for target, _ in imported):
            return None
        return self._crate.gate(names, is_macro=True)

    def _relative(self, path: str, link: DocLink, module: Path, names: Path) -> tuple[Path, Condition] | None:
        """Return the condition of a name in the module of the link: its own items, and what it imports."""
        first = names[0]
        file = self._file(path)
        conditions = list(file.names.get((link.module, first), ()))
        imports = file.imports.get((link.module, first), [])
        is_named = bool(conditions or imports)
        if not is_named:
            globs = [glob for glob in self._globs(path, link, first) if glob[2] is not False]
            if len(globs) != 1 or not globs[0][2]:
                return None
            imports = [globs[0][:2]]
        if len(conditions) + len(imports) > _MAX_CANDIDATES:
            return None
        candidates = [self._absolute((*module, *names), is_macro=False)] if conditions else []
        for target, condition in imports:
            conditions.append(condition)
            full = self._full((*target, *names[1:]), path, link)
            name, gate = self._absolute(full, is_macro=False) if full else (target, ALWAYS)
            candidates.append((name, both(condition, gate)))
        if either(*conditions) != ALWAYS or not is_named:
            others = self._globs(path, link, first) if is_named else ()
            if (
                first in _PRELUDE
                or any(exists is not False for _, _, exists in others)
                or first in file.words_in_macros
            ):
                return None
        return candidates[0][0], either(*(gate for _, gate in candidates))

    def _full(self, target: Path, path: str, link: DocLink) -> Path | None:
        """Return an imported path below the crate; None if it begins with another crate."""
        module = (*module_of(path), *link.module)
        full = absolute_path(target, module)
        is_own = full is None and (link.module, target[0]) in self._file(path).names
        return (*module, *target) if is_own else full

    def _globs(self, path: str, link: DocLink, name: str) -> Iterator[tuple[Path, Condition, bool | None]]:
        """Yield the path to which a name leads through each glob import, its condition, and whether it exists."""
        for target, condition in self._file(path).imports.get((link.module, "*"), ()):
            named = (*target[:-1], name)
            full = self._full(named, path, link)
            yield named, condition, None if full is None else self._exists(full)

    def _exists(self, full: Path) -> bool | None:
        if full not in self._lookups:
            if len(self._lookups) >= _MAX_LOOKUPS:
                return None
            self._lookups[full] = self._api.exists(full)
        return self._lookups[full]

    def _member_condition(self, full: Path) -> Condition:
        """Return the condition of an associated item; ALWAYS if it may be defined elsewhere."""
        owner, name = full[-2:]
        place = file_of(full[:-2], self._api.files)
        if place is None:
            return ALWAYS
        path, inside = place
        file = self._file(path)
        members = file.members.get((inside, owner, name), [])
        if not members or len(members) > _MAX_CANDIDATES or (inside, owner) not in file.names:
            return ALWAYS
        condition = either(*(file.gates.at(item.offset) for item in members))
        return ALWAYS if condition == ALWAYS or self._is_defined_again(path, owner, name) else condition

    def _is_defined_again(self, path: str, owner: str, name: str) -> bool:
        """Tell whether another file, or a trait, may define an associated item of the same name for the type."""
        key = path, owner, name
        if key not in self._defined_again:
            if len(self._defined_again) >= _MAX_MEMBERS:
                return True
            self._defined_again[key] = any(
                name in file.implemented
                or any(other != owner and other in file.traits for other in file.member_owners.get(name, ()))
                or (other_path != path and owner in file.member_owners.get(name, ()))
                for other_path in self._api.files.values()
                if name.encode() in (self._facts.read(other_path) or b"") and (file := self._file(other_path))
            )
        return self._defined_again[key]

    def _is_shown(self, path: str) -> bool:
        """Tell whether rustdoc shows the module of a file: it is public, or something of it is exported again."""
        if path not in self._shown:
            self._shown[path] = self._find_shown(path)
        return self._shown[path]

    def _find_shown(self, path: str) -> bool:
        module = module_of(path)
        for length in range(len(module), 0, -1):
            parent = self._api.files.get(module[: length - 1])
            if parent is None or not self._shows_module(parent, module[length - 1]):
                return False
        return True

    def _shows_module(self, parent: str, name: str) -> bool:
        words = self._file(parent).source.tokens.words
        for at in range(1, len(words) - 2):
            if words[at : at + 3] == ("mod", name, ";") and words[at - 1] == "pub":
                return "hidden" not in words[max(0, at - 8) : at - 1]
        return any(name in export.path[:-1] for export in self._api.api(parent).exports)
