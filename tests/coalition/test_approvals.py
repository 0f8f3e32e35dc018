"""Several stand behind an act, or nobody moves: counted in the caller's transaction."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from backend.coalition.rules import Approvals
from backend.coalition.service import CoalitionService
from backend.core.errors import Refused
from backend.settings import Settings
from tests.support.clock import SetClock
from tests.support.pools import PoolAs


@pytest.fixture
async def three(owner: asyncpg.Connection) -> list[UUID]:
    await owner.execute("truncate organiser cascade")
    organisers = [uuid4() for _ in range(3)]
    for each in organisers:
        await owner.execute(
            "insert into organiser values ($1, 'quiet-door-11', 'organiser', null, '2024-08-01Z')",
            each,
        )
    return organisers


class Room:
    """Where organisers decide on one leave-now alert."""

    def __init__(self, pool: asyncpg.Pool, coalition: CoalitionService) -> None:
        self.alert = uuid4()
        self.coalition = coalition
        self._pool = pool

    async def approve(self, organiser: UUID, composer: UUID, needed: int = 2) -> Approvals:
        async with self._pool.acquire() as connection, connection.transaction():
            return await self.coalition.approve(
                connection, self.alert, "leave-now", organiser, composer, needed
            )

    async def look(self, composer: UUID, needed: int = 2, action: str = "leave-now") -> Approvals:
        return await self.coalition.approvals(self._pool, self.alert, action, composer, needed)


@pytest.fixture
async def room(pool_as: PoolAs, settings: Settings, clock: SetClock) -> Room:
    pool = await pool_as("exit10_api")
    return Room(pool, CoalitionService(pool, clock, settings))


async def test_a_second_organiser_releases_what_the_first_composed(
    room: Room, three: list[UUID]
) -> None:
    composer, second, _ = three
    before = await room.look(composer)
    assert (before.given, before.needed, before.organisers) == (1, 2, 3)
    assert not before.granted
    decided = await room.approve(second, composer)
    assert decided.granted
    assert (decided.given, decided.warnings) == (2, [])
    assert await room.look(composer) == decided


async def test_nobody_approves_her_own_act(room: Room, three: list[UUID]) -> None:
    with pytest.raises(Refused) as refusal:
        await room.approve(three[0], three[0])
    assert refusal.value.slug == "own-approval"
    assert (await room.look(three[0])).given == 1


async def test_with_a_threshold_of_one_her_own_second_step_releases_it(
    room: Room, three: list[UUID]
) -> None:
    assert not (await room.look(three[0], needed=1)).granted
    decided = await room.approve(three[0], three[0], needed=1)
    assert decided.granted
    assert decided.warnings == ["threshold-of-one"]


async def test_an_approval_repeated_on_a_choked_network_counts_once(
    room: Room, three: list[UUID]
) -> None:
    for _ in range(3):
        decided = await room.approve(three[1], three[0], needed=3)
        assert (decided.given, decided.granted) == (2, False)
    assert (await room.approve(three[2], three[0], needed=3)).granted


async def test_two_who_approve_at_the_same_moment_are_both_counted(
    room: Room, three: list[UUID]
) -> None:
    decided = await asyncio.gather(
        *(room.approve(each, three[0], needed=3) for each in three[1:] * 5)
    )
    assert max(each.given for each in decided) == 3
    assert any(each.granted for each in decided)


async def test_those_who_left_stand_behind_nothing(
    room: Room, three: list[UUID], owner: asyncpg.Connection
) -> None:
    await room.approve(three[1], three[0], needed=3)
    await owner.execute("update organiser set left_on = '2024-09-01' where id = $1", three[1])
    decided = await room.approve(three[2], three[0], needed=3)
    assert (decided.given, decided.granted, decided.organisers) == (2, False, 2)
    assert decided.warnings == ["too-few-organisers"]
    await owner.execute("update organiser set left_on = '2024-09-01' where id = $1", three[0])
    assert (await room.look(three[0])).given == 1


async def test_with_too_few_organisers_an_approval_is_kept_and_the_composer_told(
    room: Room, three: list[UUID]
) -> None:
    decided = await room.approve(three[1], three[0], needed=5)
    assert (decided.given, decided.granted, decided.organisers) == (2, False, 3)
    assert decided.warnings == ["too-few-organisers"]


async def test_an_approval_of_one_action_is_none_of_another(room: Room, three: list[UUID]) -> None:
    await room.approve(three[1], three[0])
    assert (await room.look(three[0], action="all-clear")).given == 1


async def test_a_changed_draft_has_lost_its_approvals(
    room: Room, three: list[UUID], pool_as: PoolAs
) -> None:
    await room.approve(three[1], three[0])
    await room.coalition.withdraw_approvals(await pool_as("exit10_api"), room.alert)
    decided = await room.look(three[0])
    assert (decided.given, decided.granted) == (1, False)


async def test_an_approval_lives_and_dies_with_the_callers_transaction(
    room: Room, three: list[UUID], pool_as: PoolAs
) -> None:
    pool = await pool_as("exit10_api")
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        decided = await room.coalition.approve(
            connection, room.alert, "leave-now", three[1], three[0], 2
        )
        await transaction.rollback()
    assert decided.granted
    assert not (await room.look(three[0])).granted


async def test_the_coalition_counts_who_is_there(
    room: Room, three: list[UUID], owner: asyncpg.Connection
) -> None:
    assert await room.coalition.active_organisers() == 3
    await owner.execute("update organiser set left_on = '2024-09-01' where id = $1", three[0])
    assert await room.coalition.active_organisers() == 2


def test_thresholds_are_the_operators_setting(room: Room, settings: Settings) -> None:
    assert room.coalition.threshold("leave-now") == settings.approvals["leave-now"] == 2
