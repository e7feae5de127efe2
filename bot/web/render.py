# SPDX-License-Identifier: GPL-2.0-or-later
"""Render templates: everything is escaped, and an undefined name is an error."""

from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from bot.mail.target import archive_address
from bot.review.render.code import spans
from bot.web.rule_text import blocks, fix_blocks
from bot.web.site import LIVE, Site
from bot.web.text import age, duration, name_path, plain, queue_path, when
from rules.catalogue import example_texts

_POLICY: Final = "default-src 'none'; style-src 'self' file:; img-src 'self' file:; form-action 'none'; base-uri 'none'"
"""The policy of pages that are files: they may be opened without a server."""


class Renderer:
    """The templates of this package. All values in them are text."""

    def __init__(self, version: str, site: Site = LIVE) -> None:
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

        @pass_context
        def link(context: Context, path: str) -> str:
            """Return the link from the page that is rendered to a path."""
            return site.link(context["path"], path)

        @pass_context
        def series_link(context: Context, message_id: str) -> str:
            """Return the link from the page that is rendered to a series."""
            return site.link(context["path"], site.series(message_id))

        self._environment.globals.update(
            version=version,
            site=site,
            policy=_POLICY,
            link=link,
            series_path=series_link,
            queue_path=queue_path,
            name_path=name_path,
            archive=archive_address,
            examples=example_texts,
            doc_blocks=blocks,
            fix_blocks=fix_blocks,
            spans=spans,
        )

    def html(self, template: str, path: str, **values: Any) -> str:
        """Return the HTML of the page at a path."""
        return self._environment.get_template(template).render(values, path=path)

    def text(self, template: str, **values: Any) -> str:
        """Return a plain text."""
        return self._text.get_template(template).render(values)


def _finalize(value: Any) -> Any:
    """Replace what HTML cannot contain, in every value that a template prints."""
    return plain(value) if type(value) is str else value
