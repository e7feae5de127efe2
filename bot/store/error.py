# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong at the database."""

from bot.error import AdapterError


class StoreError(AdapterError):
    """The database cannot be opened, read or written; the message names its file and says why. Nothing is half done."""
