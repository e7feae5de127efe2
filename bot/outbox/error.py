# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong on a mail's way out; the message says where and why."""

from bot.error import AdapterError


class OutboxError(AdapterError):
    """The mail could not be taken away now; it is certain that nothing left, so that it may be tried again."""


class RefusedError(OutboxError):
    """The mail was refused for good; it is certain that nothing left."""


class UnfitError(OutboxError):
    """The mail must not be sent as it is: a human is to look at it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not fit to be sent: {why}")


class DeliveryUnconfirmedError(OutboxError):
    """The mail may have left: no well-formed final reply says whether it was accepted."""
