# SPDX-License-Identifier: GPL-2.0-or-later
"""Render templates: everything is escaped, and an undefined name is an error."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from bot.mail.links import series_path
from bot.mail.target import archive_address
from bot.web.rule_text import blocks, spans
from bot.web.text import age, duration, plain, when
from rules.catalogue import example_texts


class Renderer:
    """The templates of this package. All values in them are text."""

    def __init__(self, version: str) -> None:
        self._environment = Environment(
            loader=PackageLoader("bot.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalize,
            auto_reload=False,
        )
        self._text = self._environment.overlay(autoescape=False)
        self._environment.filters.update({"when": when, "age": age, "duration": duration})
        self._text.filters.update({"when": when})
        self._environment.globals.update(
            version=version,
            series_path=series_path,
            archive=archive_address,
            examples=example_texts,
            doc_blocks=blocks,
            spans=spans,
        )

    def page(self, template: str, status: int, **values: Any) -> Response:
        """Return an HTML page."""
        return HTMLResponse(self._environment.get_template(template).render(values), status)

    def text(self, template: str, **values: Any) -> str:
        """Return a plain text."""
        return self._text.get_template(template).render(values)


def _finalize(value: Any) -> Any:
    """Replace what HTML cannot contain, in every value that a template prints."""
    return plain(value) if type(value) is str else value
