# SPDX-License-Identifier: GPL-2.0-or-later
"""A bound on the work that hostile Rust may cost, counted and not timed: the same text always has the same outcome."""

from typing import Final

MOST_OF_FILE: Final = 2_000
"""Units for one image of a file; kernel files take two hundred at the most."""

MOST_OF_SERIES: Final = 20_000
"""Units for all images of a series together."""


class TooMuchError(Exception):
    """An image or a series that is too large to judge: nothing is said of it, least of all half of it."""

    def __init__(self, whose: str) -> None:
        super().__init__(
            f"analysis limit exceeded: {whose} has too much unsafe code, or too much text that is not Rust"
        )
        self.of_series = whose == "the series"


class WorkLimit:
    """Counts units: a word `unsafe`, a parse, or five pieces of text that fit nowhere in it."""

    def __init__(self, whose: str = "the series", most: int = MOST_OF_SERIES, above: "WorkLimit | None" = None) -> None:
        self._whose, self._most, self._above = whose, most, above
        self._spent, self._over = 0, ""

    def of_file(self) -> "WorkLimit":
        """The work on one image, which counts for the series too."""
        return WorkLimit("the file", MOST_OF_FILE, self)

    def spend(self, units: int) -> None:
        """Counts units; TooMuchError beyond the bound, and from then on."""
        if whose := self.count(units):
            raise TooMuchError(whose)

    def count(self, units: int) -> str:
        """Counts units, and says whose work is too much: empty where nobody's is."""
        if not self._over:
            self._spent += units
            if self._spent > self._most:
                self._over = self._whose
            elif self._above is not None:
                self._over = self._above.count(units)
        return self._over
