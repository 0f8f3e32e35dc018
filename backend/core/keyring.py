"""The keyring: a folder outside Postgres that only the worker reads.

It holds the private halves of the weekly epoch keys, which are destroyed on schedule, and the key
that signs pushes (RFC 8292). Nothing here is ever logged, copied to the database or sent.
"""

import os
import re
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_EPOCH_FILE = re.compile(r"^epoch-(\d+)\.key$")
_VAPID_FILE = "vapid.pem"


class KeyringError(Exception):
    """The keyring cannot be used. The message says what to do."""


class Keyring:
    """Keys in one folder (0700), a file each (0600). Writing is atomic and never overwrites."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which must exist.

        Raises:
            KeyringError: it is missing, unreadable, or open to other users.
        """
        if not folder.is_dir():
            raise KeyringError(f"EXIT10_KEYRING: there is no folder {folder}; make one, mode 0700.")
        if folder.stat().st_mode & 0o077:
            raise KeyringError(f"EXIT10_KEYRING: others may enter {folder}; run chmod 0700 on it.")
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise KeyringError(f"EXIT10_KEYRING: {folder} cannot be read and written.")
        self._folder = folder
        self._epochs: dict[int, X25519PrivateKey] = {}

    def epochs(self) -> set[int]:
        """The epochs whose private keys still exist."""
        matches = (_EPOCH_FILE.match(path.name) for path in self._folder.iterdir())
        return {int(match[1]) for match in matches if match}

    def epoch_key(self, epoch: int) -> X25519PrivateKey | None:
        """The private key of an epoch, or None when it was destroyed or never made here.

        Raises:
            KeyringError: the file holds something else.
        """
        path = self._epoch_path(epoch)
        if not path.exists():
            self._epochs.pop(epoch, None)
            return None
        if epoch not in self._epochs:
            try:
                self._epochs[epoch] = X25519PrivateKey.from_private_bytes(path.read_bytes())
            except ValueError:
                raise KeyringError(f"EXIT10_KEYRING: {path} is no key of 32 bytes.") from None
        return self._epochs[epoch]

    def make_epoch_key(self, epoch: int) -> X25519PrivateKey:
        """The private key of an epoch, made when there is none. Safe against a second worker."""
        self._write_once(self._epoch_path(epoch), X25519PrivateKey.generate().private_bytes_raw())
        key = self.epoch_key(epoch)
        if key is None:
            raise KeyringError(f"EXIT10_KEYRING: the key of epoch {epoch} vanished at once.")
        return key

    def destroy_epoch_key(self, epoch: int) -> None:
        """Overwrite and remove a private key: what was sealed to its epoch is noise from now on."""
        self._epochs.pop(epoch, None)
        path = self._epoch_path(epoch)
        if path.exists():
            with path.open("r+b") as file:
                file.write(os.urandom(32))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()

    def vapid_key(self) -> ec.EllipticCurvePrivateKey:
        """The P-256 key that signs pushes, made on first use.

        Raises:
            KeyringError: the file holds something else.
        """
        path = self._folder / _VAPID_FILE
        if not path.exists():
            fresh = ec.generate_private_key(ec.SECP256R1())
            self._write_once(
                path,
                fresh.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                ),
            )
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except ValueError:
            raise KeyringError(f"EXIT10_KEYRING: {path} is no private key in PEM.") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise KeyringError(f"EXIT10_KEYRING: {path} must be a P-256 key.")
        return key

    def _epoch_path(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch}.key"

    def _write_once(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all; an existing one stays as it is."""
        draft = path.with_suffix(f".{secrets.token_hex(8)}.draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                return
            self._sync_folder()
        finally:
            draft.unlink(missing_ok=True)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
