"""A stranger who speaks the contract, well or badly, is answered within it and never with a 500."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.core.keyring import Keyring
from backend.core.tokens import new_token
from backend.events import friday
from backend.settings import Settings
from tests.contract.test_document import DOCUMENT
from tests.places.drawings import plan
from tests.support.clock import SetClock
from tests.support.organisers import MakeOrganiser
from tests.support.rally import TEXTS

EXAMPLES = 30
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    told["operationId"]: SCHEMA[path][method]
    for path, methods in DOCUMENT["paths"].items()
    for method, told in methods.items()
}
READS = [
    name
    for name, operation in OPERATIONS.items()
    if operation.method == "get"
    and not name.startswith("stream")
    and name not in {"getSubscription", "lookUpPlaces"}
]
"""What an administrator can read and have whole: no endless stream, no phone's own, and nothing
that is off unless the operator turns it on."""


@pytest.fixture(scope="module")
async def ids(
    client: httpx.AsyncClient,
    settings: Settings,
    module_clock: SetClock,
    tokens: list[str | None],
) -> dict[str, str]:
    """Names of things that are there: the Friday series, its next rally and an alert about it."""
    await friday.load(settings, module_clock)
    listed = await client.get("/v1/occurrences")
    occurrence, alert = listed.json()["items"][0]["id"], str(uuid4())
    body = {"occurrence": occurrence, "kind": "information", "texts": TEXTS}
    headers = {"Authorization": f"Bearer {tokens[0]}"}
    assert (await client.put(f"/v1/alerts/{alert}", json=body, headers=headers)).status_code == 201
    venue = f"/v1/venues/{occurrence}"
    assert (await client.put(venue, json=plan(), headers=headers)).status_code == 201
    cancelled = {"reason": {"ko": "비", "en": "Rain"}}
    path = f"/v1/occurrences/{occurrence}/cancellation"
    proposed = await client.put(path, json=cancelled, headers={**headers, "If-Match": "*"})
    assert proposed.status_code == 202
    return {
        "proposal_id": proposed.json()["id"],
        "series_id": str(friday.FRIDAY),
        "occurrence_id": occurrence,
        "place_id": "gangnam-station-exit-10",
        "alert_id": alert,
        "venue_id": occurrence,
        "protected_id": "51de91ad-5b7b-5cc0-b629-08b6d602b337",
    }


@pytest.fixture(scope="module")
async def tokens(organiser: MakeOrganiser, keyring: Keyring) -> list[str | None]:
    """An administrator's token, nobody's, and none. Phones can subscribe: the keys are there."""
    return [(await organiser("admin")).token, new_token(), None]


@pytest.mark.parametrize("name", OPERATIONS)
@budget(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(data=st.data())
async def test_a_conversation_stays_within_the_contract(
    name: str, data: st.DataObject, client: httpx.AsyncClient, tokens: list[str | None]
) -> None:
    operation = OPERATIONS[name]
    mode = data.draw(st.sampled_from(GenerationMode))
    case = data.draw(operation.as_strategy(generation_mode=mode))
    needs_token = bool(operation.definition.raw.get("security"))
    token = data.draw(st.sampled_from(tokens)) if needs_token else None
    case.validate_response(await said(client, case, token), checks=CHECKS)


@pytest.mark.parametrize("name", READS)
async def test_what_is_there_is_told_as_the_contract_says(
    name: str, client: httpx.AsyncClient, tokens: list[str | None], ids: dict[str, str]
) -> None:
    wanted = {
        each["name"]: ids[each["name"]]
        for each in OPERATIONS[name].definition.raw.get("parameters", [])
        if each["in"] == "path"
    }
    case = OPERATIONS[name].Case(path_parameters=wanted)
    answer = await said(client, case, tokens[0])
    assert answer.status_code == 200, answer.text
    case.validate_response(answer, checks=CHECKS)


async def test_an_answer_outside_the_contract_is_found() -> None:
    case = OPERATIONS["listPlaces"].Case()
    broken = httpx.Response(
        200, json={"items": [{"id": 1}]}, request=httpx.Request("GET", "http://localhost/v1/places")
    )
    broken.elapsed = timedelta(0)
    with pytest.raises(FailureGroup):
        case.validate_response(broken, checks=CHECKS)


async def said(client: httpx.AsyncClient, case: Case[Any], token: str | None) -> httpx.Response:
    """What the API answers to a case, asked with a token or without."""
    asked = case.as_transport_kwargs(base_url=str(client.base_url))
    headers = {name: value for name, value in asked["headers"].items() if name != "User-Agent"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = asked.get("data")
    request = client.build_request(
        asked["method"],
        asked["url"],
        params=asked.get("params"),
        headers={name: value.encode("latin-1", "replace") for name, value in headers.items()},
        cookies=asked.get("cookies"),
        **({"json": asked["json"]} if "json" in asked else {"content": body}),
    )
    return await client.send(request)
