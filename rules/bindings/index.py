# SPDX-License-Identifier: GPL-2.0-or-later
"""The border of one kernel tree: who in Rust uses which C name, what C says of it, and which helper stands between."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from rules.bindings.fact_source import FactSource, FileFacts
from rules.bindings.facts import Access, Bindgen, Constant
from rules.bindings.helper_facts import (
    BINDGEN_PARAMETERS,
    BINDINGS_HEADER,
    UAPI_HEADER,
    bindgen_of,
    constants_of,
)
from rules.bindings.included_headers import reach
from rules.bindings.located import Located, LocatedHelper, MemberUser, User
from rules.source.c.source import Kind

_STRUCT = re.compile(r"\b(?:struct|union)\s+(\w+)|^(?:(?:const |volatile )(?=\w))*+(\w+)")
_AGGREGATES = (Kind.STRUCT, Kind.UNION)


class Bindings:
    """All that is known about the border of one tree; everything is worked out when first asked for, and kept."""

    def __init__(self, facts: FactSource) -> None:
        self.facts = facts
        self._declared: dict[str, tuple[Located, ...]] = {}

    @classmethod
    def of_files(cls, files: Mapping[str, bytes]) -> "Bindings":
        """The border of a tree held in memory."""
        return cls(FileFacts(files))

    def users(self, name: str) -> tuple[User, ...]:
        """Where Rust names that bound name, in the order of paths and lines."""
        return self._users.get(name, ())

    def helpers_using(self, name: str) -> tuple[LocatedHelper, ...]:
        """The helpers whose bodies name that C name."""
        return self._helpers_using.get(name, ())

    def helpers_reading(self, struct: str, member: str) -> tuple[LocatedHelper, ...]:
        """The helpers whose bodies name that field of that struct."""
        return tuple(
            one
            for one in self.helpers_using(member)
            if any(self._leads_to(chain[0], chain[1:], struct, member) for chain in one.helper.fields)
        )

    def provider(self, name: str) -> LocatedHelper | Constant | None:
        """The helper or constant helper that gives Rust that bound name where bindgen cannot."""
        found = self.helper(name)
        if found is not None:
            return found
        if name in self.constants:
            return self.constants[name]
        return next((one for pieces, one in self.patterns if _is_pasted(pieces, name)), None)

    def constants_using(self, name: str) -> tuple[Constant, ...]:
        """The constant helpers whose expressions name that C name."""
        return tuple(one for one in self.constants.values() if re.search(rf"\b{re.escape(name)}\b", one.expression))

    def declared(self, name: str) -> tuple[Located, ...]:
        """What C says of a name in the headers that the bindings or helpers see."""
        if name not in self._declared:
            reached = self.reached
            found = [Located(path, one) for path, one in self.facts.declarations(name) if path in reached]
            self._declared[name] = tuple(found)
        return self._declared[name]

    def bound(self, name: str) -> tuple[Located, ...]:
        """What C says of a bound name: as `declared`, and enumerators by the name bindgen gives them."""
        found = self.declared(name)
        if found:
            return found
        for match in re.finditer("_", name):
            enum, constant = name[: match.start()], name[match.end() :]
            for one in self.declared(constant) if enum and constant else ():
                if one.declaration.kind is Kind.CONSTANT and one.declaration.parent == enum:
                    return (one,)
        return ()

    def accesses(self, member: str) -> tuple[tuple[str, Access], ...]:
        """Where Rust names a field so called, of whatever struct; `{}` for literals that name every field."""
        return tuple(self._accesses.get(member, ()))

    def member_users(self, struct: str, member: str) -> tuple[MemberUser, ...]:
        """Where Rust names that field of that struct. `member` is one name; nested ones count by their last."""
        found = []
        for path, access in self.accesses(member):
            verdict = self._belongs(path, access, struct, member)
            if verdict is not None:
                found.append(MemberUser(path, access, verdict))
        return tuple(found)

    def full_literals(self, struct: str) -> tuple[MemberUser, ...]:
        """Where Rust writes the struct out with every field, so that a new field breaks it."""
        return tuple(
            MemberUser(path, access, sure=True) for path, access in self.accesses("{}") if access.struct == struct
        )

    @cached_property
    def used(self) -> frozenset[str]:
        """Every name that Rust puts behind `bindings::`."""
        return frozenset(self._users)

    @cached_property
    def helper_words(self) -> frozenset[str]:
        """Every word that a helper's body names."""
        return frozenset(self._helpers_using)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every C word that Rust depends on: bound names, enumerators without their enum, what helpers name."""
        found = set(self.used)
        for name in self.used:
            found.update(name[match.end() :] for match in re.finditer(r"_(?=[A-Z])", name))
        found.update(name for name in self.helper_words if len(name) > 2)
        for one in self.constants.values():
            found.update(re.findall(r"[A-Za-z_]\w+", one.expression))
        return frozenset(found)

    @cached_property
    def member_names(self) -> frozenset[str]:
        """Every field name that Rust uses of a C struct."""
        return frozenset(self._accesses)

    @cached_property
    def paths(self) -> frozenset[str]:
        """The C files that declare something Rust depends on."""
        return frozenset(path for name in self.names for path in self.facts.declaring(name) if path in self.reached)

    @cached_property
    def reached(self) -> dict[str, str]:
        """Every C file that the bindings or helpers include, each with the file through which it is first reached."""
        roots = [BINDINGS_HEADER, UAPI_HEADER, *self.facts.helper_paths()]
        return reach(roots, self.facts.includes)

    @cached_property
    def constants(self) -> dict[str, Constant]:
        """The constant helpers by the name they give Rust."""
        content = self.facts.read(BINDINGS_HEADER)
        return {one.name: one for one in constants_of(content)} if content is not None else {}

    @cached_property
    def bindgen(self) -> Bindgen:
        """What bindgen is told to hide."""
        content = self.facts.read(BINDGEN_PARAMETERS)
        return bindgen_of(content) if content is not None else Bindgen()

    def helpers(self) -> Iterator[LocatedHelper]:
        """Every helper, in the order of paths and lines."""
        for path in self.facts.helper_paths():
            for helper in self.facts.helpers(path):
                yield LocatedHelper(path, helper)

    def helper(self, name: str) -> LocatedHelper | None:
        """The helper `rust_helper_NAME`."""
        return self._helpers.get(name)

    def gates(self, path: str) -> tuple[str, ...]:
        """The `cfg`s under which a Rust file of the kernel crate is built, by the modules that lead to it."""
        found: list[str] = []
        parts = path.removesuffix(".rs").removesuffix("/mod").split("/")
        for depth in range(3, len(parts) + 1):
            gate = self._module_gates.get(("/".join(parts[: depth - 1]), parts[depth - 1]))
            found += [gate] if gate else []
        own = self._module_gates.get(("/".join(parts), ""))
        return (*found, own) if own else tuple(found)

    def _belongs(self, path: str, access: Access, struct: str, member: str) -> bool | None:
        """True if the access is surely to that struct's field, False if likely, None if not."""
        here = access.struct
        if not here:
            return False if member == access.chain[0] and self._only_struct(path, struct, member) else None
        if here.endswith("()"):
            here = self._returned(here[:-2])
        if access.chain[-1] == "()" and not self._is_bitfield(struct, member):
            return None
        return True if self._leads_to(here, access.chain, struct, member) else None

    def _leads_to(self, here: str, chain: tuple[str, ...], struct: str, member: str) -> bool:
        """Whether a chain of fields, read from a struct on, passes that field of that struct."""
        for step in chain:
            if step == member and here == struct:
                return True
            here = self._member_type(here, step) or ""
            if not here:
                return False
        return False

    def _is_bitfield(self, struct: str, member: str) -> bool:
        found = (field for one in self.declared(struct) for field in one.declaration.members if field.name == member)
        return any(" : " in field.type for field in found)

    def _only_struct(self, path: str, struct: str, member: str) -> bool:
        """Whether the struct is the only one of those the file names that has such a field."""
        named = {use.name for use in self.facts.rust(path).uses}
        if struct not in named:
            return False
        owners = [name for name in named if self._member_type(name, member) is not None]
        if owners not in ([struct], []):
            return False
        content = self.facts.read(path) or b""
        return not re.search(
            rb"(?m)^[^\S\n]*+(?:pub(?:\([^)\n]*+\))?\s++)?%s\s*+:\s" % re.escape(member.encode()), content
        )

    def _member_type(self, struct: str, member: str) -> str | None:
        """The struct that a field is or points to ("" for another type); None where there is no such field."""
        for one in self.declared(struct):
            if one.declaration.kind is Kind.TYPEDEF:
                target = struct_of(one.declaration.type)
                if target and target != struct:
                    return self._member_type(target, member)
            if one.declaration.kind not in _AGGREGATES:
                continue
            if member.startswith("__bindgen_anon"):
                return struct
            for field in one.declaration.members:
                if field.name == member:
                    return struct_of(field.type)
                if field.name.endswith(f".{member}"):
                    return struct
        return None

    def _returned(self, function: str) -> str:
        found = [
            one.declaration for one in self.declared(function) if one.declaration.parameters or one.declaration.type
        ]
        helper = self.helper(function)
        if helper is not None:
            return struct_of(helper.helper.signature)
        return struct_of(found[0].type) if found else ""

    @cached_property
    def _users(self) -> dict[str, tuple[User, ...]]:
        found: dict[str, list[User]] = {}
        for path in self.facts.rust_paths():
            gates = self.gates(path)
            for use in self.facts.rust(path).uses:
                found.setdefault(use.name, []).append(User(path, use, gates))
        return {name: tuple(users) for name, users in found.items()}

    @cached_property
    def _accesses(self) -> dict[str, list[tuple[str, Access]]]:
        found: dict[str, list[tuple[str, Access]]] = {}
        for path in self.facts.rust_paths():
            for access in self.facts.rust(path).accesses:
                for member in dict.fromkeys(access.chain):
                    found.setdefault(member, []).append((path, access))
        return found

    @cached_property
    def _module_gates(self) -> dict[tuple[str, str], str]:
        found = {}
        for path in self.facts.rust_paths():
            folder = path.removesuffix(".rs").removesuffix("/mod")
            folder = folder.removesuffix("/lib") if folder.endswith("/lib") else folder
            for module, gate in self.facts.rust(path).modules:
                found[folder, module] = gate
        return found

    @cached_property
    def _helpers(self) -> dict[str, LocatedHelper]:
        return {one.helper.name: one for one in self.helpers() if not one.helper.pattern}

    @cached_property
    def patterns(self) -> tuple[tuple[tuple[str, ...], LocatedHelper], ...]:
        """The helpers whose names a macro pastes together."""
        return tuple((tuple(one.helper.pattern.split(r"\w*")), one) for one in self.helpers() if one.helper.pattern)

    @cached_property
    def _helpers_using(self) -> dict[str, tuple[LocatedHelper, ...]]:
        found: dict[str, list[LocatedHelper]] = {}
        for one in self.helpers():
            for name in one.helper.names:
                found.setdefault(name, []).append(one)
        return {name: tuple(helpers) for name, helpers in found.items()}


def struct_of(shown: str) -> str:
    """The struct, union or type name that a canonical type is made of; "" for a function pointer or nothing."""
    if "(*)" in shown:
        return ""
    match = _STRUCT.search(shown)
    return (match.group(1) or match.group(2) or "") if match is not None else ""


def _is_pasted(pieces: tuple[str, ...], name: str) -> bool:
    """Whether a word is made of these pieces in their order, with anything between two of them.

    An expression with a repeat for each gap would take a power of the name's length: a patch chooses both.
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
