# SPDX-License-Identifier: GPL-2.0-or-later
"""The OpenAPI document describes every JSON route, and real answers are as it says."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from bot.debt.counts import Counts
from bot.debt.report import DebtReport, Ref, SubsystemDebt, as_json
from bot.ports.jobs import JobRuns
from bot.review.formats.jsonl import line
from bot.review.formats.row import of_review
from bot.review.model import Review, ReviewFinding
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.api import ADDRESS, OPERATIONS, openapi
from bot.web.app import create_app
from bot.web.pages import Pages
from rules.finding import LogAnchor
from rules.lazy import replace
from rules.registry import RULES
from tests.bot.review.factories import Maker
from tests.bot.web.conftest import NOW, Clock, Get

SERIES = "/api/series/v2.0@example.org"
ANSWERS = {
    "/api/series": "/api/series?severity=nit",
    "/api/series/{message_id}": SERIES,
    "/api/rules": "/api/rules",
    "/api/rules/{rule}": "/api/rules/missing-safety-comment",
    "/api/queue": "/api/queue",
    "/api/queue/{subsystem}": "/api/queue/RUST",
    "/api/bindings": "/api/bindings",
    "/api/bindings/{name}": "/api/bindings/kmalloc",
    "/api/stats": "/api/stats",
    "/api/debt": "/api/debt",
    "/api/patchset": "/api/patchset?id=v2.0@example.org",
    "/healthz": "/healthz",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi("0")


def _problems(document: Mapping[str, Any], schema: object, value: object) -> list[str]:
    """Return how the value differs from a schema of the document."""
    whole = {"components": document["components"], "allOf": [schema]}
    Draft202012Validator.check_schema(whole)
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def _schema(document: Mapping[str, Any], path: str, status: str) -> object:
    return document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"]


def test_every_json_route_is_described(path: Path) -> None:
    routes = {route.path.replace(":path}", "}") for route in Pages(SqliteWebStore(path), Clock(), "", "0").routes()}

    assert {route for route in routes if route.startswith("/api/")} | {"/healthz"} == {ADDRESS, *OPERATIONS}
    assert "/healthz" in routes
    assert ANSWERS.keys() == OPERATIONS.keys()


def test_the_document_is_served(get: Get, document: Mapping[str, Any]) -> None:
    served = json.loads(get(ADDRESS))

    assert served["openapi"].startswith("3.1")
    assert served["paths"] == document["paths"]


@pytest.mark.parametrize("route", OPERATIONS)
def test_an_answer_is_as_described(client: TestClient, document: Mapping[str, Any], route: str) -> None:
    answer = client.get(ANSWERS[route])

    assert answer.headers["content-type"] == "application/json"
    assert _problems(document, _schema(document, route, str(answer.status_code)), answer.json()) == []
    assert answer.status_code == (404 if route in ("/api/queue/{subsystem}", "/api/debt") else 200)


def test_the_health_of_a_service_with_jobs_is_as_described(path: Path, document: Mapping[str, Any]) -> None:
    client = TestClient(create_app(SqliteWebStore(path), Clock(), "", "0"))
    for gap, status in ((900.0, 200), (50.0, 503)):
        with Repository(path) as store:
            store.start_jobs("run", [JobRuns("poll", max_gap=gap), JobRuns("never")], NOW - timedelta(seconds=2000))
            done = NOW - timedelta(seconds=100)
            store.add_runs("run", [JobRuns("poll", 7, 2, 3.25, 0.1239, done, gap)], {"l": NOW}, NOW)
        answer = client.get("/healthz")

        assert answer.status_code == status
        assert answer.json()["jobs"].keys() == {"poll", "never"}
        assert _problems(document, _schema(document, "/healthz", str(status)), answer.json()) == []


@pytest.mark.parametrize("refs", [("v1",), ("v1", "v2")])
def test_debt_is_as_described(document: Mapping[str, Any], refs: tuple[str, ...]) -> None:
    counts = tuple(Counts(blocks=number, requirements=number) for number in range(len(refs)))
    report = DebtReport("linux", tuple(Ref(name, "c0ffee") for name in refs), (SubsystemDebt("RUST", counts),))

    assert _problems(document, _schema(document, "/api/debt", "200"), json.loads(as_json(report))) == []


@pytest.mark.parametrize(
    "address", ["/api/series?state=x", "/api/series/x@x", "/api/rules/x", "/api/x", "/api/series?q=" + "a" * 5000]
)
def test_an_error_is_as_described(client: TestClient, document: Mapping[str, Any], address: str) -> None:
    answer = client.get(address)

    assert answer.status_code >= 400
    assert _problems(document, {"$ref": "#/components/schemas/Error"}, answer.json()) == []


def test_a_wrong_answer_is_noticed(client: TestClient, document: Mapping[str, Any]) -> None:
    answer = client.get(SERIES).json()
    schema = _schema(document, "/api/series/{message_id}", "200")

    assert _problems(document, schema, answer | {"more": 1})
    assert _problems(document, schema, {name: value for name, value in answer.items() if name != "findings"})
    assert _problems(document, schema, answer | {"base": 3})


def test_findings_of_check_have_the_same_schema(make: Maker, document: Mapping[str, Any], get: Get) -> None:
    in_log = replace(make.finding(1), anchor=LogAnchor(1, 2, "a typo \udc80"))
    review = Review(make.posting(), (ReviewFinding(make.finding(5)), ReviewFinding(in_log)))
    records = [json.loads(line(row)) for row in of_review(review, {rule.id: rule for rule in RULES})]
    schema = document["components"]["schemas"]["Finding"]

    assert [_problems(document, schema, record) for record in records] == [[], []]
    assert set(records[0]) == set(schema["properties"])
    stored = json.loads(get(SERIES))["findings"][0]
    assert set(stored) - set(records[0]) == {"state", "withheld", "address"}


def test_all_findings_of_a_series_have_their_standing(get: Get) -> None:
    findings = json.loads(get(SERIES))["findings"]

    assert [(finding["state"], finding["withheld"]) for finding in findings] == [
        ("repeated", ""),
        ("new", ""),
        ("new", "muted (series)"),
        ("resolved", "resolved since the previous revision"),
    ]
    assert findings[2]["side"] == "log"
