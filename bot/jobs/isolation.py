# SPDX-License-Identifier: GPL-2.0-or-later
"""The one place of the shell where a bug in reading or judging one mail is kept from all the others."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broken:
    """A piece of work that a bug stopped."""

    reason: str


def isolated(what: str, work: Callable[[], T]) -> T | Broken:
    """What the work gives, or Broken where it raises what nobody foresaw; for pure work only, never an adapter's."""
    try:
        return work()
    except Exception as error:
        log.exception("%s", what)
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return Broken(f"{type(error).__name__} in {frame.name}, line {frame.lineno}: {error}")
