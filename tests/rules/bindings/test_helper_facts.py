# SPDX-License-Identifier: GPL-2.0-or-later
"""Read helpers, constant helpers and the parameters of bindgen."""

import re

from rules.bindings.helper_facts import read_bindgen_parameters, read_constants, read_helpers


def test_a_helper_has_the_names_and_conditions_of_its_body() -> None:
    text = b"""#ifdef CONFIG_LAMP
__rust_helper int rust_helper_lamp_on(struct lamp *lamp, int level)
{
\treturn lamp_set(lamp, level, LAMP_ON);
}
#endif

void rust_helper_now(void)
{
\tcurrent;
}
"""

    on, now = read_helpers(text)

    assert ("lamp_on", 2, ("lamp_set", "LAMP_ON"), True, ("defined(CONFIG_LAMP)",)) == (
        on.name,
        on.line,
        on.names,
        on.annotated,
        on.conditions,
    )
    assert "int rust_helper_lamp_on(struct lamp *, int)" == on.signature
    assert ("now", ("current",), False) == (now.name, now.names, now.annotated)


def test_a_helper_has_the_fields_that_it_reads() -> None:
    text = b"""u16 rust_helper_lamp_id(const struct lamp *lamp, spinlock_t *lock, int level)
{
\tstruct other *other = get(level);

\treturn ID(lamp->bus->number, lamp -> id, lock->held, other->level, x.lamp.name);
}
"""

    (helper,) = read_helpers(text)

    assert (("lamp", "bus", "number"), ("lamp", "id"), ("spinlock_t", "held")) == helper.fields


def test_a_pasted_helper_is_a_pattern() -> None:
    text = b"""#define GEN(tname, type) \\
__rust_helper type rust_helper_lamp_##tname##_read(type *ptr) \\
{ \\
\treturn READ_ONCE(*ptr); \\
}
GEN(i8, s8)
"""

    (helper,) = read_helpers(text)

    assert re.fullmatch(helper.pattern, "lamp_i8_read")
    assert not re.fullmatch(helper.pattern, "lamp_i8_write")
    assert ("__rust_helper", "rust_helper_lamp_", "_read", "READ_ONCE") == helper.names


def test_constants_have_their_expressions() -> None:
    text = (
        b"const gfp_t RUST_CONST_HELPER_GFP = GFP;\n"
        b"#if X\nconst unsigned long RUST_CONST_HELPER_A =\n\t\tB | C;\n#endif\n"
    )

    assert [("GFP", "GFP", 1, ()), ("A", "B | C", 3, ("X",))] == [
        (constant.name, constant.expression, constant.line, constant.conditions) for constant in read_constants(text)
    ]


def test_parameters_hide_names() -> None:
    parameters = read_bindgen_parameters(
        b"--opaque-type lamp\n# --opaque-type not\n--blocklist-item LAMP_.*\n--no-doc-comments\n"
    )

    assert (("lamp",), ("LAMP_.*",)) == (parameters.opaque, parameters.blocked)
