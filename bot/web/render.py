# SPDX-License-Identifier: GPL-2.0-or-later
"""Render templates: everything is escaped, and an undefined name is an error."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from bot.mail.links import commands_path
from bot.mail.target import archive_address
from bot.review.render.code import spans
from bot.review.render.text import visible
from bot.web.rule_text import blocks, fix_blocks
from bot.web.series import QuotedLine
from bot.web.site import LIVE, Site
from bot.web.text import age, duration, name_path, plain, queue_path, when
from rules.catalogue import example_texts

_POLICY: Final = "default-src 'none'; style-src 'self' file:; img-src 'self' file:; form-action 'none'; base-uri 'none'"
"""The policy of pages that are files: they may be opened without a server."""
_OF_REPORTS: Final = "report"
"""How the names of templates begin that only static sites have."""


class Renderer:
    """The templates of this package. All values in them are text. All renderers share the compiled templates."""

    def __init__(self, version: str, site: Site = LIVE) -> None:
        self._values = {"version": version, "site": site}

    def html(self, template: str, path: str, **values: Any) -> str:
        """Return the HTML of the page at a path."""
        return _environment().get_template(template).render(values, path=path, **self._values)

    def text(self, template: str, **values: Any) -> str:
        """Return a plain text."""
        return _text_environment().get_template(template).render(values)


def load_templates() -> None:
    """Compile the templates of a server. Compiling one takes more memory than most pages."""
    for name in _environment().list_templates(["html"]):
        if not name.startswith(_OF_REPORTS):
            _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bot.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
        auto_reload=False,
    )
    environment.filters.update({"when": when, "age": age, "duration": duration})
    environment.globals.update(
        policy=_POLICY,
        link=_link,
        series_path=_series_link,
        queue_path=queue_path,
        name_path=name_path,
        commands_path=commands_path,
        archive=archive_address,
        examples=example_texts,
        doc_blocks=blocks,
        how_to_fix=_how_to_fix,
        tag=_tag,
        message=_message,
        hunk_lines=_hunk_lines,
    )
    return environment


@cache
def _text_environment() -> Environment:
    return _environment().overlay(autoescape=False, finalize=_finalize_text)


@cache
def _tag(severity: str) -> Markup:
    return Markup('<span class="tag {0}">{0}</span>').format(severity)


def _message(text: str) -> Markup:
    """Return the HTML of a message: between backticks is code. A page has many, and macros take longer."""
    parts = ((escape(plain(span.text)), span.is_code) for span in spans(text))
    return Markup("".join(f"<code>{part}</code>" if is_code else part for part, is_code in parts))  # noqa: S704 escaped


def _hunk_lines(lines: Sequence[QuotedLine]) -> Markup:
    """Return the HTML of the lines of a hunk, which are escaped together. No line contains a line break."""
    escaped = escape(plain("\n".join(line.text for line in lines))).split("\n")
    pairs = zip(lines, escaped, strict=True)
    return Markup("".join(f'<span class="{line.kind}"><bdi>{text}</bdi></span>' for line, text in pairs))  # noqa: S704 escaped


@cache
def _how_to_fix(rule_id: str) -> Markup:
    """Return the HTML that says how to fix what a rule reports, "" for a rule that this version does not know.

    A page repeats it for each finding of the rule.
    """
    macros: Any = _environment().get_template("macros.html").module
    html: Markup = macros.blocks(fix_blocks(rule_id))
    return html.strip()


@pass_context
def _link(context: Context, path: str) -> str:
    """Return the link from the page that is rendered to a path."""
    site: Site = context["site"]
    return site.link(context["path"], path)


@pass_context
def _series_link(context: Context, message_id: str) -> str:
    """Return the link from the page that is rendered to a series."""
    site: Site = context["site"]
    return site.link(context["path"], site.series(message_id))


def _finalize(value: Any) -> Any:
    """Replace what HTML cannot contain, in every value that a template prints."""
    return plain(value) if type(value) is str else value


def _finalize_text(value: Any) -> Any:
    """Spell out what could reorder or overwrite a line: a plain text isolates no value from the rest of its line."""
    return visible(value) if type(value) is str else value
