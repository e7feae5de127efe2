# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts as JSON and back: what the index keeps of one blob. Plain arrays, no pickles."""

import json
from collections.abc import Iterable
from typing import Any

from rules.bindings.facts import Access, Helper, RustFacts, Use
from rules.source.c.source import Declaration, Kind, Member

# Part of every key in the index: raise it when what is read from a file, or its form here, changes.
VERSION = 10


def declaration_to_json(one: Declaration) -> str:
    """One declaration as a JSON array."""
    members = [[m.name, m.line, m.type, m.expression, m.value, m.conditions, m.through] for m in one.members]
    return _dump(
        [
            one.kind.value,
            one.name,
            one.line,
            one.last,
            one.type,
            one.parameters,
            members,
            one.conditions,
            one.defined,
            one.parent,
        ]
    )


def declaration_from_json(text: str) -> Declaration:
    """The declaration that `declaration_to_json` wrote."""
    return _declaration(json.loads(text))


def declarations_from_json(texts: Iterable[str]) -> tuple[Declaration, ...]:
    """The declarations that `declaration_to_json` wrote one by one, read in one go."""
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
    """The includes of a C file."""
    return _dump(includes)


def includes_from_json(text: str) -> tuple[str, ...]:
    """The includes that `includes_to_json` wrote."""
    return tuple(json.loads(text))


def rust_to_json(facts: RustFacts) -> str:
    """What a Rust file uses of C."""
    uses = [[u.name, u.line, u.column, u.text, u.form, u.gates] for u in facts.uses]
    accesses = [[a.struct, a.chain, a.line, a.column, a.text] for a in facts.accesses]
    return _dump([uses, accesses, facts.modules])


def rust_from_json(text: str) -> RustFacts:
    """The facts that `rust_to_json` wrote."""
    uses, accesses, modules = json.loads(text)
    return RustFacts(
        tuple(Use(name, line, column, shown, form, tuple(gates)) for name, line, column, shown, form, gates in uses),
        tuple(Access(struct, tuple(chain), line, column, shown) for struct, chain, line, column, shown in accesses),
        tuple((module, gate) for module, gate in modules),
    )


def helpers_to_json(helpers: tuple[Helper, ...]) -> str:
    """The helpers of a C file."""
    return _dump(
        [[h.name, h.line, h.signature, h.names, h.annotated, h.conditions, h.pattern, h.fields] for h in helpers]
    )


def helpers_from_json(text: str) -> tuple[Helper, ...]:
    """The helpers that `helpers_to_json` wrote."""
    return tuple(
        Helper(name, line, signature, tuple(names), annotated, tuple(conditions), pattern, tuple(map(tuple, fields)))
        for name, line, signature, names, annotated, conditions, pattern, fields in json.loads(text)
    )


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
