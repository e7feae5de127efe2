# SPDX-License-Identifier: GPL-2.0-or-later
"""Users of C in a landing tree, which is not the tree that the series was made for."""

from dataclasses import replace

import pytest

from rules.bindings.tree import FileTree, LandingTree, NoTree
from rules.checks.bindings.c_change_breaks_rust import RULE
from rules.diff.patch import FileChange, Hunk, Line
from rules.finding import Confidence, Finding
from rules.lint.engine import run_rules, view
from tests.rules.bindings.trees import FILES, edited, series, tree, whole_change

LAMP_H, LAMP_RS = "include/linux/lamp.h", "rust/kernel/lamp.rs"
ON, ON2 = "int lamp_on(struct lamp *lamp);", "int lamp_on(struct lamp *lamp, int flags);"
OFF = "void lamp_off(struct lamp *lamp);"


def _findings(
    *patches: tuple[FileChange, ...], landing: FileTree | None = None, base: FileTree | None = None
) -> tuple[Finding, ...]:
    trees = (LandingTree("next-1", landing or tree()), LandingTree("mainline", tree()))
    return run_rules((RULE,), view(series(*patches), base or NoTree(), trees)).findings


def _hunk(*lines: str, heading: str = "", first: int = 100) -> FileChange:
    """Return a change of the header whose lines begin with their markers."""
    before = after = first
    shown = []
    for text in lines:
        marker = text[0]
        shown.append(Line(text[1:], None if marker == "+" else before, None if marker == "-" else after))
        before, after = before + (marker != "+"), after + (marker != "-")
    hunk = Hunk.of(first, before - first, first, after - first, heading, tuple(shown))
    return FileChange(LAMP_H, LAMP_H, (hunk,), blob_before="1" * 12, blob_after="2" * 12)


def test_a_landing_tree_is_asked_where_the_base_is_unknown() -> None:
    (finding,) = _findings((_hunk(f"-{ON}", f"+{ON2}", f" {OFF}"),))

    assert finding.message.startswith("In next-1: `lamp_on` becomes `int lamp_on(struct lamp *, int)`")
    assert f"{LAMP_RS}:4" in finding.message
    assert [f"next-1:{LAMP_RS}:4"] == [evidence.origin for evidence in finding.evidence]
    assert (Confidence.HIGH, ("tree", "next-1")) == (finding.confidence, finding.facts[-1])
    assert (100, f"{ON}") == (finding.anchor.line, finding.anchor.text)


def test_a_user_may_be_updated_in_its_own_tree() -> None:
    (finding,) = _findings((_hunk(f"-{ON}", f" {OFF}"),))

    assert finding.message.endswith(":4: this user has to be updated in this series or in that tree.")


def test_what_the_base_shows_is_not_repeated_for_landing_trees() -> None:
    (finding,) = _findings((whole_change(LAMP_H, edited(LAMP_H, ON, ON2)),), base=tree())

    assert not finding.message.startswith("In ")


def test_a_user_that_only_the_landing_tree_has_is_found() -> None:
    user = FILES[LAMP_RS].replace("bindings::lamp_on(lamp)", "0")
    base = tree(**{LAMP_RS: user})

    (finding,) = _findings((whole_change(LAMP_H, edited(LAMP_H, ON, ON2)),), base=base)

    assert finding.message.startswith("In next-1: ")


@pytest.mark.parametrize(
    "declaration",
    [ON2, "long lamp_on(struct lamp *lamp);", "static inline int lamp_on(struct lamp *lamp) { return 0; }", ""],
)
def test_a_declaration_that_the_landing_tree_has_otherwise_is_no_evidence(declaration: str) -> None:
    landing = tree(**{LAMP_H: edited(LAMP_H, ON, declaration)})
    change = _hunk(f"-{ON}", "+int lamp_on(struct lamp *lamp, char *name);", f" {OFF}")

    assert [] == [finding for finding in _findings((change,), landing=landing) if "next-1" in finding.message]


@pytest.mark.parametrize(
    ("context", "heading", "expected"),
    [
        (" " + OFF, "", Confidence.HIGH),
        (" void lamp_off(struct lamp *lamp, int how);", "", Confidence.LOW),
        (" " + OFF, "struct lamp_of_another_tree {", Confidence.LOW),
    ],
)
def test_lines_that_contradict_the_landing_tree_lower_the_certainty(
    context: str, heading: str, expected: Confidence
) -> None:
    # The second hunk does not fit, so only the hunks are compared.
    change = _hunk(f"-{ON}", f"+{ON2}", context, heading=heading)
    other = _hunk("-int unknown(void);", "+int known(void);", first=200)
    change = replace(change, hunks=change.hunks + other.hunks)

    (finding,) = _findings((change,))

    assert expected is finding.confidence


def test_the_line_of_the_patch_is_reported_if_the_landing_tree_has_other_lines() -> None:
    landing = tree(**{LAMP_H: "/* one\n * two\n */\n" + FILES[LAMP_H]})
    change = _hunk(f"-{ON}", f"+{ON2}", f" {OFF}", first=19)

    (finding,) = _findings((change,), landing=landing)

    assert (19, ON) == (finding.anchor.line, finding.anchor.text)


def test_users_that_the_series_updates_under_another_name_are_not_left_behind() -> None:
    old, new = "    unsafe { bindings::lamp_on(lamp) }", "    unsafe { bindings::lamp_on(lamp, 0) }"
    moved = FileChange(
        "rust/kernel/old_lamp.rs",
        "rust/kernel/old_lamp.rs",
        (Hunk.of(1, 1, 1, 1, "", (Line(old, 1, None), Line(new, None, 1))),),
    )

    assert () == _findings((_hunk(f"-{ON}", f"+{ON2}", f" {OFF}"), moved))


def test_a_series_that_is_applied_changes_nothing() -> None:
    updated = FILES[LAMP_RS].replace("lamp_on(lamp)", "lamp_on(lamp, 0)")
    landing = tree(**{LAMP_H: edited(LAMP_H, ON, ON2), LAMP_RS: updated, "include/linux/new.h": "int new(void);\n"})
    change = _hunk(f"-{ON}", f"+{ON2}", f" {OFF}")
    added = FileChange(None, "include/linux/new.h", (Hunk.of(0, 0, 1, 1, "", (Line("int new(void);", None, 1),)),))
    trees = (LandingTree("next-1", landing),)

    assert () == run_rules((RULE,), view(series((change, added)), NoTree(), trees)).findings


def test_a_file_that_has_more_in_the_landing_tree_is_not_deleted_there() -> None:
    change = whole_change(LAMP_H, None)
    landing = tree(**{LAMP_H: FILES[LAMP_H] + "int lamp_more(void);\n"})
    trees = (LandingTree("next-1", landing),)

    assert () == run_rules((RULE,), view(series((change,)), NoTree(), trees)).findings
    assert _findings((change,))
