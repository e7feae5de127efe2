# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of the `kernel` crate that leave users behind, and similar changes that do not."""

import pytest

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.bindings.api_breakage import ApiEffect
from rules.bindings.rust_api import find_api_breakages
from rules.bindings.tree import FileTree, LandingTree, NoTree
from rules.checks.bindings.rust_api_change_leaves_users import RULE
from rules.diff.patch import FileChange, Hunk, Line
from rules.finding import Anchor
from rules.lint.engine import run_rules, view
from tests.growth import assert_linear
from tests.rules.bindings.trees import series, whole_change

LIB, LAMP, BULB, ROOM = "rust/kernel/lib.rs", "rust/kernel/lamp.rs", "rust/kernel/bulb.rs", "drivers/room.rs"
FILES = {
    "rust/bindings/bindings_helper.h": "#include <linux/lamp.h>\n",
    LIB: "pub mod lamp;\npub mod bulb;\n",
    LAMP: """pub struct Lamp;
impl Lamp {
    pub fn new(level: u32) -> Self { Lamp }
    pub fn level(&self) -> u32 { 0 }
}
pub fn dim(level: u32, pair: (u32, u32)) {}
pub mod flags {
    pub const ON: u32 = 1;
}
pub trait Driver {
    type Data;
    fn probe(&self, level: u32) -> Result;
    fn remove(&self) {}
    fn stop(&self) {}
}
#[macro_export]
macro_rules! lamp_table {
    () => {};
}
""",
    BULB: "pub struct Bulb;\npub(crate) fn warm() {}\n",
    ROOM: """use kernel::lamp::{self, Driver, Lamp};
impl Driver for Room {
    type Data = ();
    fn probe(&self, level: u32) -> Result {
        lamp::dim(level, (1, 2));
        let lamp = Lamp::new(level);
        Lamp::level(&lamp);
        lamp.level();
        lamp::flags::ON
    }
    fn remove(&self) {}
}
kernel::lamp_table!();
""",
}


def _change(path: str, old: str, new: str) -> FileChange:
    assert old in FILES[path]
    return whole_change(path, FILES[path].replace(old, new, 1), before=FILES[path])


def _breakages(*changes: FileChange, **files: str) -> list[tuple[str, ApiEffect, list[int]]]:
    kernel = FileTree({path: text.encode() for path, text in (FILES | files).items()})
    diff = view(series(changes), kernel).result(BINDINGS_DIFF)
    assert diff is not None
    return [
        (breakage.name, breakage.effect, [user.line for user in breakage.users])
        for breakage in find_api_breakages(diff)
    ]


REMOVED, PARAMETERS = ApiEffect.REMOVED, ApiEffect.PARAMETERS


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("pub fn dim(", "pub fn darken(", ("kernel::lamp::dim", REMOVED, [5])),
        ("pub fn dim(level: u32, ", "pub fn dim(", ("kernel::lamp::dim", PARAMETERS, [5])),
        ("new(level: u32)", "new(level: u32, hue: u32)", ("kernel::lamp::Lamp::new", PARAMETERS, [6])),
        ("level(&self)", "level(&self, hue: u32)", ("kernel::lamp::Lamp::level", PARAMETERS, [7])),
        ("pub fn new(", "pub fn make(", ("kernel::lamp::Lamp::new", REMOVED, [6])),
        ("const ON: u32 = 1;", "", ("kernel::lamp::flags::ON", REMOVED, [9])),
        ("pub mod flags {", "pub mod bits {", ("kernel::lamp::flags", REMOVED, [9])),
        ("macro_rules! lamp_table", "macro_rules! table", ("kernel::lamp_table", REMOVED, [13])),
        ("probe(&self, level: u32)", "probe(&self)", ("kernel::lamp::Driver::probe", ApiEffect.METHOD_PARAMETERS, [4])),
        ("probe(&self, level", "probe(level", ("kernel::lamp::Driver::probe", ApiEffect.METHOD_PARAMETERS, [4])),
        ("    fn remove(&self) {}\n", "", ("kernel::lamp::Driver::remove", ApiEffect.METHOD_REMOVED, [11])),
        ("    type Data;\n", "", ("kernel::lamp::Driver::Data", ApiEffect.METHOD_REMOVED, [3])),
        ("type Data;", "type Data;\n    fn id();", ("kernel::lamp::Driver::id", ApiEffect.METHOD_REQUIRED, [2])),
        ("fn stop(&self) {}", "fn stop(&self);", ("kernel::lamp::Driver::stop", ApiEffect.METHOD_REQUIRED, [2])),
        ("pub struct Lamp;", "pub struct Light;", ("kernel::lamp::Lamp", REMOVED, [1, 6, 7])),
        ("pub fn dim(", "pub(crate) fn dim(", ("kernel::lamp::dim", ApiEffect.HIDDEN, [5])),
        ("pub fn new(", "fn new(", ("kernel::lamp::Lamp::new", ApiEffect.HIDDEN, [6])),
        ("pub const ON", "pub(super) const ON", ("kernel::lamp::flags::ON", ApiEffect.HIDDEN, [9])),
        ("pub mod flags", "mod flags", ("kernel::lamp::flags", ApiEffect.HIDDEN, [9])),
        ("#[macro_export]\n", "", ("kernel::lamp_table", ApiEffect.HIDDEN, [13])),
    ],
)
def test_a_changed_item_with_users_is_found(old: str, new: str, expected: tuple[str, ApiEffect, list[int]]) -> None:
    changed = _change(LAMP, old, new)
    if "struct" in new:
        text = FILES[LAMP].replace("Lamp", "Light")
        changed = whole_change(LAMP, text, before=FILES[LAMP])

    assert [expected] == _breakages(changed)


@pytest.mark.parametrize(
    ("where", "user", "lines"),
    [
        (BULB, "use super::lamp::dim;\nfn f() { dim(1, (2, 3)); }\n", [1, 2]),
        (BULB, "fn f() { self::inner::g(); }\nmod inner { fn g() { super::super::lamp::dim(1, (2, 3)); } }\n", [2]),
        (BULB, "mod inner {}\nmod lamp {}\nfn f() { super::lamp::dim(1, (2, 3)); lamp::dim(1, 2); }\n", [3]),
        (BULB, "mod lamp { fn f() { super::lamp::dim(1, (2, 3)); } }\n", []),
        (LIB, "pub mod lamp;\npub use lamp::dim;\n", [2]),
        (LIB, "pub mod lamp;\npub use self::{lamp::dim as darken};\n", [2]),
        (ROOM, "use super::lamp::dim;\nfn f() { lamp::dim(1, (2, 3)); }\n", []),
    ],
)
def test_a_path_that_begins_at_its_own_module_is_a_use(where: str, user: str, lines: list[int]) -> None:
    removed = _breakages(_change(LAMP, "pub fn dim", "pub fn darken"), **{ROOM: "", where: user})

    assert [("kernel::lamp::dim", REMOVED, lines)] * bool(lines) == removed


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ("fn f() { Lamp::new(1); }\n", [20]),
        ("mod inner {\n    fn f() { super::Lamp::new(1); Lamp::new(2); }\n}\n", [21]),
        ("mod inner {\n    struct Lamp;\n    fn f() { Lamp::new(2); }\n}\n", []),
        ("fn f() {\n    use other::Lamp;\n    Lamp::new(1);\n}\n", []),
        ("fn f() { new!(1); x::Lamp::new(1); }\n", []),
    ],
)
def test_a_use_in_the_file_of_the_item_is_found(more: str, lines: list[int]) -> None:
    before = FILES[LAMP] + more
    changes = {
        REMOVED: before.replace("pub fn new(", "pub fn make("),
        PARAMETERS: before.replace("new(level: u32)", "new(level: u32, hue: u32)"),
    }

    for effect, after in changes.items():
        found = _breakages(whole_change(LAMP, after, before=before), **{LAMP: before, ROOM: ""})
        assert found == ([("kernel::lamp::Lamp::new", effect, lines)] if lines else [])


def test_an_implementation_in_the_file_of_its_trait_is_found() -> None:
    before = f"{FILES[LAMP]}impl Driver for Lamp {{}}\n"
    after = before.replace("fn stop(&self) {}", "fn stop(&self);")
    found = _breakages(whole_change(LAMP, after, before=before), **{LAMP: before, ROOM: ""})

    assert found == [("kernel::lamp::Driver::stop", ApiEffect.METHOD_REQUIRED, [20])]


def test_a_macro_of_the_same_name_is_no_use_of_an_item() -> None:
    before = f"{FILES[LAMP]}fn f() {{ dim!(); }}\n"
    after = before.replace("pub fn dim(", "pub fn darken(")

    assert [] == _breakages(whole_change(LAMP, after, before=before), **{LAMP: before, ROOM: ""})


@pytest.mark.parametrize(
    ("where", "user"),
    [
        (ROOM, "use kernel::lamp::Driver;\n#[vtable]\nimpl Driver for Room {\n    fn probe(&self, level: u32) {}\n}\n"),
        (ROOM, "impl kernel::Driver for Room {\n    fn probe(&self, level: u32) {}\n}\n"),
        (BULB, "mod a {\n    impl super::super::lamp::Driver for A {\n    fn probe(&self, l: u32) {}\n}\n}\n"),
    ],
)
def test_an_implementation_of_a_trait_is_found_by_each_path(where: str, user: str) -> None:
    files = {LIB: FILES[LIB] + "pub use lamp::Driver;\n", ROOM: "", where: user}
    required = _breakages(_change(LAMP, "type Data;", "type Data;\n    fn id();"), **files)
    changed = _breakages(_change(LAMP, "probe(&self, level", "probe(level"), **files)

    assert ["kernel::lamp::Driver::id"] == [name for name, _, _ in required]
    assert ["kernel::lamp::Driver::probe"] == [name for name, _, _ in changed]


@pytest.mark.parametrize("attribute", ["#[more]", "#[cfg(CONFIG_X)]", "#[vtable(more)]"])
def test_an_attribute_may_add_functions_to_an_implementation(attribute: str) -> None:
    user = f"use kernel::lamp::Driver;\n{attribute}\nimpl Driver for Room {{}}\n"

    assert [] == _breakages(_change(LAMP, "type Data;", "type Data;\n    fn id();"), **{ROOM: user})


EXPORTS = "pub mod lamp;\npub mod bulb;\n"


@pytest.mark.parametrize("export", ["pub use lamp::Lamp;\n", "pub use crate::lamp::*;\n", "pub use room::Lamp;\n"])
def test_a_path_through_an_export_is_a_use(export: str) -> None:
    files = {LIB: EXPORTS + export, ROOM: "use kernel::Lamp;\nfn f() { Lamp::new(1); }\n"}
    if "room" in export:
        files |= {"rust/kernel/room.rs": "pub use super::lamp::Lamp;\n"}
        files[LIB] += "pub mod room;\n"
    more = _change(LAMP, "new(level: u32)", "new(level: u32, hue: u32)")
    renamed = _change(LAMP, "pub fn new(", "pub fn make(")

    assert [("kernel::lamp::Lamp::new", PARAMETERS, [2])] == _breakages(more, **files)
    assert [("kernel::lamp::Lamp::new", REMOVED, [2])] == _breakages(renamed, **files)


PRELUDE = "rust/kernel/prelude.rs"
WITH_PRELUDE = {
    LIB: f"{FILES[LIB]}pub mod prelude;\n",
    PRELUDE: "pub use crate::lamp::{flags::*, Driver, Lamp};\npub use super::lamp_table;\npub use core::pin::Pin;\n",
}


@pytest.mark.parametrize(
    ("user", "lines"),
    [
        ("use kernel::prelude::*;\nfn f() { Lamp::new(1); }\n", [2]),
        ("fn f() {\n    use kernel::prelude::*;\n    Lamp::new(1);\n}\n", []),
        ("use kernel::{lamp, prelude::*};\nfn f() { Lamp::new(1); lamp::new(2); }\n", [2]),
        ("fn f() { Lamp::new(1); }\n", []),
        ("use other::prelude::*;\nfn f() { Lamp::new(1); }\n", []),
        ("use kernel::prelude::*;\nuse other::Lamp;\nfn f() { Lamp::new(1); }\n", []),
        ("use kernel::prelude::*;\nstruct Lamp;\nfn f() { Lamp::new(1); }\n", []),
        ("use kernel::prelude::*;\nmod inner {\n    fn f() { Lamp::new(1); }\n}\n", []),
        ("use kernel::prelude::*;\nmod inner {\n    use super::*;\n    fn f() { Lamp::new(1); }\n}\n", [4]),
        (
            "use kernel::prelude::*;\nstruct Lamp;\nmod inner {\n    use super::*;\n    fn f() { Lamp::new(1); }\n}\n",
            [],
        ),
        ("use kernel::prelude::*;\nfn f() { Lamp::<(u8, u8)>::new(1); }\n", [2]),
        ("mod inner {\n    use kernel::prelude::*;\n    fn f() { Lamp::new(1); }\n}\n", [3]),
    ],
)
def test_a_name_from_a_glob_import_is_followed_to_its_item(user: str, lines: list[int]) -> None:
    files = WITH_PRELUDE | {ROOM: user}
    changes = {
        REMOVED: _change(LAMP, "pub fn new(", "pub fn make("),
        PARAMETERS: _change(LAMP, "new(level: u32)", "new(level: u32, hue: u32)"),
    }

    for effect, change in changes.items():
        found = [("kernel::lamp::Lamp::new", effect, lines)] if lines else []
        assert found == _breakages(change, **files)


def test_a_trait_and_a_macro_are_found_through_a_glob_import() -> None:
    user = "use kernel::prelude::*;\nimpl Driver for Room {\n    type Data = ();\n}\nlamp_table!();\n"
    own = f"macro_rules! lamp_table {{ () => {{}} }}\n{user}"
    renamed = _change(LAMP, "lamp_table", "bulb_table")
    withdrawn = WITH_PRELUDE[PRELUDE].replace("pub use super::lamp_table;\n", "")
    withdraws = whole_change(PRELUDE, withdrawn, before=WITH_PRELUDE[PRELUDE])
    required = _change(LAMP, "fn remove(&self) {}", "fn remove(&self);")

    assert [("kernel::lamp::Driver::remove", ApiEffect.METHOD_REQUIRED, [2])] == _breakages(
        required, **WITH_PRELUDE, **{ROOM: user}
    )
    probe = _change(LAMP, "fn remove(&self) {}", "fn remove(&self) {}\n    fn name(&self);")
    assert [("kernel::lamp::Driver::name", ApiEffect.METHOD_REQUIRED, [2])] == _breakages(
        probe, **WITH_PRELUDE, **{ROOM: user}
    )
    assert [("kernel::lamp_table", REMOVED, [5])] == _breakages(renamed, withdraws, **WITH_PRELUDE, **{ROOM: user})
    assert [] == _breakages(renamed, withdraws, **WITH_PRELUDE, **{ROOM: own})


@pytest.mark.parametrize(
    ("export", "user", "lines"),
    [
        ("Lamp", "use kernel::prelude::Lamp;\nfn f() { Lamp::new(1); }\n", [1, 2]),
        ("Lamp", "use kernel::prelude::*;\nfn f() { Lamp::new(1); }\n", [2]),
        ("Lamp", "use kernel::{lamp::*, prelude::*};\nfn f() { Lamp::new(1); }\n", []),
        ("Lamp", "use kernel::prelude::*;\nuse other::*;\nfn f() { Lamp::new(1); }\n", []),
        ("Lamp", "use kernel::lamp::Lamp;\nuse kernel::prelude::*;\nfn f() { Lamp::new(1); }\n", []),
        ("Driver", "impl kernel::prelude::Driver for Room {}\n", [1]),
        ("Pin", "fn f(room: kernel::prelude::Pin<Room>) {}\n", [1]),
        ("lamp_table", "kernel::prelude::lamp_table!();\nkernel::lamp_table!();\n", [1]),
        ("flags::*", "use kernel::prelude::ON;\n", []),
    ],
)
def test_an_export_that_is_removed_leaves_users_behind(export: str, user: str, lines: list[int]) -> None:
    before = WITH_PRELUDE[PRELUDE]
    after = before.replace(f"{export}, ", "").replace(f", {export}}}", "}") if export != "Pin" else before
    after = after.replace("pub use core::pin::Pin;\n", "") if export == "Pin" else after
    after = after.replace("pub use super::lamp_table;\n", "") if export == "lamp_table" else after

    found = _breakages(whole_change(PRELUDE, after, before=before), **WITH_PRELUDE, **{ROOM: user})

    assert found == ([(f"kernel::prelude::{export}", REMOVED, lines)] if lines else [])


@pytest.mark.parametrize(
    ("after", "is_found"),
    [
        ("pub(crate) use lamp::Lamp;\n", True),
        ("pub(crate) use lamp::{Driver, Lamp};\n", True),
        ("pub(crate) use lamp::Lamp;\npub use lamp::Driver as Lamp;\n", False),
        ("pub(crate) use lamp::Lamp;\npub use lamp::*;\n", False),
        ("pub use lamp::Lamp;\n", False),
    ],
)
def test_an_export_for_the_crate_alone_leaves_users_in_others_behind(after: str, is_found: bool) -> None:
    users = "use kernel::Lamp;\nfn f(lamp: kernel::Lamp) {}\nkernel::Lamp!();\nuse kernel::lamp::Lamp as Other;\n"
    files = {LIB: f"{FILES[LIB]}pub use lamp::Lamp;\n", ROOM: users, BULB: "fn f(lamp: crate::Lamp) {}\n"}
    changed = files[LIB].replace("pub use lamp::Lamp;\n", after)

    found = _breakages(whole_change(LIB, changed, before=files[LIB]), **files)

    assert found == [("kernel::Lamp", ApiEffect.HIDDEN, [1, 2])] * is_found


@pytest.mark.parametrize(
    "after",
    ["pub use crate::lamp::*;\n", "pub use super::lamp::Lamp as Lamp;\n", "pub struct Lamp;\n", "pub use other::*;\n"],
)
def test_a_name_that_is_exported_otherwise_leaves_no_user_behind(after: str) -> None:
    files = {LIB: f"{FILES[LIB]}pub use lamp::Lamp;\n", ROOM: "fn f(lamp: kernel::Lamp) {}\n"}
    changed = files[LIB].replace("pub use lamp::Lamp;\n", after)

    assert [] == _breakages(whole_change(LIB, changed, before=files[LIB]), **files)


@pytest.mark.parametrize(
    ("alias", "is_followed"),
    [
        ("pub type Light = Lamp;\n", True),
        ("pub type Light<T = ()> = self::Lamp;\n", True),
        ("pub type Light = &'static Lamp;\n", False),
        ("pub type Light = super::bulb::Lamp;\n", False),
        ("#[cfg(CONFIG_X)]\npub type Light = Lamp;\n", False),
    ],
)
def test_an_item_of_a_type_is_followed_through_an_alias(alias: str, is_followed: bool) -> None:
    before = FILES[LAMP] + alias
    files = {LAMP: before, ROOM: "use kernel::lamp::Light;\nfn f() { Light::new(1); }\n"}
    removed = whole_change(LAMP, before.replace("pub fn new(", "pub fn make("), before=before)

    assert [("kernel::lamp::Lamp::new", REMOVED, [2])] * is_followed == _breakages(removed, **files)


def test_an_alias_that_becomes_that_of_another_type_leaves_no_user_behind() -> None:
    before = f"{FILES[LAMP]}pub type Light = Lamp;\n"
    after = before.replace("pub fn new(", "pub fn make(").replace("Light = Lamp", "Light = crate::bulb::Bulb")
    files = {LAMP: before, ROOM: "use kernel::lamp::Light;\nfn f() { Light::new(1); }\n"}

    assert [] == _breakages(whole_change(LAMP, after, before=before), **files)


def test_an_item_that_moves_with_its_export_has_its_users_still() -> None:
    files = {LIB: EXPORTS + "pub use lamp::Lamp;\n", ROOM: "use kernel::Lamp;\nfn f() { Lamp::new(1); }\n"}
    lamp = FILES[LAMP].replace("Lamp", "Other")
    bulb = FILES[BULB] + "pub struct Lamp;\nimpl Lamp { pub fn new() -> Self { Lamp } }\n"
    moves = whole_change(LAMP, lamp, before=FILES[LAMP]), whole_change(BULB, bulb, before=FILES[BULB])
    export = whole_change(LIB, EXPORTS + "pub use bulb::Lamp;\n", before=files[LIB])
    withdrawn = whole_change(LIB, EXPORTS, before=files[LIB])

    assert [] == _breakages(*moves, export, **files)
    assert [("kernel::lamp::Lamp", REMOVED, [1, 2])] == _breakages(*moves, withdrawn, **files)
    assert [("kernel::lamp::Lamp", REMOVED, [3])] == [
        (name, effect, lines[:1]) for name, effect, lines in _breakages(*moves, **files)
    ]


def test_exports_of_each_other_are_followed_once() -> None:
    names = [f"m{number}" for number in range(30)]
    globs = "".join(f"pub use crate::{name}::*;\n" for name in names)
    files = {f"rust/kernel/{name}.rs": globs for name in names}
    files |= {LIB: EXPORTS + "".join(f"pub mod {name};\n" for name in names), ROOM: "use kernel::m0::dim;\n"}

    assert [] == _breakages(_change(LAMP, "pub fn dim", "pub fn darken"), **files)


def test_users_and_exports_cost_as_much_as_they_are_many() -> None:
    def with_users(number: int) -> dict[str, str]:
        exports = "".join(f"pub use lamp::x{at};\n" for at in range(number))
        calls = "".join(f"fn f{at}() {{ kernel::dim(1, (2, 3)); kernel::dim::x{at}(); }}\n" for at in range(number))
        return {LIB: f"{EXPORTS}{exports}pub use lamp::dim;\n", ROOM: calls}

    def with_globs(number: int) -> dict[str, str]:
        globs = "".join(f"use kernel::x{at}::*;\n" for at in range(number))
        calls = "".join(f"fn f{at}() {{ Lamp::new(1); }}\n" for at in range(number))
        return {ROOM: f"{globs}{calls}"}

    change = _change(LAMP, "pub fn dim", "pub fn darken")
    assert_linear(with_users, lambda files: _breakages(change, **files), 1000)
    assert_linear(with_globs, lambda files: _breakages(_change(LAMP, "pub fn new", "pub fn make"), **files), 1000)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (LAMP, "pub fn dim(level: u32", "pub fn dim(hue: u32"),
        (LAMP, "type Data;", "type Data;\n    fn id() -> u32 { 0 }"),
        (LAMP, "type Data;", 'type Data;\n    const NAME: &str = "";'),
        (LAMP, "pub fn dim(", "pub use crate::bulb::dim;\npub fn darken("),
        (LAMP, "pub fn dim(", "pub use other::*;\npub fn darken("),
        (LAMP, "pub fn dim(", "functions! { dim }\npub fn darken("),
        (LAMP, "pub fn dim(", "#[cfg(CONFIG_X)]\npub fn dim() {}\n#[cfg(not(CONFIG_X))]\npub fn dim("),
        (LAMP, "pub struct Lamp;", "pub struct Lamp<T = ()> {\n    bulb: T,\n}"),
        (BULB, "pub(crate) fn warm() {}\n", ""),
        (BULB, "pub struct Bulb;", "pub struct Lamp;"),
    ],
)
def test_a_change_that_no_user_sees_is_not_reported(path: str, old: str, new: str) -> None:
    assert [] == _breakages(_change(path, old, new))


@pytest.mark.parametrize(
    "user",
    [
        "use crate::lamp;\nfn f() { lamp::dim(1, (2, 3)); }\n",
        "use kernel::prelude::*;\nfn f() { dim(1, (2, 3)); }\n",
        "use kernel::lamp::dim;\nfn f() { dim(|a, b| a, 1, 2); }\n",
        "use kernel::lamp;\nfn f() { lamp::dim(many!()); lamp::dim::<A>(|a| a, 2); }\n",
        'use kernel::lamp;\nfn f() { lamp::dim("text", 2, "text"); }\n',
        "use kernel::lamp;\nfn f() { lamp::dim(/* level */ 1, /* pair */ 2); }\n",
    ],
)
def test_a_call_that_is_not_certainly_one_with_the_old_arguments_is_not_reported(user: str) -> None:
    change = _change(LAMP, "pub fn dim(level: u32, ", "pub fn dim(a: u32, b: u32, ")

    assert [] == _breakages(change, **{ROOM: user})


@pytest.mark.parametrize(
    ("old", "new", "user"),
    [
        ("pub fn dim(", "pub(crate) fn dim(", {BULB: "fn f() { crate::lamp::dim(1, (2, 3)); }\n", ROOM: ""}),
        ("pub fn dim(", "pub(crate) fn dim(", {ROOM: "use kernel::lamp;\nfn f(lamp: lamp::Lamp) { lamp.dim(); }\n"}),
        ("pub mod flags", "mod flags", {LIB: "pub mod lamp;\npub use lamp::flags::ON;\n", ROOM: "use kernel::ON;\n"}),
        (
            "pub mod flags",
            "mod flags",
            {ROOM: "use kernel::lamp::flags;\nfn f() { flags!(); kernel::lamp::flags!(); }\n"},
        ),
        ("pub mod flags {\n    pub ", "pub mod flags {\n    #[doc(hidden)]\n    pub ", {}),
        ("pub trait Driver {\n    type Data;", "pub trait Driver {\n    // data\n    type Data;", {}),
    ],
)
def test_what_other_crates_still_see_is_not_called_hidden(old: str, new: str, user: dict[str, str]) -> None:
    assert [] == _breakages(_change(LAMP, old, new), **user)


def test_a_hidden_type_stands_for_its_items() -> None:
    hidden = FILES[LAMP].replace("pub struct Lamp;", "struct Lamp;").replace("pub fn new", "fn new")

    assert [("kernel::lamp::Lamp", ApiEffect.HIDDEN, [1, 6, 7])] == _breakages(
        whole_change(LAMP, hidden, before=FILES[LAMP])
    )


def test_the_patch_that_hides_an_item_is_reported() -> None:
    mentioned = FILES[LAMP].replace("{ 0 }", "{ dim(1); 0 }")
    hidden = mentioned.replace("pub fn dim(", "fn dim(")

    assert _places(mentioned, hidden) == [(2, "pre", 6, "pub fn dim(level: u32, pair: (u32, u32)) {}")]


def test_a_macro_that_is_no_longer_exported_is_reported_there() -> None:
    assert _places(FILES[LAMP].replace("#[macro_export]\n", "")) == [(1, "pre", 16, "#[macro_export]")]


@pytest.mark.parametrize("declared", ["pub mod lamp;\n", "#[cfg(CONFIG_LAMP)]\npub mod lamp;\n", "mod lamp;\n"])
def test_a_module_without_its_line_is_removed_although_its_file_remains(declared: str) -> None:
    before = f"{declared}pub mod bulb;\n"
    lamp = f"{FILES[LAMP]}fn f() {{ crate::lamp::dim(1, (2, 3)); }}\n"
    files = {LIB: before, LAMP: lamp, BULB: "use crate::lamp::Lamp;\n"}

    assert _breakages(whole_change(LIB, "pub mod bulb;\n", before=before), **files) == [
        ("kernel::lamp", REMOVED, [1, 2, 5, 6, 7, 9, 1])
    ]


@pytest.mark.parametrize("lamp", [FILES[LAMP], None])
def test_an_export_from_a_removed_module_leaves_users_behind(lamp: str | None) -> None:
    before = "pub mod lamp;\npub use lamp::Lamp;\npub mod bulb;\n"
    changes = [whole_change(LIB, "pub mod bulb;\n", before=before)]
    changes += [] if lamp else [whole_change(LAMP, None, before=FILES[LAMP])]
    files = {LIB: before, ROOM: "use kernel::Lamp;\nfn f() { kernel::lamp::dim(1, 2); }\n"}

    assert _breakages(*changes, **files)[:2] == [("kernel::lamp", REMOVED, [2]), ("kernel::Lamp", REMOVED, [1])]


@pytest.mark.parametrize(
    "after",
    [
        "#[cfg(CONFIG_LAMP)]\npub mod lamp;\n",
        '#[path = "lamp.rs"]\nmod light;\npub use light as lamp;\n',
        "pub use other::lamp;\n",
        "pub extern crate lamp;\n",
        "pub extern crate light as lamp;\n",
        "modules! { lamp }\n",
        "mod inner {\n    pub mod lamp;\n}\npub use inner::lamp;\n",
    ],
)
def test_a_module_that_is_declared_otherwise_is_not_called_removed(after: str) -> None:
    assert [] == _breakages(whole_change(LIB, f"{after}pub mod bulb;\n", before=FILES[LIB]))


CONSTANT = """pub const fn size(a: u32) -> usize { 0 }
pub const LENGTH: usize = 1;
impl Lamp {
    pub const fn fit<T>() -> u32 { 1 }
}
"""


@pytest.mark.parametrize(
    ("user", "is_constant"),
    [
        ("const A: usize = lamp::size(1);", True),
        ("pub static A: Option<fn(u8) -> u8> = Some(lamp::size(1) | 2);", True),
        ("fn f() { let a = const { lamp::size(1) }; }", True),
        ("fn f() { let a = [0; lamp::size(1)]; }", True),
        ("struct A { a: [u8; 1 + lamp::size(1)] }", True),
        ("const unsafe fn f() -> usize { lamp::size(1) }", True),
        ("impl A { const A: usize = { 1 + lamp::size(1) }; }", True),
        ("fn f() { let a = lamp::size(1); }", False),
        ("const A: fn() -> usize = || lamp::size(1);", False),
        ("const A: fn(usize) = { fn f() -> usize { lamp::size(1) } f };", False),
        ("const A: fn(usize) = move |a| a + lamp::size(1);", False),
        ("const A: fn(u32) -> usize = lamp::size;", False),
        ("fn f(a: *const u8) { let a: usize = lamp::size(1); }", False),
        ("fn f<const A: usize>() { lamp::size(1); }", False),
        ("const fn f() {} fn g() { lamp::size(1); }", False),
        ("const A: usize = later!(lamp::size(1));", False),
        ("macro_rules! a { () => { const A: usize = lamp::size(1); } }", False),
        ("fn f() { let a = all![0; lamp::size(1)]; }", False),
        ("const A: Later = async { lamp::size(1) };", False),
        ("fn f(a: *const fn(u8)) { lamp::size(1); }", False),
        ("fn f(a: Option<*const unsafe extern fn(u8)>) { lamp::size(1); }", False),
    ],
)
def test_a_function_that_is_no_longer_const_is_called_in_constant_code(user: str, is_constant: bool) -> None:
    before = FILES[LAMP] + CONSTANT
    change = whole_change(LAMP, before.replace("const fn size", "fn size"), before=before)
    found = _breakages(change, **{LAMP: before, ROOM: f"use kernel::lamp;\n{user}\n"})

    assert found == [("kernel::lamp::size", ApiEffect.NOT_CONST, [2])] * is_constant


@pytest.mark.parametrize(
    "user",
    [
        "fn f(lamp: &Lamp) {}\nmod other {\n    use crate::Lamp;\n    fn g(lamp: &Lamp) { lamp.level(); }\n}\n",
        "fn f() {\n    use crate::Lamp;\n    Lamp::level(&LAMP);\n}\n",
        "mod other {\n    struct Lamp;\n    fn g(lamp: &Lamp) { lamp.level(); }\n}\n",
        "fn f() {\n    enum Lamp { A }\n    Lamp::level(&Lamp::A);\n}\n",
        "fn f(dim: impl Fn(u32, u32)) { dim(1, 2); }\n",
        "fn f() {\n    let mut dim = later();\n    dim(1, 2);\n}\n",
        "mod other {\n    const fn dim(a: u32, b: u32) {}\n    fn g() { dim(1, 2); }\n}\n",
    ],
)
def test_a_name_that_a_file_also_has_otherwise_leaves_no_user_behind(user: str) -> None:
    change = _change(LAMP, "level(&self)", "level(&self, hue: u32)")
    dimmed = _change(LAMP, "dim(level: u32, ", "dim(")
    imports = "use kernel::lamp::{dim, Lamp};\n"

    assert [] == _breakages(change, **{ROOM: imports + user}) == _breakages(dimmed, **{ROOM: imports + user})


def test_a_call_with_generic_arguments_is_a_call() -> None:
    before = FILES[LAMP] + CONSTANT
    files = {LAMP: before, ROOM: "use kernel::lamp::Lamp;\nconst A: u32 = Lamp::fit::<u8>();\n"}
    unconst = whole_change(LAMP, before.replace("const fn fit", "fn fit"), before=before)
    more = whole_change(LAMP, before.replace("fit<T>()", "fit<T>(a: u32)"), before=before)

    assert [("kernel::lamp::Lamp::fit", ApiEffect.NOT_CONST, [2])] == _breakages(unconst, **files)
    assert [("kernel::lamp::Lamp::fit", PARAMETERS, [2])] == _breakages(more, **files)


def test_a_function_that_becomes_const_or_whose_caller_changes_too_leaves_no_user_behind() -> None:
    before = f"{FILES[LAMP]}{CONSTANT}pub const fn more() -> usize {{\n    size(1)\n}}\n"
    both = before.replace("const fn size", "fn size").replace("const fn more", "fn more")

    assert [] == _breakages(whole_change(LAMP, both, before=before), **{LAMP: before})
    assert [] == _breakages(whole_change(LAMP, before, before=both), **{LAMP: both})


@pytest.mark.parametrize(
    ("user", "is_found"),
    [
        ("fn f(a: [u8; lamp::LENGTH]) {}", True),
        ("const A: usize = lamp::LENGTH;", True),
        ("fn f() { let mut a: usize = lamp::LENGTH; }", True),
        ("fn f() { let a = [0u8; lamp::LENGTH]; }", True),
        ("fn f() { let a = lamp::LENGTH; }", False),
        ("const A: usize = lamp::LENGTH as usize;", False),
        ("const A: c_ulong = lamp::LENGTH;", False),
        ("const A: u32 = lamp::LENGTH;", False),
        ("fn f() { let a = all![0u8; lamp::LENGTH]; }", False),
        ("fn f(a: [u8; lamp::LENGTH as _]) {}", False),
    ],
)
def test_a_constant_of_another_type_has_users_that_need_the_old_one(user: str, is_found: bool) -> None:
    before = FILES[LAMP] + CONSTANT
    files = {LAMP: before, ROOM: f"use kernel::lamp;\n{user}\n"}
    changed = whole_change(LAMP, before.replace("LENGTH: usize", "LENGTH: u64"), before=before)
    unclear = whole_change(LAMP, before.replace("LENGTH: usize", "LENGTH: c_ulong"), before=before)

    assert [("kernel::lamp::LENGTH", ApiEffect.TYPE, [2])] * is_found == _breakages(changed, **files)
    assert [] == _breakages(unclear, **files)


METHODS = """pub struct Lamp<T = ()> { lamp: T }
impl Lamp {
    pub fn set(&self, level: u32) -> Result { Ok(()) }
    pub fn new() -> Result<Self> { Ok(Lamp { lamp: () }) }
}
"""


def _changed_method(old: str, new: str, user: str, more: str = "") -> list[tuple[str, ApiEffect, list[int]]]:
    files = {LAMP: METHODS, ROOM: f"use kernel::lamp::{{self, Lamp}};\n{user}\n", BULB: more}
    return _breakages(whole_change(LAMP, METHODS.replace(old, new), before=METHODS), **files)


@pytest.mark.parametrize(
    ("user", "is_found"),
    [
        ("fn f(lamp: &Lamp) { lamp.set(1); }", True),
        ("fn f(a: u8, lamp: &mut lamp::Lamp<'_, Core<u8>>) -> u8 { if a { lamp.set(a) } }", True),
        ("fn f() { let lamp: Lamp = g(); h(|a| lamp.set(a)); }", True),
        ("impl A { fn f<F>(&self, lamp: &'a ::kernel::lamp::Lamp, f: F) where F: Fn(u8) { lamp.set(1) } }", True),
        ("fn f(lamp: &Lamp) { fn g(lamp: u8) {} lamp.set(1); }", True),
        ("fn f(lamp: &KBox<ARef<Lamp<u8>>>) { lamp.set(1); }", True),
        (
            "struct A { #[pin] pub lamp: ARef<Lamp>, a: u8 } impl Fit for A { fn f(&self) { self.lamp.set(1); } }",
            True,
        ),
        ("impl A<u8> { fn f(&self) { self.lamp.set(1); } } struct A<T> { lamp: lamp::Lamp<T> }", True),
        ("struct A { lamp: Option<Lamp> } impl A { fn f(&self) { self.lamp.set(1); } }", False),
        ("struct A { lamp: Lamp } impl A { fn f(&self) { self.a.lamp.set(1); self.lamp.set; } }", False),
        ("struct A { lamp: Lamp } impl B { fn f(&self) { self.lamp.set(1); } }", False),
        ("struct A { lamp: Lamp } impl Fit for &mut A { fn f(&self) { self.lamp.set(1); } }", True),
        ("struct A { lamp: Lamp } impl Fit for b::A { fn f(&self) { self.lamp.set(1); } }", False),
        ("struct A { lamp: Lamp } impl Fit for [A] { fn f(&self) { self.lamp.set(1); } }", False),
        ("struct A { lamp: Lamp } impl Fit for dyn A { fn f(&self) { self.lamp.set(1); } }", False),
        ("mod a { struct A { lamp: Lamp } } struct A { lamp: u8 } impl A { fn f(&self) { self.lamp.set(1); } }", False),
        ("fn f(lamp: &Lamp) { later!(lamp.set(1)); }", False),
        ("fn f(lamp: &Lamp) { fn g(lamp: u8) { lamp.set(1); } }", False),
        ("fn f(lamp: &Lamp) { let lamp = lamp.lamp(); lamp.set(1); }", False),
        ("fn f(lamp: &Lamp) { if let Some(lamp) = lamp.lamp() { lamp.set(1); } }", False),
        ("fn f(lamp: &Lamp) { let A { lamp, .. } = a; lamp.set(1); }", False),
        ("fn f(lamp: &Lamp) { g(|lamp| lamp.set(1)); }", False),
        ("fn f(lamp: &Lamp) { for (a, lamp) in b { lamp.set(1); } }", False),
        ("fn f(lamp: &Lamp) { g(&mut |lamp| lamp.set(1)); }", False),
        (f"fn f(lamp: &Lamp) {{ let ({'a, ' * 60} lamp) = b; lamp.set(1); }}", False),
        (f"fn f(lamp: &Lamp) {{ match a {{ (lamp, {'b, ' * 60}) => lamp.set(1) }} }}", False),
        ("fn f(lamp: &Lamp) { match a { B(lamp) if c::<D, E>() => lamp.set(1) } }", False),
        ("fn f(lamp: &Lamp) { match a { lamp if match b { c => d } => lamp.set(1) } }", False),
        ("fn f(lamp: &Lamp) { if a { b(lamp) } else if lamp.set(1) { c(lamp) } }", True),
        ("fn f() { struct A { lamp: Lamp } } enum A {} impl A { fn f(&self) { self.lamp.set(1); } }", False),
        ("fn f(lamp: &Lamp) { match a { B(lamp) => lamp.set(1), _ => c } }", False),
        ("fn f(lamp: &Lamp) { match a { B { lamp } if c => lamp.set(1), _ => c } }", False),
        ("fn f(lamp: &Lamp) { a.lamp.set(1); lamp.lamp.set(1); lamp().set(1); lamp.set; }", False),
        ("fn f(lamp: Option<Lamp>) { lamp.set(1); }", False),
        ("fn f(lamp: &dyn Lamp) { lamp.set(1); }", False),
        ("fn f(lamp: impl Lamp) { lamp.set(1); }", False),
        ("fn f(lamp: Lamp::Data) { lamp.set(1); }", False),
        ("fn f(lamp: Lamp<u8>::Data<u8>) { lamp.set(1); }", False),
        ("fn f(lamp: &[Lamp]) { lamp.set(1); }", False),
        ("fn f<Bulb>(lamp: &Bulb) { lamp.set(1); }", False),
        ("fn f(lamp: &Lamp);\nfn g() { lamp.set(1); }", False),
    ],
)
def test_a_method_of_a_variable_with_a_written_type_is_a_use(user: str, is_found: bool) -> None:
    more = _changed_method("level: u32", "level: u32, hue: u32", user)
    removed = _changed_method("fn set", "fn adjust", user)

    assert more == [("kernel::lamp::Lamp::set", PARAMETERS, [2])] * is_found
    assert removed == [("kernel::lamp::Lamp::set", REMOVED, [2])] * is_found


@pytest.mark.parametrize(
    ("new", "more"),
    [
        ("fn adjust", "pub trait Set { fn set(&self); }\n"),
        ("fn adjust", "setters! { set }\n"),
        ("type Target = Bulb;\n    pub fn adjust", ""),
        ("pub(crate) fn set", ""),
    ],
)
def test_a_method_that_a_value_may_have_otherwise_is_not_called_removed(new: str, more: str) -> None:
    old = "pub fn set" if new.startswith(("type", "pub")) else "fn set"

    assert [] == _changed_method(old, new, "fn f(lamp: &Lamp) { lamp.set(1); }", more)


@pytest.mark.parametrize(
    ("old", "new", "user", "is_found"),
    [
        ("Result<Self>", "Self", "fn f() -> Result { let lamp = Lamp::new()?; }", True),
        ("Result<Self>", "&'static Self", "fn f() -> Result { Lamp::new()?.set(1); }", True),
        ("Result<Self>", "Option<Self>", "fn f() -> Result { let lamp = Lamp::new()?; }", False),
        ("Result<Self>", "Lamp", "fn f() -> Result { let lamp = Lamp::new()?; }", False),
        ("Result<Self>", "Self", "fn f() { let lamp = Lamp::new(); }", False),
        (" -> Result {", " {", "fn f(lamp: &Lamp) -> Result { lamp.set(1)?; }", True),
        (" -> Result {", " -> bool {", "fn f(lamp: &Lamp) -> Result { lamp.set(1)?; }", True),
        (" -> Result {", " {", "fn f(lamp: &Lamp) -> Result { later!(lamp.set(1)?); }", False),
    ],
)
def test_a_call_of_which_nothing_can_fail_any_more_is_found(old: str, new: str, user: str, is_found: bool) -> None:
    name = "kernel::lamp::Lamp::new" if "Self" in old else "kernel::lamp::Lamp::set"

    assert _changed_method(old, new, user) == [(name, ApiEffect.INFALLIBLE, [2])] * is_found


@pytest.mark.parametrize("imported", ["use super::Lamp;\n", "use crate::lamp::Lamp;\n", "use crate::prelude::*;\n"])
@pytest.mark.parametrize("user", ["fn f(lamp: &Lamp) { lamp.fit(1); }", "fn f() { Lamp::fit(a, 1); }"])
def test_the_impl_of_a_type_may_be_in_another_file(imported: str, user: str) -> None:
    path, impl = "rust/kernel/lamp/size.rs", "impl<T> Lamp<T> {\n    pub fn fit(&self, a: u8) {}\n}\n"
    files = WITH_PRELUDE | {LAMP: METHODS + "mod size;\n", path: imported + impl}
    files |= {ROOM: f"use kernel::lamp::Lamp;\n{user}\n", PRELUDE: "pub use crate::lamp::Lamp;\n"}
    changes = {PARAMETERS: impl.replace("a: u8", "a: u8, b: u8"), REMOVED: impl.replace("fn fit", "fn try")}
    others = {LAMP: files[LAMP].replace("pub fn set", "pub fn fit"), path: f"{imported}fits! {{ fit }}\n{impl}"}

    for effect, after in changes.items():
        change = whole_change(path, imported + after, before=imported + impl)
        assert _breakages(change, **files) == [("kernel::lamp::Lamp::fit", effect, [2])]
        assert _breakages(change, **files | {LAMP: others[LAMP]}) == []
    assert _breakages(whole_change(path, others[path].replace("fn fit", "fn try"), before=others[path]), **files) == []


@pytest.mark.parametrize(("name", "lines"), [("set", [2]), ("clone", []), ("into_raw", []), ("write", [])])
def test_a_box_may_have_a_method_itself(name: str, lines: list[int]) -> None:
    user = f"fn f(lamp: &Arc<Lamp>) {{ lamp.{name}(1); }}"
    before = METHODS.replace("fn set", f"fn {name}")
    change = whole_change(LAMP, before.replace("level: u32", "level: u32, hue: u32"), before=before)
    found = _breakages(change, **{LAMP: before, ROOM: f"use kernel::lamp::Lamp;\n{user}\n"})
    assert found == [(f"kernel::lamp::Lamp::{name}", PARAMETERS, lines)] * bool(lines)


def test_a_method_that_becomes_unsafe_is_called_on_a_variable() -> None:
    user = "fn f(lamp: &Lamp) { unsafe { lamp.set(1) }; later!(lamp.set(1)); }\nfn g(lamp: Lamp) { lamp.set(1); }"

    assert _changed_method("fn set", "unsafe fn set", user) == [("kernel::lamp::Lamp::set", ApiEffect.UNSAFE, [3])]


SIGNATURES = """pub trait Port {
    type Data;
    type Loan<'a>;
    fn open(&self, level: u32, name: &str) -> Result<u8>;
    fn close(self: Pin<&mut Self>, pair: (u8, u8)) {}
    fn find<T>(key: T) -> Option<u8>;
}
"""
PORT_USER = """use kernel::lamp::Port;
impl Port for Room {
    type Data = u8;
    type Loan<'a> = &'a u8;
    fn open(&self, level: u32, name: &str) -> core::result::Result<u8, Error> { Ok(1) }
    fn close(self: Pin<&mut Self>, (a, b): (u8, u8)) {}
    fn find<T>(key: T) -> Option<u8> { None }
}
"""
TYPES, METHOD_GENERICS = ApiEffect.METHOD_TYPES, ApiEffect.METHOD_GENERICS


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("open(&self", "open(&mut self", [("open", TYPES, [5])]),
        ("open(&self", "open(self", [("open", TYPES, [5])]),
        ("open(&self", "open(device: &Device", [("open", TYPES, [5])]),
        ("level: u32", "level: u64", [("open", TYPES, [5])]),
        ("level: u32", "level: &u32", [("open", TYPES, [5])]),
        ("name: &str", "name: &mut str", [("open", TYPES, [5])]),
        ("name: &str", "name: &[u8]", [("open", TYPES, [5])]),
        (" -> Result<u8>", "", [("open", TYPES, [5])]),
        ("-> Result<u8>", "-> Option<u8>", [("open", TYPES, [5])]),
        ("(u8, u8)) {}", "(u8, u8)) -> Result {}", [("close", TYPES, [6])]),
        ("self: Pin<&mut Self>", "&self", [("close", TYPES, [6])]),
        ("level: u32", "level: Level", []),
        ("level: u32", "level: ffi::c_uint", []),
        ("open(&self", "open(self: &Self", []),
        ("name: &str", "name: &CStr", []),
        ("name: &str", "name: &Name", []),
        ("-> Result<u8>", "-> impl PinInit<u8>", []),
        ("-> Result<u8>", "-> Result<u16>", []),
        ("-> Result<u8>", "-> fmt::Result", []),
        ("pair: (u8, u8)", "pair: (u8, u8, u8)", []),
        ("find<T>(key: T)", "find(key: &u8)", [("find", METHOD_GENERICS, [7])]),
        ("find<T>", "find<T, U>", [("find", METHOD_GENERICS, [7])]),
        ("find<T>", "find<'a, T>", []),
        ("type Data;", "type Data<'a, 'b: 'a>;", [("Data", ApiEffect.METHOD_LIFETIMES, [3])]),
        ("type Data;", "type Data<T>;", [("Data", METHOD_GENERICS, [3])]),
        ("Loan<'a>", "Loan", [("Loan", ApiEffect.METHOD_LIFETIMES, [4])]),
    ],
)
def test_an_implementation_with_the_old_types_is_found(
    old: str, new: str, expected: list[tuple[str, ApiEffect, list[int]]]
) -> None:
    files = {LAMP: SIGNATURES, ROOM: PORT_USER}
    found = _breakages(whole_change(LAMP, SIGNATURES.replace(old, new), before=SIGNATURES), **files)

    assert found == [(f"kernel::lamp::Port::{name}", effect, lines) for name, effect, lines in expected]


@pytest.mark.parametrize(
    ("user", "after"),
    [
        ("open(&mut self, level: u32", "open(&mut self"),
        ("open(&self, level: Level", "open(&mut self"),
        ("open(&self, level: u64", "level: u64"),
    ],
)
def test_an_implementation_that_has_other_types_already_is_not_reported(user: str, after: str) -> None:
    old = "open(&self" if after.startswith("open") else "level: u32"
    files = {LAMP: SIGNATURES, ROOM: PORT_USER.replace("open(&self, level: u32", user)}
    found = _breakages(whole_change(LAMP, SIGNATURES.replace(old, after), before=SIGNATURES), **files)

    assert found == [("kernel::lamp::Port::open", TYPES, [5])] * ("Level" in user)


LOANS = "pub struct Loan<'a, T> { lent: &'a T }\npub struct Key { key: u8 }\npub trait Lend<'a: 'static, 'b> {}\n"


@pytest.mark.parametrize(
    ("old", "new", "user", "is_found"),
    [
        ("<'a, T>", "<T>", "fn f<'a>(a: Loan<'a, u8>) {}", True),
        ("<'a, T>", "<'a, 'b, T>", "fn f(a: Loan<'_, u8>) {}", True),
        ("<'a, T>", "<T>", "fn f(a: Loan<u8>) {}", False),
        ("<'a, T>", "<'b, T>", "fn f(a: Loan<'_, u8>) {}", False),
        ("<'a, T>", "<T>", "fn f() { a!(Loan<'_, u8>); }", False),
        ("<'a: 'static, 'b>", "<'a>", "impl Lend<'static, 'static> for Room {}", True),
        ("Key", "Key<'a>", "struct A { a: Option<Key> }", True),
        ("Key", "Key<'a>", "struct A([Key; 2], u8);", True),
        ("Key", "Key<'a>", "type A = KBox<Key>;", True),
        ("Key", "Key<'a>", "impl A { fn f(a: Key) -> Key { Key { key: 1 } } }", False),
        ("Key", "Key<'a>", "impl Drop for Key {}", True),
        ("Key", "Key<'a>", "impl<T> Fit<Key> for Room<T> where T: Into<Key> {}", True),
        ("Key", "Key<'a>", "impl<T> Fit for T where T: Into<Key> {}", False),
        ("Key", "Key<'a>", "struct A { a: fn(Key) -> Key }", False),
        ("Key", "Key<'a>", "struct A { a: KBox<dyn Fn(&u8) -> Result<Key>> }", False),
        ("Key", "Key<'a>", "type A = fn(&u8) -> &Key;", False),
        ("Key", "Key<'a>", "impl A { fn union(&self, a: Key) -> u8 { 1 } }", False),
        ("Key", "Key<'a>", "trait A { type Key: Into<Key>; }", False),
        ("Key", "Key<'a>", "fn f(a: impl Into<Key>) -> impl Into<Key> { static A: Option<Key> = None; a }", False),
        ("Key", "Key<'a>", "fn f() { let a: Key = g(Key::new); }", False),
        ("Key", "Key<'a>", "struct A { a: Key<'static> }", False),
    ],
)
def test_a_use_with_the_old_number_of_lifetimes_is_found(old: str, new: str, user: str, is_found: bool) -> None:
    name = "Key" if "Key" in old else "Lend" if "static" in old else "Loan"
    files = {LAMP: LOANS, ROOM: f"use kernel::lamp::{{Key, Lend, Loan}};\n{user}\n"}
    found = _breakages(whole_change(LAMP, LOANS.replace(old, new), before=LOANS), **files)

    assert found == [(f"kernel::lamp::{name}", ApiEffect.LIFETIMES, [2])] * is_found


STATES = (
    "pub enum State {\n    Off,\n    /// Lit.\n    #[deprecated]\n    Lit(u32, u32) = 2,\n    Dim { hue: u32 },\n}\n"
)
STATE_USER = (
    "use kernel::lamp::State;\nfn f(state: State) -> u32 {\n    match state {\n        State::Off => 0,\n"
    "        State::Lit(a, _) => a,\n        State::Dim { hue } => hue,\n    }\n}\n"
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    Off,\n", "", [("kernel::lamp::State::Off", REMOVED, [4])]),
        ("Lit(", "Bright(", [("kernel::lamp::State::Lit", REMOVED, [5])]),
        ("    Dim {", "    Dimmed {", [("kernel::lamp::State::Dim", REMOVED, [6])]),
        ("    Off,\n", "    #[cfg(CONFIG_X)]\n    Off,\n", []),
        ("    Off,\n", "    Out,\n    Off = 3,\n", [("kernel::lamp::State", ApiEffect.VARIANT_ADDED, [4])]),
        ("}\n", "}\nimpl State {\n    pub const Off: State = State::Out;\n}\n", []),
        ("enum State {", "enum State {\n    Blue,", [("kernel::lamp::State", ApiEffect.VARIANT_ADDED, [4])]),
    ],
)
def test_the_variant_of_an_enum_is_an_item(
    old: str, new: str, expected: list[tuple[str, ApiEffect, list[int]]]
) -> None:
    before, after = STATES, STATES.replace(old, new) if "impl" not in new else STATES.replace("Off", "Out") + new[2:]

    assert expected == _breakages(whole_change(LAMP, after, before=before), **{LAMP: before, ROOM: STATE_USER})


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("match a { State::Off => 0, State::Lit(b, _) | State::Dim { hue: b } => b }", True),
        ("match a.b(|c| { c }) { State::Off => { 0 } State::Lit(..) => { 1 } State::Dim { .. } => 2, }", True),
        ("match a { State::Off => f(|_| 1, 2), lamp::State::Lit(..) => 1, State::Dim { .. } => 2 }", True),
        ("match a { State::Off => 0, State::Lit(..) => 1, _ => 2 }", False),
        ("match a { State::Off => 0, State::Lit(..) => 1, State::Dim { .. } => 2, _ => 3 }", False),
        ("match a { State::Off => 0, State::Lit(..) => 1, State::Dim { .. } => 2, other => 3 }", False),
        ("match a { State::Off if b => 0, State::Lit(..) => 1, State::Dim { .. } => 2, State::Blue => 3 }", False),
        ("match a { &State::Off => 0, &State::Lit(..) => 1, &State::Dim { .. } => 2 }", False),
        ("match a { State::Off => 0, State::Lit(..) => 1, State::Dim { .. } => unsafe { 2 } _ => 3 }", False),
        ("match a { State::Off => 0, State::Dim { .. } => 2, State::Lit(..) => if a { 1 } else { 2 } b => 3 }", False),
        ("match a { State::Off => m! { 0 } State::Blue => 4, State::Lit(..) => 1, State::Dim { .. } => 2 }", False),
        ("match (a, b) { (State::Off, 1) => 0, (State::Lit(..), _) => 1, (State::Dim { .. }, _) => 2 }", False),
        ("match unsafe { a } { State::Off => 0, State::Lit(..) => 1, State::Dim { .. } => 2 }", False),
        ("match a { State::Off => 0, State::Lit(..) => 1, Other::Dim { .. } => 2 }", False),
        ("m!(match a { State::Off => 0, State::Lit(..) => 1, State::Dim { .. } => 2 })", False),
        ("match a { #[cfg(A)] State::Off => 0, State::Lit(..) => 1, State::Dim { .. } => 2 }", False),
    ],
)
def test_a_match_without_an_arm_for_a_new_variant_is_found(body: str, is_found: bool) -> None:
    change = whole_change(LAMP, STATES.replace("    Off,\n", "    Off,\n    Blue,\n"), before=STATES)
    files = {LAMP: STATES, ROOM: f"use kernel::lamp::{{self, State}};\nfn f(a: State) -> u32 {{\n    {body}\n}}\n"}

    assert _breakages(change, **files) == [("kernel::lamp::State", ApiEffect.VARIANT_ADDED, [3])] * is_found


def test_the_name_of_a_variant_may_be_that_of_a_generic_constant() -> None:
    before = f"{STATES}pub struct Array<const Off: usize>;\n"
    change = whole_change(LAMP, before.replace("    Off,\n", "    Out,\n"), before=before)
    found = _breakages(change, **{LAMP: before, ROOM: STATE_USER})

    assert ("kernel::lamp::State::Off", REMOVED, [4]) in found


@pytest.mark.parametrize(
    ("after", "user", "is_found"),
    [
        (
            "pub(crate) minor",
            {ROOM: "fn f(Info { minor: a, .. }: kernel::lamp::Info) { kernel::lamp::Info { minor: 1 }; }"},
            True,
        ),
        ("minor", {ROOM: "fn f() { kernel::lamp::Info { major: 1, minor: 1 }; }"}, True),
        ("minor", {ROOM: "fn f() { kernel::lamp::Info { major: 1, ..a }; }"}, False),
        ("minor", {ROOM: "", BULB: "fn f() { crate::lamp::Info { major: 1, minor: 1 }; }"}, False),
    ],
)
def test_a_field_that_is_hidden_from_other_crates_is_named_there(
    after: str, user: dict[str, str], is_found: bool
) -> None:
    before = "pub struct Info { pub major: u8, pub minor: u8 }\n"
    change = whole_change(LAMP, before.replace("pub minor", after), before=before)

    assert (
        _breakages(change, **{LAMP: before, **user}) == [("kernel::lamp::Info", ApiEffect.FIELD_HIDDEN, [1])] * is_found
    )


def test_a_removed_enum_stands_for_its_variants() -> None:
    change = whole_change(LAMP, "pub struct Lamp;\n", before=STATES)

    assert [("kernel::lamp::State", REMOVED, [1, 2, 4, 5, 6])] == _breakages(change, **{LAMP: STATES, ROOM: STATE_USER})


FORMS = """pub struct Tube<T> { pub tube: T }
pub struct Cover(u8);
pub trait Fit {}
pub unsafe trait Hold {
    unsafe fn hold(&self);
    fn release(&self) {}
}
pub fn tune<A, B>(a: A, b: B) {}
pub fn mix(a: u8, f: fn()) {}
pub struct Info { pub major: u8, pub minor: u8, date: u8 }
pub struct Size {
    // The width.
    pub width: u8,
    pub(crate) height: u8,
}
pub const fn width() -> u8 { 1 }
pub const WIDTH: u8 = 1;
pub fn size() -> Option<u8> { None }
pub enum Heat { Cold, Warm }
"""
FORMS_USER = """use kernel::lamp::{self, Cover, Fit, Hold, Info, Tube};
fn f(tube: &Tube<u8>, cover: Cover) -> Tube<u8> {
    lamp::tune::<u8, u8>(1, 2);
    lamp::tune(1, 2);
    lamp::mix(1, g);
    unsafe { lamp::mix(1, g) };
    c!(lamp::mix(1, g));
    let fit: &dyn Fit = tube;
    Tube::<u8>::new();
    Tube { tube: 1 };
    let info = Info { major: 1, minor: 2, date: 3 };
    let Info { major, .. } = info;
    Tube::new();
}
impl Fit for Room {}
static SIZE: lamp::Size = lamp::Size { width: 1, height: 2 };
unsafe impl Hold for Room {
    unsafe fn hold(&self) {}
    fn release(&self) {}
}
struct Covers(Cover);
const WIDTH: u8 = lamp::WIDTH;
const OTHER: u8 = lamp::width();
fn g() -> Option<u8> { lamp::size()? }
fn h(a: lamp::Heat) { match a { lamp::Heat::Cold | lamp::Heat::Warm => {} } }
"""
GENERICS, UNSAFE = ApiEffect.GENERICS, ApiEffect.UNSAFE
FIELD_REMOVED, FIELD_ADDED = ApiEffect.FIELD_REMOVED, ApiEffect.FIELD_ADDED


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Tube<T>", "Tube<T, const N: usize>", [("kernel::lamp::Tube", GENERICS, [2, 9])]),
        ("Tube<T> {", "Tube { ", [("kernel::lamp::Tube", GENERICS, [2, 9])]),
        ("Cover(", "Cover<T>(", [("kernel::lamp::Cover", GENERICS, [21])]),
        ("Cover(", "Cover<T = u8>(", []),
        ("Tube<T>", "Tube<T, U = u8>", []),
        ("Tube<T>", "Tube<'a, T>", []),
        ("trait Fit", "trait Fit<T>", [("kernel::lamp::Fit", GENERICS, [8, 15])]),
        ("trait Fit", "trait Fit<T = Self>", []),
        ("tune<A, B>", "tune<A, B, C>", [("kernel::lamp::tune", GENERICS, [3])]),
        ("tune<A, B>", "tune<'a, A, B>", []),
        ("tune<A, B>(a: A", "tune<B>(a: impl C", [("kernel::lamp::tune", GENERICS, [3])]),
        ("pub fn mix", "pub unsafe fn mix", [("kernel::lamp::mix", UNSAFE, [5])]),
        ("pub fn tune", "pub const fn tune", []),
        ("unsafe trait Hold", "trait Hold", [("kernel::lamp::Hold", ApiEffect.TRAIT_SAFETY, [17])]),
        ("pub trait Fit", "pub unsafe trait Fit", [("kernel::lamp::Fit", ApiEffect.TRAIT_SAFETY, [15])]),
        ("unsafe fn hold", "fn hold", [("kernel::lamp::Hold::hold", ApiEffect.METHOD_SAFETY, [18])]),
        ("fn release", "unsafe fn release", [("kernel::lamp::Hold::release", ApiEffect.METHOD_SAFETY, [19])]),
        ("pub minor: u8, ", "", [("kernel::lamp::Info", FIELD_REMOVED, [11])]),
        ("pub major", "pub first", [("kernel::lamp::Info", FIELD_REMOVED, [11, 12])]),
        ("date: u8", "date: u8, patch: u8", [("kernel::lamp::Info", FIELD_ADDED, [11])]),
        ("date: u8", "#[cfg(X)] date: u8", []),
        ("date: u8", "date: u16", []),
    ],
)
def test_an_item_with_another_form_leaves_users_behind(
    old: str, new: str, expected: list[tuple[str, ApiEffect, list[int]]]
) -> None:
    changed = whole_change(LAMP, FORMS.replace(old, new, 1), before=FORMS)

    assert expected == _breakages(changed, **{LAMP: FORMS, ROOM: FORMS_USER})


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("Tube<T>", "Tube<T, U, V = u8>", 1, "takes 2 or 3 generic arguments (was 1), but is used as before in"),
        ("trait Fit", "trait Fit<T>", 3, "takes 1 generic argument (was none), but is used as before in"),
        ("Tube<T> {", "Tube {", 1, "takes no generic arguments (was 1), but is used as before in"),
        ("tune<A, B>", "tune<A>", 8, "takes 1 generic argument (was 2), but is used as before in"),
        ("pub fn mix", "pub unsafe fn mix", 9, "becomes unsafe, but is called outside of unsafe code in"),
        ("pub trait Fit", "pub unsafe trait Fit", 3, "becomes an unsafe trait, but is implemented as before in"),
        ("unsafe trait Hold", "trait Hold", 4, "is no longer an unsafe trait, but is implemented as before in"),
        ("hold(&self)", "hold(self, a: u8)", 5, "has 2 parameters (was 1), but is implemented with 1 in"),
        ("hold(&self)", "hold(&mut self)", 5, "changes types (`self`), but is implemented as before in"),
        ("release(&self)", "release(self) -> Result", 6, "changes types (`self`, result), but is implemented as"),
        ("fn hold(", "fn hold<T>(", 5, "takes 1 generic argument (was none), but is implemented as before in"),
        ("struct Cover(", "struct Cover<'a>(", 2, "takes 1 lifetime (was none), but is used as before in"),
        ("unsafe fn hold", "fn hold", 5, "is no longer unsafe, but is implemented as before in"),
        ("pub minor: u8, date: u8", "", 10, "loses the fields `minor`, `date`, but Rust code names them in"),
        ("    // The width.\n    pub width: u8,\n", "", 13, "loses the field `width`, but Rust code names it in"),
        ("height: u8,\n", "height: u8,\n    // A depth.\n    depth: u8,\n", 16, "gets the field `depth`, but"),
        ("pub major", "major", 10, "hides the field `major` from other crates, but literals or patterns there name it"),
        ("Warm }", "Warm, Hot }", 19, "gets the variant `Hot`, but a `match` without `_` does not name it in"),
        ("date: u8", "date: u8, patch: u8", 10, "gets the field `patch`, but literals or patterns without `..`"),
        ("size() -> Option<u8>", "size() -> u8", 18, "no longer returns a `Result` or `Option`, but `?` is after its"),
        ("const fn width", "fn width", 16, "is no longer `const`, but is called in constant code in"),
        ("WIDTH: u8", "WIDTH: u16", 17, "has the type `u16` (was `u8`), but is used as before in"),
    ],
)
def test_the_message_says_what_changes_and_where(old: str, new: str, line: int, message: str) -> None:
    kernel = FileTree({path: text.encode() for path, text in (FILES | {LAMP: FORMS, ROOM: FORMS_USER}).items()})
    changed = whole_change(LAMP, FORMS.replace(old, new, 1), before=FORMS)

    (finding,) = run_rules((RULE,), view(series((changed,)), kernel)).findings

    assert message in finding.message
    assert line == finding.anchor.line


@pytest.mark.parametrize(
    ("old", "new", "user", "changed", "is_found"),
    [
        ("mix(a: u8, ", "mix(", "    lamp::mix(1, g);\n", "other", True),
        ("mix(a: u8, ", "mix(", "    lamp::mix(\n        1,\n        g,\n    );\n", "other", False),
        ("mix(a: u8, ", "mix(", "    lamp::mix(1, g);\n", "lamp::mix(1)", False),
        ("tune<A, B>", "tune<A>", "    lamp::tune::<\n        u8,\n        u8,\n    >(1, 2);\n", "other", False),
        ("pub minor: u8", "pub low: u8", "    lamp::Info {\n        minor: 1,\n        ..x };\n", "minor: 2", False),
    ],
)
def test_a_use_that_a_patch_for_another_tree_may_change_is_not_reported(
    old: str, new: str, user: str, changed: str, is_found: bool
) -> None:
    before = f"use kernel::lamp;\nfn f() {{\n{user}}}\n"
    hunk = Hunk.of(90, 2, 90, 2, "", (Line("not here", 90, 90), Line(changed, 91, None), Line("b", None, 91)))
    change = whole_change(LAMP, FORMS.replace(old, new), before=FORMS)

    found = _breakages(change, FileChange(ROOM, ROOM, (hunk,)), **{LAMP: FORMS, ROOM: before})

    assert bool(found) == is_found


def test_a_patch_for_another_tree_may_change_the_type_of_a_variable() -> None:
    before = "use kernel::lamp::Lamp;\nfn f(\n    lamp: &Lamp,\n) {\n    lamp.set(1);\n    Lamp::set(lamp, 1);\n}\n"
    hunk = Hunk.of(
        90, 2, 90, 2, "", (Line("not here", 90, 90), Line("    lamp: &Lamp,", 91, None), Line("b", None, 91))
    )
    change = whole_change(LAMP, METHODS.replace("level: u32", "level: u32, hue: u32"), before=METHODS)
    found = _breakages(change, FileChange(ROOM, ROOM, (hunk,)), **{LAMP: METHODS, ROOM: before})

    assert found == [("kernel::lamp::Lamp::set", PARAMETERS, [6])]


def test_a_function_that_is_called_in_a_type_may_infer_its_arguments() -> None:
    before = "pub const fn size(a: u8) -> usize { 0 }\n"
    change = whole_change(LAMP, before.replace("size(a: u8)", "size<T>(a: T)"), before=before)

    assert [] == _breakages(change, **{LAMP: before, ROOM: "struct Room { a: [u8; kernel::lamp::size(1)] }\n"})


def test_an_alias_has_generic_arguments_of_its_own() -> None:
    before = f"{FORMS}pub type Pair<T, U> = Tube<(T, U)>;\n"
    change = whole_change(LAMP, before.replace("Tube<T>", "Tube<T, U>"), before=before)
    user = "use kernel::lamp::Pair;\nfn f(pair: Pair<u8, u8>) { Pair::<u8, u8>::new(); Pair::<u8>::new(); }\n"

    assert [] == _breakages(change, **{LAMP: before, ROOM: user})


def test_many_changed_items_take_linear_time() -> None:
    def struct(number: int) -> tuple[str, str, str]:
        fields = [f"a{at}: u8" for at in range(number)]
        literal = ", ".join(f"a{at}: 1" for at in range(number))
        user = f"fn f() {{\n    let a = kernel::lamp::A {{ {literal} }};\n}}\n" + "use kernel::lamp::A;\n" * number
        return f"pub struct A {{ {', '.join(fields)} }}\n", "pub struct A { b: u8 }\n", user

    def functions(number: int) -> tuple[str, str, str]:
        before = "".join(f"pub fn f{at}<A>(a: A) {{}}\n" for at in range(number))
        user = "".join(f"fn g{at}() {{ kernel::lamp::f{at}::<u8>(1); }}\n" for at in range(number))
        return before, before.replace("<A>", "<A, B>"), user

    def compare(texts: tuple[str, str, str]) -> None:
        before, after, user = texts
        assert _breakages(whole_change(LAMP, after, before=before), **{LAMP: before, ROOM: user})

    def constants(number: int) -> tuple[str, str, str]:
        before = "pub const fn f() -> u8 { 0 }\n"
        user = "const A: u8 = kernel::lamp::f();\n" + "const A: [\n" * number + "const A: u8 = [0;\n" * number
        return before, before.replace("const ", ""), user

    def methods(number: int) -> tuple[str, str, str]:
        before = "pub struct A;\nimpl A { pub fn f(&self) {} }\n"
        user = "fn g(a: &kernel::lamp::A) { a.f(); }\n" * number + "fn g(a: &A) { let Some(a) => |a| a.f();" * number
        return before, before.replace("fn f(", "unsafe fn f("), user

    def many_methods(number: int) -> tuple[str, str, str]:
        items = "".join(f"    fn f{at}(&self) {{}}\n" for at in range(number))
        before = f"pub struct A;\nimpl A {{\n{items}}}\npub trait Fit {{\n{items}}}\n"
        user = "".join(f"fn g{at}() {{ kernel::lamp::A::f{at}(1); }}\n" for at in range(number))
        return before, before.replace("(&self)", "(&self, a: u8)"), user

    for make in (struct, functions, constants, methods, many_methods):
        assert_linear(make, compare, 400)


def test_a_path_in_a_macro_of_the_crate_is_a_use() -> None:
    shine = "macro_rules! shine { ($level:expr) => { $crate::lamp::dim($level, (1, 2)); $lamp::dim(1, (1, 2)) } }\n"
    files = {"rust/kernel/shine.rs": shine, ROOM: ""}

    removed = _breakages(_change(LAMP, "pub fn dim", "pub fn darken"), **files)
    with_other_parameters = _breakages(_change(LAMP, "dim(level: u32, ", "dim("), **files)

    assert removed == [("kernel::lamp::dim", ApiEffect.REMOVED, [1])]
    assert with_other_parameters == []  # `$level` may be several arguments


def test_a_path_from_the_list_of_crates_is_a_use() -> None:
    user = "fn f() { ::kernel::lamp::dim(1, (1, 2)); }\nfn g() { a::kernel::lamp::dim(1, (1, 2)); }\n"
    files = {ROOM: user, "rust/macros/room.rs": "fn g() { <A>::kernel::lamp::dim(1, (1, 2)); }\n"}

    assert _breakages(_change(LAMP, "pub fn dim", "pub fn darken"), **files) == [
        ("kernel::lamp::dim", ApiEffect.REMOVED, [1])
    ]


def test_literals_count_as_arguments() -> None:
    change = _change(LAMP, "pub fn dim(level: u32, ", "pub fn dim(")
    user = 'use kernel::lamp;\nfn f() {\n    lamp::dim("a", c"b",);\n    lamp::dim(\'a\');\n    lamp::dim();\n}\n'

    assert [("kernel::lamp::dim", PARAMETERS, [3])] == _breakages(change, **{ROOM: user})


def test_users_that_the_series_updates_or_adds_are_not_left_behind() -> None:
    change = _change(LAMP, "pub fn dim(", "pub fn darken(")
    updated = _change(ROOM, "lamp::dim(level, (1, 2));", "lamp::darken(level, (1, 2));")
    added = whole_change("drivers/new.rs", "fn f() { kernel::lamp::dim(1, (2, 3)); }\n")

    assert [] == _breakages(change, updated, added)


def test_a_line_with_the_text_of_another_import_is_not_an_old_user() -> None:
    before, after = "use crate::other::{\n    dim,\n};\n", "use crate::lamp::{\n    dim,\n};\n"
    changes = _change(LAMP, "pub fn dim(", "pub fn darken("), whole_change(BULB, after, before=before)

    assert [] == _breakages(*changes, **{BULB: before, ROOM: ""})


def test_the_crate_and_its_drivers_are_asked_in_landing_trees() -> None:
    kernel = FileTree({path: text.encode() for path, text in FILES.items()})
    changes = (_change(LAMP, "pub fn dim(", "pub fn darken("),)

    (finding,) = run_rules((RULE,), view(series(changes), NoTree(), (LandingTree("next-1", kernel),))).findings

    assert finding.message == (
        "In next-1: `kernel::lamp::dim` is removed, but Rust code uses it in drivers/room.rs:5: "
        "update this user in this series or in that tree."
    )
    assert (LAMP, "pre", 6) == (finding.path, finding.anchor.side, finding.anchor.line)  # type: ignore[union-attr]


def _places(*texts: str) -> list[tuple[int, str, int, str]]:
    """Return patch, side, line and text of each finding for a series whose patches make these texts of the file."""
    before = [FILES[LAMP], *texts]
    patches = [(whole_change(LAMP, after, before=old),) for old, after in zip(before, texts, strict=False)]
    kernel = FileTree({path: text.encode() for path, text in FILES.items()})
    found = [finding.anchor for finding in run_rules((RULE,), view(series(*patches), kernel)).findings]
    return [(place.patch, place.side, place.line, place.text) for place in found if isinstance(place, Anchor)]


def test_the_patch_that_changes_the_declaration_is_reported() -> None:
    mentioned = FILES[LAMP].replace("impl Lamp {", "// Not dim.\nimpl Lamp {").replace("{ 0 }", "{ dim(1); 0 }")
    renamed = mentioned.replace("pub fn dim(", "pub fn darken(").replace("// Not dim.", "// Not darken.")

    assert _places(mentioned, renamed) == [(2, "pre", 7, "pub fn dim(level: u32, pair: (u32, u32)) {}")]


def test_the_patch_that_takes_the_default_of_a_method_is_reported() -> None:
    other = FILES[LAMP].replace("impl Lamp {", "impl Lamp {\n    pub fn stop(&self) {}")
    required = other.replace("}\n    fn stop(&self) {}\n", "}\n    fn stop(&self);\n")

    assert _places(other, required) == [(2, "post", 15, "    fn stop(&self);")]


def test_a_declaration_over_several_lines_is_reported_at_its_changed_line() -> None:
    lines = FILES[LAMP].replace("pub fn dim(level: u32, ", "pub fn dim(\n    level: u32,\n    ")
    more = lines.replace("    level: u32,\n", "    level: u32,\n    hue: u32,\n")

    assert _places(lines, more) == [(2, "post", 8, "    hue: u32,")]


def test_the_method_of_another_type_is_not_the_declaration() -> None:
    other = FILES[LAMP].replace("impl Lamp {", "impl Bulb {\n    pub fn new(hue: u32) {}\n}\nimpl Lamp {")
    changed = other.replace("pub fn new(hue: u32) {}", "pub fn new() {}")
    more = changed.replace("    pub fn new(level: u32)", "    pub fn new(level: u32, hue: u32)")

    assert _places(other, changed, more) == [(3, "pre", 6, "    pub fn new(level: u32) -> Self { Lamp }")]


def test_a_landing_tree_may_have_other_lines_near_the_change_and_new_users_in_the_same_file() -> None:
    more = FILES[LAMP].replace("impl Lamp {", "impl Lamp {\n    pub fn dimmed() { dim(1, (2, 3)); }")
    more = more.replace("pub mod flags {", "pub mod flags {\n    pub const OFF: u32 = 0;")
    base = FileTree({path: text.encode() for path, text in (FILES | {ROOM: ""}).items()})
    landing = FileTree({path: text.encode() for path, text in (FILES | {LAMP: more}).items()})
    lines = FILES[LAMP].split("\n")
    around = [Line(lines[number], number + 1, number + 1) for number in range(2, 9) if number != 5]
    changed = (Line(lines[5], 6, None), Line(lines[5].replace("dim(", "darken("), None, 6))
    hunk = Hunk.of(3, 7, 3, 7, "", (*around[:3], *changed, *around[3:]))
    change = FileChange(LAMP, LAMP, (hunk,))

    findings = run_rules((RULE,), view(series((change,)), base, (LandingTree("next-1", landing),))).findings

    assert ["drivers/room.rs:5" in finding.message for finding in findings] == [True]


@pytest.mark.parametrize(
    "after",
    [
        "impl Other {\n    pub fn dim(&self) {}\n}\n",
        "make_dims! { dim }\n",
        "#[dims(dim)]\npub struct Other;\n",
        "#[cfg(CONFIG_DIM)]\nmod old {\n    pub fn dim() {}\n}\n",
    ],
)
def test_a_name_that_may_be_defined_otherwise_is_not_called_removed(after: str) -> None:
    changed = FILES[LAMP].replace("pub fn dim(level: u32, pair: (u32, u32)) {}\n", after)

    assert [] == _breakages(whole_change(LAMP, changed, before=FILES[LAMP]))


@pytest.mark.parametrize(
    "other",
    [
        "pub struct Tube;\nimpl Tube {\n    pub fn new() -> Self { Tube }\n}\n",
        "macro_rules! lamp {\n    () => { $crate::lamp::Lamp::new(1) };\n}\n",
    ],
)
def test_an_equal_name_that_the_file_had_before_defines_nothing_new(other: str) -> None:
    before = FILES[LAMP] + other
    after = before.replace("pub fn new(level", "pub fn with_level(level")

    assert [("kernel::lamp::Lamp::new", REMOVED)] == [
        breakage[:2] for breakage in _breakages(whole_change(LAMP, after, before=before), **{LAMP: before})
    ]


@pytest.mark.parametrize(
    "other",
    [
        "impl Create for Lamp {\n    fn new(level: u32) -> Self { Lamp }\n}\n",
        "pub trait Create {\n    fn new(level: u32) -> Self;\n}\n",
    ],
)
def test_a_type_may_have_a_name_from_a_trait_too(other: str) -> None:
    before = FILES[LAMP] + other
    after = before.replace("    pub fn new(level: u32) -> Self { Lamp }\n", "")

    assert [] == _breakages(whole_change(LAMP, after, before=before), **{LAMP: before})


def test_a_function_may_move_to_a_trait_that_the_series_adds_elsewhere() -> None:
    moved = _change(LAMP, "    pub fn new(level: u32) -> Self { Lamp }\n", "")
    trait = whole_change(BULB, f"{FILES[BULB]}pub trait Create {{\n    fn new(a: u32);\n}}\n", before=FILES[BULB])

    assert [] == _breakages(moved, trait)


def test_the_items_of_a_deleted_file_are_one_finding() -> None:
    kernel = FileTree({path: text.encode() for path, text in FILES.items()})
    deleted = whole_change(LAMP, None, before=FILES[LAMP])

    (finding,) = run_rules((RULE,), view(series((deleted,)), kernel)).findings

    assert finding.message.startswith("`kernel::lamp::Lamp` is removed")
    assert finding.message.endswith("`kernel::lamp::flags`, `kernel::lamp::Driver`, `kernel::lamp_table`.")


def test_a_removed_module_stands_for_its_items() -> None:
    deleted, unlisted = whole_change(LAMP, None, before=FILES[LAMP]), _change(LIB, "pub mod lamp;\n", "")

    assert ["kernel::lamp_table", "kernel::lamp"] == [name for name, *_ in _breakages(deleted, unlisted)]


GENERIC_LAMP = "pub struct Lamp<S>(S);\nimpl Lamp<On> {\n    pub fn level(&self) {}\n}\n"


@pytest.mark.parametrize(
    ("path", "other", "is_same"),
    [
        (BULB, "use crate::lamp::Lamp;\nimpl Lamp<Off> {\n    pub fn level(&self) {}\n}\n", True),
        (BULB, "use crate::lamp::*;\nimpl super::lamp::Lamp<Off> {\n    pub fn level(&self) {}\n}\n", True),
        ("rust/kernel/lamp/off.rs", "use super::*;\nimpl Lamp<Off> {\n    pub fn level(&self) {}\n}\n", True),
        (BULB, "use crate::lamp::Lamp;\nimpl Level for Lamp<Off> {\n    fn level(&self) {}\n}\n", True),
        ("drivers/hall.rs", "use kernel::lamp::Lamp;\nimpl Level for Lamp<u8> {\n    fn level(&self) {}\n}\n", True),
        (BULB, "pub trait Level { fn level(&self) {} }\nimpl Level for crate::lamp::Lamp<Off> {}\n", True),
        (BULB, "pub trait Level { fn level(&self); }\nimpl<T> Level for T {\n    fn level(&self) {}\n}\n", True),
        (BULB, "pub trait Level { fn level(&self) {} }\nstruct Lamp;\nimpl Level for Lamp {}\n", False),
        (BULB, "struct Lamp;\nimpl Lamp {\n    fn level(&self) {}\n}\n", False),
        (BULB, "use crate::lamp::Lamp;\nimpl Lamp<Off> {\n    pub fn colour(&self) {}\n}\n", False),
    ],
)
def test_a_type_may_have_a_name_in_another_impl(path: str, other: str, is_same: bool) -> None:
    files = {LAMP: GENERIC_LAMP, path: other, ROOM: "use kernel::lamp::Lamp;\nfn f() { Lamp::level(lamp()); }\n"}

    for new, effect in (("level(&self, a: u8)", PARAMETERS), ("dim(&self)", REMOVED)):
        change = whole_change(LAMP, GENERIC_LAMP.replace("level(&self)", new), before=GENERIC_LAMP)
        assert _breakages(change, **files) == [("kernel::lamp::Lamp::level", effect, [2])] * (not is_same)


CALLED = (
    "pub struct Lamp;\nimpl Lamp { pub fn new(a: u32) {} }\npub(crate) struct Bulb;\nimpl Bulb { pub fn new() {} }\n"
)
OTHERS = "pub struct Lamp;\nimpl Lamp { pub fn new(a: u32) {} }\n"


@pytest.mark.parametrize(
    ("imported", "user"),
    [
        ("dim", "fn f(v: Option<F>) { v.map(|dim| dim(1)); }"),
        ("dim", "fn f(v: Option<F>) { if let Some(dim) = v { dim(1) } }"),
        ("dim", "fn f(v: Option<F>) { match v { Some(dim) => dim(1), None => {} } }"),
        ("dim", "fn f(v: Vec<F>) { for dim in v { dim(1); } }"),
        ("dim", "fn f(v: F) { let (dim, b) = (v, 1); dim(1); }"),
        ("Lamp", "fn f() { use kernel::bulb::*; Lamp::new(1); }"),
        ("Lamp", "mod inner { use kernel::bulb::*; fn f() { Lamp::new(1); } }"),
        ("Lamp", "fn f<Lamp: Create>() { Lamp::new(1); }"),
        ("Lamp", "fn f<const N: usize, Lamp: Create>(lamp: Lamp) { lamp.level(1); }"),
        ("*", "fn f<Lamp: Create>() { Lamp::new(1); }"),
        ("*", "fn f() { struct Lamp; Lamp::new(1); }"),
        ("*", "fn f() { use super::*; Lamp::new(1); }"),
        ("*", "use kernel::bulb::*;\nfn f() { Bulb::new(); }"),
        ("Lamp", "mod inner { mod kernel {} fn f() { kernel::lamp::dim(1); } }"),
        ("Bulb", "fn f() { ignore!(dim(1)); ignore!(kernel::lamp::Lamp::new(1)); }"),
    ],
)
def test_a_name_that_may_stand_for_another_item_is_no_use(imported: str, user: str) -> None:
    before = f"{CALLED}pub fn dim(a: u32) {{}}\n"
    after = before.replace("new(", "new(b: u8, ").replace("dim(", "dim(b: u8, ")
    files = {LAMP: before, BULB: OTHERS, ROOM: f"use kernel::lamp::{imported};\n{user}\n"}

    assert [] == _breakages(whole_change(LAMP, after, before=before), **files)


def test_an_import_counts_in_its_module_and_where_that_is_imported() -> None:
    user = """use kernel::bulb::*;
mod inner {
    use kernel::lamp::Lamp;
    fn f() { Lamp::new(1); }
    mod innermost { use super::*; fn f() { Lamp::new(1); } }
    mod apart { fn f() { Lamp::new(1); } }
}
fn f() { Lamp::new(1); }
"""
    change = whole_change(LAMP, CALLED.replace("new(", "new(b: u8, "), before=CALLED)

    assert [("kernel::lamp::Lamp::new", PARAMETERS, [4, 5])] == _breakages(
        change, **{LAMP: CALLED, BULB: OTHERS, ROOM: user}
    )


@pytest.mark.parametrize(
    ("method", "type_after"),
    [
        ("clone", "#[derive(Clone)]\npub struct Lamp;\n"),
        ("into", "pub struct Lamp;\n"),
        ("count", "pub struct Lamp;\nimpl Iterator for Lamp {}\n"),
        ("level", "#[derive(Level)]\npub struct Lamp;\n"),
    ],
)
def test_a_trait_of_another_crate_may_have_the_method(method: str, type_after: str) -> None:
    before = f"pub struct Lamp;\nimpl Lamp {{ pub fn {method}(&self) {{}} }}\n"
    user = f"fn f() {{ kernel::lamp::Lamp::{method}(lamp()); }}\n"
    files = {LAMP: before, ROOM: user, "rust/other/lib.rs": "pub trait Level { fn level(&self) {} }\n"}

    assert [] == _breakages(whole_change(LAMP, type_after, before=before), **files)


def test_a_trait_may_be_implemented_for_a_box_with_the_type() -> None:
    before = "pub struct Lamp;\nimpl Lamp { pub fn level(&self) {} }\n"
    user = (
        "use kernel::lamp::Lamp;\nimpl Level for Arc<Lamp> { fn level(&self) {} }\nfn f(a: Arc<Lamp>) { a.level(); }\n"
    )
    change = whole_change(LAMP, before.replace("&self", "&self, a: u8"), before=before)

    assert [] == _breakages(change, **{LAMP: before, ROOM: user})


@pytest.mark.parametrize(
    ("path", "more"),
    [
        (LAMP, "lamps!(Lamp);\n"),
        (BULB, "lamps!(Lamp);\n"),
        (BULB, "macro_rules! lamps { ($t:ty) => { impl $t { pub fn new(a: u32) {} } } }\n"),
    ],
)
def test_a_macro_that_the_series_adds_may_define_the_name(path: str, more: str) -> None:
    before = f"pub use crate::bulb::Bulb as Tube;\nlevels!(Lamp);\n{CALLED}"
    after = before.replace("impl Lamp { pub fn new(a: u32) {} }\n", "").replace(
        "pub use crate::bulb::Bulb as Tube;\n", ""
    )
    user = "use kernel::lamp::{Lamp, Tube};\nfn f() { Lamp::new(1); }\n"
    lamp = whole_change(LAMP, after, before=before)
    with_macro = after + more if path == LAMP else FILES[BULB] + more
    added = whole_change(path, with_macro, before=before if path == LAMP else FILES[BULB])
    files = {LAMP: before, ROOM: user}

    assert ["kernel::lamp::Lamp::new", "kernel::lamp::Tube"] == [name for name, *_ in _breakages(lamp, **files)]
    changes = [added] if path == LAMP else [lamp, added]
    assert "kernel::lamp::Lamp::new" not in [name for name, *_ in _breakages(*changes, **files)]


def test_a_macro_that_the_series_adds_may_export_the_name() -> None:
    before = f"{FILES[LIB]}pub use lamp::Lamp;\n"
    files = {LIB: before, ROOM: "use kernel::Lamp;\n"}

    for after, names in ((FILES[LIB], ["kernel::Lamp"]), (f"{FILES[LIB]}export! {{ pub use lamp::Lamp; }}\n", [])):
        found = _breakages(whole_change(LIB, after, before=before), **files)
        assert names == [name for name, *_ in found]


@pytest.mark.parametrize(
    ("old", "new", "user"),
    [
        ("A, B", "A, B, C(Infallible)", "match e { E::A => 1, E::B => 2 }"),
        ("A, B", "A, B, C { never: Never }", "match e { E::A => 1, E::B => 2 }"),
        ("A, B", "A, B, C(T)", "match e { E::A => 1, E::B => 2 }"),
        ("A = 1, B = 2", "A = size::<u8, C>(), B = 2", "match e { E::A => 1, E::B => 2 }"),
    ],
)
def test_a_variant_without_values_needs_no_arm(old: str, new: str, user: str) -> None:
    before, after = (f"enum Never {{}}\npub enum E<T> {{ {variants} }}\n" for variants in (old, new))
    user = f"use kernel::lamp::E;\nfn f(e: E<u8>) -> u8 {{ {user} }}\n"

    assert [] == _breakages(whole_change(LAMP, after, before=before), **{LAMP: before, ROOM: user})


def test_a_private_item_may_have_the_path_of_a_public_one() -> None:
    before = "pub fn dim() {}\npub mod dim { pub fn f() {} }\n"
    user = "use kernel::lamp::dim;\nfn f() { dim::f(); }\n"
    change = whole_change(LAMP, before.replace("pub fn dim", "fn dim"), before=before)

    assert [] == _breakages(change, **{LAMP: before, ROOM: user})


def test_a_parameter_under_a_cfg_makes_the_change_unclear() -> None:
    assert [] == _breakages(_change(LAMP, "fn dim(", "fn dim(#[cfg(CONFIG_HUE)] hue: u32, "))


def test_a_trait_that_is_certainly_not_implemented_needs_no_method() -> None:
    user = "use kernel::lamp::Driver;\nimpl !Driver for Room {}\n"

    for new in ("pub trait Driver {\n    fn id();", "pub unsafe trait Driver {"):
        assert [] == _breakages(_change(LAMP, "pub trait Driver {", new), **{ROOM: user})


def test_lifetimes_are_inferred_in_the_length_of_an_array() -> None:
    before = "pub struct Lamp(u8);\n"
    user = "use kernel::lamp::Lamp;\nstruct Room { a: [u8; size_of::<Lamp>()] }\n"
    change = whole_change(LAMP, "pub struct Lamp<'a>(&'a u8);\n", before=before)

    assert [] == _breakages(change, **{LAMP: before, ROOM: user})


def test_a_closure_directly_in_a_closure_binds_names() -> None:
    before = "pub struct Lamp;\nimpl Lamp { pub fn level(&self) {} }\n"
    user = "use kernel::lamp::Lamp;\nfn f(a: &Lamp) { g(|b| |a: Bulb| a.level()); }\n"
    change = whole_change(LAMP, before.replace("&self", "&self, a: u8"), before=before)

    assert [] == _breakages(change, **{LAMP: before, ROOM: user})
