"""A wrong setting is named at the start, with what would be right, and nothing starts."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from backend.settings import ALERT_KINDS, Settings, SettingsError

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
RIGHT = {
    "EXIT10_DATABASE_URL": "postgresql://rally:hunter2@/exit10?host=/run/postgresql",
    "EXIT10_REDIS_URL": "redis://:hunter2@127.0.0.1/0",
    "EXIT10_TOKEN_KEY": KEY,
}

WRONG = [
    ("EXIT10_DATABASE_URL", ""),
    ("EXIT10_REDIS_URL", "  "),
    ("EXIT10_TOKEN_KEY", ""),
    ("EXIT10_TOKEN_KEY", "c2hvcnQ"),
    ("EXIT10_TOKEN_KEY", "é" * 43),
    ("EXIT10_ORIGIN", "rally.example"),
    ("EXIT10_ORIGIN", "ftp://rally.example"),
    ("EXIT10_ORIGIN", "https://rally.example/app"),
    ("EXIT10_CONTACT", "rally@rally.example"),
    ("EXIT10_BIND", "8010"),
    ("EXIT10_BIND", "127.0.0.1:eighty"),
    ("EXIT10_BIND", "127.0.0.1:65536"),
    ("EXIT10_METRICS_BIND", "nowhere"),
    ("EXIT10_PUSH_HOSTS", "push.example:8443"),
    ("EXIT10_PUSH_HOSTS", "*.push.example"),
    ("EXIT10_REHEARSAL_PUSH_ORIGIN", "http://localhost:9443"),
    ("EXIT10_APPROVALS", "0"),
    ("EXIT10_APPROVALS", "leave-now"),
    ("EXIT10_APPROVALS", "leave-now=0"),
    ("EXIT10_APPROVALS", "leave-now=2,shout=1"),
    ("EXIT10_LOG_LEVEL", "loud"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refusal:
        Settings.from_environment({**RIGHT, name: value})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "invite"])
def test_nothing_starts_with_a_wrong_setting(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backend.cli", command],
        env={**RIGHT, "EXIT10_LOG_LEVEL": "loud", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "EXIT10_LOG_LEVEL must be one of debug, info, warning, error." in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_secrets_do_not_show_themselves() -> None:
    settings = Settings.from_environment(RIGHT)
    shown = f"{settings!r} {settings} {settings.token_key!r} {settings.database_url}"
    assert "hunter2" not in shown
    assert KEY not in shown
    assert "bytes" not in shown
    assert settings.token_key.reveal() == bytes(range(32))


def test_the_token_key_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token.key"
    file.write_text(f"{KEY}\n")
    environment = {**RIGHT, "EXIT10_TOKEN_KEY": "", "EXIT10_TOKEN_KEY_FILE": str(file)}
    assert Settings.from_environment(environment).token_key.reveal() == bytes(range(32))
    with pytest.raises(SettingsError, match="EXIT10_TOKEN_KEY_FILE cannot be read"):
        Settings.from_environment({**environment, "EXIT10_TOKEN_KEY_FILE": str(tmp_path)})


def test_thresholds_are_given_for_all_kinds_or_for_some() -> None:
    def thresholds(text: str) -> dict[str, int]:
        return Settings.from_environment({**RIGHT, "EXIT10_APPROVALS": text}).approvals

    assert thresholds("3") == dict.fromkeys(ALERT_KINDS, 3)
    assert thresholds("information=1, leave-now=4") == {
        **dict.fromkeys(ALERT_KINDS, 2),
        "information": 1,
        "leave-now": 4,
    }


def test_addresses_are_read_with_their_ports() -> None:
    settings = Settings.from_environment(
        {**RIGHT, "EXIT10_BIND": "[::1]:9000", "EXIT10_METRICS_BIND": "127.0.0.1:9001"}
    )
    assert settings.bind == ("::1", 9000)
    assert settings.metrics_bind == ("127.0.0.1", 9001)
    assert Settings.from_environment(RIGHT).metrics_bind is None
