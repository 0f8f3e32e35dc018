"""A rally with phones: scheduled and subscribed over the public API, pushed for real."""

from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from backend.alerts.dispatch_service import DispatchService
from backend.alerts.endpoints import EndpointPolicy
from backend.alerts.fanout import Fanout
from backend.alerts.transport import HttpsTransport
from backend.alerts.webpush import Signer, public_point
from backend.coalition.service import CoalitionService
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.keyring import Keyring
from backend.core.live import Live
from backend.core.redis import open_redis
from backend.drill.phones import Notification, Phone
from backend.drill.push_handle import PushServiceProcess
from backend.drill.spool import Spool
from backend.events.service import EventService
from backend.places.service import PlaceService
from backend.settings import Settings
from tests.support.organisers import OrganiserInHand

TEXTS = {
    "ko": {"title": "장소가 바뀌었습니다", "body": "11번 출구 앞에서 만나요."},
    "en": {"title": "The place has changed", "body": "Meet at Exit 11."},
}


class Received(NamedTuple):
    """What a phone got, with the fields of the request that brought it."""

    phone: Phone
    shown: Notification
    fields: dict[str, str]


class Rally:
    """One rally of the Friday series, its two organisers and the phones that follow it."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        push: PushServiceProcess,
        organisers: tuple[OrganiserInHand, OrganiserInHand],
        series: UUID,
        occurrence: UUID,
    ) -> None:
        self.client = client
        self.push = push
        self.composer, self.approver = organisers
        self.series = series
        self.occurrence = occurrence
        self.phones: dict[int, Phone] = {}

    async def subscribe(self, count: int, language: str = "ko", **fields: Any) -> list[Phone]:
        """Let `count` new phones subscribe."""
        endpoints = await self.push.subscribe(count)
        phones = [Phone.new(endpoint) for endpoint in endpoints]
        for number, phone in enumerate(phones, len(self.phones)):
            self.phones[number] = phone
            answer = await self.renew(phone, language, **fields)
            assert answer.status_code == 200, answer.text
        return phones

    async def renew(self, phone: Phone, language: str = "ko", **fields: Any) -> httpx.Response:
        """Let a phone send its subscription, again or for the first time."""
        body = {
            "subscription": phone.subscription(),
            "series": str(self.series),
            "language": language,
            **fields,
        }
        return await self.client.put("/v1/push/subscription", json=body, headers=bearer(phone))

    async def compose(self, kind: str = "change", **fields: Any) -> UUID:
        """Write a draft; gives its id."""
        alert = uuid4()
        answer = await self.client.put(
            f"/v1/alerts/{alert}",
            json={
                "occurrence": str(self.occurrence),
                "kind": kind,
                "texts": TEXTS,
                **fields,
            },
            headers=self.composer.headers,
        )
        assert answer.status_code == 201, answer.text
        return alert

    async def approve(self, alert: UUID) -> dict[str, Any]:
        """Let the second organiser stand behind an alert."""
        answer = await self.client.put(
            f"/v1/alerts/{alert}/approval", headers=self.approver.headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def announce(self, kind: str = "change", **fields: Any) -> UUID:
        """Compose an alert and approve it."""
        alert = await self.compose(kind, **fields)
        assert (await self.approve(alert))["state"] == "approved"
        return alert

    async def progress(self, alert: UUID) -> dict[str, Any]:
        """How far an alert has come."""
        answer = await self.client.get(
            f"/v1/alerts/{alert}/progress", headers=self.composer.headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def received(self) -> list[Received]:
        """Everything that phones got since the push service started over, opened by them."""
        counts = await self.push.counts()
        with Spool(Path(counts.spool)) as spool:
            got: list[Received] = []
            for message in spool.messages():
                phone = self.phones[message.phone]
                shown = phone.show(phone.open(message.body))
                got.append(Received(phone, shown, fields_of(message.headers)))
        return got


def bearer(phone: Phone) -> dict[str, str]:
    """What a phone's requests carry."""
    return {"Authorization": f"Bearer {phone.token}"}


def fields_of(headers: bytes) -> dict[str, str]:
    """A header block by lower-case names."""
    lines = (line.partition(b":") for line in headers.split(b"\r\n"))
    return {name.lower().decode(): value.strip().decode() for name, _, value in lines}


class Worker:
    """The alerts' side of a worker, in the test's own process."""

    def __init__(
        self, pool: Pool, clock: Clock, keyring: Keyring, settings: Settings, **options: Any
    ) -> None:
        self.redis = open_redis(settings)
        policy = EndpointPolicy(settings.push_hosts, settings.rehearsal_push_origin)
        authority = settings.rehearsal_push_ca
        assert authority is not None
        self.transport = HttpsTransport(policy, clock, authority.read_bytes(), **options)
        live = Live(self.redis)
        self.signing_key: ec.EllipticCurvePrivateKey = keyring.vapid_key()
        self.fanout = Fanout(
            pool,
            clock,
            keyring,
            live,
            policy,
            self.transport,
            Signer(self.signing_key, settings.contact),
            settings.origin,
        )
        events = EventService(pool, clock, PlaceService())
        coalition = CoalitionService(pool, clock, settings)
        self.dispatch = DispatchService(pool, clock, events, coalition, live, self.fanout)

    @property
    def public_point(self) -> bytes:
        """The key that phones know the sender by."""
        return public_point(self.signing_key)

    async def work(self) -> int:
        """Do everything that is due now; gives the number of batches sent."""
        await self.dispatch.plan_and_close()
        sent = await self.fanout.send_due()
        await self.dispatch.plan_and_close()
        return sent

    async def close(self) -> None:
        """Let go of connections."""
        await self.transport.close()
        await self.redis.aclose()
