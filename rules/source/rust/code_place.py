# SPDX-License-Identifier: GPL-2.0-or-later
"""What surrounds a place of Rust code: macro definitions, macro calls and tests, read from tokens."""

from typing import TYPE_CHECKING

from rules.lazy import re

if TYPE_CHECKING:
    from rules.source.rust.source import RustSource

TEST = re.compile(
    r"#\s*\[\s*(?:test\b|(?:\w+\s*::\s*)?kunit_tests\b"
    r"|cfg\s*\([^\]]{0,200}?(?:(?<!not\()\btest\b|\bCONFIG_\w{0,60}?(?:KUNIT|SELFTEST)))"
)
"""An attribute of a test, or of code that is built only for tests."""
_TEST_MODULE = re.compile(r"\bmod\s+(?:\w+_)?tests?\b")


def is_in_macro_definition(source: "RustSource", offset: int) -> bool:
    """Return whether a place is in a `macro_rules!`."""
    return any("macro_rules" in head for head in source.structure.macros(offset))


def is_in_test(source: "RustSource", offset: int) -> bool:
    """Return whether a place is in a test, or in a module of tests."""
    heads = (source.structure.head(opening) for opening in source.structure.enclosing(offset))
    return any(TEST.search(head) or _TEST_MODULE.search(head) for head in heads)
