"""The Friday series at Gangnam Station Exit 10, and the rally of June 2018 to rehearse after.

Says what is known and what is assumed. Only the Friday series is ever loaded by itself.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

from backend.core.clock import Clock, system_clock
from backend.core.database import open_pool
from backend.events import repository, rules, writing
from backend.settings import Settings
from schemas.events import SeriesPlan

ScenarioName = Literal["gangnam-friday", "hyehwa-2018"]


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gathering as it was reported.

    `held` is its first start on the wall clock, None when nobody wrote down the day. `known` is
    reported; each of `assumed` names a field of the series and why it has that value.
    """

    id: UUID
    held: datetime | None
    known: dict[str, str]
    assumed: dict[str, str]
    series: dict[str, Any]

    def plan(self, starts_local: datetime | None = None) -> SeriesPlan:
        """The series, begun when it was held, or for a rehearsal at `starts_local`.

        Raises:
            ValueError: the day is unknown and none was given.
        """
        starts = starts_local or self.held
        if starts is None:
            raise ValueError("nobody wrote down the day; a rehearsal sets its own")
        return msgspec.convert({**self.series, "startsLocal": starts}, SeriesPlan)


def scenario(name: ScenarioName) -> Scenario:
    """A gathering that ships with the house."""
    text = Path(__file__).with_name("seed.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Scenario])[name]


FRIDAY = scenario("gangnam-friday").id
"""The id of the Friday series wherever it is loaded, so that links to it hold."""


async def load(settings: Settings, clock: Clock = system_clock) -> bool:
    """Load the Friday series, from its first Friday on, if the database has no series.

    Writes as `exit10_maint`; tells whether it did.
    """
    plan = scenario("gangnam-friday").plan()
    held, now = rules.schedule(FRIDAY, plan), clock()
    pool = await open_pool(settings, "exit10_maint", size=1)
    try:
        async with pool.acquire() as connection, connection.transaction():
            if await repository.has_series(connection):
                return False
            if not await repository.insert_series(connection, FRIDAY, plan, now):
                return False
            await writing.write_first(connection, held, plan.state, now)
            await repository.bump_version(connection)
            return True
    finally:
        await pool.close()
