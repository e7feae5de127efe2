# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong on a mail's way out."""


class OutboxError(Exception):
    """A mail could not be taken away; the message says where and why. Nothing is known to have left."""
