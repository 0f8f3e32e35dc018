"""A phone's subscription to alerts, as the browser's Push API gives it (W3C Push API, RFC 8030)."""

from datetime import date
from enum import Enum
from typing import Annotated
from uuid import UUID

import msgspec

from schemas.base import Language, Wire


class Audience(Enum):
    """Whom an alert is for. A subscription belongs to one audience."""

    ATTENDEES = "attendees"
    VOLUNTEERS = "volunteers"


class PushKeys(Wire, frozen=True):
    """Keys of the phone's browser for this subscription (RFC 8291 section 2)."""

    p256dh: Annotated[
        str,
        msgspec.Meta(
            max_length=256,
            description="Uncompressed P-256 point, 65 bytes in base64url",
            examples=[
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
            ],
        ),
    ]
    auth: Annotated[
        str,
        msgspec.Meta(
            max_length=64,
            description="Authentication secret, 16 bytes in base64url",
            examples=["BTBZMqHH6r4Tts7J_aSIgg"],
        ),
    ]


class PushEndpoint(Wire, frozen=True):
    """What `PushSubscription.toJSON()` gives. `expirationTime` is accepted and not kept."""

    endpoint: Annotated[
        str,
        msgspec.Meta(
            max_length=8192,
            description="https address at a known push service, at most 941 bytes",
            examples=["https://fcm.googleapis.com/fcm/send/dpH5lCsTSSM:APA91bHqjZxM0VImWWqDRN7U0a"],
        ),
    ]
    keys: PushKeys
    expiration_time: Annotated[
        float | None, msgspec.Meta(description="As the browser gives it; not kept")
    ] = None


class SubscriptionRequest(Wire, frozen=True):
    """Subscribe a phone to the alerts of one series, under a token made for just that."""

    subscription: PushEndpoint
    series: UUID
    language: Language = "ko"
    audience: Audience = Audience.ATTENDEES


class Subscription(Wire, frozen=True):
    """What is known of a subscription: not where it leads, and not since when."""

    series: UUID
    language: Language
    audience: Audience
    expires_on: Annotated[
        date,
        msgspec.Meta(description="Renew before this day by repeating the request"),
    ]


class VapidKey(Wire, frozen=True):
    """The key that signs every push (RFC 8292), for `applicationServerKey`."""

    public_key: Annotated[
        str,
        msgspec.Meta(
            description="Uncompressed P-256 point, 65 bytes in base64url",
            examples=[
                "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
            ],
        ),
    ]
