# SPDX-License-Identifier: GPL-2.0-or-later
"""The operation that needs the justification is named, not the safe code around it."""

import pytest

from rules.source.rust.operations import Operation, implementation, operations


@pytest.mark.parametrize(
    ("body", "kind", "name"),
    [
        ("bindings::led_on(self.as_ptr())", "call", "bindings::led_on"),
        ("to_result(bindings::led_on(led))", "call", "bindings::led_on"),
        ("Some(NonNull::new_unchecked(led.cast()))", "call", "NonNull::new_unchecked"),
        ("&*led", "dereference", "led"),
        ("(*led.get()).state", "dereference", "led.get()"),
        ("led.as_ref().get()", "call", ".as_ref"),
        ("core::mem::transmute::<_, Led>(x)", "call", "core::mem::transmute"),
        ("bindings::$name(addr)", "call", "bindings::$name"),
        ("helper(1)", "call", "helper"),
    ],
)
def test_the_likeliest_operation_comes_first(body: str, kind: str, name: str) -> None:
    operation = operations(body)[0]

    assert (kind, name) == (operation.kind, operation.name)


def test_a_block_without_operation() -> None:
    assert () == operations("LED")
    assert () == operations("} } ((")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("impl Send for Led", "Send"),
        ("impl<T: Light> kernel::Light<T> for Led<T>\nwhere\n    T: Send", "kernel::Light"),
        ("impl$(<$g>)? $crate::Light<$n> for $t", "$crate::Light"),
    ],
)
def test_the_trait_of_an_impl(head: str, name: str) -> None:
    assert Operation("implementation", name) == implementation(head)


def test_an_impl_without_trait() -> None:
    assert implementation("impl Led") is None


@pytest.mark.parametrize(
    ("body", "receiver"),
    [
        ("ptr.add(1)", "ptr"),
        ("self.0.get().as_ref::<u8>()", "self.0.get()"),
        ("f(x)", ""),
        (f"{'x' * 41}.add(1)", ""),
        ("{ ptr }.add(1)", ""),
    ],
)
def test_a_method_is_named_with_its_receiver(body: str, receiver: str) -> None:
    assert operations(body)[0].receiver == receiver
