# SPDX-License-Identifier: GPL-2.0-or-later
"""The error of a source of mail."""

from bot.error import AdapterError


class InboxError(AdapterError):
    """A source cannot be read; the message names it and says why."""
