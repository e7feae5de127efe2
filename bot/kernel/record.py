# SPDX-License-Identifier: GPL-2.0-or-later
"""Encode the facts that the index stores for a blob as JSON arrays, and decode them."""

import json
from collections.abc import Iterable
from typing import Any

from rules.bindings.facts import Access, Helper, RustFacts, Use
from rules.source.c.source import Declaration, Kind, Member

# The version of the index. Raise it if the facts of a file, or their JSON form, change.
VERSION = 13


def declaration_to_json(declaration: Declaration) -> str:
    """Return a declaration as a JSON array."""
    members = [[m.name, m.line, m.type, m.expression, m.value, m.conditions, m.through] for m in declaration.members]
    return dump(
        [
            declaration.kind.value,
            declaration.name,
            declaration.line,
            declaration.last,
            declaration.type,
            declaration.parameters,
            members,
            declaration.conditions,
            declaration.defined,
            declaration.parent,
        ]
    )


def declaration_from_json(text: str) -> Declaration:
    """Return the declaration that `declaration_to_json` wrote."""
    return _declaration(json.loads(text))


def declarations_from_json(texts: Iterable[str]) -> tuple[Declaration, ...]:
    """Return the declarations that `declaration_to_json` wrote, parsed together."""
    return tuple(map(_declaration, json.loads(f"[{','.join(texts)}]")))


def _declaration(record: list[Any]) -> Declaration:
    kind, name, line, last, shown, parameters, members, conditions, defined, parent = record
    return Declaration(
        Kind(kind),
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
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
