# SPDX-License-Identifier: GPL-2.0-or-later
"""What rules about the border ask a series."""

import pytest

from rules.analysis.bindings_view import module_is_gated
from rules.diff.patch import FileChange, Hunk, Line
from rules.lint.engine import view
from tests.rules.bindings.trees import series, tree


@pytest.mark.parametrize(
    ("attribute", "path", "gated"),
    [
        ("#[cfg(CONFIG_LIGHT)]", "rust/kernel/sync/light.rs", True),
        ("#[cfg(CONFIG_LIGHT)]", "rust/kernel/sync/light/mod.rs", True),
        ("#[cfg(CONFIG_LIGHT)]", "rust/kernel/sync/lamp.rs", False),
        ("#[cfg(test)]", "rust/kernel/sync/light.rs", False),
        ("#[allow(dead_code)]", "rust/kernel/sync/light.rs", False),
    ],
)
def test_a_modules_cfg_counts_where_only_a_hunk_shows_it(attribute: str, path: str, gated: bool) -> None:
    lines = (Line("mod arc;", 9, 9), Line(attribute, None, 10), Line("mod light;", None, 11))
    change = FileChange("rust/kernel/sync.rs", "rust/kernel/sync.rs", (Hunk(9, 1, 9, 3, "", lines),))

    assert gated == module_is_gated(view(series((change,)), tree()), path)
