# SPDX-License-Identifier: GPL-2.0-or-later
"""The patches of a series whose commit messages rules read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rules.diff.patch import Patch

if TYPE_CHECKING:
    from rules.analysis.view import SeriesView


def rust_patches(view: "SeriesView") -> Iterator[Patch]:
    """Yield the patches with a commit message that change Rust, except drafts. A diff alone has no message."""
    for patch in view.series.patches:
        files = view.of_patch(patch.index)
        has_message = bool(patch.log or patch.trailers)
        if has_message and any(file.is_rust for file in files) and not any(file.is_draft for file in files):
            yield patch
