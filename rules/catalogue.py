# SPDX-License-Identifier: GPL-2.0-or-later
"""Render the rules as Markdown. `python -m rules.catalogue` prints docs/rules.md; `page` renders one rule."""

import sys

from rules.lazy import re
from rules.lint.rule import Rule, Scope, Status
from rules.registry import RULES

_NOTATION = """\
Each example is a diff, right of the bar. In the margin, `!` marks the lines that the rule must report; it must not
report other lines. `(whole)` after a path says that the diff shows the whole file.
"""
_INTRODUCTION = f"""\
# Rules

Generated from the files of the rules by `make docs`; do not edit.

Severity: a `bug` is wrong code, a `warning` breaks a rule of the kernel that maintainers insist on, a `nit` is a matter
of form, and a `note` states a fact. Status: findings of a `stable` rule may be mailed, findings of a `preview` rule are
not, and the id of a `retired` rule is never reused. Tier: a mail shows findings of tier 1 under their lines, and
findings of tier 2 together at its end. Scope: rules of scope `author` are about form, and help authors before they post
a series. `patchwarden check` runs them, and reviews run them only for lists that ask for nits; a mail then reports
their findings in its block of nits. Some rules run only with `--rule`, because people disagree about what they report.

{_NOTATION}"""


def document() -> str:
    """Return the catalogue: a table of all rules in the order of the registry, then each rule in full, by family."""
    rows = "\n".join(_row(rule) for rule in RULES)
    columns = ("rule", "family", "severity", "status", "scope", "tier", "what it reports")
    table = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|\n{rows}\n"
    families: dict[str, list[str]] = {}
    for rule in RULES:
        families.setdefault(_family(rule), []).append(_section(rule, 3))
    parts = [f"## {family}\n\n" + "\n".join(sections) for family, sections in families.items()]
    return "\n".join([_INTRODUCTION, table, *parts])


def page(rule: Rule) -> str:
    """Return the page of a rule: its documentation, evidence and examples, and how to read them."""
    return _section(rule, 1, f"{_NOTATION}\n")


def _row(rule: Rule) -> str:
    link = f"[{rule.id}](#{rule.id})"
    facts = (link, _family(rule), rule.severity, rule.status, rule.scope, rule.tier, rule.summary)
    return f"| {' | '.join(map(str, facts))} |"


def _section(rule: Rule, level: int, notation: str = "") -> str:
    mark = "#" * level
    facts = [f"severity {rule.severity}", f"status {rule.status}", f"tier {rule.tier}"]
    if rule.needs_tree:
        facts.append("needs the base kernel")
    if rule.status is Status.STABLE and not rule.in_mail:
        facts.append("never mailed")
    if rule.scope is Scope.AUTHOR:
        facts.append("scope author")
    if not rule.is_default:
        facts.append("runs only with --rule")
    doc = re.sub(r"^## ", f"{mark}# ", rule.doc.strip(), flags=re.MULTILINE)
    evidence = "\n".join(f"- {item.link}" for item in rule.evidence)
    examples = "\n".join(f"{name}:\n\n```text\n{text}\n```\n" for name, text in example_texts(rule))
    return (
        f"{mark} {rule.id}\n\n{rule.summary}. ({', '.join(facts)})\n\n{doc}\n\n"
        f"{mark}# Evidence\n\n{evidence}\n\n{mark}# Examples\n\n{notation}{examples}"
    )


def example_texts(rule: Rule) -> list[tuple[str, str]]:
    """Return the name and the text of each example, without common indentation and outer blank lines."""
    shown = []
    for example in rule.examples:
        lines = [line.rstrip() for line in example.text.split("\n") if line.strip()]
        common = min((len(line) - len(line.lstrip()) for line in lines), default=0)
        shown.append((example.name[:1].upper() + example.name[1:], "\n".join(line[common:] for line in lines)))
    return shown


def _family(rule: Rule) -> str:
    """Return the folder under `rules/checks` that contains the rule's file."""
    check = rule.check_file or rule.check_series or rule.check_pending
    return check.__module__.split(".")[-2] if check is not None else ""


if __name__ == "__main__":
    sys.stdout.write(document())
