# SPDX-License-Identifier: GPL-2.0-or-later
"""Which facts of two postings contradict each other, and which only look as if they did."""

from dataclasses import replace

import pytest

from rules.bindings.collisions import MAX_COMPARISONS, MAX_SHIFT, CollisionKind, find_collisions
from rules.bindings.pending_facts import PatchIdentity, PendingFact, PendingFacts, PendingKind
from rules.finding import Anchor

_OLD, _NEW = "int led_on(int)", "int led_on(int, int)"


def _fact(
    kind: PendingKind, name: str, before: str = "", after: str = "", line: int = 1, patch: int = 1
) -> PendingFact:
    return PendingFact(kind, name, Anchor(patch, "a", "pre", line, 1, "text"), before, after)


def _facts(*facts: PendingFact, title: str = "mine", patch_id: str = "") -> PendingFacts:
    return PendingFacts(facts, (PatchIdentity(1, title, patch_id),))


def _kinds(mine: PendingFact, other: PendingFact) -> list[CollisionKind]:
    """Return the collisions of the two facts, which must be the same in both directions."""
    first, second = _facts(mine), _facts(other, title="other")
    there = [collision.kind for collision in find_collisions(first, second)]
    assert [collision.kind for collision in find_collisions(second, first)] == there
    return there


@pytest.mark.parametrize(
    ("change", "use", "collides"),
    [
        ((_OLD, _NEW), ("", _OLD), True),
        ((_OLD, _NEW), ("", _NEW), False),
        ((_OLD, _NEW), ("1", ""), True),
        ((_OLD, _NEW), ("2", ""), False),
        ((_OLD, _NEW), ("", ""), False),
        ((_OLD, "long led_on(int)"), ("1", ""), False),
        ((_OLD, ""), ("", ""), True),
        (("int led_on(void)", "int led_on(int)"), ("0", ""), True),
        (("int led_on(int (*f)(int))", _NEW), ("1", ""), False),
    ],
)
def test_a_c_change_collides_with_a_use_of_the_old_declaration(
    change: tuple[str, str], use: tuple[str, str], collides: bool
) -> None:
    kinds = _kinds(_fact(PendingKind.C_CHANGE, "led_on", *change), _fact(PendingKind.C_USE, "led_on", *use))

    assert kinds == [CollisionKind.C_CHANGE] * collides


@pytest.mark.parametrize(
    ("name", "form", "collides"), [("helper a", "1", False), ("helper a", "2", True), ("helper b", "2", False)]
)
def test_what_both_add_collides_in_another_form(name: str, form: str, collides: bool) -> None:
    kinds = _kinds(_fact(PendingKind.ADDED, "helper a", "", "1"), _fact(PendingKind.ADDED, name, "", form))

    assert kinds == [CollisionKind.ADDED_TWICE] * collides


@pytest.mark.parametrize(
    ("change", "use", "collides"),
    [
        (("kernel::led::Led", "struct", ""), ("kernel::led::Led::new", "", "1"), True),
        (("kernel::led::Led", "struct", ""), ("kernel::led::Ledger", "", "1"), False),
        (("kernel::led::on", "fn 1", "fn 2"), ("kernel::led::on", "", "1"), True),
        (("kernel::led::on", "fn 1", "fn 2"), ("kernel::led::on", "", "2"), False),
        (("kernel::led::on", "fn 1", "fn 2"), ("kernel::led::on", "", ""), False),
        (("kernel::led::Driver", "trait", ""), ("kernel::led::Driver", "probe/1", "impl"), True),
        (("kernel::led::Driver::probe", "fn 1", "fn 2"), ("kernel::led::Driver", "probe/1", "impl"), True),
        (("kernel::led::Driver::probe", "fn 1", "fn 2"), ("kernel::led::Driver", "probe/2", "impl"), False),
        (("kernel::led::Driver::probe", "fn 1", ""), ("kernel::led::Driver", "probe/1", "open impl"), True),
        (("kernel::led::Driver::remove", "", "fn 1"), ("kernel::led::Driver", "probe/1", "impl"), True),
        (("kernel::led::Driver::remove", "", "fn 1"), ("kernel::led::Driver", "remove/1", "impl"), False),
        (("kernel::led::Driver::remove", "", "fn 1"), ("kernel::led::Driver", "probe/1", "open impl"), False),
    ],
)
def test_an_item_change_collides_with_a_use_that_it_breaks(
    change: tuple[str, str, str], use: tuple[str, str, str], collides: bool
) -> None:
    kinds = _kinds(_fact(PendingKind.ITEM_CHANGE, *change), _fact(PendingKind.ITEM_USE, *use))

    assert kinds == [CollisionKind.ITEM_CHANGE] * collides


@pytest.mark.parametrize(
    ("other", "collides"),
    [
        (("a.c", "line", "y", 1), True),
        (("a.c", "line", "y", 1 + MAX_SHIFT), True),
        (("a.c", "line", "y", 2 + MAX_SHIFT), False),
        (("a.c", "line", "x", 1), False),
        (("a.c", "other line", "y", 1), False),
        (("b.c", "line", "y", 1), False),
    ],
)
def test_the_same_line_collides_with_another_replacement(other: tuple[str, str, str, int], collides: bool) -> None:
    kinds = _kinds(_fact(PendingKind.REWRITE, "a.c", "line", "x"), _fact(PendingKind.REWRITE, *other))

    assert kinds == [CollisionKind.SAME_LINES] * collides


@pytest.mark.parametrize(
    ("title", "patch_id", "collides"), [("other", "2", True), ("mine", "2", False), ("other", "1", False)]
)
def test_a_patch_in_both_postings_collides_with_nothing(title: str, patch_id: str, collides: bool) -> None:
    mine = _facts(_fact(PendingKind.ADDED, "helper a", "", "1"), patch_id="1")
    other = _facts(_fact(PendingKind.ADDED, "helper a", "", "2"), title=title, patch_id=patch_id)

    assert bool(list(find_collisions(mine, other))) is collides


def test_the_number_of_comparisons_is_limited() -> None:
    compared = 0

    class Counting(str):
        __slots__ = ()

        def __ne__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return False

        __hash__ = str.__hash__

    added = _fact(PendingKind.ADDED, "helper a", "", "1")
    mine = _facts(*[replace(added, after=Counting("1"))] * 300)
    list(find_collisions(mine, _facts(*[added] * 300, title="other")))

    assert compared == MAX_COMPARISONS
