"""Requests that should not be sent, each with something in it that must not be kept or echoed."""

import asyncio
import copy
import json
import secrets
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from backend.drill.phones import base64url, new_token
from tests.privacy.crowd import Attendee, Given, Person


async def misuse(person: Attendee, organiser: Person, access: str, series: str) -> list[Given]:
    """Everything that people and programs get wrong; gives the answers, all of them refusals."""
    return [
        *await _bodies(person, series),
        *await _tokens(person, organiser),
        *await _addresses(person),
        *await _organisers_bodies(organiser, access),
    ]


async def _bodies(person: Attendee, series: str) -> list[Given]:
    """Bad inputs 12, 18, 21 to 26, 52 to 57: what is wrong with a subscription."""
    good = {"subscription": person.phone.subscription(), "series": series, "language": "ko"}

    def but(*path: str, value: object) -> dict[str, Any]:
        changed = copy.deepcopy(good)
        place: Any = changed
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return changed

    wrong: list[dict[str, Any]] = [
        *(but(name, value=person.canary(name)) for name in ("phone", "email", "lat")),
        but("subscription", "lon", value=person.canary("longitude")),
        but("subscription", "keys", "name", value=person.canary("name")),
        but(person.canary("unknown name"), value=1),
        but("subscription", "endpoint", value=f"https://{person.canary('host')}.example/push"),
        but("subscription", "endpoint", value=f"http://fcm.googleapis.com/{person.canary('path')}"),
        but("subscription", "endpoint", value=f"https://{person.canary('user')}@localhost/push"),
        but("subscription", "endpoint", value=person.canary("long endpoint") * 200),
        but("subscription", "keys", "p256dh", value=person.canary("p256dh that is none")),
        but("subscription", "keys", "p256dh", value=person.secret("point off the curve", _off())),
        but("subscription", "keys", "auth", value=person.canary("auth that is none")),
        but("language", value=person.canary("language that is none")),
        but("series", value=person.canary("series that is none")),
        but("series", value=str(uuid4())),
    ]
    texts = [
        f'{{"series": "{series}", "phone": "{person.canary("broken JSON")}',
        f'{{"series": "{person.canary("first")}", "series": "{person.canary("second")}"}}',
        '{"series":' * 40 + f'"{person.canary("depths")}"' + "}" * 40,
        f'{{"series": NaN, "x": "{person.canary("NaN")}"}}',
        json.dumps({"series": person.canary("crowd")}) + " " * 40_000,
    ]
    json_type = {"Content-Type": "application/json"}
    asked: list[dict[str, Any]] = [
        *({"json": each} for each in wrong),
        *({"content": each.encode(), "headers": json_type} for each in texts),
        {"content": person.canary("form").encode(), "headers": {"Content-Type": "text/plain"}},
        {
            "content": json.dumps(good).encode(),
            "headers": {"Content-Type": f"text/{person.canary('media type')}"},
        },
    ]
    return [
        await person.ask("PUT", "/v1/push/subscription", token=person.token, **each)
        for each in asked
    ]


async def _tokens(person: Attendee, organiser: Person) -> list[Given]:
    """Bad inputs 29, 33 and 34: tokens that open nothing, and tokens in the wrong place."""
    path = "/v1/push/subscription"
    misplaced = person.secret("token in a path", new_token())
    return [
        await person.ask("GET", path, token=person.secret("token without a phone", new_token())),
        await person.ask("GET", path, token=person.canary("token that is none")),
        await person.ask("GET", path, headers={"Authorization": person.canary("scheme")}),
        await person.ask("GET", f"{path}/{misplaced}"),
        await person.ask("GET", path, query={"token": person.secret("token asked", new_token())}),
        await person.ask("GET", "/v1/invites", token=person.token),
        await organiser.ask(
            "POST",
            "/v1/invites/redeem",
            token=organiser.secret("bearer without an invite", new_token()),
            json={"invite": organiser.secret("unknown invite", new_token())},
        ),
    ]


async def _addresses(person: Attendee) -> list[Given]:
    """Bad cursors, dates, paths and methods."""
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("GET", "/v1/occurrences", {"cursor": person.canary("cursor")}),
        ("GET", "/v1/occurrences", {"cursor": person.secret("cursor in base64", new_token())}),
        ("GET", "/v1/occurrences", {"from": person.canary("date")}),
        ("GET", "/v1/occurrences", {"series": person.canary("series asked for")}),
        ("GET", f"/v1/occurrences/{quote(person.canary('occurrence'))}", {}),
        ("GET", f"/v1/places/{quote(person.canary('place'))}", {}),
        ("GET", f"/{quote(person.canary('path'))}.php", {"phone": person.canary("number")}),
        ("GET", f"/assets/{quote(person.canary('asset'))}", {}),
        ("DELETE", "/v1/places", {"why": person.canary("reason")}),
        ("TRACE", "/v1/places", {"why": person.canary("trace")}),
    ]
    return [await person.ask(method, path, query=query) for method, path, query in asked]


async def _organisers_bodies(organiser: Person, access: str) -> list[Given]:
    """Bad input 55 from the other side: organisers who would keep names and places of people."""
    asked: list[tuple[str, str, dict[str, Any]]] = [
        (
            "POST",
            "/v1/invites/redeem",
            {"invite": new_token(), "handle": f"{organiser.canary('mail')}@mail.example"},
        ),
        ("PUT", f"/v1/invites/{uuid4()}", {"token": new_token(), "for": organiser.canary("guest")}),
        ("PUT", f"/v1/access-tokens/{uuid4()}", {"device": organiser.canary("device")}),
        ("PUT", f"/v1/series/{uuid4()}", {"kind": organiser.canary("kind"), "lat": 37.4979}),
        ("PUT", f"/v1/alerts/{uuid4()}", {"to": organiser.canary("recipient")}),
    ]
    return [
        await organiser.ask(method, path, token=access, json=body) for method, path, body in asked
    ]


async def malformed(person: Person, origin: str) -> bytes:
    """Speak no HTTP at all; gives what the server says before it hangs up."""
    parts = urlsplit(origin)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    line, field = person.canary("no HTTP"), person.canary("no header")
    said = b""
    with suppress(ConnectionError):
        writer.write(f"{line} / HTTP/9\r\nHost {field}\r\n\r\n".encode())
        said = await reader.read()
    writer.close()
    return said


def _off() -> str:
    """65 bytes that begin like a point and lie on no curve."""
    return base64url(b"\x04" + secrets.token_bytes(64))
