# SPDX-License-Identifier: GPL-2.0-or-later
"""Load the rules before the processes are forked that use them, and what mails and rules load when they need it."""

from importlib import import_module
from typing import Final

from rules.registry import active

_LATE: Final = (
    *("array", "binascii", "hashlib", "zlib", "bot.pool.deadline"),
    *("rules.analysis.fixed_later", "rules.analysis.safety_sections", "rules.source.rust.docs"),
    *("rules.source.rust.doctests", "rules.source.rust.fragment", "rules.source.rust.uses"),
)

active()
for name in _LATE:
    import_module(name)
