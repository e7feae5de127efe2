# SPDX-License-Identifier: GPL-2.0-or-later
"""The requirements of RFC 4287 for a feed document, each as a check of the parsed XML."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_FEED: Final = frozenset(
    [
        "author",
        "category",
        "contributor",
        "generator",
        "icon",
        "id",
        "link",
        "logo",
        "rights",
        "subtitle",
        "title",
        "updated",
        "entry",
    ]
)
_ENTRY: Final = frozenset(
    [
        "author",
        "category",
        "content",
        "contributor",
        "id",
        "link",
        "published",
        "rights",
        "source",
        "summary",
        "title",
        "updated",
    ]
)
_AT_MOST_ONE: Final = {
    "feed": ("generator", "icon", "logo", "rights", "subtitle"),
    "entry": ("content", "published", "rights", "source", "summary"),
}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[!#$&-;=?@\[\]_~a-zA-Z\u00a0-\U000effff]|%[0-9A-Fa-f]{2})+")
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&.+^_-]+/[A-Za-z0-9!#$&.+^_-]+")
_RELATION: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")


def problems(content: bytes) -> list[str]:
    """Return which requirements the document does not meet."""
    feed = ET.fromstring(content)
    if feed.tag != f"{_ATOM}feed":
        return ["2: the document element is not atom:feed"]
    return [*_container(feed, "feed", _FEED), *_entries(feed)]


def _entries(feed: ET.Element) -> Iterator[str]:
    entries = feed.findall(f"{_ATOM}entry")
    for entry in entries:
        yield from _container(entry, "entry", _ENTRY)
        if entry.find(f"{_ATOM}content") is None and not _alternates(entry):
            yield "4.1.2: an entry without content has no alternate link"
        if entry.find(f"{_ATOM}author") is None and feed.find(f"{_ATOM}author") is None:
            yield "4.1.2: an entry has no author, and neither has its feed"
    if feed.find(f"{_ATOM}author") is None and not entries:
        yield "4.1.1: a feed without entries has no author"
    versions = Counter((_text(entry, "id"), _text(entry, "updated")) for entry in entries)
    yield from ("4.1.1: two entries have the same id and time" for number in versions.values() if number > 1)


def _container(element: ET.Element, name: str, allowed: frozenset[str]) -> Iterator[str]:
    """Yield the problems of a feed or an entry."""
    yield from _numbers(element, name, allowed)
    yield from _links(element, name)
    for child in element:
        kind = child.tag.removeprefix(_ATOM)
        if kind in ("author", "contributor"):
            yield from _person(child)
        elif kind in ("title", "subtitle", "rights", "summary", "content"):
            yield from _text_construct(child)
        elif kind in ("updated", "published"):
            yield from _date(child.text or "")
        elif kind == "category" and not child.get("term"):
            yield "4.2.2: a category has no term"
    if not _IRI.fullmatch(_text(element, "id")):
        yield f"4.2.6: the id {_text(element, 'id')!r} is not an absolute IRI"


def _numbers(element: ET.Element, name: str, allowed: frozenset[str]) -> Iterator[str]:
    """Yield which children are missing, too many, or must not be there."""
    numbers = Counter(child.tag.removeprefix(_ATOM) for child in element)
    yield from (f"4.1: {kind} must not be in a {name}" for kind in numbers.keys() - allowed)
    for required in ("id", "title", "updated"):
        if numbers[required] != 1:
            yield f"4.1: a {name} must have exactly one {required}"
    for optional in _AT_MOST_ONE[name]:
        if numbers[optional] > 1:
            yield f"4.1: a {name} must not have more than one {optional}"


def _links(element: ET.Element, name: str) -> Iterator[str]:
    for link in element.findall(f"{_ATOM}link"):
        yield from _link(link)
    alternates = Counter((link.get("type"), link.get("hreflang")) for link in _alternates(element))
    if any(number > 1 for number in alternates.values()):
        yield f"4.1: a {name} has two alternate links of one type and language"


def _person(person: ET.Element) -> Iterator[str]:
    if len(person.findall(f"{_ATOM}name")) != 1:
        yield "3.2: a person must have exactly one name"
    for kind in ("uri", "email"):
        if len(person.findall(f"{_ATOM}{kind}")) > 1:
            yield f"3.2: a person must not have more than one {kind}"
    email = person.findtext(f"{_ATOM}email")
    if email is not None and not re.fullmatch(".+@.+", email):
        yield "3.2.3: the email of a person is not an address"


def _text_construct(element: ET.Element) -> Iterator[str]:
    kind = element.get("type", "text")
    if kind not in ("text", "html", "xhtml"):
        yield f"3.1.1: {element.tag} has the type {kind!r}"
    if kind in ("text", "html") and len(element):
        yield f"3.1.1: {element.tag} of type {kind} has child elements"
    if kind == "xhtml" and [child.tag for child in element] != ["{http://www.w3.org/1999/xhtml}div"]:
        yield f"3.1.1.3: {element.tag} does not contain a single xhtml:div"


def _date(text: str) -> Iterator[str]:
    if not _DATE.fullmatch(text):
        yield f"3.3: {text!r} is not a time of RFC 3339"
    else:
        datetime.fromisoformat(text)


def _link(link: ET.Element) -> Iterator[str]:
    if not _IRI.fullmatch(link.get("href", "")):
        yield f"4.2.7.1: the link {link.get('href')!r} is not an IRI"
    relation = link.get("rel", "alternate")
    if not _RELATION.fullmatch(relation) and not _IRI.fullmatch(relation):
        yield f"4.2.7.2: the relation {relation!r} is neither a name nor an IRI"
    if not _MEDIA_TYPE.fullmatch(link.get("type", "text/html")):
        yield f"4.2.7.3: {link.get('type')!r} is not a media type"


def _alternates(element: ET.Element) -> list[ET.Element]:
    return [link for link in element.findall(f"{_ATOM}link") if link.get("rel", "alternate") == "alternate"]


def _text(element: ET.Element, name: str) -> str:
    return element.findtext(f"{_ATOM}{name}") or ""
