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


@pytest.mark.parametrize(
    "body",
    [
        "kernel::bindings::on(); *a",
        "bindings::on(); T::new()",
        "$crate::bindings::on(); T::new()",
        "uapi::on(); x.get_unchecked()",
        "T::new(); *a; f()",
        "a.read(); *b; f()",
        "*a; f(); Some(1)",
        "*a; cast()",
        "f(); g(); len()",
    ],
)
def test_operations_are_in_the_order_in_which_they_are_likely_unsafe(body: str) -> None:
    names = [operation.name for operation in operations(body)]
    backwards = "; ".join(reversed(body.split("; ")))

    assert len(names) == body.count(";") + 1
    assert body.startswith((names[0], f"{names[0]}(", f"*{names[0]}", "x.", "a."))
    if "g()" not in body:  # two of the same rank keep the order of the text
        assert [operation.name for operation in operations(backwards)] == names


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("f(g(h(1)), *i); j()", ["i", "f", "g", "h", "j"]),
        ("f(); f(); a.f(); b.f()", ["f", ".f"]),
        ("a::<u8>(1)", ["a"]),
        ("a.b::<u8>()", [".b"]),
        ("A::<B<C>>::new()", ["A::new"]),
        ("A::<B>::new::<C>()", ["A::new"]),
        ("A::<B>::c::<D>::new()", ["A::c::new"]),
        ("A::<{ b::<u8>() }>::new()", ["A::new", "b"]),
        ("A::<{ B > 1 }, fn(C) -> D>::new()", ["A::new"]),
        ("$a::A::<$b $(, $c)?>::new()", ["$a::A::new"]),
        ("<A as B::<C>>::new()", ["<A as B>::new"]),
        ("(a.b)(); a[0]()", []),
        ("-a; !b", []),
        ("*(a)", ["a"]),
        ("*( a.b(1) )", ["a.b(1)", ".b"]),
        ("*(a)(b)", ["(a)(b)"]),
        ("*a(b)", ["a(b)", "a"]),
        (f"{'a' * 56}(); *{'b' * 56}", ["b" * 56, "a" * 56]),
        (f"{'a' * 57}(); *{'b' * 57}; x.{'c' * 57}()", ["", ""]),
        (f"a::b::C::<{'d::' * 20}E>::f()", ["a::b::C::f"]),
        (f"{'a::' * 20}f(); <A as {'b::' * 20}C<d::E>>::g()", [""]),
        ("a\n  .b\n  .c()", [".c"]),
        ("$a.$b(); *$c", ["$c", ".$b"]),
        (f"f();{' ' * 996}g()", ["f"]),
        (f"f();{' ' * 993}g()", ["f", "g"]),
    ],
)
def test_every_operation_is_named_once(body: str, names: list[str]) -> None:
    assert [operation.name for operation in operations(body)] == names


def test_a_byte_that_is_not_utf_8_is_replaced() -> None:
    assert operations('*a["\udcff"]') == (Operation("dereference", 'a["\ufffd"]'),)


@pytest.mark.parametrize(
    ("body", "receivers"),
    [
        (f"{'x' * 40}.add(1)", ["x" * 40]),
        ('f("`").add(1)', ["", ""]),
        ("a\n    .b.c()", ["a .b"]),
        ("a.b().c()", ["a", "a.b()"]),
    ],
)
def test_a_receiver_is_short_and_on_one_line(body: str, receivers: list[str]) -> None:
    assert sorted(operation.receiver for operation in operations(body)) == receivers


@pytest.mark.parametrize(
    ("operation", "callee"),
    [
        (Operation("call", "a::b::c"), "c"),
        (Operation("call", ".c"), "c"),
        (Operation("dereference", "a.b"), ""),
        (Operation("implementation", "a::Light"), "Light"),
    ],
)
def test_a_callee_has_no_path(operation: Operation, callee: str) -> None:
    assert operation.callee == callee


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("impl ::led::Light for Led", "led::Light"),
        ("impl Light<A<B>> for Led", "Light"),
        ("impl<T> Light<Fn(u8)> for Led<T>", "Light"),
        ("impl !Light for Led", "Light"),
        (f"impl {'L' * 5000} for Led", ""),
    ],
)
def test_the_trait_of_an_impl_has_no_generics(head: str, name: str) -> None:
    assert implementation(head) == Operation("implementation", name)


@pytest.mark.parametrize("head", ["impl", "impl > for Led", "impl <A> for Led", "impl Light<A> Led", " for "])
def test_the_head_of_an_impl_may_be_unclear(head: str) -> None:
    assert implementation(head) is None
