# SPDX-License-Identifier: GPL-2.0-or-later
"""C constant expressions."""

import pytest

from rules.source.c.source import evaluate, is_plain_expression, read_ioctl_number


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 << 3", 8),
        ("0x10UL | A", 23),
        ("(1U << 31)", 1 << 31),
        ("BIT(4)", 16),
        ("~0", -1),
        ("-1 + 2 * 3", 5),
        ("010", 8),
        ("'a'", 97),
        ("(A)", 7),
        ("B", None),
        ("sizeof(x)", None),
        ("6 ^ 3", 5),
        ("6 & 3", 2),
        ("6 | 1 ^ 1 & 0", 7),
        ("256 >> 4 + 2", 4),
        ("7 - 2 - 1", 4),
        ("7 % 4 * 2", 6),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("-7 / -2", 3),
        ("(1 << 51) / 3", 750599937895082),
        ("-(1 << 51) / 3", -750599937895082),
        ("7 / 2", 3),
        ("+3", 3),
        ("0", 0),
        ("0ul", 0),
        ("09", None),
        ("0b1", None),
        ("'\\n'", None),
        ("BIT_ULL(63)", 1 << 63),
        ("BIT", None),
        ("BIT(64)", None),
        ("1 << 63", 1 << 63),
        ("(1 << 63) * 2", None),
        ("(1 << 63) * -2", None),
        ("1 >> 64", None),
        ("1 << -1", None),
        ("(1 + 2", None),
        ("1 2", None),
        ("1 $ 2", None),
        ("1 ? 2 : 3", None),
        ("1 +", None),
        ("1" + " + 1" * 999, 1000),
        ("1" + " + 1" * 1000, None),
        ("1 / 0", None),
        ("1 % 0", None),
        ("-7 % 4", -3),
        ("7 % -4", 3),
        ("1 << 0", 1),
        ("4 >> 0", 4),
        ("1 << 62 >> 63", 0),
        ("_BITUL(3)", 8),
        ("_BITULL(3)", 8),
        ("BIT 3", None),
        ("BIT(3) | 1", 9),
        ("'ab'", None),
        ("~(1) - -1", -1),
        ("0x1F", 31),
        ("1)", None),
        ("A B", None),
        ("((A))", 7),
        ("(1 | 2)", 3),
        ("1 << 99", None),
        ("((int)1)", None),
        ("(" * 3000, None),
        ("", None),
    ],
)
def test_an_expression_is_evaluated_if_possible(expression: str, value: int | None) -> None:
    assert value == evaluate(expression, {"A": 7})


@pytest.mark.parametrize(
    ("expression", "number"),
    [
        ("_IOW('b', 5, __u32)", ("IOW", 98, 5)),
        ("_IO(0x12, 1)", ("IO", 18, 1)),
        ("_IOR(MAGIC, 1, int)", None),
        ("_IOWR('b', NUMBER, int)", None),
        (" _IOWR('b', 1 + 2, int)", ("IOWR", 98, 3)),
        ("_IOC(1, 2, 3, 4)", None),
        ("7", None),
    ],
)
def test_an_ioctl_has_direction_type_and_number(expression: str, number: tuple[object, ...] | None) -> None:
    assert number == read_ioctl_number(expression)


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        ("3", True),
        ("(A | 1 << 2)", True),
        ('"text"', True),
        ('PREFIX "1"', True),
        ('"a\\"b" "c"', True),
        ("(A) + 1", True),
        ("-1", True),
        ("(u32)1", False),
        ("(u32)~0", False),
        ("(u32)(1)", False),
        ("(int)'a'", False),
        ("a 'b'", False),
        ("a $", False),
        ("((__force gfp_t)1)", False),
        ("BIT(3)", False),
        ("struct lamp", False),
        ("", False),
    ],
)
def test_bindgen_makes_a_constant_from_a_plain_expression(body: str, plain: bool) -> None:
    assert plain is is_plain_expression(body)
