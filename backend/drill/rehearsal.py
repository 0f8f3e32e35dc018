"""The rehearsal itself: from the first invite to what every phone would show.

It drives the system through its public API only, and measures from outside.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

import msgspec

from backend.core.clock import Clock
from backend.drill.api_client import Api, ApiError, ApiUnreachableError
from backend.drill.organisers import Organiser
from backend.drill.outcome import Outcome
from backend.drill.phones import Crowd, Keys, base64url_decoded, write_keys
from backend.drill.push_handle import PushServiceProcess
from backend.drill.scenario import Scenario
from backend.drill.verification import Expected, Findings, arrival_times, read_messages
from schemas.alerts import AlertRequest, AlertState, Preview
from schemas.coalition import Role
from schemas.push import Subscription, VapidKey

KILL_AT = 0.3
"""The share of the phones that are reached when a worker is killed."""

_AT_ONCE = 64
_LOOK_SECONDS = 0.1
_OVER = {AlertState.SENT, AlertState.CANCELLED, AlertState.EXPIRED}


class RehearsalError(Exception):
    """The rehearsal cannot go on. The message is a sentence that says why."""


class Watcher(Protocol):
    """Whoever looks on while the rehearsal works."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A new part begins, of so many phones."""
        ...

    def reach(self, done: int) -> None:
        """So many phones of the present part are done."""
        ...

    def note(self, sentence: str) -> None:
        """Something worth saying happened."""
        ...


class Workers(Protocol):
    """The system's worker processes, when the rehearsal is the one who runs them."""

    def kill_one(self) -> None:
        """Kill −9 a worker."""
        ...

    def start_one(self) -> None:
        """Start a worker."""
        ...

    def peak_rss_mb(self) -> float | None:
        """The most memory that any worker, dead or alive, has held so far."""
        ...


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to rehearse, and how. `patience` is in seconds without any new phone reached."""

    scenario: Scenario
    phones: int
    workers: int
    kill_worker: bool = False
    leave_no_trace: bool = False
    patience: float = 90.0


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: the figures, what phones would show, and when each was reached."""

    outcome: Outcome
    findings: Findings
    preview: Preview
    arrivals: Sequence[float]
    """Seconds from the approval's answer to the first message of each phone, in order."""


class Rehearsal:
    """One run. `folder` holds keys and spools, and is thrown away by whoever made it."""

    def __init__(
        self,
        plan: Plan,
        *,
        api: Api,
        push: PushServiceProcess,
        workers: Workers | None,
        pool: ProcessPoolExecutor,
        folder: Path,
        clock: Clock,
        watcher: Watcher,
    ) -> None:
        self._plan = plan
        self._api = api
        self._push = push
        self._workers = workers
        self._pool = pool
        self._folder = folder
        self._clock = clock
        self._watcher = watcher
        self._series = uuid4()
        self._alert = uuid4()
        self._first_phone = push.subscribed

    async def run(self, invite: str, second_invite: str | None = None) -> Rehearsed:
        """Rehearse, beginning with an invite for an administrator.

        Args:
            second_invite: for her who approves; without one the first organiser invites her, which
                a coalition that has begun does not count for a day.

        Raises:
            RehearsalError: something was refused or did not happen.
            ApiError: an organiser was refused something.
            ApiUnreachableError: the API went away.
        """
        first, second = await self._organisers(invite, second_invite)
        occurrence = await self._schedule(first)
        crowd = await self._crowd()
        began = time.monotonic()
        subscribed = await self._subscribe(crowd)
        subscribe_seconds = time.monotonic() - began
        try:
            preview, approver = await self._compose(first, second, occurrence)
            approved_at, killed = await self._fan_out(approver)
            counted = await self._settle(first)
            findings = await self._read(crowd)
        finally:
            if self._plan.leave_no_trace:
                await self._clean_up(first, second, crowd)
        counts = await self._push.counts()
        arrivals = [
            max(at - approved_at, 0.0)
            for at in await asyncio.to_thread(arrival_times, Path(counts.spool))
        ]
        outcome = Outcome.of(
            findings,
            scenario=self._plan.scenario.name,
            phones=self._plan.phones,
            workers=self._plan.workers,
            subscribed=subscribed,
            subscribe_seconds=subscribe_seconds,
            arrivals=arrivals,
            counted=counted,
            refused=counts.refused,
            worker_peak_rss_mb=self._workers.peak_rss_mb() if self._workers else None,
            workers_killed=killed,
        )
        return Rehearsed(outcome=outcome, findings=findings, preview=preview, arrivals=arrivals)

    async def _organisers(
        self, invite: str, second_invite: str | None
    ) -> tuple[Organiser, Organiser]:
        self._watcher.stage("Organisers redeem their invites")
        first, second = Organiser(self._api), Organiser(self._api)
        await first.redeem(invite)
        await second.redeem(second_invite or await first.invite(Role.ORGANISER))
        return first, second

    async def _schedule(self, organiser: Organiser) -> UUID:
        self._watcher.stage("The gathering is scheduled")
        await organiser.schedule(self._series, self._plan.scenario.plan(self._clock()))
        occurrence = await organiser.next_occurrence(self._series)
        if occurrence is None:
            raise RehearsalError("The gathering was scheduled and has no occurrence.")
        self._watcher.note(f"{occurrence.title}: {occurrence.starts_at:%A %d %B %Y, %H:%M %Z}")
        return occurrence.id

    async def _crowd(self) -> Crowd:
        phones, path = self._plan.phones, self._folder / "phones.keys"
        self._watcher.stage("Phones make their keys", phones)

        def make() -> Keys:
            for done in write_keys(path, phones, self._pool):
                self._watcher.reach(done)
            return Keys(path)

        keys, endpoints = await asyncio.gather(
            asyncio.to_thread(make), self._push.subscribe(phones)
        )
        return Crowd(keys, endpoints, self._plan.scenario.languages)

    async def _subscribe(self, crowd: Crowd) -> int:
        self._watcher.stage("Phones subscribe", len(crowd))
        try:
            await self._subscribe_phone(crowd, 0)
        except ApiError as error:
            raise RehearsalError(
                f"The system does not let the rehearsal's phones subscribe. {error} It has to be "
                f"started with EXIT10_REHEARSAL_PUSH_ORIGIN={self._push.origin} and "
                f"EXIT10_REHEARSAL_PUSH_CA={self._push.authority}."
            ) from None
        done = await self._each_phone(crowd, self._subscribe_phone, start=1)
        return done + 1

    async def _subscribe_phone(self, crowd: Crowd, number: int) -> None:
        body = {
            "subscription": crowd.subscription(number),
            "series": str(self._series),
            "language": crowd.language(number),
            "audience": "attendees",
        }
        token = crowd.token(number)
        await self._api.put("/v1/push/subscription", body, Subscription, token=token)

    async def _each_phone(
        self, crowd: Crowd, act: Callable[[Crowd, int], Awaitable[None]], *, start: int = 0
    ) -> int:
        """Let every phone act, several at once; returns how many of them succeeded."""
        numbers, succeeded = iter(range(start, len(crowd))), 0

        async def lane() -> None:
            nonlocal succeeded
            for number in numbers:
                with suppress(ApiError):
                    await act(crowd, number)
                    succeeded += 1
                    self._watcher.reach(start + succeeded)

        async with asyncio.TaskGroup() as lanes:
            for _ in range(_AT_ONCE):
                lanes.create_task(lane())
        return succeeded

    async def _compose(
        self, first: Organiser, second: Organiser, occurrence: UUID
    ) -> tuple[Preview, Organiser]:
        """Compose and preview; returns the preview and whose approval releases the alert."""
        self._watcher.stage("The alert is composed, previewed and approved")
        scenario = self._plan.scenario
        alert = await first.compose(
            self._alert,
            AlertRequest(
                occurrence=occurrence, kind=scenario.alert_kind, texts=scenario.alert_texts
            ),
        )
        preview = await first.preview(self._alert)
        if not all(text.fits for text in preview.texts.values()):
            raise RehearsalError("The alert does not fit into a push message.")
        for _ in range(2, alert.approvals.needed):
            another = Organiser(self._api)
            await another.redeem(await first.invite(Role.ORGANISER))
            await another.approve(self._alert)
        return preview, first if alert.approvals.needed == 1 else second

    async def _fan_out(self, approver: Organiser) -> tuple[float, int]:
        """Release the alert; returns when, and how many workers were killed under way."""
        await self._push.start_over()
        alert = await approver.approve(self._alert)
        approved_at = time.monotonic()
        if alert.state is AlertState.DRAFT:
            raise RehearsalError("The alert has its approvals and is still a draft.")
        self._watcher.stage("Phones are reached", self._plan.phones)
        killing = asyncio.create_task(self._kill_in_mid_flight())
        try:
            await self._await_phones()
            return approved_at, killing.result() if killing.done() else 0
        finally:
            killing.cancel()

    async def _kill_in_mid_flight(self) -> int:
        if not self._plan.kill_worker or self._workers is None:
            return 0
        await self._push.reached(max(int(self._plan.phones * KILL_AT), 1))
        self._workers.kill_one()
        self._workers.start_one()
        self._watcher.note("A worker was killed in mid fan-out, and another one started.")
        return 1

    async def _await_phones(self) -> None:
        """Wait until every phone is reached, or no new one for as long as patience lasts."""
        counts, changed_at = await self._push.counts(), time.monotonic()
        while counts.reached < self._plan.phones:
            await asyncio.sleep(_LOOK_SECONDS)
            before, counts = counts, await self._push.counts()
            self._watcher.reach(counts.reached)
            if counts.reached > before.reached:
                changed_at = time.monotonic()
            elif time.monotonic() - changed_at > self._plan.patience:
                self._watcher.note("No phone was reached for a while; the rehearsal stops waiting.")
                return

    async def _settle(self, organiser: Organiser) -> int:
        """Wait until the system calls the alert sent; returns how many phones it counted."""
        self._watcher.stage("The system records what it did")
        progress = await organiser.progress(self._alert)
        patience_ends = time.monotonic() + self._plan.patience
        while progress.state not in _OVER and time.monotonic() < patience_ends:
            await asyncio.sleep(_LOOK_SECONDS)
            progress = await organiser.progress(self._alert)
        return progress.delivered

    async def _read(self, crowd: Crowd) -> Findings:
        """Let the phones check and decrypt all they were sent."""
        counts = await self._push.counts()
        self._watcher.stage("Phones read what they were sent", counts.accepted)
        scenario = self._plan.scenario
        published = await self._api.get("/v1/push/vapid-key", VapidKey)
        expected = Expected(
            audience=self._push.origin,
            published_key=base64url_decoded(published.public_key),
            now=self._clock().timestamp(),
            alert=str(self._alert),
            kind=scenario.alert_kind.value,
            texts={tag: (text.title, text.body) for tag, text in scenario.alert_texts.items()},
            languages=scenario.languages,
            first_phone=self._first_phone,
        )

        def read() -> Findings:
            findings = Findings()
            for found in read_messages(Path(counts.spool), crowd.keys.path, expected, self._pool):
                findings.add(found)
                self._watcher.reach(findings.messages)
            return findings

        return await asyncio.to_thread(read)

    async def _clean_up(self, organiser: Organiser, other: Organiser, crowd: Crowd) -> None:
        """Leave nothing but an ended series that says it was a rehearsal."""
        self._watcher.stage("Phones unsubscribe", len(crowd))
        with suppress(ApiError, ApiUnreachableError):
            await self._each_phone(crowd, self._unsubscribe_phone)
            plan = self._plan.scenario.plan(self._clock(), over=True)
            await organiser.end(self._series, plan, other)

    async def _unsubscribe_phone(self, crowd: Crowd, number: int) -> None:
        await self._api.delete("/v1/push/subscription", token=crowd.token(number))
