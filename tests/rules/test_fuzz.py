# SPDX-License-Identifier: GPL-2.0-or-later
"""No rule crashes on any text, and the same text gives the same report."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.bindings.tree import NoTree
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.finding import Report
from rules.lint.engine import audit, run
from rules.registry import RULES, active
from tests.growth import assert_linear, repeated

LINES = sorted(
    {
        body[1:]
        for rule in RULES
        for example in rule.examples
        for row in example.text.split("\n")
        if (body := row.partition("|")[2].removeprefix(" "))[:1] in ("+", "-", " ")
    }
)
CHARS = st.text(alphabet="{}()[]<>;:!#/*\"'\\ \n\taSELFunsafe\u2028\udcff", max_size=40)


@st.composite
def sources(draw: st.DrawFn) -> list[str]:
    """Lines of the examples in any order, some cut, some with noise in them."""
    lines = draw(st.lists(st.sampled_from(LINES), max_size=30))
    for at in draw(st.lists(st.integers(0, 29), max_size=4)):
        if at < len(lines):
            cut = draw(st.integers(0, 60))
            lines[at] = lines[at][:cut] + draw(CHARS) + lines[at][cut:]
    return "\n".join(lines).split("\n")


@settings(max_examples=150, deadline=None)
@given(sources())
def test_no_rule_crashes_on_a_complete_file(lines: list[str]) -> None:
    content = "\n".join(lines).encode("utf-8", "surrogateescape")

    report = audit(active(), "drivers/led/led.rs", content)

    assert report.failures == ()
    assert audit(active(), "drivers/led/led.rs", content) == report


@settings(max_examples=150, deadline=None)
@given(sources(), st.lists(st.sampled_from("+- "), min_size=30, max_size=30))
def test_no_rule_crashes_on_hunks(lines: list[str], marks: list[str]) -> None:
    built: list[Line] = []
    before = after = 50
    for text, mark in zip(lines, marks * 10, strict=False):
        built.append(Line(text, None if mark == "+" else before, None if mark == "-" else after))
        before += mark != "+"
        after += mark != "-"
    hunk = Hunk.of(50, before - 50, 50, after - 50, "", tuple(built))
    path = "rust/kernel/led.rs"
    series = Series("s", (Patch(1, "s", changes=(FileChange(path, path, (hunk,)),)),))

    report = run(active(), series, NoTree())

    assert report.failures == ()
    assert run(active(), series, NoTree()) == report


def audit_text(text: str) -> Report:
    return audit(active(), "rust/kernel/led.rs", text.encode())


@pytest.mark.parametrize(
    "unit",
    [
        "// SAFETY: x\nx(",
        "{ unsafe ",
        "#[a]\n",
        "#[",
        "let _ : ",
        "Self { ",
        "/// # Safety\n",
        "// `S` is transparent.\n",
    ],
)
def test_auditing_a_hostile_file_takes_linear_time(unit: str) -> None:
    head = "/// # Invariants\nstruct S(u8);\n// SAFETY: INVARIANTS: transparent bindings:: &mut let _ unsafe\n"
    make = repeated(unit, head)

    report = audit_text(make(100_000))

    assert report.failures == ()
    assert all("analysis limit exceeded: " in skip.line for skip in report.skipped)
    assert_linear(make, audit_text, 25_000)
