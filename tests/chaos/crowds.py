"""What tests of accidents wait for: a crowd that is reached, an alert that is over."""

from uuid import UUID

from backend.alerts.dispatch_service import BATCH_SIZE
from backend.drill.push_control import Counts
from tests.support.processes import until
from tests.support.rally import Rally

DIE_AT = BATCH_SIZE + BATCH_SIZE // 2
"""How many phones are reached when something dies: the second batch is under way."""

PATIENCE_SECONDS = 60.0


async def all_reached(rally: Rally) -> Counts:
    """Wait until every phone of the crowd is reached."""
    return await rally.push.reached(len(rally.phones), PATIENCE_SECONDS)


async def sent(rally: Rally, alert: UUID) -> None:
    """Wait until the system calls an alert sent."""

    async def is_sent() -> bool:
        return bool((await rally.progress(alert))["state"] == "sent")

    await until(is_sent, PATIENCE_SECONDS)
