# SPDX-License-Identifier: GPL-2.0-or-later
"""The OpenAPI document of the JSON routes, made from their records."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.web import records
from rules.finding import Severity
from rules.lazy import dataclass, field

ADDRESS: Final = "/api/openapi.json"
_REFERENCE: Final = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a route, in its path or query. `values` are the allowed values if they are few."""

    name: str
    meaning: str
    place: str = "query"
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """A route that answers in JSON."""

    summary: str
    record: type[BaseModel]
    parameters: tuple[Parameter, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)
    """What other statuses mean whose answers have the same record."""


_BEFORE: Final = Parameter("before", "Where the list continues; from `next` of an answer.")
_MESSAGE_ID: Final = Parameter("message_id", "The message-id of any mail of the series, or of our mail.", "path")
OPERATIONS: Final[Mapping[str, Operation]] = {
    "/api/series": Operation(
        "List series, newest first.",
        records.SeriesList,
        (
            Parameter("q", "Part of the subject, or a message-id or an archive address, which redirects."),
            Parameter("list", "The address of a mailing list."),
            Parameter("state", "The state of the series.", values=records.STATES),
            Parameter("severity", "The lowest severity of the worst finding.", values=tuple(Severity)),
            Parameter("author", "An address, or part of a name."),
            _BEFORE,
        ),
    ),
    "/api/series/{message_id}": Operation("Show a series.", records.SeriesDetails, (_MESSAGE_ID,)),
    "/api/rules": Operation("List all rules with their figures.", records.RuleList),
    "/api/rules/{rule}": Operation(
        "Show a rule with its newest findings.", records.RuleDetails, (Parameter("rule", "The id of a rule.", "path"),)
    ),
    "/api/queue": Operation(
        "List pending series, newest first.",
        records.Queue,
        (
            Parameter("list", "The address of a mailing list."),
            Parameter("for", "An address: of an author, or of a maintainer or reviewer in MAINTAINERS."),
            _BEFORE,
        ),
    ),
    "/api/queue/{subsystem}": Operation(
        "List the pending series of an entry of MAINTAINERS, newest first.",
        records.Queue,
        (Parameter("subsystem", "The name of the entry.", "path"), _BEFORE),
    ),
    "/api/bindings": Operation(
        "List C names that Rust uses, or that pending series change.",
        records.CNameList,
        (Parameter("q", "How the names begin."), Parameter("after", "The last name of the page before.")),
    ),
    "/api/bindings/{name}": Operation(
        "Show a C name: its uses in Rust, and the pending series that change it.",
        records.CNameDetails,
        (Parameter("name", "A C name, a field as struct.field, a Rust path or a file.", "path"),),
    ),
    "/api/stats": Operation("Show figures about the whole database.", records.StatisticsFigures),
    "/api/debt": Operation("Show the unsafe code of a kernel tree by subsystem and ref.", records.Debt),
    "/api/patchset": Operation(
        "Show a series in the shape that b4 reads.",
        records.Patchset,
        (Parameter("id", "The message-id of any mail of the series."),),
    ),
    "/healthz": Operation(
        "Show whether the service works.",
        records.HealthReport,
        statuses={"503": "A job is late. If the database cannot be read, the answer is an error."},
    ),
}
"""The routes by their paths."""


def openapi(version: str) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1)."""
    models: dict[type[BaseModel], None] = dict.fromkeys((records.Error, records.Finding))
    models |= dict.fromkeys(operation.record for operation in OPERATIONS.values())
    _, schemas = models_json_schema([(model, "serialization") for model in models], ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "patchwarden",
            "version": version,
            "description": "Reviews of Rust-for-Linux patch series. Read-only: only GET and HEAD are answered.",
            "license": {"name": "GPL-2.0-or-later", "identifier": "GPL-2.0-or-later"},
        },
        "paths": {path: {"get": _operation(path, operation)} for path, operation in OPERATIONS.items()},
        "components": {"schemas": schemas["$defs"]},
    }


def _operation(path: str, operation: Operation) -> dict[str, Any]:
    return {
        "operationId": path.removeprefix("/api").lstrip("/").replace("/{", "_").replace("}", ""),
        "summary": operation.summary,
        "parameters": [_parameter(parameter) for parameter in operation.parameters],
        "responses": {
            "200": _answer("The answer.", operation.record),
            **{status: _answer(text, records.Error) for status, text in _ERRORS.items()},
            **{status: _answer(text, operation.record, records.Error) for status, text in operation.statuses.items()},
        },
    }


_ERRORS: Final = {
    "400": "A parameter is wrong.",
    "404": "There is nothing with this name.",
    "503": "The database cannot be read now.",
}


def _answer(text: str, *models: type[BaseModel]) -> dict[str, Any]:
    references = [{"$ref": _REFERENCE.format(model=model.__name__)} for model in models]
    schema: dict[str, Any] = references[0] if len(references) == 1 else {"anyOf": references}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if parameter.values:
        schema["enum"] = list(parameter.values)
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.meaning,
        "required": parameter.place == "path",
        "schema": schema,
    }
