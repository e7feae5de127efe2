# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages, and the JSON beside them."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.debt.report import COLUMNS, LEGEND, as_json
from bot.log import bug
from bot.mail.links import Links, finding_path, series_path
from bot.mail.target import target
from bot.ports.running import Clock
from bot.ports.web import (
    Position,
    QueueEntry,
    SeriesDetail,
    SeriesFilter,
    SeriesSummary,
    Snapshot,
    WebStore,
    WebStoreError,
)
from bot.web import atom
from bot.web.charts import month_rows
from bot.web.debt import debt_view
from bot.web.mails import mbox
from bot.web.patchset import patchset
from bot.web.render import Renderer
from bot.web.series import SeriesView, series_view
from bot.web.text import iso, plain
from rules.finding import Severity
from rules.lazy import re
from rules.lint.rule import Rule
from rules.registry import RULES, by_id

STATES: Final = ("reviewed", "due", "waiting", "defective", "refused", "quarantined", "pruned")
_PAGE: Final = 50
_FEED: Final = 40
_RULE_FINDINGS: Final = 20
_COLLISIONS: Final = 50
_MAX_TEXT: Final = 200  # characters of a search
_NEW: Final = timedelta(days=7)
_QUIET: Final = timedelta(days=14)
_NEW_GROUP: Final = "New: sent in the last 7 days"
_WAITING_GROUP: Final = "Waiting: older, and still discussed"
_QUIET_GROUP: Final = "Quiet: no mail for 14 days"
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
_UNKNOWN_SERIES: Final = (
    "No series with this message-id is stored. Check the message-id, or search the subject. A series appears here some "
    "minutes after the archive has it, if its list is followed."
)
_NO_DEBT: Final = "No counts are stored yet. `patchwarden debt --publish REPO REF...` stores them."
_UNKNOWN_PAGE: Final = "No page has this address. The list of series is a good place to start."
_NO_DATABASE: Final = (
    "The database cannot be read. If this installation is new, run `patchwarden run` once; after an update, start the "
    "service once, so that it migrates the database. Otherwise see the log of the server."
)

_Endpoint = Callable[[Request], Awaitable[Response]]


class NotFoundError(Exception):
    """Nothing is at this address. The message says what to do."""


class BadRequestError(Exception):
    """A parameter is wrong. The message says which, and what to do."""


class Pages:
    """The pages over a store. `url` is the address of these pages in the settings, "" if it is not set.

    `is_stopped` tells whether the stop file exists.
    """

    def __init__(
        self, store: WebStore, clock: Clock, url: str, version: str, is_stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self._store = store
        self._clock = clock
        self._url = url.rstrip("/")
        self._version = version
        self._is_stopped = is_stopped
        self._renderer = Renderer(version)

    def routes(self) -> list[Route]:
        pages: dict[str, Callable[[Request, Snapshot], Response]] = {
            "/": self._series_list,
            "/series/{message_id:path}": self._series,
            "/rules": self._rules,
            "/rules/{rule}": self._rule,
            "/queue": self._queue,
            "/border": self._boundary,
            "/border/{name:path}": self._boundary_name,
            "/debt": self._debt,
            "/stats": self._statistics,
            "/atom": self._atom,
            "/healthz": self._health,
            "/api/series": self._series_list,
            "/api/series/{message_id:path}": self._series,
            "/api/rules": self._rules,
            "/api/rules/{rule}": self._rule,
            "/api/queue": self._queue,
            "/api/bindings": self._boundary,
            "/api/bindings/{name:path}": self._boundary_name,
            "/api/debt": self._debt,
            "/api/stats": self._statistics,
            "/api/patchset": self._patchset,
        }
        routes = [Route(path, self._guarded(page), methods=["GET"]) for path, page in pages.items()]
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

    async def _unknown(self, request: Request) -> Response:
        return self._error(request, 404, _UNKNOWN_PAGE)

    def _error(self, request: Request, status: int, text: str) -> Response:
        if wants_json(request):
            return JSONResponse({"error": text}, status)
        titles = {400: "This address has a mistake", 404: "Nothing is here", 503: "Not available now"}
        return self._page(request, "error.html", status=status, title=titles[status], text=text)

    def _page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        html = self._renderer.html(template, request.url.path, now=self._clock.now(), **values)
        return HTMLResponse(html, status)

    def _series_list(self, request: Request, snapshot: Snapshot) -> Response:
        wanted = _filter(request)
        if (named := _named_mail(wanted.text)) and (posting_id := snapshot.find(named)):
            prefix = "/api" if wants_json(request) else ""
            return RedirectResponse(f"{prefix}{series_path(posting_id)}", 303)
        page = snapshot.series_page(wanted, _position(request), _PAGE)
        following = _continued(request, page.following)
        if wants_json(request):
            series = [_series_record(series) for series in page.series]
            return JSONResponse({"series": series, "searched": page.searched, "next": following})
        return self._page(
            request,
            "list.html",
            page=page,
            wanted=wanted,
            following=following,
            is_first=not request.query_params.get("before"),
            lists=snapshot.lists(),
            states=STATES,
            severities=list(reversed(Severity)),
            health=snapshot.health(),
            feed=_feed_query(wanted),
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
            return JSONResponse(_detail_record(view))
        return self._page(request, "series.html", view=view, asked=message_id)

    def _rules(self, request: Request, snapshot: Snapshot) -> Response:
        figures = snapshot.figures()
        if wants_json(request):
            return JSONResponse({"rules": [_rule_record(rule, figures.get(rule.id)) for rule in RULES]})
        return self._page(request, "rules.html", rules=RULES, figures=figures)

    def _rule(self, request: Request, snapshot: Snapshot) -> Response:
        rule = by_id(request.path_params["rule"])
        if rule is None:
            raise NotFoundError("No rule has this name. The list of rules has all of them.")
        figures, findings = snapshot.figures().get(rule.id), snapshot.findings_of_rule(rule.id, _RULE_FINDINGS)
        if wants_json(request):
            return JSONResponse(_rule_record(rule, figures) | {"findings": [_finding_record(f) for f in findings]})
        return self._page(request, "rule.html", rule=rule, figures=figures, findings=findings)

    def _queue(self, request: Request, snapshot: Snapshot) -> Response:
        mailing_list = request.query_params.get("list", "")[:_MAX_TEXT]
        entries, position = snapshot.queue(mailing_list, _position(request), _PAGE)
        following, now = _continued(request, position), self._clock.now()
        if wants_json(request):
            records = [
                _series_record(entry.series) | {"last_mail": iso(entry.moved), "replies": entry.replies}
                for entry in entries
            ]
            return JSONResponse({"queue": records, "next": following})
        groups: dict[str, list[QueueEntry]] = {_NEW_GROUP: [], _WAITING_GROUP: [], _QUIET_GROUP: []}
        for entry in entries:
            groups[_group(entry, now)].append(entry)
        return self._page(
            request,
            "queue.html",
            groups=groups,
            following=following,
            mailing_list=mailing_list,
            lists=snapshot.lists(),
            is_empty=not entries,
        )

    def _boundary(self, request: Request, snapshot: Snapshot) -> Response:
        prefix, after = (request.query_params.get(name, "")[:_MAX_TEXT] for name in ("q", "after"))
        names, last = snapshot.boundary_names(prefix, after, _PAGE)
        following = f"?{urlencode({'q': prefix, 'after': last} if prefix else {'after': last})}" if last else ""
        collisions = snapshot.collisions(_COLLISIONS)
        if wants_json(request):
            return JSONResponse(
                {
                    "names": [asdict(name) for name in names],
                    "collisions": [asdict(collision) | {"found": iso(collision.found)} for collision in collisions],
                    "next": following,
                }
            )
        return self._page(
            request, "boundary.html", names=names, prefix=prefix, following=following, collisions=collisions
        )

    def _boundary_name(self, request: Request, snapshot: Snapshot) -> Response:
        name = request.path_params["name"][:_MAX_TEXT]
        uses = snapshot.boundary_uses(name, _PAGE)
        if wants_json(request):
            records = [_series_record(use.series) | {"kind": use.kind} for use in uses]
            return JSONResponse({"name": name, "series": records})
        return self._page(request, "boundary_name.html", name=name, uses=uses)

    def _debt(self, request: Request, snapshot: Snapshot) -> Response:
        report = snapshot.debt()
        if wants_json(request):
            if report is None:
                raise NotFoundError(_NO_DEBT)
            return Response(as_json(report), media_type="application/json")
        view = None if report is None else debt_view(report, _parameter(request, "q"))
        return self._page(request, "debt.html", view=view, columns=COLUMNS, legend=LEGEND)

    def _statistics(self, request: Request, snapshot: Snapshot) -> Response:
        statistics = snapshot.statistics(self._clock.now())
        if wants_json(request):
            return JSONResponse(asdict(statistics))
        return self._page(request, "stats.html", stats=statistics, rows=month_rows(statistics.months))

    def _health(self, _: Request, snapshot: Snapshot) -> Response:
        """Say whether the service works: status 200, or 503 if a job is late or the database cannot be read."""
        health, now = snapshot.health(), self._clock.now()
        jobs = {
            job.name: {
                "last_success": job.succeeded and iso(job.succeeded),
                "last_seconds": round(job.last_seconds, 3),
                "failures": job.failures,
                "late": job.is_late(now),
            }
            for job in health.jobs
        }
        is_ok = not any(job.is_late(now) for job in health.jobs)
        record = {
            "ok": is_ok,
            "stopped": bool(health.stopped) or self._is_stopped(),
            "jobs": jobs,
            "due": health.due,
            "unread": health.unread,
            "unprojected": health.unprojected,
            "oldest_seconds": {queue: round((now - since).total_seconds()) for queue, since in health.oldest.items()},
            "newest_mail": health.newest_mail and iso(health.newest_mail),
            "newest_review": health.newest_review and iso(health.newest_review),
        }
        return JSONResponse(record, 200 if is_ok else 503)

    def _atom(self, request: Request, snapshot: Snapshot) -> Response:
        rule = request.query_params.get("rule", "")
        if rule and by_id(rule) is None:
            raise NotFoundError("No rule has this name. The list of rules has all of them.")
        wanted = SeriesFilter(list=_parameter(request, "list"), author=_parameter(request, "for"))
        series = snapshot.reviewed_page(wanted, rule, _FEED)
        findings = snapshot.findings_of([entry.message_id for entry in series])
        chosen = [word for word in (wanted.list, rule, wanted.author) if word]
        title = plain(": ".join(["patchwarden", *chosen]))
        query = f"?{request.url.query}" if request.url.query else ""
        content = atom.feed(title, self._base(request), plain(query), series, findings)
        return Response(content, media_type="application/atom+xml")

    def _patchset(self, request: Request, snapshot: Snapshot) -> Response:
        message_id = target(request.query_params.get("id", ""))
        if message_id is None:
            raise BadRequestError("The parameter id must be a message-id, without angle brackets or with them.")
        detail = _stored(snapshot, snapshot.find(message_id))
        return JSONResponse(patchset(detail, Links(self._base(request))))

    def _base(self, request: Request) -> str:
        """Return the address of these pages: that of the settings, or the one that the request used."""
        if self._url:
            return self._url
        host = request.headers.get("host", "")
        return f"http://{host}" if _HOST.fullmatch(host) else "http://localhost"


def _group(entry: QueueEntry, now: datetime) -> str:
    """Return the heading below which the queue lists a series."""
    if now - entry.series.sent <= _NEW:
        return _NEW_GROUP
    return _WAITING_GROUP if now - entry.moved <= _QUIET else _QUIET_GROUP


def _stored(snapshot: Snapshot, posting_id: str | None) -> SeriesDetail:
    """Return the series. Raises NotFoundError."""
    detail = None if posting_id is None else snapshot.detail(posting_id)
    if detail is None:
        raise NotFoundError(_UNKNOWN_SERIES)
    return detail


def wants_json(request: Request) -> bool:
    """Return whether the request is for the JSON of a page."""
    return request.url.path.startswith("/api/")


def _parameter(request: Request, name: str) -> str:
    return request.query_params.get(name, "").strip()[:_MAX_TEXT]


def _filter(request: Request) -> SeriesFilter:
    state, severity = _parameter(request, "state"), _parameter(request, "severity")
    if state and state not in STATES:
        raise BadRequestError(f"No series has this state. Known states: {', '.join(STATES)}.")
    if severity and severity not in list(Severity):
        raise BadRequestError(f"There is no such severity. Known severities: {', '.join(reversed(Severity))}.")
    return SeriesFilter(
        _parameter(request, "q"),
        _parameter(request, "list"),
        state,
        Severity(severity) if severity else None,
        _parameter(request, "author"),
    )


def _named_mail(text: str) -> str | None:
    """Return the message-id that a search names; None for other searches."""
    return target(text) if "@" in text else None


def _position(request: Request) -> Position | None:
    """Return the place where the list continues: a time and a message-id, separated by a comma."""
    before = request.query_params.get("before", "")
    if not before:
        return None
    time, _, message_id = before.partition(",")
    try:
        return Position(datetime.fromisoformat(time).replace(tzinfo=UTC), message_id)
    except ValueError:
        raise BadRequestError("The parameter before is damaged. Start again at the first page.") from None


def _continued(request: Request, position: Position | None) -> str:
    """Return the query of the next page, "" at the end of the list."""
    if position is None:
        return ""
    kept = [(name, value) for name, value in request.query_params.items() if name != "before" and value]
    return f"?{urlencode([*kept, ('before', f'{position.sent:%Y-%m-%dT%H:%M:%S.%f},{position.message_id}')])}"


def _feed_query(wanted: SeriesFilter) -> str:
    chosen = {"list": wanted.list, "for": wanted.author}
    kept = {name: value for name, value in chosen.items() if value}
    return f"?{urlencode(kept, quote_via=quote)}" if kept else ""


def _series_record(series: SeriesSummary) -> dict[str, Any]:
    times = {name: getattr(series, name) for name in ("sent", "arrived", "reviewed")}
    return (
        asdict(series)
        | {name: None if time is None else iso(time) for name, time in times.items()}
        | {"path": series_path(series.message_id)}
    )


def _finding_record(finding: Any) -> dict[str, Any]:
    record = asdict(finding) | {"reviewed": iso(finding.reviewed)}
    return record | {"path_of_finding": finding_path(finding.posting_id, finding.fingerprint)}


def _rule_record(rule: Rule, figures: Any) -> dict[str, Any]:
    return {
        "id": rule.id,
        "summary": rule.summary,
        "severity": rule.severity.value,
        "status": rule.status.value,
        "evidence": [str(evidence) for evidence in rule.evidence],
        "figures": None if figures is None else asdict(figures),
    }


def _detail_record(view: SeriesView) -> dict[str, Any]:
    detail: SeriesDetail = view.shown
    return {
        "series": _series_record(view.series),
        "lists": view.lists,
        "revisions": [_series_record(series) for series in view.revisions],
        "findings": [_finding_record(record) for record in detail.findings.get(view.series.message_id, ())],
        "base": view.base,
        "unsafe_delta": view.unsafe_delta,
        "mails": [
            {"message_id": mail.message_id, "kind": mail.kind, "state": mail.state, "text": plain(mail.text)}
            for mail in view.mails
        ],
        "dispositions": [
            asdict(disposition) | {"given": iso(disposition.given)} for disposition in detail.dispositions
        ],
        "collisions": [asdict(collision) | {"found": iso(collision.found)} for collision in detail.collisions],
        "applied": [asdict(patch) | {"noted": iso(patch.noted)} for patch in detail.applied],
        "timeline": [{"time": iso(event.time), "event": event.text} for event in view.events],
    }
