# SPDX-License-Identifier: GPL-2.0-or-later
"""Encode what the index stores of Kconfig files, Makefiles and modules as JSON arrays, and decode it.

A condition is one string: its clauses are separated by `&`, the alternatives of a clause by `|`.
"""

import json
from functools import lru_cache
from sys import intern

from bot.kernel.record import dump
from rules.bindings.module_facts import CrateUse, ModuleFacts, ModuleLine, Offer
from rules.source.kbuild.condition import NEVER, Condition
from rules.source.kbuild.kconfig import KconfigFile, Option
from rules.source.kbuild.makefile import Makefile

_NEVER = "-"
_MAX_CACHED = 512  # characters of a condition that is kept: the same few occur often


def kconfig_to_json(file: KconfigFile) -> str:
    """Return what a Kconfig file declares as JSON."""
    options = [
        [
            option.name,
            option.line,
            option.kind,
            _text(option.depends),
            _text(option.prompt),
            _text(option.default),
            [(name, _text(condition)) for name, condition in option.selects],
            option.is_choice,
        ]
        for option in file.options
    ]
    return dump([options, [(path, _text(condition)) for path, condition in file.sources], file.is_complete])


def kconfig_from_json(text: str) -> KconfigFile:
    """Return what `kconfig_to_json` wrote."""
    options, sources, is_complete = json.loads(text)
    return KconfigFile(
        tuple(
            Option(
                intern(name),  # the conditions of other options name it, and there are few kinds
                line,
                intern(kind),
                _condition(depends),
                _condition(prompt),
                _condition(default),
                tuple((target, _condition(given)) for target, given in selects),
                is_choice,
            )
            for name, line, kind, depends, prompt, default, selects, is_choice in options
        ),
        tuple((path, _condition(condition)) for path, condition in sources),
        is_complete,
    )


def makefile_to_json(file: Makefile) -> str:
    """Return what a Makefile builds as JSON."""
    return dump([(owner, member, _text(condition)) for owner, member, condition in file.members])


def makefile_from_json(text: str) -> Makefile:
    """Return what `makefile_to_json` wrote."""
    return Makefile(tuple((owner, member, _condition(condition)) for owner, member, condition in json.loads(text)))


def modules_to_json(facts: ModuleFacts) -> str:
    """Return what a Rust file says about modules as JSON."""
    modules = [(line.name, line.inside, _text(line.condition), line.path) for line in facts.modules]
    offers = [(o.name, o.inside, _text(o.condition), o.target, o.is_macro) for o in facts.offers]
    uses = [(use.path, use.line, use.column, use.text, _text(use.condition), use.is_macro) for use in facts.uses]
    return dump([modules, offers, uses])


def modules_from_json(text: str) -> ModuleFacts:
    """Return what `modules_to_json` wrote."""
    modules, offers, uses = json.loads(text)
    return ModuleFacts(
        tuple(ModuleLine(name, tuple(inside), _condition(given), path) for name, inside, given, path in modules),
        tuple(
            Offer(name, tuple(inside), _condition(given), tuple(target), is_macro)
            for name, inside, given, target, is_macro in offers
        ),
        tuple(
            CrateUse(tuple(path), line, column, shown, _condition(given), is_macro)
            for path, line, column, shown, given, is_macro in uses
        ),
    )


def _text(condition: Condition) -> str:
    return _NEVER if condition == NEVER else "&".join(map("|".join, condition))


def _condition(text: str) -> Condition:
    return _cached(text) if len(text) <= _MAX_CACHED else _parse(text)


def _parse(text: str) -> Condition:
    if text == _NEVER:
        return NEVER
    return tuple(tuple(map(intern, clause.split("|"))) for clause in text.split("&")) if text else ()


_cached = lru_cache(maxsize=20_000)(_parse)
