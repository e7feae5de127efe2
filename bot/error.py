# SPDX-License-Identifier: GPL-2.0-or-later
"""The base classes of errors: errors of adapters, and errors in the settings."""


class AdapterError(Exception):
    """An error of an archive, a repository, the database or the outbox. It is not caused by a mail or posting."""


class ReplacedError(AdapterError):
    """A file that this process has open was replaced by another file. The process must end and be restarted."""


class SettingsError(Exception):
    """The settings cannot be used. The message names the file, the key and the problem."""
