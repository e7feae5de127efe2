# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong on a mail's way out; the message says where and why."""


class OutboxError(Exception):
    """The mail could not be taken away now; it is certain that nothing left, so that it may be tried again."""


class RefusedError(OutboxError):
    """The mail was refused for good; it is certain that nothing left."""


class DoubtError(OutboxError):
    """It is not known whether the mail left."""
