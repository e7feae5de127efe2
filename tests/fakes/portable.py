# SPDX-License-Identifier: GPL-2.0-or-later
"""Square numbers in a cluster whose workers cannot read them: `python -m tests.fakes.portable ADDRESS NUMBERS`.

Each worker is sent the numbers themselves after the first one that it cannot read.
"""

import sys
from typing import NamedTuple

from bot.error import AdapterError
from bot.pool.worker import Limits


class Reference(NamedTuple):
    """A number on the machine of the client."""

    def received(self) -> int:
        raise AdapterError("the number is not here")


class Copy(NamedTuple):
    number: int

    def received(self) -> int:
        return self.number


class Number(NamedTuple):
    number: int
    size: int = 2**20

    def reference(self) -> Reference:
        return Reference()

    def copy(self) -> Copy:
        return Copy(self.number)


def squared(number: object) -> int:
    """Return the square of a number that has been received."""
    assert isinstance(number, int)
    return number * number


if __name__ == "__main__":
    from bot.pool.cluster import ClusterSpec, open_cluster
    from tests.fakes import portable

    numbers = map(portable.Number, range(int(sys.argv[2])))
    with open_cluster(ClusterSpec(scheduler=sys.argv[1]), Limits()) as executor:
        print(*executor.stream(portable.squared, numbers))
