# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules as text for people: `python -m rules.catalogue` prints docs/rules.md, `one` a single rule."""

import re
import sys
from collections.abc import Sequence
from itertools import groupby

from rules.lint.rule import Rule, Status
from rules.registry import RULES

_INTRODUCTION = """\
# Rules

Generated from the rules' own files by `make docs`; do not edit.

Severity says how much a finding matters: a `bug` is wrong code, a `warning` breaks a rule of the kernel that
maintainers insist on, a `nit` is a matter of form, a `note` states a fact and blames nobody. Status says where it is
shown: findings of a `stable` rule may be mailed, those of a `preview` rule stay in stored reviews and digests,
`retired` ids are never reused. A finding of tier 1 is said under the line it is about; those of tier 2 stand together
at the end of a mail, each rule at most once.

In the examples the margin left of the bar marks with `!` the lines on which the rule reports, and nothing else may be
reported; right of it stands a diff. `(whole)` after a path says that the diff shows the whole file.
"""


def document(rules: Sequence[Rule] = RULES) -> str:
    """The whole catalogue as Markdown: a table of all rules, then each in full, in the registry's order."""
    rows = "\n".join(_row(rule) for rule in rules)
    table = f"| rule | family | severity | status | tier | what it reports |\n|---|---|---|---|---|---|\n{rows}\n"
    families = groupby(rules, key=_family)
    parts = [f"## {family}\n\n" + "\n".join(_section(rule, 3) for rule in members) for family, members in families]
    return "\n".join([_INTRODUCTION, table, *parts])


def one(rule: Rule) -> str:
    """One rule as Markdown: what it says of itself, its evidence, its examples."""
    return _section(rule, 1)


def _row(rule: Rule) -> str:
    link = f"[{rule.id}](#{rule.id})"
    return f"| {link} | {_family(rule)} | {rule.severity} | {rule.status} | {rule.tier} | {rule.summary} |"


def _section(rule: Rule, level: int) -> str:
    mark = "#" * level
    facts = [f"severity {rule.severity}", f"status {rule.status}", f"tier {rule.tier}"]
    if rule.needs_tree:
        facts.append("needs the base kernel")
    if rule.status is Status.STABLE and not rule.in_mail:
        facts.append("never mailed")
    doc = re.sub(r"^## ", f"{mark}# ", rule.doc.strip(), flags=re.MULTILINE)
    evidence = "\n".join(f"- {item.link}" for item in rule.evidence)
    examples = "\n".join(f"{name}:\n\n```text\n{text}\n```\n" for name, text in _examples(rule))
    return (
        f"{mark} {rule.id}\n\n{rule.summary}. ({', '.join(facts)})\n\n{doc}\n\n"
        f"{mark}# Evidence\n\n{evidence}\n\n{mark}# Examples\n\n{examples}"
    )


def _examples(rule: Rule) -> list[tuple[str, str]]:
    """The name and the text of each example, without common indentation and outer blank lines."""
    shown = []
    for example in rule.examples:
        lines = [line.rstrip() for line in example.text.split("\n") if line.strip()]
        common = min((len(line) - len(line.lstrip()) for line in lines), default=0)
        shown.append((example.name[:1].upper() + example.name[1:], "\n".join(line[common:] for line in lines)))
    return shown


def _family(rule: Rule) -> str:
    """The folder under `rules/checks` that holds the rule's file."""
    check = rule.check_file or rule.check_series
    return check.__module__.split(".")[-2] if check is not None else ""


if __name__ == "__main__":
    sys.stdout.write(document())
