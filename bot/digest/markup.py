# SPDX-License-Identifier: GPL-2.0-or-later
"""HTML in which text can be nothing but text: whatever is not markup made here is escaped."""

from html import escape
from typing import Final

from bot.review.render.text import visible

_VOID: Final = frozenset({"meta", "br", "hr"})


class Markup(str):
    """HTML that was made by `element`, and goes into other elements as it is."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """An element. Children that are no Markup are text; a trailing underscore in an attribute's name is dropped."""
    given = "".join(f' {_name(key)}="{escape(visible(value))}"' for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """The children one after the other."""
    return Markup("".join(each if isinstance(each, Markup) else escape(visible(each)) for each in children))


def link(text: str, address: str) -> Markup:
    """A link; only to what is plainly an https address, else the text alone."""
    if not address.startswith("https://") or not address.isascii() or not address.isprintable():
        return joined(text)
    return element("a", text, href=address, rel="noreferrer")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
