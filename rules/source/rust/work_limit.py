# SPDX-License-Identifier: GPL-2.0-or-later
"""Limit the work for hostile Rust. It is counted, not timed, so that the same text always has the same result."""

from typing import Final

MAX_FILE_WORK: Final = 2_000
"""Units for an image of a file. Kernel files need 200 or less."""

MAX_SERIES_WORK: Final = 20_000
"""Units for all images of a series together."""


class TooMuchError(Exception):
    """An image or a series exceeds its limit. Nothing is reported on it, not even on a part."""

    def __init__(self, whose: str) -> None:
        super().__init__(
            f"analysis limit exceeded: {whose} has too much unsafe code, or too much text that is not Rust"
        )
        self.of_series = whose == "the series"


class WorkLimit:
    """A counter of units: a word `unsafe`, a parse, or five pieces of text that are errors in it."""

    def __init__(
        self, whose: str = "the series", limit: int = MAX_SERIES_WORK, above: "WorkLimit | None" = None
    ) -> None:
        self._whose, self._limit, self._above = whose, limit, above
        self._spent, self._over = 0, ""

    def of_file(self) -> "WorkLimit":
        """Return the limit of an image. Its work counts for the series too."""
        return WorkLimit("the file", MAX_FILE_WORK, self)

    def spend(self, units: int) -> None:
        """Count units. Raises TooMuchError beyond the limit, and from then on."""
        if whose := self.count(units):
            raise TooMuchError(whose)

    def count(self, units: int) -> str:
        """Count units. Return whose limit is exceeded, or ""."""
        if not self._over:
            self._spent += units
            if self._spent > self._limit:
                self._over = self._whose
            elif self._above is not None:
                self._over = self._above.count(units)
        return self._over


class WorkRecorder(WorkLimit):
    """A limit that counts for the one above, and keeps the units in their order, so that they can be counted again."""

    def __init__(self, above: WorkLimit) -> None:
        super().__init__(above=above)
        self._target = above
        self.units: list[int] = []

    def spend(self, units: int) -> None:
        """Count units. Raises TooMuchError beyond the limit."""
        self.units.append(units)
        self._target.spend(units)
