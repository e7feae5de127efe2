# SPDX-License-Identifier: GPL-2.0-or-later
"""A series that changes or removes many names or files is compared with Rust in linear time."""

from collections.abc import Callable, Iterator

import pytest

from rules.analysis.bindings_view import BINDINGS_DIFF
from rules.analysis.pending import PENDING_FACTS
from rules.bindings.compare import find_breakages
from rules.bindings.compare_values import _is_count
from rules.bindings.rust_api import find_api_breakages
from rules.bindings.tree import FileTree, NoTree
from rules.lint.engine import view
from rules.source.c.declaration import Declaration, Kind
from rules.source.c.members import Member
from tests.growth import assert_linear
from tests.rules.bindings.trees import FILES, series, whole_change

LAMP_H, LAMP_RS = "include/linux/lamp.h", "rust/kernel/lamp.rs"


def _functions(size: int, use: str = "bindings::lamp{}(1)") -> tuple[str, str]:
    header = "".join(f"int lamp{number}(int level);\n" for number in range(size))
    return header, _uses(size, use)


def _pointers(size: int) -> tuple[str, str]:
    header = "".join(f"int lamp{number}(const int *level);\n" for number in range(size))
    return header, _uses(size, "bindings::lamp{}(lamp as *const i32)")


def _structs(size: int) -> tuple[str, str]:
    header = "".join(f"struct lamp{number} {{ int level; }};\n" for number in range(size))
    return header, _uses(size, "(*(lamp as *mut bindings::lamp{})).level")


def _fields(size: int) -> tuple[str, str]:
    fields = "".join(f"\tint level{number};\n" for number in range(size))
    return f"struct lamp {{\n{fields}}};\n", _uses(size, "(*(lamp as *mut bindings::lamp)).level{}")


def _variants(size: int) -> tuple[str, str]:
    variants = (f"#ifdef CONFIG_A{number}\nstruct lamp {{ int level{number}; }};\n#endif\n" for number in range(size))
    return "".join(variants), _uses(size, "(*(lamp as *mut bindings::lamp)).level{}")


def _uses(size: int, use: str) -> str:
    lines = "".join(f"    unsafe {{ {use.format(number)} }};\n" for number in range(size))
    return f"use crate::bindings;\nfn lamps(lamp: *mut u8) {{\n{lines}}}\n"


def _guarded(header: str) -> str:
    return f"#ifdef CONFIG_LAMP\n{header}#endif\n"


@pytest.mark.parametrize(
    ("make", "change"),
    [
        pytest.param(_functions, lambda header: header.replace("lamp", "bulb"), id="renamed functions"),
        pytest.param(_functions, lambda header: header.replace("int level", "int level, int hue"), id="parameters"),
        pytest.param(_pointers, lambda header: header.replace("const ", ""), id="pointers that lose const"),
        pytest.param(_functions, _guarded, id="functions under a new condition"),
        pytest.param(_structs, lambda header: header.replace("level", "height"), id="structs with the same field"),
        pytest.param(_fields, lambda header: header.replace("level", "height"), id="fields of one struct"),
        pytest.param(_variants, lambda header: header.replace("level", "height"), id="definitions of one struct"),
    ],
)
def test_many_changes_take_linear_time(make: Callable[[int], tuple[str, str]], change: Callable[[str], str]) -> None:
    size = 250

    def compare(texts: tuple[str, str]) -> None:
        header, rust = texts
        kernel = FileTree({path: text.encode() for path, text in (FILES | {LAMP_H: header, LAMP_RS: rust}).items()})
        patch = whole_change(LAMP_H, change(header), before=header)
        diff = view(series((patch,)), kernel).result(BINDINGS_DIFF)
        assert diff is not None
        assert len(list(find_breakages(diff))) >= size

    assert_linear(make, compare, size)


def test_many_changed_files_take_linear_time() -> None:
    size = 600

    def compare(number: int) -> None:
        names = [f"lamp{count}" for count in range(number)]
        headers = {f"include/linux/{name}.h": f"int {name}(int level);\n" for name in names}
        users = {
            "rust/bindings/bindings_helper.h": "".join(f"#include <linux/{name}.h>\n" for name in names),
            LAMP_RS: _uses(number, "bindings::lamp{}(1)"),
        }
        kernel = FileTree({path: text.encode() for path, text in (FILES | headers | users).items()})
        patch = [whole_change(path, text.replace("int level", ""), before=text) for path, text in headers.items()]
        diff = view(series(tuple(patch)), kernel).result(BINDINGS_DIFF)
        assert diff is not None
        assert len(list(find_breakages(diff))) == number

    assert_linear(int, compare, size)


def test_many_includes_that_go_take_linear_time() -> None:
    def remove(number: int) -> None:
        names = [f"lamp{count}" for count in range(number)]
        path, includes = "rust/bindings/bindings_helper.h", "".join(f"#include <linux/{name}.h>\n" for name in names)
        files = {f"include/linux/{name}.h": f"int {name}(int level);\n" for name in names}
        files |= {path: includes, LAMP_RS: _uses(number, "bindings::lamp{}(1)")}
        kernel = FileTree({path: text.encode() for path, text in (FILES | files).items()})
        diff = view(series((whole_change(path, "\n", before=includes),)), kernel).result(BINDINGS_DIFF)
        assert diff is not None
        assert len(list(find_breakages(diff))) == number

    assert_linear(int, remove, 300)


@pytest.mark.parametrize("kind", ["headers", "modules"])
def test_many_removed_files_take_linear_time(kind: str) -> None:
    size = 200

    def remove(number: int) -> None:
        names = [f"lamp{count}" for count in range(number)]
        if kind == "headers":
            removed = {f"include/linux/{name}.h": f"int {name}(int level);\n" for name in names}
            users = {"rust/bindings/bindings_helper.h": "".join(f"#include <linux/{name}.h>\n" for name in names)}
        else:
            removed = {f"rust/kernel/{name}.rs": "pub struct Lamp;\n" for name in names}
            users = {"drivers/lamp.rs": "".join(f"use kernel::{name}::Lamp;\n" for name in names)}
        kernel = FileTree({path: text.encode() for path, text in (FILES | removed | users).items()})
        patch = [whole_change(path, None, before=text) for path, text in removed.items()]
        diff = view(series(tuple(patch)), kernel).result(BINDINGS_DIFF)
        assert diff is not None
        found = list(find_breakages(diff)) if kind == "headers" else list(find_api_breakages(diff))
        assert len(found) == number

    assert_linear(lambda number: number, remove, size)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda size: f"use kernel::{{{_names(size)}}};\n", id="imports on one line"),
        pytest.param(lambda size: f"fn f() {{ {'kernel::lamp::on(' * size} }}\n", id="calls on one line"),
        pytest.param(
            lambda size: f"use kernel::Lamp;\nimpl Lamp for L {{\n    fn f({'a' * 100 * size}: u8) {{}}\n}}\n",
            id="a long parameter",
        ),
    ],
)
def test_long_lines_of_a_pending_series_take_linear_time(make: Callable[[int], str]) -> None:
    def read(text: str) -> None:
        file = view(series((whole_change("drivers/lamp.rs", text),)), NoTree())
        assert file.result(PENDING_FACTS) is not None

    assert_linear(make, read, 5_000)


def _names(size: int) -> str:
    return ", ".join(f"lamp{number}" for number in range(size))


class _Uncounted(tuple[Member, ...]):
    """Members that must not all be read for one enumerator, because an enum may have thousands."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Member]:
        raise AssertionError("all members were read")


def test_one_enumerator_is_compared_with_the_last_ones_of_its_enum() -> None:
    members = _Uncounted(Member(name, 1, value=value) for value, name in enumerate(("LAMP_OFF", "LAMP_ON", "LAMP_NR")))
    enum = Declaration(Kind.ENUM, "lamp_state", 1, 1, members=members)

    assert _is_count(Declaration(Kind.CONSTANT, "LAMP_NR", 1, 1), (enum,))
    assert not _is_count(Declaration(Kind.CONSTANT, "LAMP_ON", 1, 1), (enum,))
