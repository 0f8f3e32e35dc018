"""The worker's keys: for nobody else's eyes, made once, and really gone when destroyed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backend.core.keyring import Keyring, KeyringError

MAKE_AND_TELL = """
import sys
from pathlib import Path
from backend.core.keyring import Keyring
keyring = Keyring(Path(sys.argv[1]))
sys.stdin.readline()
keys = [keyring.make_epoch_key(epoch).private_bytes_raw().hex() for epoch in range(2850, 2890)]
numbers = keyring.vapid_key().private_numbers()
print(",".join(keys), numbers.private_value)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "keyring"
    path.mkdir(mode=0o700)
    return path


def test_a_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    for mode in (0o755, 0o750, 0o701, 0o777):
        folder.chmod(mode)
        with pytest.raises(KeyringError, match=r"EXIT10_KEYRING: others may enter .* chmod 0700"):
            Keyring(folder)


def test_a_missing_folder_is_named(folder: Path) -> None:
    with pytest.raises(KeyringError, match="EXIT10_KEYRING: there is no folder"):
        Keyring(folder / "elsewhere")


def test_a_key_is_made_once_and_only_its_owner_may_read_it(folder: Path) -> None:
    first = Keyring(folder).make_epoch_key(2853)
    again = Keyring(folder).make_epoch_key(2853)
    assert first.private_bytes_raw() == again.private_bytes_raw()
    Keyring(folder).vapid_key()
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {"epoch-2853.key": 0o600, "vapid.pem": 0o600}


def test_workers_that_make_the_same_keys_at_once_agree(folder: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE_AND_TELL, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert len(set(told)) == 1
    assert Keyring(folder).epochs() == set(range(2850, 2890))
    assert not [path for path in folder.iterdir() if "draft" in path.name]


def test_a_draft_left_by_a_killed_worker_is_in_nobodys_way(folder: Path) -> None:
    # In a container, every worker has the same process id.
    (folder / f"epoch-2853.{os.getpid()}.draft").write_bytes(b"half a key")
    (folder / f"vapid.{os.getpid()}.draft").write_bytes(b"half a key")
    key = Keyring(folder).make_epoch_key(2853)
    Keyring(folder).vapid_key()
    assert len(key.private_bytes_raw()) == 32
    assert Keyring(folder).epochs() == {2853}


def test_a_destroyed_key_is_gone_for_every_worker(folder: Path) -> None:
    ours, theirs = Keyring(folder), Keyring(folder)
    secret = ours.make_epoch_key(2853).private_bytes_raw()
    assert theirs.epoch_key(2853) is not None
    content = os.open(folder / "epoch-2853.key", os.O_RDONLY)
    assert os.read(content, 32) == secret
    ours.destroy_epoch_key(2853)
    assert ours.epoch_key(2853) is None
    assert theirs.epoch_key(2853) is None
    assert ours.epochs() == set()
    assert os.pread(content, 32, 0) != secret
    os.close(content)
    ours.destroy_epoch_key(2853)


def test_a_signing_key_of_another_kind_is_refused(folder: Path) -> None:
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for content, complaint in ((other, "must be a P-256 key"), (b"no key", "no private key")):
        (folder / "vapid.pem").write_bytes(content)
        with pytest.raises(KeyringError, match=complaint):
            Keyring(folder).vapid_key()


def test_a_damaged_epoch_key_is_named(folder: Path) -> None:
    (folder / "epoch-2853.key").write_bytes(b"short")
    with pytest.raises(KeyringError, match="EXIT10_KEYRING"):
        Keyring(folder).epoch_key(2853)
