# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions and numbers of signals, without the enumerations that `signal` makes of all of them.

To make these takes longer than to load any module of this project, and each command starts with signals.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # the extension that `signal` itself takes them from

__all__ = ["signal"]
