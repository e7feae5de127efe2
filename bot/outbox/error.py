# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors of sending a mail; the message says where and why."""

from bot.error import AdapterError


class OutboxError(AdapterError):
    """The mail could not be sent now. It is certain that it did not leave, so it may be tried again."""


class RefusedError(OutboxError):
    """The mail was refused permanently. It is certain that it did not leave."""


class UnfitError(OutboxError):
    """The mail must not be sent as it is: a person has to look at it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not fit to be sent: {reason}")


class DeliveryUnconfirmedError(OutboxError):
    """The mail may have left: no well-formed final reply says whether it was accepted."""
