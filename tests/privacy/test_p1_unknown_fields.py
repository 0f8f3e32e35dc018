"""P1: nobody can send an identity, because no operation takes a field that it does not know."""

import copy
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from tests.contract.test_document import DOCUMENT, OPERATIONS, Operation
from tests.privacy.canaries import Search, letters, text
from tests.support.organisers import MakeOrganiser

UNKNOWN = "Unknown fields are refused"
NAMES = ("phone", "email", "lat")
FORMATS = {
    "uuid": "018f0000-0000-7000-8000-000000000010",
    "date": "2024-09-30",
    "date-time": "2024-09-06T19:00:00+09:00",
}
PREFERRED = "press-briefing"
"""The kind of gathering that may have every field there is."""

LANGUAGE = re.compile(r"ko|en")
WITH_BODY = [each for each in OPERATIONS if "requestBody" in each.told]
each_with_body = pytest.mark.parametrize(
    "operation", WITH_BODY, ids=[each.told["operationId"] for each in WITH_BODY]
)


class Reached(NamedTuple):
    """An object inside a body, by the steps that lead to it."""

    steps: tuple[str | int, ...]


def body_of(operation: Operation) -> Any:
    """A body with every field that the operation knows."""
    content = operation.told["requestBody"]["content"]
    return specimen(content["application/json"]["schema"])


def specimen(schema: dict[str, Any]) -> Any:
    """A value that fits a schema, all optional fields included."""
    schema = _resolved(schema)
    given = schema.get("examples") or schema.get("enum") or [schema.get("const")]
    if given[0] is not None:
        return PREFERRED if PREFERRED in given else given[0]
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {name: specimen(each) for name, each in schema["properties"].items()}
        case "object":
            return {"ko": specimen(schema["additionalProperties"])}
        case "array":
            return [specimen(schema["items"])]
        case "string":
            plain = "ko".ljust(schema.get("minLength", 0), "o")
            return FORMATS.get(schema.get("format", ""), plain)
        case kind:
            number = int(min(max(schema.get("minimum", 0), 60), schema.get("maximum", 60)))
            return bool(number) if kind == "boolean" else number


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference or an optional one leads to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(DOCUMENT["components"]["schemas"][name])
    for word in ("oneOf", "anyOf", "allOf"):
        if schema.get(word):
            chosen = next(each for each in schema[word] if each.get("type") != "null")
            return _resolved({**schema, word: None, **chosen})
    kind = schema.get("type")
    if isinstance(kind, list):
        return {**schema, "type": next(each for each in kind if each != "null")}
    return schema


def objects(value: Any, steps: tuple[str | int, ...] = ()) -> Iterator[Reached]:
    """Every object with named fields inside a body; maps by language are none."""
    if isinstance(value, dict):
        if not all(map(LANGUAGE.fullmatch, value)):
            yield Reached(steps)
        for name, each in value.items():
            yield from objects(each, (*steps, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from objects(each, (*steps, place))


def with_field(body: Any, reached: Reached, name: str, value: str) -> Any:
    """The body with one field more in one of its objects."""
    changed = copy.deepcopy(body)
    place = changed
    for step in reached.steps:
        place = place[step]
    place[name] = value
    return changed


async def send(
    client: httpx.AsyncClient, operation: Operation, token: str, body: Any
) -> httpx.Response:
    """Send a body to an operation, under new ids."""
    path = operation.path
    for parameter in operation.told.get("parameters", []):
        day = parameter["schema"].get("format") == "date"
        path = path.replace("{" + parameter["name"] + "}", FORMATS["date"] if day else str(uuid4()))
    return await client.request(
        operation.method, path, json=body, headers={"Authorization": f"Bearer {token}"}
    )


def unknown(answer: httpx.Response) -> bool:
    """Whether an answer refuses a field for being unknown."""
    errors: list[dict[str, str]] = answer.json().get("errors") or [] if answer.content else []
    return any(each["reason"] == UNKNOWN for each in errors)


@each_with_body
async def test_bad_input_55_a_field_too_many_is_refused_and_not_repeated(
    client: httpx.AsyncClient, organiser: MakeOrganiser, operation: Operation
) -> None:
    token = (await organiser("admin")).token
    good = body_of(operation)
    assert not unknown(await send(client, operation, token, good)), "the specimen has strangers"
    reached = list(objects(good))
    assert reached
    for each in reached:
        for name in NAMES:
            value = letters()
            answer = await send(client, operation, token, with_field(good, each, name, value))
            assert answer.status_code == 400, (each, name)
            assert unknown(answer), (each, name, answer.text)
            said = answer.content + repr(answer.headers).encode()
            assert Search([text(name, value)])([said]) == set()
            assert name.encode() not in answer.content


@each_with_body
async def test_the_name_of_an_unknown_field_is_not_repeated_either(
    client: httpx.AsyncClient, organiser: MakeOrganiser, operation: Operation
) -> None:
    token = (await organiser("admin")).token
    name = letters()
    body = with_field(body_of(operation), Reached(()), name, "x")
    answer = await send(client, operation, token, body)
    assert unknown(answer)
    assert Search([text("name", name)])([answer.content]) == set()


def test_every_operation_that_takes_a_body_is_tried() -> None:
    assert {each.told["operationId"] for each in WITH_BODY} >= {
        "putSubscription",
        "putAlert",
        "putSeries",
        "redeemInvite",
    }
