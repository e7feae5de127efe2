# SPDX-License-Identifier: GPL-2.0-or-later
"""Freeze what the fork server has loaded, so that the collector of a worker does not copy the shared pages.

Nearly everything that an analysis makes lives until its end, so that an earlier collection frees nothing: the collector
looks for garbage after 20,000 new objects, about 2 MB, and not after 700.
"""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 20_000

gc.collect()
gc.freeze()
gc.set_threshold(YOUNG_OBJECTS)
