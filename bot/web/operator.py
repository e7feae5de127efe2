# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages for operators, which only the second port on loopback serves: outbox, failed mails, quarantine, jobs."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.ports.operator import OutboxEntry
from bot.ports.web import Snapshot
from bot.web.metrics import metrics
from bot.web.pages import Pages
from bot.web.parameters import wants_json
from bot.web.site import LIVE, Site
from bot.web.text import iso

_MAX_ROWS: Final = 200
_SITE: Final = Site(
    (
        *LIVE.navigation,
        ("/outbox", "Outbox"),
        ("/failed", "Failed deliveries"),
        ("/quarantine", "Quarantine"),
        ("/jobs", "Jobs"),
    ),
    is_live=True,
)


class OperatorPages(Pages):
    """The public pages, and those for operators. None shows recipients, envelopes or contents of private mails."""

    _site = _SITE

    def operator_routes(self) -> list[Route]:
        pages: dict[str, Callable[[Request, Snapshot], Response]] = {
            "/metrics": self._metrics,
            "/outbox": self._outbox,
            "/failed": self._failed,
            "/quarantine": self._quarantine,
            "/jobs": self._jobs,
        }
        pages |= {f"/api{path}": page for path, page in pages.items() if path != "/metrics"}
        return [Route(path, self._guarded(page), methods=["GET"]) for path, page in pages.items()]

    def _metrics(self, _: Request, snapshot: Snapshot) -> Response:
        state = snapshot.service_state()
        state = replace(state, is_stopped=state.is_stopped or self._is_stopped())
        return Response(metrics(state, self._clock.now(), self._version), media_type=CONTENT_TYPE_LATEST)

    def _outbox(self, request: Request, snapshot: Snapshot) -> Response:
        filed = snapshot.filed(_MAX_ROWS)
        return self._mails(request, snapshot.outbox(_MAX_ROWS), "Outbox", "No mail waits.", filed=filed)

    def _failed(self, request: Request, snapshot: Snapshot) -> Response:
        failed, bounces = snapshot.failed(_MAX_ROWS), snapshot.bounces(_MAX_ROWS)
        text = "No mail was refused, expired or withdrawn in the last 30 days."
        return self._mails(request, failed, "Failed deliveries", text, bounces=bounces)

    def _mails(
        self,
        request: Request,
        mails: Sequence[OutboxEntry],
        title: str,
        empty: str,
        **more: Sequence[Any],
    ) -> Response:
        """Return a page of mails, with its `bounces` or `filed` mails."""
        if wants_json(request):
            lists = {"mails": mails, "bounces": ()} | more
            return JSONResponse({name: list(map(_record, entries)) for name, entries in lists.items()})
        values: dict[str, Any] = {"bounces": (), "filed": (), "mails": mails, "title": title, "empty": empty} | more
        return self._page(request, "outbox.html", is_full=len(mails) == _MAX_ROWS, **values)

    def _quarantine(self, request: Request, snapshot: Snapshot) -> Response:
        entries = snapshot.quarantine(_MAX_ROWS)
        if wants_json(request):
            return JSONResponse({"quarantine": list(map(_record, entries))})
        return self._page(request, "quarantine.html", entries=entries, is_full=len(entries) == _MAX_ROWS)

    def _jobs(self, request: Request, snapshot: Snapshot) -> Response:
        state, now = snapshot.service_state(), self._clock.now()
        jobs = [(job, job.is_late(now)) for job in state.jobs]
        if wants_json(request):
            records = [_record(job) | {"late": is_late} for job, is_late in jobs]
            return JSONResponse({"jobs": records, "read": {name: iso(time) for name, time in state.read.items()}})
        is_stopped = state.is_stopped or self._is_stopped()
        late = [job.name for job, is_late in jobs if is_late]
        process = self._installation.running()
        values: dict[str, Any] = {
            "jobs": jobs,
            "late": late,
            "state": state,
            "is_stopped": is_stopped,
            "process": process,
        }
        return self._page(request, "jobs.html", **values)


def _record(entry: Any) -> dict[str, Any]:
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in asdict(entry).items()}
