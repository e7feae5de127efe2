# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors of the store."""

from bot.error import AdapterError


class StoreError(AdapterError):
    """The database cannot be opened, read or written. The message names the file and the cause. Nothing was changed."""
