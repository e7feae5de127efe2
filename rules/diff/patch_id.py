# SPDX-License-Identifier: GPL-2.0-or-later
"""Compute the patch-id of a patch as `git patch-id --stable` does, from its parsed diff."""

import hashlib
from typing import Final

from rules.diff.patch import FileChange, Patch
from rules.lazy import re

_PLAIN_PATH = re.compile(r"[!#-\[\]-~ ]++\Z")
_SPACES: Final = b" \t\n\r"
_MODULUS: Final = 1 << 160
_FILE_MODE: Final = "100644"
"""The mode of a new or deleted file. A patch value does not have it, and other modes are rare."""


def stable_patch_id(patch: Patch) -> str:
    """Return the patch-id, "" if it is unknown: renames, binary files and quoted paths are not computed."""
    if not patch.changes or patch.damage is not None:
        return ""
    total = 0
    for change in patch.changes:
        if change.is_renamed or change.copied or change.binary or not _PLAIN_PATH.match(change.path):
            return ""
        digest = hashlib.sha1(_hashed_text(change), usedforsecurity=False).digest()
        total = (total + int.from_bytes(digest, "little")) % _MODULUS
    return total.to_bytes(20, "little").hex()


def _hashed_text(change: FileChange) -> bytes:
    path = change.path
    parts = [f"diff--gita/{path}b/{path}"]
    if change.is_new:
        parts.append(f"newfilemode{_FILE_MODE}")
    elif change.is_deleted:
        parts.append(f"deletedfilemode{_FILE_MODE}")
    if change.hunks:
        parts.append("---/dev/null" if change.is_new else f"---a/{path}")
        parts.append("+++/dev/null" if change.is_deleted else f"+++b/{path}")
    parts += [hunk.text for hunk in change.hunks]
    return "".join(parts).encode("utf-8", "surrogateescape").translate(None, _SPACES)
