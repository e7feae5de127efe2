# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of a kernel tree as bytes."""

from typing import Final, Protocol

MIN_BLOB_ID_DIGITS: Final = 7
"""A shorter abbreviation of a blob id does not identify a file."""


def blob_id(content: bytes) -> str:
    """Return the id that git gives these bytes as a blob: 40 hexadecimal digits."""
    import hashlib

    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class Files(Protocol):
    """The files of one commit. Paths are relative to the top of the tree; None means that there is no such file."""

    def read(self, path: str) -> bytes | None:
        """Return the file's bytes."""

    def blob(self, blob_id: str) -> bytes | None:
        """Return the bytes of the blob with that id, which has at least `MIN_BLOB_ID_DIGITS` digits."""
