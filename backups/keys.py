"""The secret keys in a backup, encrypted with a passphrase if there is one."""

import base64
import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.conf import settings
from django.core.management import CommandError

# The keys, by the names of their settings; files of these names in VAR_DIR have those that Lobby has made.
KEYS = {"SECRET_KEY": "secret_key", "PAYMENT_KEY": "payment_key"}

# Costs of the key's derivation: RFC 7914, with the memory of 64 MiB.
COST = {"n": 2**16, "r": 8, "p": 1}


def read_passphrase(path: Path | None) -> str:
    """Return the first line of a file, or an empty string without one. Raise `CommandError`."""
    if path is None:
        return ""
    try:
        passphrase = path.read_text().partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from None
    if not passphrase:
        raise CommandError(f"{path}: its first line is empty")
    return passphrase


def write(path: Path, passphrase: str) -> None:
    """Write the keys to a file that only its owner can read."""
    text = json.dumps({name: getattr(settings, name) for name in KEYS})
    if passphrase:
        salt = secrets.token_bytes(16)
        token = Fernet(_derive(passphrase, salt)).encrypt(text.encode()).decode()
        text = json.dumps({"salt": salt.hex(), "encrypted": token})
    path.touch(mode=0o600)
    path.write_text(text)


def read(path: Path, passphrase: str) -> dict[str, str]:
    """Return the keys by their names. Raise `CommandError`, also for a wrong passphrase."""
    found: dict[str, str] = json.loads(path.read_text())
    if "encrypted" not in found:
        return found
    if not passphrase:
        raise CommandError("the keys are encrypted: name a file with the passphrase by --passphrase-file")
    try:
        text = Fernet(_derive(passphrase, bytes.fromhex(found["salt"]))).decrypt(found["encrypted"])
    except InvalidToken:
        raise CommandError("this is not the passphrase of the backup") from None
    found = json.loads(text)
    return found


def _derive(passphrase: str, salt: bytes) -> bytes:
    return base64.urlsafe_b64encode(Scrypt(salt=salt, length=32, **COST).derive(passphrase.encode()))


def restore(found: dict[str, str]) -> list[str]:
    """Store the keys of a backup in VAR_DIR. Return what remains to be done, a line for each key."""
    told = []
    for name, key in found.items():
        path = Path(settings.VAR_DIR, KEYS[name])
        if key == getattr(settings, name):
            continue
        if os.environ.get(name):
            told.append(
                f"{name}: set it to that of the backup, and restart Lobby; until then people are signed out"
            )
            continue
        fresh = path.with_suffix(".restored")
        fresh.touch(mode=0o600)
        fresh.write_text(key)
        fresh.rename(path)
        told.append(f"{name}: restored; restart Lobby, so that all processes use it")
    return told
