# SPDX-License-Identifier: GPL-2.0-or-later
"""The links in documentation, as rustdoc reads them."""

import pytest

from rules.source.rust.doc_links import DocLink, read_doc_links
from rules.source.rust.source import RustSource


def links(text: str) -> tuple[DocLink, ...]:
    """Return the links in a file."""
    return read_doc_links(RustSource(text))


def paths(docs: str) -> list[str]:
    """Return the paths to which the documentation of an item leads."""
    text = "".join(f"/// {line}".rstrip() + "\n" for line in docs.split("\n")) + "pub struct Lamp;\n"
    return ["::".join(link.path) + "!" * link.is_macro for link in links(text)]


@pytest.mark.parametrize(
    ("docs", "expected"),
    [
        (
            "[`Room`], [Room], [a room](Room), [a `Room`][crate::room::Room], [Room][]",
            ["Room"] * 3 + ["crate::room::Room", "Room"],
        ),
        ("[`f()`], [`m!`], [`m!()`], [macro@m]", ["f", "m!", "m!", "m!"]),
        ("[struct@Room], [`fn@f`], [mod@room], [method@Room::f]", ["Room", "f", "room", "Room::f"]),
        ("[`Room<T>`], [`Room::<T>::f`], [Room#walls], [x](<Room>)", ["Room", "Room::f", "Room", "Room"]),
        ("[x](Room 'title'), [x](Room::f()), [::kernel::room]", ["Room", "Room::f", "kernel::room"]),
        ("[two\nlines](Room) and [`Hall`\n]", ["Room", "Hall"]),
        ("[room] and [hall][room]\n\n[room]: crate::Room", ["crate::Room"]),
        ("[Room] here\n\n[room]:\n    https://example.org/", []),
        ("[`Room`]\n\n[room]: https://example.org/", ["Room"]),
        ("[`A<B>`]\n\n[`A<B>`]: c::A<B>\n[d]: <c::D> 'title'", ["c::A", "c::D"]),
        ("text\n[x]: Room", ["x"]),
        ("[x](https://example.org), [x](srctree/include/a.h), [a/b], [^note], ![x](Room), ![Room]", []),
        ("[0..4], [a b], [&Room], [<Room>], [::core::fmt], [`Room`](), [é]", []),
        (r"`[Room]`, ``[`Room`]``, \[Room], [x\]", []),
        (r"`a\`[Room]", ["Room"]),
        ("`open [Room]", ["Room"]),
        ("[a [Room] b](https://example.org)", ["Room"]),
        ("# Heading [Room]\n[Hall]", ["Room", "Hall"]),
        ("| a | [Room] |", ["Room"]),
        ("> [Room]\n> - [Hall]", ["Room", "Hall"]),
    ],
)
def test_the_forms_of_links(docs: str, expected: list[str]) -> None:
    assert paths(docs) == expected


@pytest.mark.parametrize(
    ("docs", "expected"),
    [
        ("```\n[A]\n```\n[B]", ["B"]),
        ("~~~text\n[A]\n```\n[A]\n~~~~\n[B]", ["B"]),
        ("````\n```\n[A]\n````\n[B]", ["B"]),
        ("```inline``` [B]", ["B"]),
        ("```\n[A]", []),
        ("- ```\n  [A]\n  ```\n- [B]", ["B"]),
        ("- ```\n  [A]\n\nthe list has ended: [B]", ["B"]),
        ("text\n\n    [A]\n\n[B]", ["B"]),
        ("text\n    [B]", ["B"]),
        ("- item\n\n    [B]\n\n      [A]", ["B"]),
        ("-     [A]\n- [B]", ["B"]),
        ("1. item\n\n   [B]\n\nafter\n\n    [A]", ["B"]),
        ("<div>\n[A]\n</div>\n\n[B]", ["B"]),
        ("<!-- [A]\n\n[A] -->\n[B]", ["B"]),
        ("text <!-- [A] -->\n\n[B]", ["B"]),
    ],
)
def test_code_and_html_have_no_links(docs: str, expected: list[str]) -> None:
    assert paths(docs) == expected


def test_a_link_has_its_place() -> None:
    (first, second) = links(
        "/// A lamp in a [`Room`].\n///\n/// [`Room`]: crate::Room\n/// [`Hall`]\npub struct Lamp;\n"
    )

    assert (first.line, first.column, first.text) == (3, 15, "/// [`Room`]: crate::Room")
    assert (second.line, second.column) == (4, 6)


@pytest.mark.parametrize(
    "text",
    [
        "/** [`Room`] */\npub struct Lamp;\n",
        "/**\n * Text\n *\n * [`Room`]\n */\npub struct Lamp;\n",
        "/*!\n[`Room`]\n*/\n",
        "//! [`Room`]\n",
        '#[doc = "[`Room`]"]\npub struct Lamp;\n',
        '#[doc = r#"a "b" [`Room`]"#]\npub struct Lamp;\n',
        '#![doc = "[`Room`]"]\n',
        "/// [`Room`]\n// A comment.\n#[derive(Clone)]\npub struct Lamp;\n",
    ],
)
def test_documentation_is_a_comment_or_an_attribute(text: str) -> None:
    assert [link.path for link in links(text)] == [("Room",)]


@pytest.mark.parametrize(
    "text",
    [
        "// [`Room`]\npub struct Lamp;\n",
        "//// [`Room`]\npub struct Lamp;\n",
        "/*** [`Room`] */\npub struct Lamp;\n",
        "/* [`Room`] */\npub struct Lamp;\n",
        'const A: &str = "/// [`Room`]";\n',
        '#[doc = include_str!("[`Room`]")]\npub struct Lamp;\n',
        '#[doc(alias = "[`Room`]")]\npub struct Lamp;\n',
        "fn f() {\n    /// [`Room`]\n    struct Lamp;\n}\n",
        "m! {\n    /// [`Room`]\n    struct Lamp;\n}\n",
        "macro_rules! m {\n    () => {\n        /// [`Room`]\n        struct Lamp;\n    };\n}\n",
        "/// [`Room`]\n",
    ],
)
def test_what_is_no_documentation_has_no_links(text: str) -> None:
    assert links(text) == ()


def test_a_link_in_a_cfg_attr_has_its_condition_and_uses_the_other_definitions() -> None:
    text = """\
/// In a [`Hall`].
#[cfg_attr(any(CONFIG_ROOM, CONFIG_HALL), doc = "In a [`Room`] or [`Garden`].")]
#[cfg_attr(CONFIG_HALL, doc = "[`Hall`]: crate::Hall")]
///
/// [`Garden`]: https://example.org/
pub struct Lamp;
"""

    assert [(link.path, link.condition) for link in links(text)] == [
        (("Room",), (("ROOM", "HALL"),)),
        (("crate", "Hall"), (("HALL",),)),
    ]


def test_only_the_first_conditions_of_an_item_are_read() -> None:
    attributes = "".join(f'#[cfg_attr(CONFIG_A{at}, doc = "[A{at}]")]\n' for at in range(30))

    assert [link.path for link in links(f"{attributes}pub struct Lamp;\n")] == [(f"A{at}",) for at in range(8)]


def test_a_link_has_the_module_and_the_type_around_it() -> None:
    text = """\
pub mod house {
    //! [A]
    /// [B]
    pub mod room {
        /// [C]
        pub struct Lamp {
            /// [D]
            pub bulb: u32,
        }
        impl Lamp {
            /// [E]
            pub fn on() {}
        }
    }
}
"""

    assert [(link.path[0], link.module, link.self_type) for link in links(text)] == [
        ("A", ("house",), ""),
        ("B", ("house",), ""),
        ("C", ("house", "room"), "Lamp"),
        ("D", ("house", "room"), "Lamp"),
        ("E", ("house", "room"), "Lamp"),
    ]


@pytest.mark.parametrize(
    ("text", "is_public"),
    [
        ("/// [A]\npub struct Lamp;\n", True),
        ("/// [A]\nstruct Lamp;\n", False),
        ("/// [A]\npub(crate) struct Lamp;\n", False),
        ("/// [A]\n#[doc(hidden)]\npub struct Lamp;\n", False),
        ("#[doc(hidden)]\n/// [A]\npub struct Lamp;\n", False),
        ("pub enum Lamp {\n    /// [A]\n    On,\n}\n", True),
        ("enum Lamp {\n    /// [A]\n    On,\n}\n", False),
        ("pub struct Lamp {\n    /// [A]\n    bulb: u32,\n}\n", False),
        ("pub trait Light {\n    /// [A]\n    fn on();\n}\n", True),
        ("impl Light for Lamp {\n    /// [A]\n    fn on() {}\n}\n", True),
        ("impl Lamp {\n    /// [A]\n    fn on() {}\n}\n", False),
        ("impl<T> Lamp<T> where for<'a> T: Light<'a> {\n    /// [A]\n    fn on() {}\n}\n", False),
        ("struct Lamp;\nimpl Lamp {\n    /// [A]\n    pub fn on() {}\n}\n", False),
        ("/// [A]\nimpl Light for Lamp {}\n", True),
        ("/// [A]\n#[macro_export]\nmacro_rules! m {}\n", True),
        ("/// [A]\nmacro_rules! m {}\n", False),
        ("mod a {\n    //! [A]\n}\n", False),
        ("pub mod a {\n    //! [A]\n}\n", True),
        ("#[doc(hidden)]\npub mod a {\n    /// [A]\n    pub struct Lamp;\n}\n", False),
    ],
)
def test_rustdoc_shows_public_items_only(text: str, is_public: bool) -> None:
    assert [link.is_public for link in links(text)] == [is_public]
