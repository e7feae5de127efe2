# SPDX-License-Identifier: GPL-2.0-or-later
"""Build HTML. Everything that is not a Markup from this module is text, and escaped."""

from html import escape
from typing import Final

from bot.review.render.text import visible

_VOID: Final = frozenset({"meta", "br", "hr"})


class Markup(str):
    """HTML from `element`. It is not escaped again in other elements."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """Return an element. Children that are not a Markup are text. A final `_` of an attribute's name is dropped."""
    attribute_text = "".join(f' {_name(key)}="{escape(visible(value))}"' for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{attribute_text}>")
    return Markup(f"<{name}{attribute_text}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """Return the children one after the other."""
    return Markup("".join(child if isinstance(child, Markup) else escape(visible(child)) for child in children))


def link(text: str, address: str) -> Markup:
    """Return a link to an address that this program made, the text alone if there is none or it is not plain."""
    if not address.startswith(("https://", "http://")) or not address.isascii() or not address.isprintable():
        return joined(text)
    return element("a", text, href=address, rel="noreferrer")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
