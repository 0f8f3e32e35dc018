"""After the fan-out: every phone reads what it was sent and reports what it would show.

Runs beside the rehearsal in processes of its own, over shares of the push service's spool.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import msgspec

from backend.drill.decryption import UndecryptableError
from backend.drill.phones import Keys, Notification, Payload, WrongPayloadError
from backend.drill.spool import Message, Share, Spool
from backend.drill.vapid import WrongSignatureError, check_vapid

_MESSAGES_IN_SHARE = 2_000
_KNOWN_SENDERS = 512


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What each phone should find: from whom, for which alert, and in which words."""

    audience: str
    published_key: bytes
    now: float
    alert: str
    kind: str
    texts: dict[str, tuple[str, str]]
    languages: tuple[str, ...]
    first_phone: int = 0
    """The number at the push service of the crowd's first phone."""

    def language(self, phone: int) -> str:
        """The language in which a phone subscribed."""
        return self.languages[phone % len(self.languages)]


class Findings(msgspec.Struct, kw_only=True):
    """What the phones report. Each count is of messages, except `shown`, which lists phones."""

    messages: int = 0
    undecryptable: int = 0
    wrong_signature: int = 0
    wrong_payload: int = 0
    wrong_language: int = 0
    tags: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter[tuple[str, str]])
    """How many messages carried which payload tag and Topic header."""
    shown: list[int] = msgspec.field(default_factory=list[int])
    """Phones that would show the alert as it was composed."""
    complaints: Counter[str] = msgspec.field(default_factory=Counter[str])
    examples: dict[str, Notification] = msgspec.field(default_factory=dict[str, Notification])
    """One notification in each language, as a phone would show it."""

    @property
    def wrong_tag(self) -> int:
        """Messages whose tag or Topic differs from what most carried."""
        return self.tags.total() - max(self.tags.values(), default=0)

    def add(self, other: "Findings") -> None:
        """Take in what another share of the phones reports."""
        self.messages += other.messages
        self.undecryptable += other.undecryptable
        self.wrong_signature += other.wrong_signature
        self.wrong_payload += other.wrong_payload
        self.wrong_language += other.wrong_language
        self.tags += other.tags
        self.shown += other.shown
        self.complaints += other.complaints
        self.examples = other.examples | self.examples


def process_pool() -> ProcessPoolExecutor:
    """A process for each processor. They leave Ctrl-C to who started them, and end with it."""
    return ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"), _begin_process)


def read_messages(
    spool: Path, keys: Path, expected: Expected, pool: ProcessPoolExecutor
) -> Iterator[Findings]:
    """Let the phones read a spool on all processors; yields findings to be added up."""
    with Spool(spool) as opened:
        shares = list(opened.shares(_MESSAGES_IN_SHARE))
    count = len(shares)
    yield from pool.map(read_share, shares, [keys] * count, [expected] * count)


def read_share(share: Share, keys_path: Path, expected: Expected) -> Findings:
    """Let the phones of one share read their messages."""
    findings, keys = Findings(), _keys(keys_path)
    with Spool(share.path) as spool:
        for message in spool.messages(share):
            _read(message, keys, expected, findings)
    findings.shown = sorted(set(findings.shown))
    return findings


def _read(message: Message, keys: Keys, expected: Expected, findings: Findings) -> None:
    findings.messages += 1
    number = message.phone - expected.first_phone
    authorization, topic = _sender(message.headers)
    complaint = _signature_complaint(
        authorization, expected.audience, expected.published_key, expected.now
    )
    if complaint is not None:
        findings.wrong_signature += 1
        findings.complaints[complaint] += 1
        return
    phone = keys.phone(number)
    try:
        payload = phone.open(message.body)
    except (UndecryptableError, WrongPayloadError) as error:
        findings.undecryptable += isinstance(error, UndecryptableError)
        findings.wrong_payload += isinstance(error, WrongPayloadError)
        findings.complaints[str(error)] += 1
        return
    findings.tags[payload.tag, topic] += 1
    if payload.lang != expected.language(number):
        findings.wrong_language += 1
    elif not _as_composed(payload, expected):
        findings.wrong_payload += 1
        findings.complaints["the words are not those of the alert"] += 1
    else:
        notification = phone.show(payload)
        findings.shown.append(number)
        findings.examples.setdefault(payload.lang, notification)


def _as_composed(payload: Payload, expected: Expected) -> bool:
    words = (payload.title, payload.body)
    return (payload.id, payload.kind) == (expected.alert, expected.kind) and (
        words == expected.texts[payload.lang]
    )


@lru_cache(_KNOWN_SENDERS)
def _sender(headers: bytes) -> tuple[str, str]:
    """The Authorization and Topic fields of a header block."""
    fields = {b"authorization": b"", b"topic": b""}
    for line in headers.split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip()
    return fields[b"authorization"].decode("latin-1"), fields[b"topic"].decode("latin-1")


@lru_cache(_KNOWN_SENDERS)
def _signature_complaint(
    authorization: str, audience: str, published_key: bytes, now: float
) -> str | None:
    """What is wrong with a sender, or None. A sender signs once an hour, so this is kept."""
    try:
        check_vapid(authorization, audience=audience, published_key=published_key, now=now)
    except WrongSignatureError as error:
        return str(error)
    return None


@lru_cache(1)
def _keys(path: Path) -> Keys:
    return Keys(path)


def _begin_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def arrival_times(spool: Path) -> Sequence[float]:
    """Monotonic seconds at which each phone's first message arrived, in order."""
    first: dict[int, float] = {}
    with Spool(spool) as opened:
        for phone, at in opened.arrivals():
            first.setdefault(phone, at)
    return sorted(first.values())
