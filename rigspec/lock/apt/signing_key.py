"""The key of a repository: a file that anybody may have sent, believed by its fingerprint alone."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["BadKey", "can_read_keys", "keyring_of"]

_GPG = "gpg"


class BadKey(Exception):
    """The file is not that one key; the message says why."""


def can_read_keys() -> bool:
    """Whether this host has the program that reads keys."""
    return shutil.which(_GPG) is not None


@contextmanager
def keyring_of(key: bytes, fingerprint: str) -> Iterator[Path]:
    """A keyring with the one key of a file, whose primary fingerprint must be the given one.

    It is there for as long as the block runs. Raises BadKey.
    """
    with tempfile.TemporaryDirectory() as folder:
        if _gpg(folder, "--import", data=key) is None:
            raise BadKey("it is not an OpenPGP key")
        found = _primary_fingerprints(_gpg(folder, "--with-colons", "--list-keys") or b"")
        if found != [fingerprint]:
            told = ", ".join(found) or "none"
            raise BadKey(f"it holds {told}, and must hold {fingerprint} and nothing else")
        keyring = Path(folder, "keyring.gpg")
        keyring.write_bytes(_gpg(folder, "--export", fingerprint) or b"")
        yield keyring


def _gpg(folder: str, *arguments: str, data: bytes = b"") -> bytes | None:
    """What gpg says, in a home of its own; None where it fails."""
    done = subprocess.run(
        [_GPG, "--homedir", folder, "--batch", "--no-autostart", *arguments],
        input=data,
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def _primary_fingerprints(listed: bytes) -> list[str]:
    """The fingerprint that follows each primary key in gpg's list; those of subkeys are not."""
    found, primary = [], False
    for line in listed.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if fields[0] in ("pub", "sub"):
            primary = fields[0] == "pub"
        elif fields[0] == "fpr" and primary:
            found.append(fields[9])
    return found
