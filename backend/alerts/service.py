"""Verbs of subscriptions and alerts as the API offers them. Seals boxes and can open none."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from backend.alerts import repository, rules
from backend.alerts.boxes import BoxContext, Destination, KeysError, parse_keys, seal_destination
from backend.alerts.endpoints import EndpointError, EndpointPolicy
from backend.alerts.repository import AlertRow, EpochRow, SealedRow
from backend.coalition.service import CoalitionService
from backend.core import base64url
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import Conflict, NotFound, Unacceptable, Unavailable
from backend.core.guards import Organiser
from backend.core.languages import pick
from backend.core.live import Live
from backend.core.sql import Executor
from backend.core.tokens import Purpose, digest, row_id
from backend.events.service import EventService
from backend.settings import Settings
from schemas.alerts import (
    Alert,
    AlertKind,
    AlertRequest,
    AlertState,
    AlertText,
    Preview,
    PreviewText,
    Progress,
    PublicAlert,
    PublicAlerts,
)
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
        self._token_key = settings.token_key
        self._events = events
        self._policy = EndpointPolicy(settings.push_hosts, settings.rehearsal_push_origin)
        self._epoch: EpochRow | None = None
        self._epoch_until = clock()

    async def subscribe(self, token: bytes, request: SubscriptionRequest) -> Subscription:
        """Seal where the phone is reached and keep the box. Repeating renews it.

        Raises:
            Unacceptable: endpoint or keys cannot be pushed to.
            NotFound: there is no such series.
            Unavailable: no worker has made a key to seal to yet.
        """
        destination = self._destination(request)
        epoch = await self._current_epoch()
        context = BoxContext(
            id=self._id(token),
            epoch=epoch.id,
            series=request.series,
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
            series=request.series,
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


class AlertService:
    """What organisers do with alerts, and what everybody may read of them."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        settings: Settings,
        events: EventService,
        coalition: CoalitionService,
        live: Live,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._origin = settings.origin
        self._thresholds = settings.approvals
        self._events = events
        self._coalition = coalition
        self._live = live

    async def compose(
        self,
        id: UUID,
        request: AlertRequest,
        organiser: Organiser,
    ) -> tuple[Alert, bool]:
        """Write a draft, or change it while it is one; True when it is new.

        A changed draft has lost its approvals.

        Raises:
            NotFound: there is no such occurrence, or no such alert to replace.
            Conflict: it is no draft any more, or belongs to another organiser.
        """
        draft = await self._draft(id, request, organiser)
        async with self._pool.acquire() as connection, connection.transaction():
            created = await repository.insert_alert(connection, draft)
            if not created:
                await self._redraft(connection, draft)
            return await self._shown(connection, id), created

    async def _draft(self, id: UUID, request: AlertRequest, organiser: Organiser) -> AlertRow:
        occurrence = await self._events.get_occurrence(request.occurrence)
        tag = rules.tag_of(id)
        if request.replaces is not None:
            earlier = await repository.find_alert(self._pool, request.replaces)
            if earlier is None or earlier.occurrence != occurrence.id:
                raise NotFound("replaced-not-found", "There is no such alert to replace.")
            tag = earlier.tag
        return AlertRow(
            id=id,
            series=occurrence.series,
            occurrence=occurrence.id,
            kind=request.kind.value,
            texts=msgspec.to_builtins(request.texts),
            audiences=sorted({audience.value for audience in request.audiences}),
            tag=tag,
            replaces=request.replaces,
            composer=organiser.id,
            state=AlertState.DRAFT.value,
            composed_at=self._clock(),
            approved_at=None,
            expires_at=None,
            sent_at=None,
        )

    async def _redraft(self, connection: Executor, draft: AlertRow) -> None:
        present = await self._locked(connection, draft.id)
        if _same_content(present, draft):
            return
        if present.composer != draft.composer:
            raise Conflict("alert-of-another", "Another organiser composed this alert.")
        if present.state != AlertState.DRAFT.value:
            raise Conflict("alert-not-draft", "Only a draft can be changed.")
        await repository.redraft_alert(connection, draft)
        await self._coalition.withdraw_approvals(connection, draft.id)

    async def find(self, id: UUID) -> Alert:
        """An alert as organisers see it.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.acquire() as connection:
            return await self._shown(connection, id)

    async def preview(self, id: UUID) -> Preview:
        """What phones of each language would get, and about how many there are.

        Raises:
            NotFound: there is no such alert.
        """
        alert = await repository.find_alert(self._pool, id)
        if alert is None:
            raise NotFound
        handling = rules.HANDLING[AlertKind(alert.kind)]
        phones = await repository.count_subscriptions(self._pool, alert.series, alert.audiences)
        return Preview(
            texts={language: self._preview(text) for language, text in _texts(alert).items()},
            time_to_live_seconds=int(handling.time_to_live.total_seconds()),
            urgency=handling.urgency,
            recipients=rules.rounded(phones),
        )

    async def approve(self, id: UUID, organiser: Organiser) -> Alert:
        """Stand behind an alert; with enough organisers behind it, it goes out.

        Raises:
            NotFound: there is no such alert.
            Refused: it is the organiser's own and more than one is needed.
            Conflict: it was cancelled or is over.
            Unacceptable: a text does not fit into a push.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            alert = await self._locked(connection, id)
            if alert.state in (AlertState.CANCELLED.value, AlertState.EXPIRED.value):
                raise Conflict("alert-over", "This alert was cancelled or is over.")
            if alert.state == AlertState.DRAFT.value:
                await self._approve_draft(connection, alert, organiser)
            shown = await self._shown(connection, id)
        await self._live.tell(id)
        await self._live.tell(rules.WORK)
        return shown

    async def _approve_draft(
        self, connection: Executor, alert: AlertRow, organiser: Organiser
    ) -> None:
        for language, text in _texts(alert).items():
            if not self._preview(text).fits:
                raise Unacceptable("text-too-long", f"The text in {language} does not fit.")
        decided = await self._coalition.approve(
            connection,
            subject=alert.id,
            action=_action(alert),
            organiser=organiser.id,
            composer=alert.composer,
            needed=self._thresholds[alert.kind],
        )
        if decided.granted:
            now = self._clock()
            lifetime = rules.HANDLING[AlertKind(alert.kind)].time_to_live
            await repository.approve_alert(connection, alert.id, now, now + lifetime)

    async def cancel(self, id: UUID) -> Alert:
        """Stop an alert. Phones that were reached keep it; no further one is.

        Raises:
            NotFound: there is no such alert.
            Conflict: it has gone out whole.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            alert = await self._locked(connection, id)
            if alert.state != AlertState.CANCELLED.value and not await repository.cancel_alert(
                connection, id
            ):
                raise Conflict("alert-over", "This alert has gone out.")
            shown = await self._shown(connection, id)
        await self._live.tell(id)
        return shown

    async def progress(self, id: UUID) -> Progress:
        """How far an alert has come.

        Raises:
            NotFound: there is no such alert.
        """
        row = await repository.progress(self._pool, id)
        if row is None:
            raise NotFound
        return Progress(
            state=AlertState(row.state),
            planned=row.planned,
            delivered=row.delivered,
            gone=row.gone,
            failed=row.failed,
            waiting=row.planned - row.delivered - row.gone - row.failed,
            first_delivered_at=row.first_delivered_at,
            last_delivered_at=row.last_delivered_at,
        )

    async def public(self, occurrence: UUID, wanted: tuple[str, ...]) -> PublicAlerts:
        """The alerts of an occurrence that went out, for phones without push.

        Raises:
            NotFound: there is no such occurrence.
        """
        await self._events.get_occurrence(occurrence)
        rows = await repository.public_alerts(self._pool, occurrence)
        return PublicAlerts(alerts=[_public(row, wanted) for row in rows])

    async def _locked(self, connection: Executor, id: UUID) -> AlertRow:
        alert = await repository.lock_alert(connection, id)
        if alert is None:
            raise NotFound
        return alert

    async def _shown(self, connection: Executor, id: UUID) -> Alert:
        alert = await repository.find_alert(connection, id)
        if alert is None:
            raise NotFound
        needed = self._thresholds[alert.kind]
        approvals = await self._coalition.approvals(
            connection,
            subject=alert.id,
            action=_action(alert),
            composer=alert.composer,
            needed=needed,
        )
        warnings = ["threshold-of-one"] if needed == 1 else []
        if approvals.organisers < needed:
            warnings.append("too-few-organisers")
        return Alert(
            id=alert.id,
            occurrence=alert.occurrence,
            series=alert.series,
            kind=AlertKind(alert.kind),
            state=AlertState(alert.state),
            texts=_texts(alert),
            audiences=[Audience(audience) for audience in alert.audiences],
            tag=alert.tag,
            replaces=alert.replaces,
            composed_at=alert.composed_at,
            approved_at=alert.approved_at,
            expires_at=alert.expires_at,
            sent_at=alert.sent_at,
            approvals=approvals.shown(),
            warnings=warnings,
        )

    def _preview(self, text: AlertText) -> PreviewText:
        size, limit = rules.text_bytes(text), rules.text_limit(self._origin)
        return PreviewText(
            title=text.title, body=text.body, bytes=size, limit=limit, fits=size <= limit
        )


def _texts(alert: AlertRow) -> dict[str, AlertText]:
    return msgspec.convert(alert.texts, dict[str, AlertText])


def _action(alert: AlertRow) -> str:
    return f"alert:{alert.kind}"


def _same_content(one: AlertRow, other: AlertRow) -> bool:
    return all(
        getattr(one, field) == getattr(other, field)
        for field in ("occurrence", "kind", "texts", "audiences", "replaces", "composer")
    )


def _public(row: repository.PublicAlertRow, wanted: tuple[str, ...]) -> PublicAlert:
    from_texts = msgspec.convert(row.texts, dict[str, AlertText])
    language, text = pick(from_texts, wanted)
    return PublicAlert(
        id=row.id,
        kind=AlertKind(row.kind),
        language=language,
        title=text.title,
        body=text.body,
        sent_at=row.sent_at,
        replaced=row.replaced,
    )
