# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong at a source of mail."""

from bot.error import AdapterError


class InboxError(AdapterError):
    """A source that cannot be read; the message names it and says why."""
