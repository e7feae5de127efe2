# SPDX-License-Identifier: GPL-2.0-or-later
"""What surrounds a place of Rust code: macro definitions, macro calls and tests, read from tokens."""

from rules.lazy import re
from rules.source.rust.model import TEST
from rules.source.rust.source import RustSource

_TEST_MODULE = re.compile(r"\bmod\s+(?:\w+_)?tests?\b")


def is_in_macro_definition(source: RustSource, offset: int) -> bool:
    """Return whether a place is in a `macro_rules!`."""
    return any("macro_rules" in head for head in source.structure.macros(offset))


def is_in_test(source: RustSource, offset: int) -> bool:
    """Return whether a place is in a test, or in a module of tests."""
    heads = (source.structure.head(opening) for opening in source.structure.enclosing(offset))
    return any(TEST.search(head) or _TEST_MODULE.search(head) for head in heads)
