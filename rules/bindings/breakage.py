# SPDX-License-Identifier: GPL-2.0-or-later
"""A C name that Rust uses and that a series changes: the effect of the change, and the users that it breaks."""

from enum import StrEnum

from rules.bindings.bindings_diff import Step
from rules.bindings.facts import LocatedHelper, MemberUser, User
from rules.finding import Side
from rules.lazy import dataclass
from rules.source.c.source import Declaration


class Effect(StrEnum):
    """The effect of a change on a C name."""

    REMOVED = "removed"
    PREFIX = "prefix"
    UNREACHED = "unreached"
    HEADER_GONE = "header-gone"
    NO_HELPER = "no-helper"
    HELPER_GATED = "helper-gated"
    NO_SYMBOL = "no-symbol"
    STATIC = "static"
    SIGNATURE = "signature"
    GATED = "gated"
    MEMBER_REMOVED = "member-removed"
    MEMBER_TYPE = "member-type"
    MEMBER_MOVED = "member-moved"
    MEMBER_GATED = "member-gated"
    MEMBER_ADDED = "member-added"
    OPAQUE = "opaque"
    TYPE = "type"
    NOT_CONSTANT = "not-constant"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class DiffLocation:
    """The line of a changed declaration to quote, in the image of that side."""

    step: Step
    side: Side
    line: int
    text: str

    @property
    def path(self) -> str:
        """The path of the file on that side."""
        change = self.step.change
        return change.before if self.side == "pre" and change.before is not None else change.path


@dataclass(frozen=True, slots=True)
class Breakage:
    """A changed name with the users that the series leaves unchanged.

    `c_text` is the C text before and after the change. `conditions` are the new conditions. `replacement` is the name
    that probably replaces it, "" if none. `is_certain` says that complete files were compared and the struct is known.
    """

    name: str
    effect: Effect
    before: Declaration | None
    c_text: tuple[str, str]
    location: DiffLocation
    users: tuple[User, ...] = ()
    members: tuple[MemberUser, ...] = ()
    helpers: tuple[LocatedHelper, ...] = ()
    member: str = ""
    conditions: tuple[str, ...] = ()
    replacement: str = ""
    is_certain: bool = True
