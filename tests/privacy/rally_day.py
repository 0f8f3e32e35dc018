"""A rally that is watched: people with canaries, phones that fail, servers that break off.

What the day left behind is told as sightings: which canary, in which disguise, in which place.
"""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
import msgspec

from backend.drill.phones import new_token
from backend.drill.push_faults import BROKEN, GONE, HANG_UP, SILENCE
from backend.drill.push_handle import PushServiceProcess
from tests.events.gatherings import FRIDAY_PLAN
from tests.privacy import places
from tests.privacy.canaries import FORMS, Canary, Search, Sighting, letters, text
from tests.privacy.crowd import Attendee, Given, Person
from tests.privacy.misuse import malformed, misuse
from tests.privacy.stage import Stage
from tests.support.rally import TEXTS

HEALTHY = range(3)
FAULTS = {3: GONE, 4: BROKEN, 5: SILENCE, 6: HANG_UP}
LEAVES = 7
LONGEST_DAY_SECONDS = 60.0


class RallyDay(NamedTuple):
    """What was left of a rally day."""

    canaries: list[str]
    """The name of everything that was sent."""
    found: dict[str, set[Sighting]]
    """What was found in each place, planted canaries included."""
    refusals: list[Given]
    """The answers to requests that should not have been sent."""
    events: dict[str, list[dict[str, Any]]]
    """The log lines of API and worker."""
    metrics: dict[str, str]
    keys: set[str]
    channels: set[str]
    files: set[str]
    """What lies in the state folder, relative to it; folders end in a slash."""


def planted(form: str) -> str:
    """The name of the canary that was planted everywhere in a disguise."""
    return f"planted as {form}"


class _Day:
    """The day as it goes on."""

    def __init__(self, stage: Stage, push: PushServiceProcess) -> None:
        self.stage = stage
        self.push = push
        self.seen: list[Canary] = []
        self.wires: list[bytes] = []
        self.series = str(uuid4())
        self.occurrence = ""

    def person(self, name: str) -> Person:
        return Person(self.stage.origin, name, self.seen, self.wires)

    async def organisers(self) -> tuple[Person, str, Person, str]:
        """One comes by the operator's invite, and invites the other."""
        first, second = self.person("the composer"), self.person("the approver")
        access = first.secret("access token", new_token())
        other = second.secret("access token", new_token())
        link = re.search(r"#invite=([\w-]{43})", self.stage.command("invite"))
        assert link
        invite = first.secret("invite", link[1])
        await _expect(first, 201, "POST", "/v1/invites/redeem", access, json={"invite": invite})
        invite = first.secret("made invite", new_token())
        made = {"token": invite, "role": "admin"}
        await _expect(first, 201, "PUT", f"/v1/invites/{uuid4()}", access, json=made)
        await _expect(second, 201, "POST", "/v1/invites/redeem", other, json={"invite": invite})
        return first, access, second, other

    async def schedule(self, organiser: Person, access: str) -> str:
        """Schedule the Friday series; gives the next gathering."""
        plan = msgspec.json.encode(FRIDAY_PLAN)
        json_type = {"Content-Type": "application/json"}
        path = f"/v1/series/{self.series}"
        await _expect(organiser, 201, "PUT", path, access, content=plan, headers=json_type)
        listed = await organiser.ask("GET", "/v1/occurrences", query={"series": self.series})
        return str(listed.body["items"][0]["id"])

    async def attendees(self) -> list[Attendee]:
        """They subscribe, look, renew; one thinks better of it."""
        endpoints = await self.push.subscribe(LEAVES + 1)
        crowd = [
            Attendee(self.stage.origin, f"phone {number}", endpoint, self.seen, self.wires)
            for number, endpoint in enumerate(endpoints)
        ]
        for number, each in enumerate(crowd):
            assert (await each.subscribe(self.series, "en" if number % 2 else "ko")).status == 200
            await _expect(each, 200, "GET", "/v1/push/vapid-key")
            await _expect(each, 200, "GET", "/v1/push/subscription", each.token)
            assert (await each.subscribe(self.series)).status == 200
        leaver = crowd[LEAVES]
        await _expect(leaver, 204, "DELETE", "/v1/push/subscription", leaver.token)
        for number, fault in FAULTS.items():
            await self.push.fail(fault, [number])
        return crowd

    async def watch(self, person: Person, path: str, token: str | None = None) -> None:
        """Listen to a stream for as long as the day lasts."""
        async with person.listen(path, token) as stream:
            async for line in stream.aiter_lines():
                person.heard(line)

    async def alert(self, composer: Person, access: str, approver: Person, other: str) -> str:
        """Compose an alert for the next gathering and approve it."""
        alert = str(uuid4())
        body = {"occurrence": self.occurrence, "kind": "change", "texts": TEXTS}
        await _expect(composer, 201, "PUT", f"/v1/alerts/{alert}", access, json=body)
        await _expect(composer, 200, "GET", f"/v1/alerts/{alert}/preview", access)
        await _expect(composer, 403, "PUT", f"/v1/alerts/{alert}/approval", access)
        await _expect(approver, 200, "PUT", f"/v1/alerts/{alert}/approval", other)
        return alert

    async def fanned_out(self, alert: str, composer: Person, access: str) -> None:
        """Wait until every phone was tried once, then stop trying."""
        while True:
            told = (await composer.ask("GET", f"/v1/alerts/{alert}/progress", token=access)).body
            if told["gone"] == 1 and told["delivered"] == len(HEALTHY):
                break
            await asyncio.sleep(0.3)
        await _expect(composer, 200, "PUT", f"/v1/alerts/{alert}/cancellation", access)

    async def breakdown(self, someone: Attendee) -> list[Given]:
        """Postgres ends the sessions of API and worker in the middle of a statement."""
        owner = await asyncpg.connect(self.stage.system.postgres.url)
        given: list[Given] = []
        try:
            for table, role in (("subscription", "exit10_api"), ("alert", "exit10_worker")):
                async with owner.transaction():
                    await owner.execute(f"lock table {table} in access exclusive mode")
                    asking = asyncio.create_task(someone.subscribe(self.series))
                    while not await owner.fetchval(_END_WAITING, role):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                given.append(await asking)
        finally:
            await owner.close()
        return given[:1]


_END_WAITING = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where application_name = $1 and wait_event_type = 'Lock'
"""


async def held(stage: Stage, push: PushServiceProcess) -> RallyDay:
    """Hold the rally, plant a canary in each disguise everywhere, and search all that is left."""
    await stage.ready()
    day = _Day(stage, push)
    async with places.commands(stage.system.valkey) as commands:
        async with asyncio.timeout(LONGEST_DAY_SECONDS):
            refusals = await _held(day)
        plants = {form: text(planted(form), letters()) for form in FORMS}
        leaks = [(FORMS[form], FORMS[form].write(each.values[0])) for form, each in plants.items()]
        haystacks = await places.running(stage, leaks)
        channels, keys = await places.names(stage.system.valkey)
        await places.plant_keys(stage.system.valkey, leaks)
        haystacks["Valkey's keys"] = await places.values(stage.system.valkey)
    haystacks["commands to Valkey"] = [places.unescaped(bytes(commands))]
    haystacks["answers"] = [*day.wires, *(leak for _, leak in leaks)]
    metrics = {name: await stage.metrics(name) for name in ("api", "worker")}
    for name, shown in metrics.items():
        haystacks[f"metrics of the {name}"] = [shown.encode(), places.metric(leaks)]
    stage.close()
    stage.system.valkey.restart()
    events = {name: places.events(stage.log(name)) for name in ("api", "worker")}
    files = _files(stage.system.home.path)
    stage.system.valkey.stop()
    stage.system.postgres.stop()
    haystacks |= places.stopped(stage, [leak for _, leak in leaks])
    search = Search([*day.seen, *plants.values()])
    return RallyDay(
        canaries=[each.name for each in day.seen],
        found={place: search(haystack) for place, haystack in haystacks.items()},
        refusals=refusals,
        events=events,
        metrics=metrics,
        keys=keys,
        channels=channels,
        files=files,
    )


async def _held(day: _Day) -> list[Given]:
    composer, access, approver, other = await day.organisers()
    day.occurrence = await day.schedule(composer, access)
    crowd = await day.attendees()
    watchers = [day.person("a watcher"), day.person("an organiser who watches")]
    alert = await day.alert(composer, access, approver, other)
    streams = [
        asyncio.create_task(day.watch(watchers[0], f"/v1/occurrences/{day.occurrence}/live")),
        asyncio.create_task(day.watch(watchers[1], f"/v1/alerts/{alert}/live", access)),
    ]
    refusals = await misuse(crowd[0], composer, access, day.series)
    day.wires.append(await malformed(composer, day.stage.origin))
    refusals += await day.breakdown(crowd[1])
    await day.fanned_out(alert, composer, access)
    for stream in streams:
        stream.cancel()
        with suppress(asyncio.CancelledError):
            await stream
    for person in (composer, approver, *watchers, *crowd):
        await person.leave()
    return refusals


async def _expect(
    person: Person, status: int, method: str, path: str, token: str | None = None, **content: Any
) -> None:
    given = await person.ask(method, path, token=token, **content)
    assert given.status == status, (method, path, given)


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix() + ("/" if path.is_dir() else "")
        for path in folder.rglob("*")
    }
