# SPDX-License-Identifier: GPL-2.0-or-later
"""All rules, in the order in which they are documented; an omission stays visible as a comment with its reason."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rules.checks.bindings import (
    binding_change,
    binding_config_dependent,
    binding_without_provider,
    bindings_glob_import,
    bindings_in_driver,
    bindings_type_in_api,
    c_change_breaks_rust,
    collides_with_pending,
    contract_change,
    ffi_type_mismatch,
    module_gate_missing,
    rust_api_change_leaves_users,
    rust_maintainers_not_on_cc,
)
from rules.checks.helpers import helper_export_symbol, helper_missing_annotation, helper_signature, helper_unused
from rules.checks.kbuild import build_assert_without_inline, crate_graph_mismatch, doc_link_behind_cfg
from rules.checks.safety import (
    deref_copies_struct,
    drop_of_unsafe_result,
    invariant_tag,
    invariants_on_fn,
    missing_invariant_comment,
    missing_repr_transparent,
    missing_safety_comment,
    missing_safety_section,
    mut_ref_to_c_type,
    safe_wrapper_in_unsafe,
    safety_comment_placement,
    safety_on_safe_code,
    safety_placeholder,
    safety_section_misplaced,
    safety_two_tags,
    unsafe_semicolon,
    vacuous_safety_comment,
)
from rules.lazy import re
from rules.lint.example import MalformedExampleError, load
from rules.lint.rule import Rule, Status

RULES: tuple[Rule, ...] = (
    # safety, tier 1
    missing_safety_comment.RULE,
    missing_safety_section.RULE,
    safety_placeholder.RULE,
    safety_two_tags.RULE,
    safety_on_safe_code.RULE,
    safety_section_misplaced.RULE,
    deref_copies_struct.RULE,
    mut_ref_to_c_type.RULE,
    missing_repr_transparent.RULE,
    missing_invariant_comment.RULE,
    invariants_on_fn.RULE,
    invariant_tag.RULE,
    # safety, tier 2
    safety_comment_placement.RULE,
    vacuous_safety_comment.RULE,
    safe_wrapper_in_unsafe.RULE,
    unsafe_semicolon.RULE,
    drop_of_unsafe_result.RULE,
    # stale-safety-comment, safety-comment-insufficient omitted: 959 of 7,358 added unsafe lines change code under a
    # comment that stays, and only a reader can tell which of them matter
    # bindings
    c_change_breaks_rust.RULE,
    binding_config_dependent.RULE,
    binding_without_provider.RULE,
    bindings_in_driver.RULE,
    bindings_glob_import.RULE,
    bindings_type_in_api.RULE,
    ffi_type_mismatch.RULE,
    module_gate_missing.RULE,
    rust_api_change_leaves_users.RULE,
    collides_with_pending.RULE,
    rust_maintainers_not_on_cc.RULE,
    binding_change.RULE,
    contract_change.RULE,
    # helpers
    helper_missing_annotation.RULE,
    helper_export_symbol.RULE,
    helper_signature.RULE,
    helper_unused.RULE,
    # kbuild
    build_assert_without_inline.RULE,
    crate_graph_mismatch.RULE,
    doc_link_behind_cfg.RULE,
)

HEADINGS = ("What it flags", "Why", "How to fix", "What it does not flag")
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*$")


def by_id(rule_id: str) -> Rule | None:
    """Return the rule with that id, None if there is none."""
    return next((rule for rule in RULES if rule.id == rule_id), None)


def active(rules: Sequence[Rule] = RULES) -> tuple[Rule, ...]:
    """Return the rules that are run: all except the retired rules."""
    return tuple(rule for rule in rules if rule.status is not Status.RETIRED)


def problems(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return a line for each problem of the rules: their ids, documentation, evidence and examples."""
    lines = [f"{rule_id}: {count} rules have this id" for rule_id, count in _repeated(rules)]
    lines += [f"{rule.id}: {problem}" for rule in rules for problem in _problems(rule)]
    return tuple(lines)


def _repeated(rules: Sequence[Rule]) -> list[tuple[str, int]]:
    return [(rule_id, count) for rule_id, count in Counter(rule.id for rule in rules).items() if count > 1]


def _problems(rule: Rule) -> Iterator[str]:
    if not _ID.match(rule.id):
        yield "the id is not kebab-case"
    if sum(check is not None for check in (rule.check_file, rule.check_series, rule.check_pending)) != 1:
        yield "exactly one of check_file, check_series and check_pending must be set"
    if rule.tier not in (1, 2):
        yield "tier is neither 1 nor 2"
    if not rule.summary or rule.summary.endswith("."):
        yield "the summary is empty or ends in a full stop"
    if not rule.evidence:
        yield "no evidence: name the guideline or the review that asks for the rule"
    yield from (f"{item} does not have the form of its kind of evidence" for item in rule.evidence if not item.is_valid)
    headings = re.findall(r"^## (.*)$", rule.doc, re.MULTILINE)
    if headings != list(HEADINGS):
        yield f"the headings of the documentation are {headings}, not {list(HEADINGS)}"
    flagged = clean = 0
    for example in rule.examples:
        try:
            expected = load(example).expected
        except MalformedExampleError as error:
            yield str(error)
            continue
        flagged += bool(expected)
        clean += not expected
    if not flagged or not clean:
        yield "examples must be at least one flagged and one clean"
    names = Counter(example.name for example in rule.examples)
    yield from (f"{count} examples are called {name!r}" for name, count in names.items() if count > 1)
