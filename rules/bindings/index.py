# SPDX-License-Identifier: GPL-2.0-or-later
"""The index of a kernel tree: which Rust code uses a C name, how C declares it, and which helper provides it."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from rules.bindings.fact_source import FactSource, FileFacts
from rules.bindings.facts import (
    Access,
    Bindgen,
    Constant,
    LocatedDeclaration,
    LocatedHelper,
    MemberUser,
    User,
)
from rules.bindings.helper_facts import (
    BINDGEN_PARAMETERS,
    BINDINGS_HEADER,
    read_bindgen_parameters,
    read_constants,
)
from rules.bindings.included_headers import read_included
from rules.bindings.kconfig import Kconfig
from rules.bindings.module_gates import GatedCrate
from rules.bindings.rust_fields import ANONYMOUS
from rules.lazy import re
from rules.source.c.source import AGGREGATES, Kind

_STRUCT = re.compile(r"\b(?:struct|union)\s+(\w+)|^(?>(?:const |volatile )(?=\w))*+(\w+)")
CALL = re.compile(r"\b([A-Za-z_]\w*+)\s*+\(")
_DECLARED = re.compile(rb"(?m)^[^\S\n]*+(?:pub(?:\([^)\n]*+\))?\s++)?(\w++)\s*+:\s")  # a field of a Rust struct
_MAX_MACROS = 3  # macros between a helper and a function
_MAX_TYPEDEFS = 4  # typedefs between a name and its struct
_NESTED = "__bindgen_ty_"  # in the names that bindgen makes for the types of such members
_NAMELESS = ("struct {}", "union {}")


class _FieldNames(NamedTuple):
    """The C names that a Rust file uses, those of them with a field by its last name, and the fields it declares."""

    names: set[str]
    owners: dict[str, list[str]]
    declared: set[str]


class Bindings:
    """What Rust uses of C in one tree. Every part is computed when it is first needed, and kept."""

    def __init__(self, facts: FactSource) -> None:
        self.facts = facts
        self._declarations: dict[str, tuple[LocatedDeclaration, ...]] = {}
        self._field_types: dict[str, dict[str, str]] = {}
        self._targets: dict[str, str] = {}  # the structs for which names stand
        self._near: dict[str, dict[str, list[int]]] = {}  # by the name of a field and a struct
        self._field_names: dict[str, _FieldNames] = {}

    @classmethod
    def of_files(cls, files: Mapping[str, bytes]) -> "Bindings":
        """Create the bindings of a tree in memory."""
        return cls(FileFacts(files))

    def users(self, name: str) -> tuple[User, ...]:
        """Return the uses of a bound name in Rust, in the order of paths and lines."""
        return tuple(self._users.get(name, ()))

    def helpers_using(self, name: str) -> tuple[LocatedHelper, ...]:
        """Return the helpers whose bodies contain a C name."""
        return tuple(self._helpers_using.get(name, ()))

    def helpers_reading(self, struct: str, field: str) -> tuple[LocatedHelper, ...]:
        """Return the helpers whose bodies access a field of a struct, by its path as in `Member.name`."""
        return tuple(
            located
            for located in self.helpers_using(field.rpartition(".")[2])
            if any(self._leads_to(chain[0], chain[1:], struct, field) for chain in located.helper.fields)
        )

    def provider(self, name: str) -> LocatedHelper | Constant | None:
        """Return the helper or constant helper that provides a bound name."""
        pasted = (located for pieces, located in self.helper_patterns if _is_pasted(pieces, name))
        return self.helper(name) or self.constants.get(name) or next(pasted, None)

    def constants_using(self, name: str) -> tuple[Constant, ...]:
        """Return the constant helpers whose expressions contain a C name."""
        word = re.compile(rf"\b{re.escape(name)}\b")
        return tuple(constant for constant in self.constants.values() if word.search(constant.expression))

    def declarations(self, name: str) -> tuple[LocatedDeclaration, ...]:
        """Return the declarations of a C name in the headers that the bindings or helpers include."""
        if name not in self._declarations:
            self._declarations[name] = tuple(
                LocatedDeclaration(path, declaration)
                for path, declaration in self.facts.declarations(name)
                if path in self.included_by
            )
        return self._declarations[name]

    def bound_declarations(self, name: str) -> tuple[LocatedDeclaration, ...]:
        """Return the declarations of a bound name: bindgen prefixes an enumerator with the name of its enum."""
        if declarations := self.declarations(name):
            return declarations
        for match in re.finditer("_", name):
            enum, constant = name[: match.start()], name[match.end() :]
            for located in self.declarations(constant) if enum and constant else ():
                if located.declaration.kind is Kind.CONSTANT and located.declaration.parent == enum:
                    return (located,)
        return ()

    def accesses(self, member: str) -> tuple[tuple[str, Access], ...]:
        """Return the accesses to fields of that name in any struct; `{}` returns literals that name every field."""
        return tuple(self._accesses.get(member, ()))

    def member_users(self, struct: str, field: str) -> tuple[MemberUser, ...]:
        """Return the accesses to a field of a struct, by its path as in `Member.name`."""
        users = []
        for path, access in self._accesses_near(struct, field.rpartition(".")[2]):
            is_certain = self._is_access_to(path, access, struct, field)
            if is_certain is not None:
                users.append(MemberUser(path, access, is_certain))
        return tuple(users)

    def full_literals(self, struct: str) -> tuple[MemberUser, ...]:
        """Return the literals of a struct that name every field. A new field breaks them."""
        return tuple(
            MemberUser(path, access, is_certain=True) for path, access in self.accesses("{}") if access.struct == struct
        )

    @cached_property
    def kconfig(self) -> Kconfig:
        """The Kconfig options of the tree."""
        return Kconfig(self.facts)

    @cached_property
    def gated_crate(self) -> GatedCrate:
        """The options under which the paths of the `kernel` crate exist, and under which their users are built."""
        return GatedCrate(self.facts, self.kconfig)

    @cached_property
    def used_names(self) -> frozenset[str]:
        """Every bound name that Rust uses."""
        return frozenset(self.facts.cached("used names", lambda: self._users))

    @cached_property
    def helper_words(self) -> frozenset[str]:
        """Every word in the bodies of the helpers."""
        return frozenset(self._helpers_using)

    @cached_property
    def wrapping_macros(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """What macros call for helpers that use the macros, each with the macros from the helper's macro inwards.

        A macro counts if all its definitions call the name, so that no configuration avoids the call.
        """
        macros: dict[str, list[tuple[str, ...]]] = {}
        level: list[tuple[str, ...]] = [(word,) for word in self.helper_words]
        for _ in range(_MAX_MACROS):
            inner: list[tuple[str, ...]] = []
            for chain in level:
                definitions = [located.declaration for located in self.declarations(chain[-1])]
                if not definitions or any(item.kind is not Kind.MACRO_FUNCTION for item in definitions):
                    continue
                calls = set.intersection(*(set(CALL.findall(item.type)) - {*item.parameters} for item in definitions))
                for name in sorted(calls - {*chain}):
                    macros.setdefault(name, []).append(chain)
                    inner.append((*chain, name))
            level = inner
        return {name: tuple(sorted(chains)) for name, chains in macros.items()}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every C word that Rust depends on: bound names, enumerators without their enum, words in helpers."""
        return frozenset(self.facts.cached("names", self._read_names))

    def _read_names(self) -> set[str]:
        names = set(self.used_names)
        for name in self.used_names:
            names.update(name[match.end() :] for match in re.finditer(r"_(?=[A-Z])", name))
        names.update(name for name in (*self.helper_words, *self.wrapping_macros) if len(name) > 2)
        for constant in self.constants.values():
            names.update(re.findall(r"[A-Za-z_]\w+", constant.expression))
        return names

    @cached_property
    def member_names(self) -> frozenset[str]:
        """Every name of a C field that Rust uses."""
        return frozenset(self.facts.cached("fields", lambda: self._accesses))

    @cached_property
    def paths(self) -> frozenset[str]:
        """The C files that declare something that Rust depends on."""
        return frozenset(self.facts.cached("paths", self._declaring_paths))

    def _declaring_paths(self) -> set[str]:
        return {path for name in self.names for path in self.facts.declaring(name) if path in self.included_by}

    @cached_property
    def included_by(self) -> dict[str, str]:
        """Every C file that the bindings or helpers include, each with its first includer."""
        return read_included(self.facts)

    @cached_property
    def constants(self) -> dict[str, Constant]:
        """The constant helpers by the name that they provide."""
        content = self.facts.read(BINDINGS_HEADER) or b""
        return {constant.name: constant for constant in read_constants(content)}

    @cached_property
    def bindgen(self) -> Bindgen:
        """The names that bindgen hides or makes opaque."""
        return read_bindgen_parameters(self.facts.read(BINDGEN_PARAMETERS) or b"")

    def helpers(self) -> Iterator[LocatedHelper]:
        """Yield every helper, in the order of paths and lines."""
        return self._read_helpers(self.facts.helper_paths())

    def helper(self, name: str) -> LocatedHelper | None:
        """Return the helper `rust_helper_NAME`."""
        return self._helpers.get(name)

    def gates(self, path: str) -> tuple[str, ...]:
        """Return the `cfg`s under which a Rust file is built, from the modules that lead to it."""
        gates: list[str] = []
        parts = path.removesuffix(".rs").removesuffix("/mod").split("/")
        for depth in range(3, len(parts) + 1):
            gate = self._module_gates.get(("/".join(parts[: depth - 1]), parts[depth - 1]))
            gates += [gate] if gate else []
        own = self._module_gates.get(("/".join(parts), ""))
        return (*gates, own) if own else tuple(gates)

    def _is_access_to(self, path: str, access: Access, struct: str, field: str) -> bool | None:
        """Return True if the access is certainly to that field, False if it is likely, None if it is not."""
        start, chain = self._start(access), _named(access.chain)
        if not access.struct:
            return False if _begins_with(chain, field) and self._is_only_owner(path, struct, chain[0]) else None
        if chain[-1:] == ("()",) and not self._is_bitfield(struct, field):
            return None
        outer, nested, _ = start.partition(_NESTED)
        if nested and outer == struct:
            return True if self._is_only_nested(struct, field, chain) else None
        return True if self._leads_to(start, chain, struct, field) else None

    def _accesses_near(self, struct: str, name: str) -> Iterator[tuple[str, Access]]:
        """Yield the accesses to fields of that name that may be to a field of the struct, in their order."""
        accesses = self.accesses(name)
        if name not in self._near:
            near: dict[str, list[int]] = {}
            for number, (_, access) in enumerate(accesses):
                for passed in self._structs_near(access):
                    near.setdefault(passed, []).append(number)
            self._near[name] = near
        numbers = {number for passed in (struct, "") for number in self._near[name].get(passed, ())}
        return (accesses[number] for number in sorted(numbers))

    def _structs_near(self, access: Access) -> Iterable[str]:
        """Return the structs to whose fields the access may be, "" if they are not known."""
        if not access.struct:
            return ("",)
        start = self._start(access)
        outer, nested, _ = start.partition(_NESTED)
        passed = filter(None, self._structs_on(start, _named(access.chain)))
        return dict.fromkeys((*passed, outer) if nested else passed)

    def _start(self, access: Access) -> str:
        """Return the struct in which the first field of an access is, "" if it is not known."""
        start = access.struct
        return self._return_type(start[:-2]) if start.endswith("()") else start

    def _leads_to(self, start: str, chain: tuple[str, ...], struct: str, field: str) -> bool:
        """Tell whether a chain of fields that begins at the struct `start` contains that field of that struct."""
        passed = enumerate(self._structs_on(start, chain))
        return any(name == struct and _begins_with(chain[at:], field) for at, name in passed)

    def _structs_on(self, start: str, chain: tuple[str, ...]) -> Iterator[str]:
        """Yield the struct in which each field of a chain is, "" for a field of one without a name."""
        # The last struct with a name, and the way from it through those without one.
        current, outer = self._behind_typedefs(start), ""
        for name in chain:
            yield "" if outer else current
            c_type = self._fields(current).get(outer + name, "")
            if c_type.startswith(_NAMELESS):
                outer += f"{name}."
            else:
                current, outer = self._behind_typedefs(struct_of(c_type)), ""
            if not current:
                return

    def _is_only_nested(self, struct: str, field: str, chain: tuple[str, ...]) -> bool:
        """Tell whether the first of these fields, of a type in the struct that has no name in C, must be that field."""
        members = (member for item in self.declarations(struct) for member in item.declaration.members)
        found = [member for member in members if member.name.rpartition(".")[2] in chain[:1]]
        return all(member.name == field and (member.through or "." in field) for member in found) and bool(found)

    def _is_bitfield(self, struct: str, field: str) -> bool:
        return " : " in self._fields(struct).get(field, "")

    def _is_only_owner(self, path: str, struct: str, field: str) -> bool:
        """Tell whether no other struct that the file uses, or declares in Rust, has such a field."""
        if path not in self._field_names:
            self._field_names[path] = self._read_field_names(path)
        names, owners, declared = self._field_names[path]
        return struct in names and owners.get(field, []) in ([struct], []) and field not in declared

    def _read_field_names(self, path: str) -> "_FieldNames":
        names = {use.name for use in self.facts.rust(path).uses}
        owners: dict[str, list[str]] = {}
        for name in names:
            for field in {field.rpartition(".")[2] for field in self._fields(self._behind_typedefs(name))}:
                owners.setdefault(field, []).append(name)
        declared = _DECLARED.findall(self.facts.read(path) or b"")
        return _FieldNames(names, owners, {field.decode() for field in declared})

    def _fields(self, struct: str) -> dict[str, str]:
        """Return the C types of the fields of a struct by their paths."""
        if struct not in self._field_types:
            aggregates = (item.declaration for item in self.declarations(struct))
            members = (member for item in aggregates if item.kind in AGGREGATES for member in item.members)
            types = self._field_types[struct] = {}
            for member in members:
                types.setdefault(member.name, member.type)
        return self._field_types[struct]

    def _behind_typedefs(self, name: str) -> str:
        """Return the struct for which a typedef stands, another name as it is."""
        if name not in self._targets:
            target = name
            for _ in range(_MAX_TYPEDEFS):
                declarations = (item.declaration for item in self.declarations(target))
                types = (struct_of(item.type) for item in declarations if item.kind is Kind.TYPEDEF)
                before, target = target, next(filter(None, types), target)
                if target == before:
                    break
            self._targets[name] = target
        return self._targets[name]

    def _return_type(self, function: str) -> str:
        helper = self.helper(function)
        if helper is not None:
            return struct_of(helper.helper.signature)
        declarations = (located.declaration for located in self.declarations(function))
        types = (declaration.type for declaration in declarations if declaration.parameters or declaration.type)
        return struct_of(next(types, ""))

    @cached_property
    def _users(self) -> dict[str, list[User]]:
        return self._index_users(self.facts.rust_paths())

    @cached_property
    def _accesses(self) -> dict[str, list[tuple[str, Access]]]:
        return self._index_accesses(self.facts.rust_paths())

    def _index_users(self, paths: Iterable[str]) -> dict[str, list[User]]:
        users: dict[str, list[User]] = {}
        for path in paths:
            gates = self.gates(path)
            for use in self.facts.rust(path).uses:
                users.setdefault(use.name, []).append(User(path, use, gates))
        return users

    def _index_accesses(self, paths: Iterable[str]) -> dict[str, list[tuple[str, Access]]]:
        accesses: dict[str, list[tuple[str, Access]]] = {}
        for path in paths:
            for access in self.facts.rust(path).accesses:
                for member in dict.fromkeys(access.chain):
                    accesses.setdefault(member, []).append((path, access))
        return accesses

    def _read_helpers(self, paths: Iterable[str]) -> Iterator[LocatedHelper]:
        return (LocatedHelper(path, helper) for path in paths for helper in self.facts.helpers(path))

    @cached_property
    def _module_gates(self) -> dict[tuple[str, str], str]:
        gates = {}
        for path in self.facts.rust_paths():
            folder = path.removesuffix(".rs").removesuffix("/mod").removesuffix("/lib")
            for module, gate in self.facts.rust(path).modules:
                gates[folder, module] = gate
        return gates

    @cached_property
    def _helpers(self) -> dict[str, LocatedHelper]:
        return {located.helper.name: located for located in self.helpers() if not located.helper.pattern}

    @cached_property
    def helper_patterns(self) -> tuple[tuple[tuple[str, ...], LocatedHelper], ...]:
        """The helpers whose names a macro pastes together, each with the fixed pieces of the name."""
        patterns = ((located.helper.pattern, located) for located in self.helpers())
        return tuple((tuple(pattern.split(r"\w*")), located) for pattern, located in patterns if pattern)

    @cached_property
    def _helpers_using(self) -> dict[str, list[LocatedHelper]]:
        helpers: dict[str, list[LocatedHelper]] = {}
        for located in self.helpers():
            for name in located.helper.names:
                helpers.setdefault(name, []).append(located)
        return helpers


def struct_of(c_type: str) -> str:
    """Return the name of the struct, union or type in a canonical type; "" for a function pointer or an empty type."""
    if "(*)" in c_type:
        return ""
    match = _STRUCT.search(c_type)
    return (match.group(1) or match.group(2) or "") if match is not None else ""


def _named(chain: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields of a chain that have a name in C."""
    return tuple(name for name in chain if not name.startswith(ANONYMOUS))


def _begins_with(chain: tuple[str, ...], field: str) -> bool:
    names = tuple(field.split("."))
    return chain[: len(names)] == names


def _is_pasted(pieces: tuple[str, ...], name: str) -> bool:
    """Tell whether a name consists of these pieces in their order, with any text between two pieces.

    A regular expression with a repeat for each gap takes exponential time: a patch chooses both pieces and name.
    """
    first, *middle = pieces
    if not middle:
        return name == first
    last = middle.pop()
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for piece in middle:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
