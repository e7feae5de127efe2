# SPDX-License-Identifier: GPL-2.0-or-later
"""Frequent shapes are read without their tokens, with the result that their tokens have."""

from itertools import product

import pytest

from rules.source.c import members, scanner
from rules.source.c.source import CSource, scan

_WORDS = (
    "int ", "extern struct lamp *", "static inline const u8 *", "unsigned long int ", "static ", "typedef int ",
    "__must_check bool ", "struct lamp __rcu * ", "X_INLINE void\n", "void __init",
)  # fmt: skip
_NAMES = ("f", "f_inline", "__init", "lamp_struct", "struct_lamp", "*f")
_PARAMETERS = (
    "", "void", "int a", "const char *name, ...", "struct lamp *const lamp,\n\t\tu32", "*f", "int __user *p", "a, b",
    "int a[2]", "int (*f)(void)", "__user void",
)  # fmt: skip
_ENDS = (";", "\n{\n\treturn 0;\n}", " { return 0; }", "", " __must_check;", " = 1;", "\n#ifdef A\n;")
_FIELDS = (
    "int a;", "struct list_head list;", "u8 a : 3;", "u8 a:3, b:5;", "const char *name[MAX];", "unsigned;",
    "int __rcu;", "struct lamp __rcu *lamp;", "int a[2][3];", "int (*f)(int);", "int a[__rcu];", "__le32 a:N;",
    "struct { int b; } c;", "\n#ifdef B\nlong b;\n#endif", "int a # b;", "DECLARE_BITMAP(bits, 8);",
)  # fmt: skip


def _read_both(text: str, monkeypatch: pytest.MonkeyPatch, *, is_complete: bool = True) -> tuple[CSource, CSource]:
    fast = scan(text, is_complete=is_complete)
    with monkeypatch.context() as patched:
        patched.setattr(scanner, "read_simple_function", lambda text, start: None)
        patched.setattr(members, "read_simple_field", lambda text: None)
        members._read_cached.cache_clear()
        slow = scan(text, is_complete=is_complete)
    members._read_cached.cache_clear()
    return fast, slow


@pytest.mark.parametrize("is_complete", [True, False])
def test_functions(monkeypatch: pytest.MonkeyPatch, is_complete: bool) -> None:
    count = 0
    for words, name, parameters, end in product(_WORDS, _NAMES, _PARAMETERS, _ENDS):
        text = f"#define A 1\n{words}{name}({parameters}){end}\nint last;\nextern int other;\n"
        fast, slow = _read_both(text, monkeypatch, is_complete=is_complete)
        assert fast == slow, text
        count += bool(fast.named(name))
    assert count > 500


def test_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    for first, second in product(_FIELDS, repeat=2):
        text = f"struct lamp {{\n\t{first}\n\t{second}\n}};\n"
        fast, slow = _read_both(text, monkeypatch)
        assert fast == slow, text
        count += len(fast.declarations[0].members)
    assert count > 400
