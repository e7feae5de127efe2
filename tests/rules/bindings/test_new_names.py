# SPDX-License-Identifier: GPL-2.0-or-later
"""The condition under which a used C name exists."""

import pytest

from rules.bindings.index import Bindings
from rules.bindings.new_names import find_condition

_LIGHT_RS = "rust/kernel/light.rs"


@pytest.mark.parametrize(
    ("header", "expected"),
    [("include/asm-generic/lamp.h", "defined(CONFIG_LAMP)"), ("arch/x86/include/asm/lamp.h", None)],
)
def test_the_header_of_an_architecture_does_not_tell_what_others_declare(header: str, expected: str | None) -> None:
    files = {
        "rust/bindings/bindings_helper.h": "#include <asm/lamp.h>\n",
        header: "#ifdef CONFIG_LAMP\nint lamp_on(int lamp);\n#endif\n",
        "rust/kernel/lib.rs": "pub mod light;\n",
        _LIGHT_RS: "fn on() { unsafe { bindings::lamp_on(1) } }\n",
    }
    bindings = Bindings.of_files({path: text.encode() for path, text in files.items()})
    (user,) = bindings.users("lamp_on")

    condition = find_condition(bindings, user)

    assert (condition and condition.condition) == expected
