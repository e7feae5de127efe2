# SPDX-License-Identifier: GPL-2.0-or-later
"""Every sentence of a mail fits the places that it is printed with, for the examples of all rules in any mixture."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.review.finding_group import code_names, message_form
from bot.review.policy import Policy
from bot.review.render import text as plain_text
from bot.review.render.body import body
from bot.review.review import review
from rules.check_rule import run_example
from rules.diff.patch import FileChange, Patch
from rules.finding import Confidence, Finding, LogAnchor, Report, Severity
from rules.lint.example import load
from rules.lint.rule import Example, Rule, Status
from rules.registry import RULES
from tests.bot.review.factories import Maker

MAILED = {rule.id: replace(rule, status=Status.STABLE, in_mail=True) for rule in RULES}
UNLIMITED = Policy(confidence=Confidence.LOW, max_explained=1000, max_listed=1000, max_nits=1000)
EXAMPLES = tuple((rule, example) for rule in RULES for example in rule.examples)
_RULE = re.compile(r" \[([a-z0-9-]+)\]")
_PLACE_WITH_NAMES = re.compile(r"(?<![\w`])(\d+)((?: \((?:`[^`]*`(?:, )?)+\))?)")
_FILE = re.compile(r"> (?:\+\+\+ b|--- a)/(.*)")
_PLACE = re.compile(
    r"(?:patch (?P<patch>\d+), )?"
    r"(?:(?P<path>\S+?):(?P<lines>[\d, and]*?\d)(?: and \d+ more)?|commit message): .*"
)


@cache
def findings_of(rule: Rule, example: Example) -> tuple[tuple[Patch, ...], tuple[Finding, ...]]:
    """Return the patches of an example, and what the rule reports in them; notes are never mailed."""
    loaded = load(example)
    report = run_example(rule, loaded)
    return loaded.series.patches, tuple(item for item in report.findings if item.severity is not Severity.NOTE)


def mail_of(make: Maker, examples: Sequence[tuple[Rule, Example]]) -> tuple[str, tuple[Finding, ...]]:
    """Return the mail about a series of these examples, each in a directory of its own, and the reported findings."""
    patches: list[Patch] = []
    findings: list[Finding] = []
    for number, (rule, example) in enumerate(examples):
        first = len(patches)
        example_patches, example_findings = findings_of(rule, example)
        for patch in example_patches:
            changes = tuple(_moved(change, number) for change in patch.changes)
            patches.append(replace(patch, index=first + patch.index, changes=changes))
        for finding in example_findings:
            anchor = replace(finding.anchor, patch=first + finding.anchor.patch)
            if not isinstance(anchor, LogAnchor):
                anchor = replace(anchor, path=f"{number}/{anchor.path}")
            fixed_by = None if finding.fixed_by_patch is None else first + finding.fixed_by_patch
            findings.append(replace(finding, anchor=anchor, fixed_by_patch=fixed_by))
    result = review(make.posting(patches), Report(tuple(findings)), MAILED.values(), policy=UNLIMITED)
    return body(result, MAILED, make.identity), tuple(entry.finding for entry in result.reported)


def _moved(change: FileChange, number: int) -> FileChange:
    before, after = (path if path is None else f"{number}/{path}" for path in (change.before, change.after))
    return replace(change, before=before, after=after)


def places_named(mail: str, findings: Sequence[Finding]) -> set[Finding]:
    """Return the findings whose place a mail names; fail if a sentence stands beside a place that it is not about."""
    named: set[Finding] = set()
    path = ""
    quoted: list[str] = []
    listed: list[Finding] = []
    is_nit = is_evidence = False
    for block in mail.partition("\n-- \n")[0].split("\n\n"):
        lines = [line for line in block.split("\n") if line.startswith(">")]
        text = " ".join(line for line in block.split("\n") if not line.startswith(">"))
        quoted = quoted if is_evidence or not lines else lines
        path = next((path_of[1] for line in reversed(quoted) if (path_of := _FILE.match(line))), path)
        is_evidence = text.endswith("For reference:")
        is_nit = is_nit or text == "Nits:"
        rule = _RULE.search(text)
        if rule is None:
            if listed and lines:
                named.update(*(_at(line, listed) for line in lines))
                listed = []
            continue
        message, rest = text[: rule.start()], text[rule.end() :]
        own = [finding for finding in findings if finding.rule == rule[1]]
        if message == "Same for:":
            sentence = rest.strip()
            listed = [finding for finding in own if plain_text.harmless(finding.message).startswith(sentence)]
            continue
        stated = [finding for finding in own if _states(message, finding)]
        if is_nit:
            named.update(*(_at(line, stated) for line in quoted))
            named.update(stated if "Also in" in rest else ())
            continue
        above = [
            finding
            for finding in stated
            if finding.path in (path, None) and _collapsed(finding.anchor.text) in _collapsed(quoted[-1])
        ]
        assert above, (quoted[-1], message)
        named.update(above)
        _, also, places = rest.partition("Also at line")
        if also:
            form = message_form(above[0])
            same = [finding for finding in own if message_form(finding) == form and finding.path == path]
            for number, names in _PLACE_WITH_NAMES.findall(places):
                shown = set(re.findall("`[^`]*`", names)) | set(map(plain_text.harmless, code_names(above[0])))
                stated_there = [
                    finding
                    for finding in same
                    if finding.anchor.line == int(number)
                    and set(map(plain_text.harmless, code_names(finding))) <= shown
                ]
                assert stated_there, (number, names, message)
            named.update(same)
    return named


def _states(message: str, finding: Finding) -> bool:
    """Return whether a message in a mail is the finding's; sentences after the first may be left out."""
    first, *more = plain_text.sentences(message)
    own = plain_text.sentences(plain_text.harmless(finding.message))
    return own[:1] == [first] and set(more) <= set(own)


def _at(line: str, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings at the places of a quoted line; each line number must have one."""
    place = _PLACE.fullmatch(line.removeprefix("> "))
    assert place, line
    here = [
        finding
        for finding in findings
        if (finding.path == place["path"]) and place["patch"] in (None, str(finding.anchor.patch))
    ]
    numbers = set(map(int, re.findall(r"\d+", place["lines"] or "")))
    assert here and numbers <= {finding.anchor.line for finding in here}, line
    return here


def _collapsed(text: str) -> str:
    return " ".join(plain_text.visible(text).split())[:100]


@pytest.mark.parametrize(
    "rule_and_example", [pytest.param(pair, id=f"{pair[0].id}: {pair[1].name}") for pair in EXAMPLES]
)
def test_every_sentence_fits_its_places_in_an_example(make: Maker, rule_and_example: tuple[Rule, Example]) -> None:
    mail, findings = mail_of(make, [rule_and_example])

    assert places_named(mail, findings) == set(findings)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_sentence_fits_its_places_in_all_examples_of_a_rule(make: Maker, rule: Rule) -> None:
    mail, findings = mail_of(make, [(rule, example) for example in rule.examples])

    assert places_named(mail, findings) == set(findings)


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.integers(0, len(EXAMPLES) - 1), min_size=2, max_size=12))
def test_every_sentence_fits_its_places_in_any_mixture(numbers: list[int]) -> None:
    mail, findings = mail_of(Maker(), [EXAMPLES[number] for number in numbers])

    assert places_named(mail, findings) == set(findings)


def test_places_below_a_sentence_have_the_code_that_it_names(make: Maker) -> None:
    pair = next(pair for pair in EXAMPLES if pair[1].name == "functions and traits, private ones too")
    mail, findings = mail_of(make, [pair] * 3)

    assert places_named(mail, findings) == set(findings)


def test_the_most_important_finding_comes_first(make: Maker) -> None:
    bugs = [pair for pair in EXAMPLES if any(item.severity is Severity.BUG for item in findings_of(*pair)[1])]
    warnings = [pair for pair in EXAMPLES if any(item.severity is Severity.WARNING for item in findings_of(*pair)[1])]

    mail, findings = mail_of(make, [warnings[0], bugs[0]])

    rules = re.findall(r"\[([a-z0-9-]+)\]$", mail, re.MULTILINE)
    assert {warnings[0][0].id, bugs[0][0].id} == {finding.rule for finding in findings}
    assert rules[0] == bugs[0][0].id
