# SPDX-License-Identifier: GPL-2.0-or-later
"""Generated hostile subjects and names: an HTML parser reads each of them back from the page, unmodified."""

import random
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Final

from bot.ports.web import Health, SeriesFilter, SeriesPage, SeriesSummary
from bot.web.render import Renderer
from rules.finding import Severity

_NUMBER: Final = 100_000
_BATCH: Final = 2_000
_NOW: Final = datetime(2026, 3, 3, tzinfo=UTC)
_PIECES: Final = (
    *(
        "<script>",
        "</bdi>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "{{",
        "}}",
        "{%",
        "%}",
        "&lt;",
        "&#0;",
        "&amp",
        "javascript:",
    ),
    *('"', "'", "`", "\\", "=", ">", "<", "/", "\u202e", "\u2066", "\u200b", "\ufeff", "\u0301" * 5, "\U0001f980"),
    *("\u00a0", "a", " onclick=", "%3Cb%3E", "\u2028", "x" * 80, "</title>", "<plaintext>", "<svg/onload=1>"),
)


class _Texts(HTMLParser):
    """Collects the texts in `bdi` elements, and the names of all elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.names: set[str] = set()
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}
        if tag == "bdi":
            self._depth += 1
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "bdi"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.texts[-1] += data


def test_generated_subjects_and_names_are_read_back() -> None:
    chosen, renderer = random.Random(5), Renderer("0")
    harmless = _parse(renderer, ["subject"], ["name"]).names
    for _ in range(_NUMBER // _BATCH):
        subjects, names = (
            ["s" + "".join(chosen.choices(_PIECES, k=chosen.randrange(1, 9))) for _ in range(_BATCH)] for _ in range(2)
        )
        parsed = _parse(renderer, subjects, names)

        assert parsed.texts == [text for pair in zip(subjects, names, strict=True) for text in pair]
        assert parsed.names == harmless


def _parse(renderer: Renderer, subjects: list[str], names: list[str]) -> _Texts:
    series = tuple(
        SeriesSummary(f"{text}@x", text, name, 1, 1, 1, _NOW, _NOW, _NOW, "reviewed", "", "bug", 1, 1)
        for text, name in zip(subjects, names, strict=True)
    )
    page = renderer.html(
        "list.html",
        "/",
        now=_NOW,
        page=SeriesPage(series),
        wanted=SeriesFilter(subjects[0], author=names[0]),
        following="",
        is_first=True,
        lists=[],
        states=(),
        severities=list(Severity),
        health=Health(None, None, 0, 0, unprojected=False),
        feed="",
    )
    parser = _Texts()
    parser.feed(page)
    parser.close()
    return parser
