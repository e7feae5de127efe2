# SPDX-License-Identifier: GPL-2.0-or-later
"""The parameters of requests as values, and the queries of the pages that follow."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request

from bot.mail.target import target
from bot.ports.web import Position, SeriesFilter
from bot.web.records import STATES
from rules.finding import Severity

_MAX_TEXT: Final = 200  # characters of a search


class NotFoundError(Exception):
    """Nothing is at this address. The message says what to do."""


class BadRequestError(Exception):
    """A parameter is wrong. The message says which, and what to do."""


def wants_json(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def parameter(request: Request, name: str) -> str:
    """Return a parameter of the query without blanks around it, cut to a limit; "" if it is missing."""
    return request.query_params.get(name, "").strip()[:_MAX_TEXT]


def path_parameter(request: Request, name: str) -> str:
    """Return a part of the path, cut to a limit."""
    return str(request.path_params.get(name, ""))[:_MAX_TEXT]


def series_filter(request: Request) -> SeriesFilter:
    """Return which series the request wants. Raises BadRequestError."""
    state, severity = parameter(request, "state"), parameter(request, "severity")
    if state and state not in STATES:
        raise BadRequestError(f"No series has this state. Known states: {', '.join(STATES)}.")
    if severity and severity not in list(Severity):
        raise BadRequestError(f"There is no such severity. Known severities: {', '.join(reversed(Severity))}.")
    return SeriesFilter(
        parameter(request, "q"),
        parameter(request, "list"),
        state,
        Severity(severity) if severity else None,
        parameter(request, "author"),
    )


def named_mail(text: str) -> str | None:
    """Return the message-id that a search names; None for other searches."""
    return target(text) if "@" in text else None


def position(request: Request) -> Position | None:
    """Return the place where the list continues: a time and a message-id, separated by a comma."""
    before = request.query_params.get("before", "")
    if not before:
        return None
    time, _, message_id = before.partition(",")
    try:
        return Position(datetime.fromisoformat(time).replace(tzinfo=UTC), message_id)
    except ValueError:
        raise BadRequestError("The parameter before is damaged. Start again at the first page.") from None


def continued(request: Request, following: Position | None) -> str:
    """Return the query of the next page, "" at the end of the list."""
    if following is None:
        return ""
    kept = [(name, value) for name, value in request.query_params.items() if name != "before" and value]
    before = f"{following.sent:%Y-%m-%dT%H:%M:%S.%f},{following.message_id}"
    return f"?{urlencode([*kept, ('before', before)])}"


def query_of(**chosen: str) -> str:
    """Return the query with these parameters, without empty ones. A final `_` of a name is dropped."""
    kept = {name.rstrip("_"): value for name, value in chosen.items() if value}
    return f"?{urlencode(kept, quote_via=quote, errors='replace')}" if kept else ""
