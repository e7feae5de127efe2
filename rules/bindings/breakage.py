# SPDX-License-Identifier: GPL-2.0-or-later
"""A C name that Rust uses and that a series changes: what happens to it, and who is left behind."""

from dataclasses import dataclass
from enum import StrEnum

from rules.bindings.bindings_diff import Step
from rules.bindings.located import LocatedHelper, MemberUser, User
from rules.finding import Side
from rules.source.c.source import Declaration


class Effect(StrEnum):
    """What happens to the name."""

    REMOVED = "is removed"
    UNREACHED = "moves out of the headers that the bindings see"
    HEADER_GONE = "is still included"
    NO_HELPER = "loses its helper"
    NO_SYMBOL = "has no symbol any more"
    STATIC = "becomes static"
    SIGNATURE = "changes its signature"
    GATED = "is only declared under a condition"
    MEMBER_REMOVED = "loses a field"
    MEMBER_TYPE = "changes a field's type"
    MEMBER_MOVED = "has a field elsewhere"
    MEMBER_GATED = "has a field only under a condition"
    MEMBER_ADDED = "gets a new field"
    OPAQUE = "is no longer defined"
    TYPE = "becomes another type"
    NOT_CONSTANT = "is no constant for bindgen any more"
    VALUE = "changes its value"


@dataclass(frozen=True, slots=True)
class DiffLocation:
    """Where a changed declaration stands: the line to quote, in the image of that side."""

    step: Step
    side: Side
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Breakage:
    """One changed name with those on Rust's side that the series leaves as they were.

    `shown` says the change in C, before and after. `conditions` are those that are new. `renamed` is the name that
    seems to replace it, "" if none. `sure` says that whole files were compared and the struct is known.
    """

    name: str
    effect: Effect
    before: Declaration | None
    shown: tuple[str, str]
    place: DiffLocation
    users: tuple[User, ...] = ()
    members: tuple[MemberUser, ...] = ()
    helpers: tuple[LocatedHelper, ...] = ()
    member: str = ""
    conditions: tuple[str, ...] = ()
    renamed: str = ""
    sure: bool = True
