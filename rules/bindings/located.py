# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts of one file together with the file they stand in."""

from dataclasses import dataclass

from rules.bindings.facts import Access, Helper, Use
from rules.source.c.source import Declaration


@dataclass(frozen=True, slots=True)
class User:
    """A place in Rust that uses a C name: the file, the place in it, and the `cfg`s under which the file is built."""

    path: str
    use: Use
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberUser:
    """A place in Rust that names a field; `sure` says that the struct is known, not only likely."""

    path: str
    access: Access
    sure: bool


@dataclass(frozen=True, slots=True)
class LocatedHelper:
    """A helper and the file it stands in."""

    path: str
    helper: Helper


@dataclass(frozen=True, slots=True)
class Located:
    """A C declaration and the file it stands in."""

    path: str
    declaration: Declaration
