# SPDX-License-Identifier: GPL-2.0-or-later
"""Encode the facts that the index stores for a blob as JSON arrays, and decode them."""

import json
from collections.abc import Iterable
from typing import Any

from rules.bindings.facts import Access, Helper, RustFacts, Use
from rules.source.c.source import Declaration, Kind, Member

_KINDS = tuple(Kind)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_EMPTY = (False, (), (), "", ())
_REQUIRED = 5  # values of a declaration that are always written; later ones are left out if they and the rest are empty
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

# The version of the index. Raise it if the facts of a file or a tree, or their JSON form, change.
VERSION = 24


def declarations_to_json(declarations: Iterable[Declaration]) -> str:
    """Return the declarations of a file as JSON."""
    return _encode([_record(declaration) for declaration in declarations])


def declarations_from_json(text: str) -> tuple[Declaration, ...]:
    """Return the declarations that `declarations_to_json` wrote."""
    return tuple(map(declaration_from_record, json.loads(text)))


def _record(declaration: Declaration) -> list[Any]:
    record = [
        _NUMBERS[declaration.kind],
        declaration.name,
        declaration.line,
        declaration.last,
        declaration.type,
        declaration.defined,
        declaration.parameters,
        declaration.conditions,
        declaration.parent,
        [[m.name, m.line, m.type, m.expression, m.value, m.conditions, m.through] for m in declaration.members],
    ]
    while not record[-1] and len(record) > _REQUIRED:
        record.pop()
    return record


def declaration_from_record(record: list[Any]) -> Declaration:
    """Return a declaration of the list that `declarations_to_json` wrote as JSON."""
    kind, name, line, last, shown, *rest = record
    rest += _EMPTY[len(rest) :]
    defined, parameters, conditions, parent, members = rest
    return Declaration(
        _KINDS[kind],
        name,
        line,
        last,
        shown,
        tuple(parameters),
        tuple(Member(n, at, t, e, v, tuple(c), w) for n, at, t, e, v, c, w in members),
        tuple(conditions),
        defined,
        parent,
    )


def includes_to_json(includes: tuple[str, ...]) -> str:
    """Return the includes of a C file as JSON."""
    return dump(includes)


def includes_from_json(text: str) -> tuple[str, ...]:
    """Return the includes that `includes_to_json` wrote."""
    return tuple(json.loads(text))


def rust_to_json(facts: RustFacts) -> str:
    """Return the facts of a Rust file as JSON."""
    uses = [[u.name, u.line, u.column, u.text, u.form, u.gates] for u in facts.uses]
    accesses = [[a.struct, a.chain, a.line, a.column, a.text] for a in facts.accesses]
    return dump([uses, accesses, facts.modules])


def rust_from_json(text: str) -> RustFacts:
    """Return the facts that `rust_to_json` wrote."""
    uses, accesses, modules = json.loads(text)
    return RustFacts(
        tuple(Use(name, line, column, shown, form, tuple(gates)) for name, line, column, shown, form, gates in uses),
        tuple(Access(struct, tuple(chain), line, column, shown) for struct, chain, line, column, shown in accesses),
        tuple((module, gate) for module, gate in modules),
    )


def helpers_to_json(helpers: tuple[Helper, ...]) -> str:
    """Return the helpers of a C file as JSON."""
    return dump(
        [[h.name, h.line, h.signature, h.names, h.annotated, h.conditions, h.pattern, h.fields] for h in helpers]
    )


def helpers_from_json(text: str) -> tuple[Helper, ...]:
    """Return the helpers that `helpers_to_json` wrote."""
    return tuple(
        Helper(name, line, signature, tuple(names), annotated, tuple(conditions), pattern, tuple(map(tuple, fields)))
        for name, line, signature, names, annotated, conditions, pattern, fields in json.loads(text)
    )


def dump(value: Any) -> str:
    return _encode(value)
