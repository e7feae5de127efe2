# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages, and the JSON beside them."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.debt.report import COLUMNS, LEGEND, as_json
from bot.log import bug
from bot.mail.links import Links, series_path
from bot.mail.one_time_token import NUMBER_DIGITS
from bot.mail.target import target
from bot.ports.running import Clock
from bot.ports.web import (
    Installation,
    QueueEntry,
    QueueFilter,
    SeriesDetail,
    SeriesFilter,
    Snapshot,
    WebStore,
    WebStoreError,
)
from bot.web import api, atom, record_builders, records
from bot.web.charts import month_rows
from bot.web.commands import commands_view
from bot.web.debt import debt_view
from bot.web.mails import mbox
from bot.web.parameters import (
    BadRequestError,
    NotFoundError,
    continued,
    named_mail,
    parameter,
    path_parameter,
    position,
    query_of,
    series_filter,
    wants_json,
)
from bot.web.patchset import patchset
from bot.web.render import Renderer
from bot.web.series import series_view
from bot.web.site import LIVE, Site
from bot.web.text import name_path, plain, queue_path
from rules.finding import Severity
from rules.lazy import re
from rules.registry import RULES, by_id

_PAGE: Final = 50
_FEED: Final = 40
_RULE_FINDINGS: Final = 20
_COLLISIONS: Final = 50
_PLACES: Final = 200  # uses of a C name in Rust
_CHOICES: Final = 300  # subsystems that a search matches
_NEW: Final = timedelta(days=7)
_INACTIVE: Final = timedelta(days=14)
_GROUPS: Final = {
    "new": "New: sent in the last 7 days",
    "waiting": "Waiting: older, and still discussed",
    "inactive": "Inactive: no mail for 14 days",
}
"""The groups of a queue with their headings, in the order of the page."""
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
_UNKNOWN_SERIES: Final = (
    "No series with this message-id is stored. Check the message-id, or search the subject. A series appears here some "
    "minutes after the archive has it, if its list is followed."
)
_NO_DEBT: Final = "No counts are stored yet. `patchwarden debt --publish REPO REF...` stores them."
_UNKNOWN_PAGE: Final = "No page has this address. The list of series is a good place to start."
_UNKNOWN_SUBSYSTEM: Final = (
    "No reviewed series concerns a subsystem of this name. Names are those of MAINTAINERS. The queue has a search."
)
_NO_DATABASE: Final = (
    "The database cannot be read. If this installation is new, run `patchwarden run` once; after an update, start the "
    "service once, so that it migrates the database. Otherwise see the log of the server."
)

_INSTALLATION: Final = Installation()
_Endpoint = Callable[[Request], Awaitable[Response]]


class Pages:
    """The pages over a store. `url` is the address of these pages in the settings, "" if it is not set.

    `is_stopped` tells whether the stop file exists.
    """

    _site: ClassVar[Site] = LIVE

    def __init__(
        self,
        store: WebStore,
        clock: Clock,
        url: str,
        version: str,
        is_stopped: Callable[[], bool] = lambda: False,
        installation: Installation = _INSTALLATION,
    ) -> None:
        self._store = store
        self._clock = clock
        self._url = url.rstrip("/")
        self._version = version
        self._is_stopped = is_stopped
        self._installation = installation
        self._renderer = Renderer(version, self._site)

    def routes(self) -> list[Route]:
        with_json: dict[str, Callable[[Request, Snapshot], Response]] = {
            "/series/{message_id:path}": self._series,
            "/rules": self._rules,
            "/rules/{rule}": self._rule,
            "/queue": self._queue,
            "/queue/{subsystem:path}": self._queue,
            "/bindings": self._boundary,
            "/bindings/{name:path}": self._boundary_name,
            "/debt": self._debt,
            "/stats": self._statistics,
        }
        pages = with_json | {f"/api{path}": page for path, page in with_json.items()}
        pages |= {
            "/": self._series_list,
            "/api/series": self._series_list,
            "/api/patchset": self._patchset,
            "/commands/{message_id:path}": self._commands,
            "/border": self._border,
            "/border/{name:path}": self._border,
            "/atom": self._atom,
            "/healthz": self._health,
        }
        routes = [Route(path, self._guarded(page), methods=["GET"]) for path, page in pages.items()]
        routes.append(Route(api.ADDRESS, self._openapi, methods=["GET"]))
        return [*routes, Route("/{path:path}", self._unknown, methods=["GET"])]

    def _guarded(self, page: Callable[[Request, Snapshot], Response]) -> _Endpoint:
        """Return the endpoint of a page: it opens a snapshot, and turns errors into pages.

        Pages are made one after the other in one thread: a page takes milliseconds, and threads would take memory.
        """

        async def endpoint(request: Request) -> Response:
            try:
                with self._store.snapshot() as snapshot:
                    return page(request, snapshot)
            except NotFoundError as error:
                return self._error(request, 404, str(error))
            except BadRequestError as error:
                return self._error(request, 400, str(error))
            except WebStoreError as error:
                bug("the database cannot be read for a page", error)
                return self._error(request, 503, _NO_DATABASE)

        return endpoint

    async def _openapi(self, _: Request) -> Response:
        return JSONResponse(_document(self._version))

    async def _unknown(self, request: Request) -> Response:
        return self._error(request, 404, _UNKNOWN_PAGE)

    def render_errors(self, errors: Mapping[int, tuple[str, str]]) -> dict[int, bytes]:
        """Return an HTML page for each error, from its title and text."""
        now = self._clock.now()
        return {
            status: self._renderer.html("error.html", "", now=now, title=title, text=text).encode()
            for status, (title, text) in errors.items()
        }

    def _error(self, request: Request, status: int, text: str) -> Response:
        """Return a page about the error; for an address with a slash at its end or a `<MESSAGE-ID>`, a redirect."""
        path: str = request.scope["path"]
        plain = f"/{path.replace('<', '').replace('>', '').strip('/')}"
        if status == 404 and plain != path:
            query = request.url.query
            return RedirectResponse(f"{quote(plain, safe='/@')}{query and f'?{query}'}", 308)
        if wants_json(request):
            return JSONResponse({"error": text}, status)
        titles = {400: "This address has a mistake", 404: "Nothing is here", 503: "Not available now"}
        return self._page(request, "error.html", status=status, title=titles[status], text=text)

    def _page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        html = self._renderer.html(template, request.url.path, now=self._clock.now(), **values)
        return HTMLResponse(html, status)

    def _series_list(self, request: Request, snapshot: Snapshot) -> Response:
        wanted = series_filter(request)
        named = named_mail(wanted.text)
        if named and (posting_id := snapshot.find(named) or snapshot.find_thread(named)):
            prefix = "/api" if wants_json(request) else ""
            return RedirectResponse(f"{prefix}{series_path(posting_id)}", 303)
        page = snapshot.series_page(wanted, position(request), _PAGE)
        following = continued(request, page.following)
        if wants_json(request):
            series = list(map(record_builders.series_record, page.series))
            return _json(records.SeriesList(series=series, searched=page.searched, next=following))
        return self._page(
            request,
            "list.html",
            page=page,
            wanted=wanted,
            named=named,
            following=following,
            is_first=not request.query_params.get("before"),
            lists=snapshot.lists(),
            states=records.STATES,
            severities=list(reversed(Severity)),
            health=snapshot.health(),
            feed=query_of(list=wanted.list, for_=wanted.author if "@" in wanted.author else ""),
        )

    def _series(self, request: Request, snapshot: Snapshot) -> Response:
        name = request.path_params["message_id"]
        message_id, form = name, ""
        posting_id = snapshot.find(name)
        for suffix in (".txt", ".mbox"):
            if posting_id is None and name.endswith(suffix):
                message_id, form = name.removesuffix(suffix), suffix
                posting_id = snapshot.find(message_id)
        detail = _stored(snapshot, posting_id)
        if form == ".mbox":
            if not any(mail.content for mail in detail.mails):
                raise NotFoundError("No mail of ours about this series is stored.")
            return Response(mbox(detail.mails), media_type="application/mbox")
        view = series_view(detail)
        if form == ".txt":
            return PlainTextResponse(self._renderer.text("series.txt", view=view))
        if wants_json(request):
            return _json(record_builders.series_details(view))
        return self._page(request, "series.html", view=view, asked=message_id)

    def _commands(self, request: Request, snapshot: Snapshot) -> Response:
        detail = _stored(snapshot, snapshot.find(request.path_params["message_id"]))
        view = commands_view(detail, self._clock.now().date(), lambda: secrets.token_hex(NUMBER_DIGITS // 2))
        return self._page(request, "commands.html", view=view)

    def _rules(self, request: Request, snapshot: Snapshot) -> Response:
        figures = snapshot.figures()
        if wants_json(request):
            rules = [records.RuleSummary(**record_builders.rule_fields(rule, figures.get(rule.id))) for rule in RULES]
            return _json(records.RuleList(rules=rules))
        return self._page(request, "rules.html", rules=RULES, figures=figures)

    def _rule(self, request: Request, snapshot: Snapshot) -> Response:
        rule = by_id(request.path_params["rule"])
        if rule is None:
            raise NotFoundError("No rule has this name. The list of rules has all of them.")
        figures, findings = snapshot.figures().get(rule.id), snapshot.findings_of_rule(rule.id, _RULE_FINDINGS)
        if wants_json(request):
            listed = list(map(record_builders.listed_finding, findings))
            return _json(records.RuleDetails(**record_builders.rule_fields(rule, figures), findings=listed))
        can_send = self._installation.can_send
        return self._page(request, "rule.html", rule=rule, figures=figures, findings=findings, can_send=can_send)

    def _queue(self, request: Request, snapshot: Snapshot) -> Response:
        subsystem, person = path_parameter(request, "subsystem"), parameter(request, "for")
        wanted = QueueFilter("" if subsystem or person else parameter(request, "list"), subsystem, person)
        searched = "" if subsystem else parameter(request, "subsystem")
        choices = _choices(snapshot, searched) if searched else []
        if subsystem and subsystem not in snapshot.subsystems():
            raise NotFoundError(_UNKNOWN_SUBSYSTEM)
        if len(choices) == 1:
            return RedirectResponse(queue_path(choices[0][0]), 303)
        is_list = not searched or wants_json(request)
        entries, last = snapshot.queue(wanted, position(request), _PAGE) if is_list else ([], None)
        following, now = continued(request, last), self._clock.now()
        if wants_json(request):
            queue = [record_builders.queued_series(entry, _group(entry, now)) for entry in entries]
            return _json(records.Queue(queue=queue, next=following))
        of_person = snapshot.subsystems_of_person(person) if person else []
        groups: dict[str, list[QueueEntry]] = {group: [] for group in _GROUPS}
        for entry in entries:
            groups[_group(entry, now)].append(entry)
        return self._page(
            request,
            "queue.html",
            names=of_person or [subsystem],
            groups=[(_GROUPS[group], entries) for group, entries in groups.items() if entries],
            following=following,
            wanted=wanted,
            searched=searched,
            choices=choices,
            pending_days=self._installation.pending_days,
            of_person=of_person,
            feed=query_of(list=wanted.list, for_=person),
            address=f"{request.url.path}{query_of(list=wanted.list, for_=person)}",
            lists=snapshot.lists(),
        )

    def _boundary(self, request: Request, snapshot: Snapshot) -> Response:
        prefix, after = _c_name(parameter(request, "q")), parameter(request, "after")
        is_first = not prefix and "after" not in request.query_params
        most_used = snapshot.most_used_names(_PAGE) if is_first and not wants_json(request) else []
        names, last = (most_used, "") if most_used else snapshot.boundary_names(prefix, after, _PAGE)
        following = f"?{urlencode({'q': prefix, 'after': last} if prefix else {'after': last})}" if last else ""
        collisions = snapshot.collisions(_COLLISIONS) if is_first else []
        changing = snapshot.changing_names(_PAGE) if is_first else []
        tree = snapshot.kernel_tree()
        if wants_json(request):
            return _json(
                records.CNameList(
                    names=list(map(records.CName.model_validate, names)),
                    changing=list(map(records.CName.model_validate, changing)),
                    collisions=list(map(records.Collision.model_validate, collisions)),
                    tree=record_builders.tree_record(tree),
                    next=following,
                )
            )
        return self._page(
            request,
            "boundary.html",
            names=names,
            changing=changing,
            prefix=prefix,
            is_first=is_first,
            is_by_use=bool(most_used),
            following=following,
            collisions=collisions,
            tree=tree,
        )

    def _boundary_name(self, request: Request, snapshot: Snapshot) -> Response:
        name = path_parameter(request, "name")
        if not name:
            raise NotFoundError(_UNKNOWN_PAGE)
        uses, places = snapshot.boundary_uses(name, _PAGE), snapshot.boundary_places(name, _PLACES)
        collisions, tree = snapshot.collisions(_COLLISIONS, name), snapshot.kernel_tree()
        if wants_json(request):
            return _json(
                records.CNameDetails(
                    name=name,
                    uses=places.number,
                    places=list(map(records.Place.model_validate, places.places)),
                    tree=record_builders.tree_record(tree),
                    series=list(map(record_builders.concerned_series, uses)),
                    collisions=list(map(records.Collision.model_validate, collisions)),
                )
            )
        return self._page(
            request, "boundary_name.html", name=name, uses=uses, places=places, collisions=collisions, tree=tree
        )

    def _border(self, request: Request, _: Snapshot) -> Response:
        """Redirect from the address that a page of the bindings had in earlier versions."""
        name, query = path_parameter(request, "name"), request.url.query
        return RedirectResponse(f"{name_path(name) if name else '/bindings'}{query and f'?{query}'}", 308)

    def _debt(self, request: Request, snapshot: Snapshot) -> Response:
        report = snapshot.debt()
        if wants_json(request):
            if report is None:
                raise NotFoundError(_NO_DEBT)
            return Response(as_json(report), media_type="application/json")
        view = None if report is None else debt_view(report, parameter(request, "q"))
        return self._page(request, "debt.html", view=view, columns=COLUMNS, legend=LEGEND)

    def _statistics(self, request: Request, snapshot: Snapshot) -> Response:
        statistics = snapshot.statistics(self._clock.now())
        if wants_json(request):
            return _json(record_builders.statistics_record(statistics))
        rows = month_rows(statistics.months)
        health, can_send = snapshot.health(), self._installation.can_send
        is_stopped = bool(health.stopped) or self._is_stopped()
        values: dict[str, Any] = {"health": health, "is_stopped": is_stopped, "can_send": can_send}
        return self._page(request, "stats.html", stats=statistics, rows=rows, **values)

    def _health(self, _: Request, snapshot: Snapshot) -> Response:
        """Say whether the service works: status 200, or 503 if a job is late or the database cannot be read."""
        stopped = self._is_stopped()
        report = record_builders.health_report(snapshot.health(), self._clock.now(), is_stopped=stopped)
        return _json(report, 200 if report.ok else 503)

    def _atom(self, request: Request, snapshot: Snapshot) -> Response:
        rule = request.query_params.get("rule", "")
        if rule and by_id(rule) is None:
            raise NotFoundError("No rule has this name. The list of rules has all of them.")
        wanted, person = SeriesFilter(list=parameter(request, "list")), parameter(request, "for")
        if person and "@" not in person:
            raise BadRequestError("The parameter for must be an address, such as name@example.org.")
        series = snapshot.reviewed_page(wanted, rule, person, _FEED)
        findings = snapshot.findings_of([entry.message_id for entry in series])
        chosen = [word for word in (wanted.list, rule, person) if word]
        title = plain(": ".join(["patchwarden", *chosen]))
        query = query_of(list=wanted.list, rule=rule, for_=person)
        content = atom.feed(title, self._base(request), query, series, findings)
        return Response(content, media_type="application/atom+xml")

    def _patchset(self, request: Request, snapshot: Snapshot) -> Response:
        message_id = target(request.query_params.get("id", ""))
        if message_id is None:
            raise BadRequestError("The parameter id must be a message-id, without angle brackets or with them.")
        detail = _stored(snapshot, snapshot.find(message_id))
        return _json(patchset(detail, Links(self._base(request))))

    def _base(self, request: Request) -> str:
        """Return the address of these pages: that of the settings, or the one that the request used."""
        if self._url:
            return self._url
        host = request.headers.get("host", "")
        return f"http://{host}" if _HOST.fullmatch(host) else "http://localhost"


def _group(entry: QueueEntry, now: datetime) -> str:
    """Return the group of a series in the queue."""
    if now - entry.series.sent <= _NEW:
        return "new"
    return "waiting" if now - entry.last_mail <= _INACTIVE else "inactive"


def _choices(snapshot: Snapshot, searched: str) -> list[tuple[str, int]]:
    """Return the subsystems that have the text in their names, and how many series wait in each.

    The subsystem of that name is the first; then come those in which most series wait.
    """
    text = searched.casefold()
    names = [name for name in snapshot.subsystems() if text in name.casefold()][:_CHOICES]
    counts = snapshot.count_pending(names)
    return sorted(counts.items(), key=lambda item: (item[0].casefold() != text, -item[1], item[0]))


def _c_name(text: str) -> str:
    """Return what a visitor calls a C name, without what is not part of the name: `struct device` or `kfree()`."""
    for word in ("struct ", "union ", "enum ", "bindings::"):
        text = text.removeprefix(word).lstrip()
    return text.removesuffix("()").rstrip()


def _stored(snapshot: Snapshot, posting_id: str | None) -> SeriesDetail:
    """Return the series. Raises NotFoundError."""
    detail = None if posting_id is None else snapshot.detail(posting_id)
    if detail is None:
        raise NotFoundError(_UNKNOWN_SERIES)
    return detail


def _json(record: BaseModel, status: int = 200) -> Response:
    return Response(record.model_dump_json(), status, media_type="application/json")


@cache
def _document(version: str) -> dict[str, Any]:
    return api.openapi(version)
