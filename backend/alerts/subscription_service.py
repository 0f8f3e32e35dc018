"""Verbs of a phone's subscription. Seals where the phone is reached and can open nothing."""

from datetime import timedelta
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from backend.alerts import repository
from backend.alerts.boxes import BoxContext, Destination, KeysError, parse_keys, seal_destination
from backend.alerts.endpoints import EndpointError, EndpointPolicy
from backend.alerts.repository import EpochRow, SealedRow
from backend.core import base64url
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import NotFound, Unacceptable, Unavailable
from backend.core.tokens import Purpose, digest, row_id
from backend.events.service import EventService
from backend.settings import Settings
from schemas.push import Audience, Subscription, SubscriptionRequest

SUBSCRIPTION_LIFETIME = timedelta(days=28)
"""How long a subscription outlives the end of its epoch, at most."""

EPOCH_KEPT = timedelta(minutes=1)

_ENDPOINT_SENTENCES = {
    "endpoint-too-long": "The endpoint is longer than any push service's.",
    "endpoint-malformed": "The endpoint is no plain https address.",
    "endpoint-not-https": "The endpoint must start with https://.",
    "endpoint-host-unknown": "The endpoint is not at a push service that is known here.",
}
_KEY_SENTENCES = {
    "p256dh-malformed": "p256dh must be an uncompressed P-256 point, 65 bytes in base64url.",
    "p256dh-off-curve": "p256dh must be a point on P-256.",
    "auth-malformed": "auth must be 16 bytes in base64url.",
}


class SubscriptionService:
    """What a phone may do under the token it made for one series."""

    def __init__(self, pool: Pool, clock: Clock, settings: Settings, events: EventService) -> None:
        self._pool = pool
        self._clock = clock
        self._events = events
        self._token_key = settings.token_key
        self._policy = EndpointPolicy(settings.push_hosts, settings.rehearsal_push_origin)
        self._epoch: EpochRow | None = None
        self._epoch_until = clock()

    async def subscribe(self, token: bytes, request: SubscriptionRequest) -> Subscription:
        """Seal where the phone is reached and keep the box. Repeating renews it.

        Whoever follows a series that continues another follows the root of their line: the box is
        bound to one series, and alerts of the whole line go there.

        Raises:
            Unacceptable: endpoint or keys cannot be pushed to.
            NotFound: there is no such series.
            Unavailable: no worker has made a key to seal to yet.
        """
        destination = self._destination(request)
        series = await self._events.root_of(request.series)
        epoch = await self._current_epoch()
        context = BoxContext(
            id=self._id(token),
            epoch=epoch.id,
            series=series,
            audience=request.audience.value,
            language=request.language,
        )
        public_key = X25519PublicKey.from_public_bytes(epoch.public_key)
        row = SealedRow(
            id=context.id,
            epoch=context.epoch,
            series=context.series,
            audience=context.audience,
            language=context.language,
            box=seal_destination(destination, public_key, context),
        )
        expires_on = epoch.ends_on + SUBSCRIPTION_LIFETIME
        try:
            await repository.put_subscription(self._pool, row, expires_on)
        except asyncpg.ForeignKeyViolationError as error:
            if getattr(error, "constraint_name", None) == "subscription_epoch_fkey":
                self._epoch = None
                raise Unavailable("no-epoch-key", "Keys are being changed; try again.") from None
            raise NotFound("series-not-found", "There is no such series.") from None
        return Subscription(
            series=series,
            language=request.language,
            audience=request.audience,
            expires_on=expires_on,
        )

    async def find(self, token: bytes) -> Subscription:
        """What is known of the token's subscription.

        Raises:
            NotFound: it has none.
        """
        row = await repository.find_subscription(self._pool, self._id(token))
        if row is None:
            raise NotFound
        return Subscription(
            series=row.series,
            language=row.language,
            audience=Audience(row.audience),
            expires_on=row.expires_on,
        )

    async def unsubscribe(self, token: bytes) -> None:
        """Forget the token's subscription, if there is one."""
        await repository.delete_subscription(self._pool, self._id(token))

    async def vapid_key(self) -> str:
        """The public signing key, base64url.

        Raises:
            Unavailable: no worker has made it yet.
        """
        key = await repository.vapid_key(self._pool)
        if key is None:
            raise Unavailable("no-vapid-key", "The signing key is not made yet; try again.")
        return base64url.encode(key)

    def _id(self, token: bytes) -> UUID:
        return row_id(digest(self._token_key, Purpose.SUBSCRIPTION, token))

    def _destination(self, request: SubscriptionRequest) -> Destination:
        keys = request.subscription.keys
        try:
            self._policy.check(request.subscription.endpoint)
            p256dh, auth = parse_keys(keys.p256dh, keys.auth)
        except EndpointError as error:
            raise Unacceptable(error.slug, _ENDPOINT_SENTENCES[error.slug]) from None
        except KeysError as error:
            raise Unacceptable(error.slug, _KEY_SENTENCES[error.slug]) from None
        return Destination(request.subscription.endpoint, p256dh, auth)

    async def _current_epoch(self) -> EpochRow:
        now = self._clock()
        epoch = self._epoch
        if epoch is None or now >= self._epoch_until or now.date() >= epoch.ends_on:
            epoch = await repository.current_epoch(self._pool, now.date())
            if epoch is None:
                raise Unavailable("no-epoch-key", "No key to seal to is made yet; try again.")
            self._epoch, self._epoch_until = epoch, now + EPOCH_KEPT
        return epoch
