# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors of kernel repositories."""

from bot.error import AdapterError
from rules.bindings.tree import TreeError


class KernelError(AdapterError, TreeError):
    """A kernel repository cannot be opened, read or fetched. The message names the repository."""
