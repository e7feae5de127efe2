# SPDX-License-Identifier: GPL-2.0-or-later
"""Read static sites as a browser does: their links, and the ids that links can name."""

import os
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in ("href", "src"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder, by their relative paths."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def find_problems(folder: Path) -> Iterator[str]:
    """Yield links that lead nowhere, ids that are there twice, and whatever runs."""
    pages = {path: _Page(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        where = path.relative_to(folder)
        if len(page.ids) != len(set(page.ids)):
            yield f"{where}: an id is there twice"
        if page.tags & {"script", "style", "iframe", "object", "form"}:
            yield f"{where}: {page.tags}"
        if forbidden := {name for name in page.attributes if name.startswith("on") or name == "style"}:
            yield f"{where}: {forbidden}"
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme == "https":
                continue
            target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            if parts.scheme or parts.netloc or parts.query or not target.is_relative_to(folder):
                yield f"{where}: {link} leads out of the site"
            elif not target.is_file():
                yield f"{where}: {link} does not exist"
            elif parts.fragment and parts.fragment not in pages[target].ids:
                yield f"{where}: {link} names no id"


def find_violations(browser: Any, axe: str, files: list[Path]) -> list[tuple[object, ...]]:
    """Return what axe-core finds in files, at two widths, in light and dark mode, and the files that do not fit."""
    problems: list[tuple[object, ...]] = []
    for width, scheme in ((360, "light"), (1600, "dark"), (1600, "light"), (360, "dark")):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        for file in files:
            page.goto(file.as_uri())
            page.evaluate(axe)
            violations = page.evaluate("axe.run()")["violations"]
            problems += [(file.name, violation["id"], violation["nodes"][0]["html"][:200]) for violation in violations]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                problems.append((file.name, "wider than the screen", width))
        context.close()
    return problems
