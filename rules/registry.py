# SPDX-License-Identifier: GPL-2.0-or-later
"""All rules, in the order in which they are documented; an omission stays visible as a comment with its reason.

The module of a rule is loaded when the rule is needed. The table says for which series it can be.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from rules.lazy import re, replace
from rules.lint.rule import Rule, Scope, Status

if TYPE_CHECKING:
    RULES: tuple[Rule, ...]
    """All rules. They are loaded when the name is read."""


class Needs:
    """What a series or its check must have, so that a rule can find something."""

    RUST: Final = "rust"
    """A change of a Rust file."""
    HELPER: Final = "helper"
    """A change of a C file with helpers."""
    TREE: Final = "tree"
    """A kernel tree or a landing tree."""
    PENDING: Final = "pending"
    """Other pending series."""


_NEEDS: Final = {
    # safety, tier 1
    "safety.missing_safety_comment": Needs.RUST,
    "safety.missing_safety_section": Needs.RUST,
    "safety.safety_placeholder": Needs.RUST,
    "safety.safety_two_tags": Needs.RUST,
    "safety.safety_on_safe_code": Needs.RUST,
    "safety.safety_section_misplaced": Needs.RUST,
    "safety.deref_copies_struct": Needs.RUST,
    "safety.mut_ref_to_c_type": Needs.RUST,
    "safety.missing_repr_transparent": Needs.RUST,
    "safety.missing_invariant_comment": Needs.RUST,
    "safety.invariants_on_fn": Needs.RUST,
    "safety.invariant_tag": Needs.RUST,
    # safety, tier 2
    "safety.safety_comment_placement": Needs.RUST,
    "safety.vacuous_safety_comment": Needs.RUST,
    "safety.safe_wrapper_in_unsafe": Needs.RUST,
    "safety.unsafe_semicolon": Needs.RUST,
    "safety.drop_of_unsafe_result": Needs.RUST,
    # stale-safety-comment, safety-comment-insufficient omitted: 959 of 7,358 added unsafe lines change code under a
    # comment that stays, and only a reader can tell which of them matter
    # bindings
    "bindings.c_change_breaks_rust": Needs.TREE,
    "bindings.binding_config_dependent": Needs.TREE,
    "bindings.binding_without_provider": Needs.TREE,
    "bindings.bindings_in_driver": Needs.RUST,
    "bindings.bindings_glob_import": Needs.RUST,
    "bindings.bindings_type_in_api": Needs.RUST,
    "bindings.ffi_type_mismatch": Needs.TREE,
    "bindings.module_gate_missing": Needs.TREE,
    "bindings.rust_api_change_leaves_users": Needs.TREE,
    "bindings.collides_with_pending": Needs.PENDING,
    "bindings.rust_maintainers_not_on_cc": Needs.TREE,
    "bindings.binding_change": Needs.TREE,
    "bindings.contract_change": Needs.TREE,
    # helpers
    "helpers.helper_missing_annotation": Needs.HELPER,
    "helpers.helper_export_symbol": Needs.HELPER,
    "helpers.helper_signature": Needs.HELPER,
    "helpers.helper_unused": Needs.TREE,
    # kbuild
    "kbuild.build_assert_without_inline": Needs.RUST,
    "kbuild.crate_graph_mismatch": Needs.TREE,
    "kbuild.doc_link_behind_cfg": Needs.TREE,
}
"""What each rule of scope `mail` needs, by its module. The id of a rule is the name of its module."""

_AUTHOR_NEEDS: Final = {
    # style
    "style.redundant_prelude_import": Needs.RUST,
    "style.import_vertical_style": Needs.RUST,
    "style.ffi_type_path": Needs.RUST,
    "style.addr_of_macro": Needs.RUST,
    "style.mem_zeroed": Needs.RUST,
    "style.macro_unhygienic_path": Needs.RUST,
    "style.allow_not_expect": Needs.RUST,
    "style.feature_gate": Needs.RUST,
    "style.missing_inline": Needs.RUST,
    # behaviour
    "behaviour.panic_in_kernel": Needs.RUST,
    "behaviour.result_unit": Needs.RUST,
    "behaviour.printk_newline": Needs.RUST,
    "behaviour.deprecated_in_kernel": Needs.RUST,
    # documentation
    "docs.doc_empty_lines": Needs.RUST,
    "docs.doc_heading_plural": Needs.RUST,
    "docs.doc_heading_blank_line": Needs.RUST,
    "docs.doc_link_in_plain_comment": Needs.RUST,
    "docs.comment_should_be_doc": Needs.RUST,
    # process
    "process.maintainers_entry": Needs.TREE,
    "process.sign_off_chain": Needs.RUST,
    "process.fixes_tag_form": Needs.RUST,
}
"""What each rule of scope `author` needs."""

_WORDS: Final = {
    # safety
    "safety.safety_placeholder": ("SAFETY",),
    "safety.safety_two_tags": ("SAFETY",),
    "safety.safety_on_safe_code": ("SAFETY",),
    "safety.deref_copies_struct": ("unsafe",),
    "safety.mut_ref_to_c_type": ("&mut",),
    "safety.missing_repr_transparent": ("ransparent", "struct "),
    "safety.invariants_on_fn": ("# Invariant",),
    "safety.invariant_tag": ("INVARIANTS",),
    "safety.safety_comment_placement": ("SAFETY", "Safety", "safety"),
    "safety.vacuous_safety_comment": ("SAFETY",),
    "safety.safe_wrapper_in_unsafe": ("unsafe",),
    "safety.unsafe_semicolon": ("unsafe",),
    "safety.drop_of_unsafe_result": ("let _",),
    # bindings, kbuild
    "bindings.bindings_glob_import": ("bindings",),
    "bindings.bindings_type_in_api": ("bindings::", "pub"),
    "kbuild.build_assert_without_inline": ("build_assert",),
    # style
    "style.redundant_prelude_import": ("::",),
    "style.import_vertical_style": ("use ", ","),
    "style.ffi_type_path": ("ffi",),
    "style.addr_of_macro": ("addr_of",),
    "style.mem_zeroed": ("zeroed",),
    "style.macro_unhygienic_path": (
        "core::",
        "kernel::",
        "pin_init::",
    ),
    "style.allow_not_expect": ("allow(",),
    "style.feature_gate": ("#![feature(",),
    "style.missing_inline": ("fn ",),
    "behaviour.panic_in_kernel": (
        "unwrap()",
        ".expect(",
        "panic!",
        "todo!",
        "unimplemented!",
        "unreachable!",
    ),
    "behaviour.result_unit": ("Result<()>",),
    "behaviour.printk_newline": (
        "pr_",
        "dev_",
    ),
    "behaviour.deprecated_in_kernel": (
        "atomic",
        "Atomic",
        "as_ptr",
        "from_ptr",
        "dbg!",
    ),
    "docs.doc_empty_lines": (
        "///",
        "//!",
    ),
    "docs.doc_heading_plural": (
        "# Example",
        "# Invariant",
        "# Guarantee",
        "# Panic",
    ),
    "docs.doc_heading_blank_line": ("# ",),
    "docs.doc_link_in_plain_comment": ("[`",),
    "docs.comment_should_be_doc": ("//",),
}
"""The words of which a patch must add one, for most rules: those of their triggers."""

_MENTIONS: Final = {
    "safety.missing_safety_comment": ("unsafe",),
    "safety.missing_safety_section": ("unsafe",),
    "safety.safety_section_misplaced": ("# S", "///"),
    "safety.mut_ref_to_c_type": ("bindings::",),
    "safety.missing_repr_transparent": ("ransparent",),
    "safety.missing_invariant_comment": ("# Invariant",),
    "safety.deref_copies_struct": ("*",),
    "bindings.bindings_in_driver": ("kernel", "bindings"),
    "bindings.bindings_glob_import": ("use", "*"),
    "bindings.bindings_type_in_api": ("bindings::",),
    "style.redundant_prelude_import": ("prelude::",),
    "style.import_vertical_style": ("use ",),
    "style.macro_unhygienic_path": ("macro_rules",),
    "docs.comment_should_be_doc": ("pub ",),
}
"""The words that a file after the patch must have, each of them, for some rules: those of their triggers."""

_NAMED_ONLY: Final = {
    "docs.comment_period": Needs.RUST,
    "docs.comment_backticks": Needs.RUST,
}
"""What each rule of scope `author` needs that runs only with `--rule`: people disagree about what it reports."""

_ALL: Final = {**_NEEDS, **_AUTHOR_NEEDS, **_NAMED_ONLY}

HEADINGS = ("What it flags", "Why", "How to fix", "What it does not flag")
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*$")


_descriptions: dict[str, Rule] = {}


def __getattr__(name: str) -> tuple[Rule, ...]:
    if name != "RULES":
        raise AttributeError(name)
    return tuple(_descriptions.values()) or tuple(map(_load, _ALL))


def by_id(rule_id: str) -> Rule | None:
    """Return the rule with that id, None if there is none."""
    if _descriptions:
        return _descriptions.get(rule_id)
    module = _modules_by_id().get(rule_id)
    return None if module is None else _load(module)


def describe_all() -> tuple[Rule, ...]:
    """Return all rules without their checks, as values for a process that only shows them."""
    return tuple(replace(_load(module), check_file=None, check_series=None, check_pending=None) for module in _ALL)


def use_descriptions(rules: Iterable[Rule]) -> None:
    """Let `RULES` and `by_id` return these rules in this process, so that it loads no module of a rule."""
    _descriptions.update((rule.id, rule) for rule in rules)


def active(scope: Scope = Scope.MAIL) -> tuple[Rule, ...]:
    """Return the rules of that scope that are run, which are not retired. Rules of the other scope are not loaded."""
    return _active(_NEEDS if scope is Scope.MAIL else _AUTHOR_NEEDS)


def active_before_posting() -> tuple[Rule, ...]:
    """Return the rules of both scopes that are run before a series is posted."""
    return (*active(), *active(Scope.AUTHOR))


def active_for(paths: Collection[str], added: str, shown: str) -> tuple[Rule, ...]:
    """Return the rules of both scopes that can find something in changes of these files without a tree.

    The changes add the text `added`; `shown` has all lines that they show. Rules that need a tree or other pending
    series are left out.
    """
    needs = {Needs.RUST} if any(path.endswith(".rs") for path in paths) else set()
    needs |= {Needs.HELPER} if any(path.startswith("rust/helpers") for path in paths) else set()
    chosen = [module for table in (_NEEDS, _AUTHOR_NEEDS) for module, need in table.items() if need in needs]
    return _active(
        module
        for module in chosen
        if any(word in added for word in _WORDS.get(module, ("",)))
        and all(word in shown for word in _MENTIONS.get(module, ()))
    )


def needing_tree(ids: Collection[str] | None) -> list[str]:
    """Return which of these rules need a tree; for None, which of those that run before a series is posted do."""
    needs = {_id(module): need for table in (_NEEDS, _AUTHOR_NEEDS) for module, need in table.items()}
    return [rule_id for rule_id in (needs if ids is None else ids) if needs.get(rule_id) == Needs.TREE]


def _active(modules: Iterable[str]) -> tuple[Rule, ...]:
    return tuple(rule for rule in map(_load, modules) if rule.status is not Status.RETIRED)


@cache
def _load(module: str) -> Rule:
    rule: Rule = import_module(f"rules.checks.{module}").RULE
    return rule


@cache
def _modules_by_id() -> dict[str, str]:
    return {_id(module): module for module in _ALL}


def _id(module: str) -> str:
    return module.partition(".")[2].replace("_", "-")


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
    if rule.scope is Scope.AUTHOR and rule.tier != 2:
        yield "a rule of scope author is of tier 2"
    if rule.scope is Scope.MAIL and not rule.is_default:
        yield "a rule that runs only with --rule has the scope author"
    own = _NEEDS if rule.scope is Scope.MAIL else _AUTHOR_NEEDS if rule.is_default else _NAMED_ONLY
    if rule.id in map(_id, _ALL.keys() - own.keys()):
        yield f"its module is not in the table of its scope, which is {rule.scope}"
    yield from _problems_of_texts(rule)
    if not rule.evidence:
        yield "no evidence: name the guideline or the review that asks for the rule"
    yield from (f"{item} does not have the form of its kind of evidence" for item in rule.evidence if not item.is_valid)
    from rules.lint.example import MalformedExampleError, load

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


def _problems_of_texts(rule: Rule) -> Iterator[str]:
    if not rule.summary or rule.summary.endswith("."):
        yield "the summary is empty or ends in a full stop"
    if rule.summary[:1].islower():
        yield "the summary begins with a small letter"
    if " `\n" in rule.doc:
        yield "a code span begins at the end of a line of the documentation: escape the backslash"
    headings = re.findall(r"^## (.*)$", rule.doc, re.MULTILINE)
    if headings != list(HEADINGS):
        yield f"the headings of the documentation are {headings}, not {list(HEADINGS)}"
