# SPDX-License-Identifier: GPL-2.0-or-later
"""The projection of stored postings and reviews: rows and columns for the pages and lists."""

from typing import Protocol


class Projection(Protocol):
    """The projection, which the store also writes with each posting and review."""

    def project_due(self, limit: int) -> int:
        """Write the rows of up to `limit` postings that an earlier version stored. Return their number."""

    def rebuild_projection(self, after: str, limit: int) -> str:
        """Write the rows of the next `limit` postings after a message-id anew. Return the last of them, "" at the end.

        Start with `after` "". The last call removes rows that belong to no posting.
        """
