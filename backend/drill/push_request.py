"""What a push service reads in the header of a push message request (RFC 8030 section 5)."""

import re
from typing import NamedTuple

MOST_BODY_BYTES = 4096  # a push service need not take more (RFC 8030 section 7.2)

_TOPIC = re.compile(rb"[A-Za-z0-9_-]{1,32}")  # section 5.4
_URGENCIES = (b"very-low", b"low", b"normal", b"high")  # section 5.3


class Headers(NamedTuple):
    """A header block once read. `refusal` is the status the request earns, or None."""

    length: int
    ttl: int
    topic: bytes | None
    close: bool
    awaits_continue: bool
    refusal: int | None


def read_headers(block: bytes) -> Headers:
    """Read the lines between the request line and the body, separated by CR LF."""
    fields: dict[bytes, bytes] = {}
    for line in block.split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip()
    length, ttl = fields.get(b"content-length", b""), fields.get(b"ttl", b"")
    topic = fields.get(b"topic")
    return Headers(
        length=int(length) if length.isdigit() else 0,
        ttl=int(ttl) if ttl.isdigit() else 0,
        topic=topic,
        close=fields.get(b"connection", b"").lower() == b"close",
        awaits_continue=fields.get(b"expect", b"").lower() == b"100-continue",
        refusal=_refusal(fields, length, ttl, topic),
    )


def _refusal(
    fields: dict[bytes, bytes], length: bytes, ttl: bytes, topic: bytes | None
) -> int | None:
    if not length.isdigit():
        return 411
    if int(length) > MOST_BODY_BYTES:
        return 413
    if not fields.get(b"authorization", b"").lower().startswith(b"vapid "):
        return 401  # the subscription is restricted to a sender's key (RFC 8292 section 4.2)
    well_formed = (
        ttl.isdigit()  # "MUST include the TTL header field" (section 5.2)
        and (topic is None or _TOPIC.fullmatch(topic) is not None)
        and fields.get(b"urgency", b"normal").lower() in _URGENCIES
        and fields.get(b"content-encoding", b"").lower() == b"aes128gcm"
    )
    return None if well_formed else 400
