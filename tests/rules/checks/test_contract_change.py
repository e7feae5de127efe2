# SPDX-License-Identifier: GPL-2.0-or-later
"""Which points of a contract change, and whose comments are about them."""

from rules.lint.engine import run
from rules.lint.example import load
from rules.lint.rule import Example
from rules.registry import by_id

TREE = """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree rust/kernel/lamp.rs
    |  /// Switches on.
    |  ///
    |  /// # Safety
    |  ///
    |  /// - The lamp pointer is valid.
    |  /// - The mains voltage matches
    |  ///   the bulb.
    |  /// - Interrupts are disabled.
    |  pub unsafe fn on() {}
    | tree rust/kernel/light.rs
    |  fn light() {
    |      // SAFETY: The lamp pointer is valid. Interrupts
    |      // are disabled by the guard.
    |      unsafe { lamp::on() };
    |      // SAFETY: Checked above: the lamp pointer is valid.
    |      unsafe { lamp::on() };
    |  }
"""


def test_the_points_are_shown_and_the_comments_about_them_are_named() -> None:
    rule = by_id("contract-change")
    assert rule is not None
    diff = """
    | diff rust/kernel/lamp.rs
    |  ///
    |  /// - The lamp pointer is valid.
    | -/// - The mains voltage matches
    | -///   the bulb.
    | -/// - Interrupts are disabled.
    | +/// - The mains voltage and frequency match the bulb.
    | +/// - The fuse was tested.
    |  pub unsafe fn on() {}
    """
    loaded = load(Example("points", TREE + diff))

    (finding,) = run([rule], loaded.series, loaded.tree).findings

    assert finding.evidence[0].lines == (
        "added: The fuse was tested.",
        "removed: Interrupts are disabled.",
        "reworded: The mains voltage matches the bulb.",
        "now: The mains voltage and frequency match the bulb.",
    )
    assert "These comments rely on it: rust/kernel/light.rs:4, rust/kernel/light.rs:6." in finding.message
    assert finding.message.endswith("These comments address what was removed or reworded: rust/kernel/light.rs:4.")
