# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists of names and places in a sentence."""

from collections.abc import Sequence


def listing(texts: Sequence[str], max_shown: int) -> str:
    """Return the first texts, separated by commas, and the number of those that are not shown."""
    more = f" and {len(texts) - max_shown} more" if len(texts) > max_shown else ""
    return ", ".join(texts[:max_shown]) + more
