"""The gatherings that can be rehearsed, as data. Every text says that it is a rehearsal."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from schemas.alerts import AlertKind, AlertText
from schemas.events import GatheringText, Kind, SeriesPlan

_NOTICE = timedelta(hours=3)
"""A rehearsal's gathering starts no sooner, so that its alert does not expire under way."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A gathering, its crowd, and the alert that has to reach them."""

    name: str
    about: str
    phones: int
    languages: tuple[str, ...]
    """Languages of the phones, which take turns."""
    kind: Kind
    place: str
    time_zone: str
    weekday: int
    """0 is Monday, as in `datetime.weekday`."""
    starts: time
    duration_minutes: int
    rrule: str | None
    texts: dict[str, GatheringText]
    alert_kind: AlertKind
    alert_texts: dict[str, AlertText]

    def plan(self, now: datetime, *, over: bool = False) -> SeriesPlan:
        """The series to schedule at `now`, or to leave behind when the rehearsal is over.

        It has no reminders, which would reach the phones besides the alert.
        """
        return SeriesPlan(
            kind=self.kind,
            texts=self.texts,
            place=self.place,
            time_zone=self.time_zone,
            starts_local=self.first_start(now),
            duration_minutes=self.duration_minutes,
            rrule=self.rrule,
            reminder_minutes=[],
            state="ended" if over else "published",
        )

    def first_start(self, now: datetime) -> datetime:
        """The next start by the clock on the wall at the place, without offset."""
        zone = ZoneInfo(self.time_zone)
        earliest = (now + _NOTICE).astimezone(zone)
        day = earliest.date() + timedelta(days=(self.weekday - earliest.weekday()) % 7)
        if datetime.combine(day, self.starts, zone) < earliest:
            day += timedelta(days=7)
        return datetime.combine(day, self.starts)


GANGNAM_FRIDAY = Scenario(
    name="gangnam-friday",
    about="Friday 19:00 at Gangnam Station Exit 10, every week since 30 August 2024",
    phones=22_000,
    languages=("ko",) * 9 + ("en",),
    kind="rally",
    place="gangnam-station-exit-10",
    time_zone="Asia/Seoul",
    weekday=4,
    starts=time(19, 0),
    duration_minutes=120,
    rrule="FREQ=WEEKLY;BYDAY=FR",
    texts={
        "ko": GatheringText(
            title="[연습] 강남역 10번 출구 금요 말하기",
            summary="딥페이크 성범죄에 대해 함께 말하고 듣는 자리입니다. 이 일정은 연습입니다.",
            meeting_point="강남역 10번 출구 앞",
        ),
        "en": GatheringText(
            title="[Rehearsal] Friday speak-out at Gangnam Station Exit 10",
            summary="We speak and listen about deepfake sex crimes. This entry is a rehearsal.",
            meeting_point="In front of Exit 10, Gangnam Station",
        ),
    },
    alert_kind=AlertKind.CHANGE,
    alert_texts={
        "ko": AlertText(
            title="[연습] 모이는 곳이 바뀌었습니다",
            body="10번 출구 앞이 붐빕니다. 11번 출구 앞에서 만나요. 서두르지 않아도 됩니다.",
        ),
        "en": AlertText(
            title="[Rehearsal] We meet somewhere else",
            body="It is crowded at Exit 10. Meet in front of Exit 11. There is no hurry.",
        ),
    },
)

HYEHWA_2018 = Scenario(
    name="hyehwa-2018",
    about="a Saturday afternoon at Hyehwa Station, as in June 2018, when 22,000 came",
    phones=22_000,
    languages=("ko",) * 19 + ("en",),
    kind="rally",
    place="hyehwa-station",
    time_zone="Asia/Seoul",
    weekday=5,
    starts=time(15, 0),
    duration_minutes=240,
    rrule=None,
    texts={
        "ko": GatheringText(
            title="[연습] 혜화역 집회",
            summary="나의 일상은 너의 포르노가 아니다. 이 일정은 연습입니다.",
            meeting_point="혜화역 앞",
            bring="얼굴을 가릴 것",
        ),
        "en": GatheringText(
            title="[Rehearsal] Rally at Hyehwa Station",
            summary="My life is not your porn. This entry is a rehearsal.",
            meeting_point="In front of Hyehwa Station",
            bring="Something to cover your face",
        ),
    },
    alert_kind=AlertKind.SAFETY_WARNING,
    alert_texts={
        "ko": AlertText(
            title="[연습] 불법 촬영에 주의하세요",
            body="뒤쪽에서 몰래 찍는 사람이 있습니다. 얼굴을 가리고 진행 요원에게 알려 주세요.",
        ),
        "en": AlertText(
            title="[Rehearsal] Somebody is filming in secret",
            body="At the back of the crowd. Cover your face, and tell the marshal nearest to you.",
        ),
    },
)

SCENARIOS = {scenario.name: scenario for scenario in (GANGNAM_FRIDAY, HYEHWA_2018)}
