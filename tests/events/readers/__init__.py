"""Programs that people read calendars with, to see what they would show. None of them is ours.

Two that share nothing with the library that writes our calendars:

- ical.js, in JavaScript: the engine of Thunderbird and of Nextcloud. Its parser, zones and
  expansion are its own.
- vobject, in Python: the library of Radicale and of many desktop tools. Its parser is its own;
  rules are expanded by dateutil, as in our API, and zones are taken from the calendar.

khal reads with icalendar, which is what we write with, so that it would forgive us our own faults.
"""

import fcntl
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import vobject

HERE = Path(__file__).parent


class Shown(msgspec.Struct, frozen=True, rename="camel", order=True):
    """An entry on a page of somebody's calendar. Instants in seconds of Unix time."""

    starts_at: int
    ends_at: int
    uid: str
    cancelled: bool
    title: str
    place: str

    @property
    def start(self) -> datetime:
        """The instant of its start."""
        return datetime.fromtimestamp(self.starts_at, UTC)


def by_ical_js(calendar: bytes, before: datetime) -> list[Shown]:
    """What ical.js shows of a calendar before an instant, by start."""
    _install()
    answer = subprocess.run(
        ["node", HERE / "ical_js.mjs", str(int(before.timestamp()))],
        input=calendar,
        stdout=subprocess.PIPE,
        check=True,
    )
    return sorted(msgspec.json.decode(answer.stdout, type=list[Shown]))


def by_vobject(calendar: bytes, before: datetime) -> list[Shown]:
    """What vobject shows of a calendar before an instant, by start."""
    events: list[Any] = vobject.readOne(calendar.decode()).contents.get("vevent", [])
    exceptions = {
        (each.uid.value, each.recurrence_id.value.timestamp()): each
        for each in events
        if "recurrence-id" in each.contents
    }
    shown: list[Shown] = []
    for master in events:
        if "recurrence-id" in master.contents:
            continue
        duration = master.dtend.value.timestamp() - master.dtstart.value.timestamp()
        for start in _starts(master, before):
            instant = start.timestamp()
            exception = exceptions.get((master.uid.value, instant))
            if exception is None:
                shown.append(_shown(master, instant, instant + duration))
            else:
                own = exception.dtstart.value.timestamp(), exception.dtend.value.timestamp()
                shown.append(_shown(exception, *own))
    return sorted(shown)


READERS = {"ical.js": by_ical_js, "vobject": by_vobject}


@cache
def _install() -> None:
    """Fetch ical.js, once, whichever test process comes first."""
    with (HERE / "package.json").open() as package:
        fcntl.flock(package, fcntl.LOCK_EX)
        if not (HERE / "node_modules").is_dir():
            command = ["npm", "ci", "--silent", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=HERE, check=True)


def _starts(master: Any, before: datetime) -> list[datetime]:
    """The instants that an event repeats at, by its own rule and zone."""
    if "rrule" not in master.contents:
        start: datetime = master.dtstart.value
        return [start] if start < before else []
    starts: list[datetime] = []
    for start in master.getrruleset(addRDate=True):
        if start >= before:
            break
        starts.append(start)
    return starts


def _shown(event: Any, starts_at: float, ends_at: float) -> Shown:
    cancelled: bool = event.status.value == "CANCELLED"
    return Shown(
        starts_at=int(starts_at),
        ends_at=int(ends_at),
        uid=event.uid.value,
        cancelled=cancelled,
        title=event.summary.value,
        place=event.location.value,
    )
