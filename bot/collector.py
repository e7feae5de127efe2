# SPDX-License-Identifier: GPL-2.0-or-later
"""Tune Python's garbage collector for a program that makes many objects and few cycles."""

import gc
from typing import Final

_NEW_OBJECTS: Final = 10_000
"""New objects after which the collector looks for cycles. Python's own limit is 700."""


def collect_rarely() -> None:
    """Let the collector ignore all objects that exist now, and look at new ones rarely."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
