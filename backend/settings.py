"""Settings of a process, read once from the environment. Secrets never appear in a repr.

Each wrong setting is reported by the name of its variable and what would be right.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

ALERT_KINDS: tuple[str, ...] = (
    "information",
    "change",
    "cancellation",
    "reminder",
    "safety-warning",
    "leave-now",
    "all-clear",
)
DEFAULT_APPROVALS = 2
GEOCODERS = ("nominatim", "photon")
_LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(Exception):
    """A setting cannot be used. The message names the variable and says what is right."""


class Secret:
    """Bytes that do not show themselves when printed, logged or compared by eye."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The bytes themselves, for the one call that needs them."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What one process needs to know. Addresses of databases may hold passwords, hence `Secret`."""

    database_url: Secret
    redis_url: Secret
    token_key: Secret
    keyring: Path | None = None
    origin: str = "http://localhost:8010"
    contact: str = "https://exit10.example"
    bind: tuple[str, int] = ("127.0.0.1", 8010)
    metrics_bind: tuple[str, int] | None = None
    push_hosts: tuple[str, ...] = ()
    rehearsal_push_origin: str | None = None
    rehearsal_push_ca: Path | None = None
    approvals: dict[str, int] = msgspec.field(
        default_factory=lambda: dict.fromkeys(ALERT_KINDS, DEFAULT_APPROVALS)
    )
    log_level: str = "info"
    geocoder: str | None = None
    geocoder_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the `EXIT10_*` variables.

        Raises:
            SettingsError: a variable is missing or cannot be used; the message names it.
        """
        read = _Reader(environment)
        return cls(
            database_url=Secret(read.required("EXIT10_DATABASE_URL").encode()),
            redis_url=Secret(read.required("EXIT10_REDIS_URL").encode()),
            token_key=read.token_key(),
            keyring=read.path("EXIT10_KEYRING"),
            origin=read.origin("EXIT10_ORIGIN") or "http://localhost:8010",
            contact=read.contact(),
            bind=read.address("EXIT10_BIND") or ("127.0.0.1", 8010),
            metrics_bind=read.address("EXIT10_METRICS_BIND"),
            push_hosts=read.hosts("EXIT10_PUSH_HOSTS"),
            rehearsal_push_origin=read.rehearsal_origin(),
            rehearsal_push_ca=read.path("EXIT10_REHEARSAL_PUSH_CA"),
            approvals=read.approvals(),
            log_level=read.log_level(),
            geocoder=read.geocoder(),
            geocoder_url=read.geocoder_url(),
        )


class _Reader:
    """Parses single variables; each method names its variable when it refuses."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def optional(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def required(self, name: str) -> str:
        value = self.optional(name)
        if value is None:
            raise SettingsError(f"{name} is not set. `exit10 up` sets it for one machine.")
        return value

    def path(self, name: str) -> Path | None:
        value = self.optional(name)
        return Path(value).expanduser() if value else None

    def origin(self, name: str) -> str | None:
        value = self.optional(name)
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise SettingsError(f"{name} must be an origin such as https://rally.example.")
        return f"{parts.scheme}://{parts.netloc}"

    def rehearsal_origin(self) -> str | None:
        origin = self.origin("EXIT10_REHEARSAL_PUSH_ORIGIN")
        if origin is not None and not origin.startswith("https://"):
            raise SettingsError("EXIT10_REHEARSAL_PUSH_ORIGIN must start with https://.")
        return origin

    def contact(self) -> str:
        value = self.optional("EXIT10_CONTACT") or "https://exit10.example"
        if not value.startswith(("mailto:", "https://")):
            raise SettingsError("EXIT10_CONTACT must start with mailto: or https:// (RFC 8292).")
        return value

    def address(self, name: str) -> tuple[str, int] | None:
        value = self.optional(name)
        if value is None:
            return None
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004
            raise SettingsError(f"{name} must look like 127.0.0.1:8010.")
        return host.strip("[]"), int(port)

    def hosts(self, name: str) -> tuple[str, ...]:
        hosts = tuple(
            part.strip().lower() for part in (self.optional(name) or "").split(",") if part.strip()
        )
        for host in hosts:
            if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host):
                raise SettingsError(f"{name} must be exact host names with commas between them.")
        return hosts

    def token_key(self) -> Secret:
        text = self.optional("EXIT10_TOKEN_KEY")
        file = self.path("EXIT10_TOKEN_KEY_FILE")
        if text is None and file is not None:
            try:
                text = file.read_text("ascii").strip()
            except (OSError, UnicodeDecodeError):
                raise SettingsError("EXIT10_TOKEN_KEY_FILE cannot be read.") from None
        if text is None:
            raise SettingsError("EXIT10_TOKEN_KEY or EXIT10_TOKEN_KEY_FILE is not set.")
        try:
            key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:  # noqa: PLR2004
            raise SettingsError("EXIT10_TOKEN_KEY must be 32 bytes in base64url.")
        return Secret(key)

    def approvals(self) -> dict[str, int]:
        thresholds = dict.fromkeys(ALERT_KINDS, DEFAULT_APPROVALS)
        text = self.optional("EXIT10_APPROVALS")
        if text is None:
            return thresholds
        if text.isdigit() and int(text) >= 1:
            return dict.fromkeys(ALERT_KINDS, int(text))
        for part in text.split(","):
            kind, _, number = part.strip().partition("=")
            if kind not in ALERT_KINDS or not number.isdigit() or int(number) < 1:
                raise SettingsError(
                    "EXIT10_APPROVALS must be a number, or pairs such as information=1,leave-now=2;"
                    f" kinds are {', '.join(ALERT_KINDS)}."
                )
            thresholds[kind] = int(number)
        return thresholds

    def log_level(self) -> str:
        value = (self.optional("EXIT10_LOG_LEVEL") or "info").lower()
        if value not in _LOG_LEVELS:
            raise SettingsError(f"EXIT10_LOG_LEVEL must be one of {', '.join(_LOG_LEVELS)}.")
        return value

    def geocoder(self) -> str | None:
        value = self.optional("EXIT10_GEOCODER")
        if value is not None and value not in GEOCODERS:
            raise SettingsError(f"EXIT10_GEOCODER must be one of {', '.join(GEOCODERS)}, or unset.")
        return value

    def geocoder_url(self) -> str | None:
        value = self.optional("EXIT10_GEOCODER_URL")
        if self.optional("EXIT10_GEOCODER") is None:
            return None
        parts = urlsplit(value or "")
        here = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if (
            not parts.hostname
            or not (parts.scheme == "https" or (parts.scheme == "http" and here))
            or parts.username is not None
            or parts.query
            or parts.fragment
        ):
            raise SettingsError(
                "EXIT10_GEOCODER_URL must be the https address of the geocoder that "
                "EXIT10_GEOCODER names; http only on this machine."
            )
        return value
