# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong, by its roots: before any adapter is asked, and at one."""


class AdapterError(Exception):
    """The root of what goes wrong at archives, repositories, the database, the outbox: no mail's or posting's fault."""


class ReplacedError(AdapterError):
    """A file that this process has open is no longer in its place; the process must end and be started again."""


class SettingsError(Exception):
    """The settings cannot be used; the message names the file, the key and what is wrong with it."""
