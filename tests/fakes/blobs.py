# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored blobs without a store."""

from collections.abc import Mapping


class Blobs(dict[str, bytes]):
    """bot.ports.postings.StoredBlobs of the blobs in this dictionary."""

    def pack(self, blobs: Mapping[str, bytes], /) -> Mapping[str, bytes]:
        return blobs
