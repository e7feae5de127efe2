# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from rules.bindings.abi import is_same_type
from tests.rules.bindings.trees import FILES, tree

_TYPEDEFS = """typedef int (*set_fn)(struct lamp *lamp, u32 level);
typedef void off_fn(struct lamp *lamp);
typedef char lamp_name_t[16];
"""


def _is_same(before: str, after: str) -> bool:
    types = {"include/linux/lamp_types.h": FILES["include/linux/lamp_types.h"] + _TYPEDEFS}
    bindings = tree(**types).bindings()
    assert bindings is not None
    return is_same_type(before, after, bindings, bindings)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("void", "__nocfi void"),
        ("lamp_t *", "lamp_t *lamp"),
        ("struct lamp *", "struct lamp * __must_keep"),
        ("__old int", "__new int"),
        ("int (*)(lamp_t)", "int (*)(__user lamp_t)"),
        ("unsigned", "__lamp_attr unsigned int"),
        ("int", "typeof(x)"),
        ("int (*)(struct lamp *, u32)", "set_fn"),
        ("int (*)(struct lamp *, unsigned)", "s32 (*)(struct lamp *, u32)"),
        ("int (*)(struct lamp *, u32)[]", "set_fn[2]"),
        ("void (*)(struct lamp *)", "off_fn *"),
        ("u8 (*)(lamp_id_t)", "unsigned char (*)(u8)"),
        ("char[16]", "lamp_name_t"),
    ],
)
def test_words_that_nobody_listed_do_not_change_a_type(before: str, after: str) -> None:
    assert _is_same(before, after)
    assert _is_same(after, before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("lamp_t", "fan_t"),
        ("lamp_t *", "fan_t *"),
        ("struct lamp", "struct fan"),
        ("int", "long"),
        ("char [LAMPS]", "char [FANS]"),
        ("int (*)()", "int (*)(lamp_t)"),
        ("int (*)(lamp_t)", "int (*)(fan_t)"),
        ("int", "int *"),
        ("int (*)(struct lamp *, u64)", "set_fn"),
        ("int (*)(struct lamp *)", "off_fn *"),
        ("int (*)(struct lamp *, u32)", "set_fn *"),
        ("off_fn *", "off_fn **"),
        ("char[8]", "lamp_name_t"),
        ("int (*)(set_fn)", "int (*)(off_fn *)"),
    ],
)
def test_another_type_tag_size_or_parameter_changes_a_type(before: str, after: str) -> None:
    assert not _is_same(before, after)
    assert not _is_same(after, before)
