"""openapi.json is what the API does, and says enough for a stranger to write a client."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar

from backend.core.guards import BEARER, PUBLIC, SCOPES
from tests.architecture.house import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "openapi.json").read_text("utf-8"))
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
READINESS = ("/health/ready", "503")
"""The one error answer with a body of its own: which server is away."""


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    told: dict[str, Any]


def operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation of a document."""
    return [
        Operation(method, path, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]


def schemas_of(told: object) -> Iterator[dict[str, Any]]:
    """Every schema that a part of the document leads to."""
    seen: set[str] = set()
    waiting = [told]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            yield each
            waiting += [value for name, value in each.items() if name != "examples"]
            name = str(each.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen.add(name)
                waiting.append(DOCUMENT["components"]["schemas"][name])


OPERATIONS = operations(DOCUMENT)
each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda each: each.told.get("operationId", each.path)
)


async def test_it_is_what_the_api_is_made_of(app: Litestar) -> None:
    assert app.openapi_schema.to_schema() == DOCUMENT


async def test_it_can_be_asked_for(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == DOCUMENT
    again = await client.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("page", ["swagger", "redoc", "rapidoc", "elements", ""])
async def test_no_reference_page_loads_from_afar(client: httpx.AsyncClient, page: str) -> None:
    answer = await client.get(f"/openapi/{page}")
    assert answer.status_code in (403, 404)
    assert answer.headers["content-type"] == "application/problem+json"


@each_operation
def test_an_operation_has_name_summary_and_description(operation: Operation) -> None:
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", operation.told["operationId"])
    assert operation.told["summary"]
    assert operation.told["description"]
    assert operation.told["tags"]


def test_names_are_given_once() -> None:
    names = [each.told["operationId"] for each in OPERATIONS]
    assert len(names) == len(set(names))
    summaries = [each.told["summary"] for each in OPERATIONS]
    assert len(summaries) == len(set(summaries))


def test_every_tag_is_explained() -> None:
    explained = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    assert {tag for each in OPERATIONS for tag in each.told["tags"]} <= explained


@each_operation
def test_every_error_is_a_problem(operation: Operation) -> None:
    errors = {
        status: answer.get("content")
        for status, answer in operation.told["responses"].items()
        if status >= "400" and (operation.path, status) != READINESS
    }
    assert "500" in errors
    assert [status for status, content in errors.items() if content != PROBLEM] == []


@each_operation
def test_an_operation_tells_which_refusals_to_expect(operation: Operation) -> None:
    told = operation.told
    expected: set[str] = set()
    if told.get("security"):
        expected.add("401")
    if "requestBody" in told:
        expected |= {"400", "413", "415"}
    assert expected <= told["responses"].keys()


@each_operation
def test_what_must_be_sent_comes_with_an_example(operation: Operation) -> None:
    body = operation.told.get("requestBody")
    assert body is None or any("examples" in schema for schema in schemas_of(body))


@each_operation
def test_what_comes_back_has_an_example(operation: Operation) -> None:
    answers = [
        answer["content"]
        for status, answer in operation.told["responses"].items()
        if status < "300" and "application/json" in answer.get("content", {})
    ]
    assert all(any("examples" in schema for schema in schemas_of(each)) for each in answers)


async def test_every_door_says_who_may_use_it(app: Litestar) -> None:
    known = {PUBLIC["access"], BEARER["access"], *SCOPES}
    closed = {
        route.path
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if handler.opt.get("access") not in known and "OPTIONS" not in handler.http_methods
    }
    assert {path for path in closed if not path.startswith("/openapi")} == set()


async def test_the_document_tells_where_a_token_is_needed(app: Litestar) -> None:
    secured = {(each.method, each.path) for each in OPERATIONS if each.told.get("security")}
    guarded = {
        (method.lower(), re.sub(r":\w+}", "}", route.path))
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if handler.opt.get("access") in {BEARER["access"], *SCOPES}
        for method in handler.http_methods
        if method != "OPTIONS"
    }
    assert secured == guarded
