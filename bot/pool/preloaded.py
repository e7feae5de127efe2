# SPDX-License-Identifier: GPL-2.0-or-later
"""Freeze what the fork server has loaded, so that the collector of a worker does not copy the shared pages."""

import gc
from typing import Final

_NEW_OBJECTS: Final = 10_000
"""New objects after which a worker looks for cycles: its work makes many objects, and few cycles."""

gc.collect()
gc.freeze()
gc.set_threshold(_NEW_OBJECTS)
