# SPDX-License-Identifier: GPL-2.0-or-later
"""Keep what the program writes, and its secrets, from the other users of the machine."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_OTHERS: Final = 0o077  # every right of the group and of other users
_CREDENTIALS: Final = Path("/run/credentials")


def open_to_others(path: Path) -> bool:
    """Return whether the group or other users have any right on the file; False where there is none.

    Credentials of systemd are private whatever their mode says: an access list gives one user the right to read them,
    and shows as a right of the group.
    """
    with suppress(OSError):
        return bool(path.stat().st_mode & _OTHERS) and not path.absolute().is_relative_to(_CREDENTIALS)
    return False


def keep_owner(new: Path, path: Path) -> None:
    """Let root write a file that a service of another user can use. Raises OSError.

    The new file gets the owner of the file that it will replace, or of the folder. A group can read a file of root if
    it could read the replaced one.
    """
    if os.geteuid() == 0:
        is_replaced = path.exists()
        status = (path if is_replaced else path.parent).stat()
        os.chown(new, status.st_uid, status.st_gid)
        if is_replaced and status.st_uid == 0 and status.st_mode & stat.S_IRGRP:
            new.chmod(0o640)


def holds_only(folder: Path, names: Collection[str]) -> bool:
    """Return whether the folder exists and nothing is in it but these names."""
    with suppress(OSError):
        return all(entry.name in names for entry in os.scandir(folder))
    return False


def close_trees(roots: Iterable[Path]) -> int:
    """Close these paths and everything below them to others; return how many were open."""
    return sum(close_to_others(path) for root in roots for path in _tree(root))


def close_to_others(path: Path) -> bool:
    """Take all rights on the path from the group and from others; return whether they had any.

    Only files and folders of this user change: a symbolic link, a device such as /dev/null, or a folder that is shared,
    such as /tmp, is left alone.
    """
    with suppress(OSError):  # git and the program itself may have removed it since
        status = path.lstat()
        is_own = status.st_uid == os.geteuid() and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))
        if is_own and status.st_mode & _OTHERS and not status.st_mode & stat.S_ISVTX:
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
            return True
    return False


def _tree(root: Path) -> Iterator[Path]:
    yield root
    if not root.is_symlink():
        for folder, folders, files in os.walk(root):
            yield from (Path(folder, name) for name in (*folders, *files))
