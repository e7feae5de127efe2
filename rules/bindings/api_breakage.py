# SPDX-License-Identifier: GPL-2.0-or-later
"""An item of the `kernel` crate that a series changes: the effect of the change, and the users that it breaks."""

from enum import StrEnum

from rules.lazy import dataclass
from rules.source.rust.api import ApiItem


class ApiEffect(StrEnum):
    """What happens to an item."""

    REMOVED = "removed"
    HIDDEN = "hidden"
    PARAMETERS = "parameters"
    GENERICS = "generics"
    LIFETIMES = "lifetimes"
    UNSAFE = "unsafe"
    NOT_CONST = "not-const"
    TYPE = "type"
    INFALLIBLE = "infallible"
    FIELD_REMOVED = "field-removed"
    FIELD_ADDED = "field-added"
    FIELD_HIDDEN = "field-hidden"
    VARIANT_ADDED = "variant-added"
    TRAIT_SAFETY = "trait-safety"
    METHOD_REMOVED = "method-removed"
    METHOD_PARAMETERS = "method-parameters"
    METHOD_TYPES = "method-types"
    METHOD_GENERICS = "method-generics"
    METHOD_LIFETIMES = "method-lifetimes"
    METHOD_SAFETY = "method-safety"
    METHOD_REQUIRED = "method-required"


@dataclass(frozen=True, slots=True)
class ApiUser:
    """A line that uses an item."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class ApiBreakage:
    """A changed item of the crate with users that are left as they were.

    `path` is the file of the item before the series, or after it for a new item. `after` is the changed item. `fields`
    are the added fields or variants, or the removed or hidden fields that users name. `moved_to` is the path of the
    only item of that name and kind that the series adds. `parts` are the numbers of the parameters with other types,
    without `self`, 0 for what is returned and -1 for `self`.
    """

    effect: ApiEffect
    name: str
    path: str
    item: ApiItem
    users: tuple[ApiUser, ...]
    after: ApiItem | None = None
    fields: tuple[str, ...] = ()
    moved_to: str = ""
    parts: tuple[int, ...] = ()
