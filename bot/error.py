# SPDX-License-Identifier: GPL-2.0-or-later
"""The base classes of errors: errors of adapters, and errors in the settings."""

import errno
from typing import Final

_FILE_ERRORS: Final = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR, errno.ESTALE),
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE),
    }
)


class AdapterError(Exception):
    """An error of an archive, a repository, the database or the outbox. It is not caused by a mail or posting."""


class ReplacedError(AdapterError):
    """A file that this process has open was replaced by another file. The process must end and be restarted."""


class SettingsError(Exception):
    """The settings cannot be used. The message names the file, the key and the problem."""


def file_problem(error: Exception) -> str:
    """Return what is wrong with a file or folder of the machine, or "" if the error may be a bug of the program."""
    if not isinstance(error, OSError):
        return ""
    if error.filename is not None and error.errno in _FILE_ERRORS:
        return f"{error.filename}: {error.strerror}"
    # Only the working directory has no name.
    is_lost = isinstance(error, FileNotFoundError) and error.filename is None
    return "the working directory does not exist any more; change to another one" if is_lost else ""
