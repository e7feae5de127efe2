# SPDX-License-Identifier: GPL-2.0-or-later
"""Encode what the index stores of Kconfig files, Makefiles and modules as JSON arrays, and decode it."""

import json
from collections.abc import Iterator
from sys import intern
from typing import Any

from bot.kernel.record import dump
from rules.bindings.module_facts import CrateUse, ModuleFacts, ModuleLine, Offer
from rules.source.kbuild.condition import Condition, condition_of_text, condition_text
from rules.source.kbuild.kconfig import KconfigFile, KconfigOutline, Option
from rules.source.kbuild.makefile import Makefile


def kconfig_to_json(file: KconfigFile) -> str:
    """Return what a Kconfig file declares as JSON."""
    options = [
        [
            option.name,
            option.line,
            option.kind,
            condition_text(option.depends),
            condition_text(option.prompt),
            condition_text(option.default),
            [(name, condition_text(condition)) for name, condition in option.selects],
            option.is_choice,
        ]
        for option in file.options
    ]
    return dump([options, [(path, condition_text(condition)) for path, condition in file.sources], file.is_complete])


def kconfig_from_json(text: str) -> KconfigFile:
    """Return what `kconfig_to_json` wrote."""
    options, sources, is_complete = json.loads(text)
    return KconfigFile(tuple(map(_option, options)), _sources(sources), is_complete)


def outline_from_json(sources: str, options: int, *, is_complete: bool) -> KconfigOutline:
    """Return the outline of a Kconfig file from parts of what `kconfig_to_json` wrote."""
    return KconfigOutline(_sources(json.loads(sources)), options, is_complete)


def option_from_json(text: str) -> Option:
    """Return one of the options that `kconfig_to_json` wrote."""
    return _option(json.loads(text))


def option_names(text: str) -> Iterator[tuple[str, bool, int]]:
    """Yield the names in what `kconfig_to_json` wrote, whether an option selects that name, and which option it is."""
    options, _, _ = json.loads(text)
    for number, (name, _, _, _, _, _, selects, _) in enumerate(options):
        yield name, False, number
        for target in dict.fromkeys(target for target, _ in selects):
            yield target, True, number


def _option(record: list[Any]) -> Option:
    name, line, kind, depends, prompt, default, selects, is_choice = record
    return Option(
        intern(name),  # the conditions of other options name it, and there are few kinds
        line,
        intern(kind),
        condition_of_text(depends),
        condition_of_text(prompt),
        condition_of_text(default),
        tuple((target, condition_of_text(given)) for target, given in selects),
        is_choice,
    )


def _sources(records: list[Any]) -> tuple[tuple[str, Condition], ...]:
    return tuple((path, condition_of_text(condition)) for path, condition in records)


def makefile_to_json(file: Makefile) -> str:
    """Return what a Makefile builds as JSON."""
    return dump([(owner, member, condition_text(condition)) for owner, member, condition in file.members])


def makefile_from_json(text: str) -> Makefile:
    """Return what `makefile_to_json` wrote."""
    return Makefile(
        tuple((owner, member, condition_of_text(condition)) for owner, member, condition in json.loads(text))
    )


def modules_to_json(facts: ModuleFacts) -> str:
    """Return what a Rust file says about modules as JSON."""
    modules = [(line.name, line.inside, condition_text(line.condition), line.path) for line in facts.modules]
    offers = [(o.name, o.inside, condition_text(o.condition), o.target, o.is_macro) for o in facts.offers]
    uses = [
        (use.path, use.line, use.column, use.text, condition_text(use.condition), use.is_macro) for use in facts.uses
    ]
    return dump([modules, offers, uses])


def modules_from_json(text: str) -> ModuleFacts:
    """Return what `modules_to_json` wrote."""
    modules, offers, uses = json.loads(text)
    return ModuleFacts(
        tuple(ModuleLine(name, tuple(inside), condition_of_text(given), path) for name, inside, given, path in modules),
        tuple(
            Offer(name, tuple(inside), condition_of_text(given), tuple(target), is_macro)
            for name, inside, given, target, is_macro in offers
        ),
        tuple(
            CrateUse(tuple(path), line, column, shown, condition_of_text(given), is_macro)
            for path, line, column, shown, given, is_macro in uses
        ),
    )
