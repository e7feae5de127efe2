# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong with a kernel repository or its index, named for a reader."""

from bot.error import AdapterError


class KernelError(AdapterError):
    """A kernel repository cannot be opened, read or fetched; the message names it."""
