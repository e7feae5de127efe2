# SPDX-License-Identifier: GPL-2.0-or-later
"""Atom feeds (RFC 4287) of reviewed series."""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from bot.mail.links import Links
from bot.mail.posting import NO_DATE
from bot.ports.web import FindingRecord, SeriesSummary
from bot.review.render.text import count, visible
from bot.web.text import iso

_NAMESPACE: Final = "http://www.w3.org/2005/Atom"
_MAX_LINES: Final = 20  # findings in an entry


def feed(
    title: str, base: str, query: str, series: Sequence[SeriesSummary], findings: Mapping[str, Sequence[FindingRecord]]
) -> bytes:
    """Return a feed with an entry for each series. `base` is the address of these pages, without a slash at the end."""
    ET.register_namespace("", _NAMESPACE)
    root = ET.Element(f"{{{_NAMESPACE}}}feed")
    address = f"{base}/atom{query}"
    updated = max((entry.reviewed for entry in series if entry.reviewed), default=NO_DATE)
    _add(root, "id", address)
    _add(root, "title", title)
    _add(root, "updated", iso(updated))
    ET.SubElement(root, f"{{{_NAMESPACE}}}link", {"rel": "self", "href": address, "type": "application/atom+xml"})
    ET.SubElement(root, f"{{{_NAMESPACE}}}link", {"rel": "alternate", "href": f"{base}/", "type": "text/html"})
    author = ET.SubElement(root, f"{{{_NAMESPACE}}}author")
    _add(author, "name", "patchwarden")
    for entry in series:
        _add_entry(root, base, entry, findings.get(entry.message_id, ()))
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _add_entry(root: ET.Element, base: str, series: SeriesSummary, findings: Sequence[FindingRecord]) -> None:
    element = ET.SubElement(root, f"{{{_NAMESPACE}}}entry")
    links = Links(base)
    address = links.series(series.message_id)
    _add(element, "id", address)
    _add(element, "title", visible(f"{series.subject} (v{series.revision})") or series.message_id)
    _add(element, "updated", iso(series.reviewed or series.arrived))
    _add(element, "published", iso(series.sent))
    ET.SubElement(element, f"{{{_NAMESPACE}}}link", {"rel": "alternate", "href": address, "type": "text/html"})
    author = ET.SubElement(element, f"{{{_NAMESPACE}}}author")
    _add(author, "name", visible(series.author) or "unknown")
    current = [record for record in findings if record.state != "resolved"]
    lines = [
        visible(
            f"{record.severity} {record.rule} {record.place}: {record.message}"
            + (f" (not mailed: {record.withheld})" if record.withheld else "")
        )
        + f"\n{links.finding(series.message_id, record.fingerprint)}"
        for record in current[:_MAX_LINES]
    ]
    if len(current) > _MAX_LINES:
        lines.append(f"The page has {count(len(current) - _MAX_LINES, 'more finding')}.")
    content = ET.SubElement(element, f"{{{_NAMESPACE}}}content", {"type": "text"})
    content.text = "\n".join(lines) or "No findings."


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_NAMESPACE}}}{name}").text = text
