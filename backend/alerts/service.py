"""Verbs of alerts as the API offers them: compose, preview, approve, cancel, tell."""

from uuid import UUID

import msgspec

from backend.alerts import repository, rules
from backend.alerts.repository import AlertRow
from backend.coalition.service import CoalitionService
from backend.core.clock import Clock
from backend.core.database import Pool
from backend.core.errors import Conflict, NotFound, Unacceptable
from backend.core.guards import Organiser
from backend.core.languages import pick
from backend.core.live import WORK, Live
from backend.core.sql import Executor
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
from schemas.push import Audience


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
            series=occurrence.root,
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

    async def hanging(
        self, connection: Executor, series: UUID, occurrences: list[UUID]
    ) -> tuple[int, int]:
        """Phones that follow a line of series, rounded, and alerts about some of its occurrences
        that have not gone out.
        """
        everybody = [audience.value for audience in Audience]
        phones = await repository.count_subscriptions(connection, series, everybody)
        return rules.rounded(phones), await repository.count_unsent(connection, occurrences)

    async def announce(
        self,
        connection: Executor,
        id: UUID,
        *,
        series: UUID,
        occurrence: UUID,
        kind: AlertKind,
        texts: dict[str, AlertText],
        composer: UUID,
        standing: int,
    ) -> None:
        """Write the alert that tells people of a change, within the change's transaction.

        It is a draft, unless as many organisers agreed to the change as its kind needs.

        Args:
            standing: organisers who agreed to the change itself, the composer included.
        """
        now = self._clock()
        draft = AlertRow(
            id=id,
            series=series,
            occurrence=occurrence,
            kind=kind.value,
            texts=msgspec.to_builtins(texts),
            audiences=[audience.value for audience in Audience],
            tag=rules.tag_of(id),
            replaces=None,
            composer=composer,
            state=AlertState.DRAFT.value,
            composed_at=now,
            approved_at=None,
            expires_at=None,
            sent_at=None,
        )
        await repository.insert_alert(connection, draft)
        fits = all(self._preview(text).fits for text in texts.values())
        if fits and standing >= self._thresholds[kind.value]:
            lifetime = rules.HANDLING[kind].time_to_live
            await repository.approve_alert(connection, id, now, now + lifetime)

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
        await self._live.tell(WORK)
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
