"""Signatures of indexes: the signed text, and the keys that signed it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "BadKey",
    "BadSignature",
    "can_read_keys",
    "can_verify",
    "create_keyring",
    "read_fingerprint",
    "verify_detached",
    "verify_inline",
]

_GPGV = "gpgv"
_BEGIN, _END = b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----END PGP SIGNATURE-----"
# The status words of gpgv for a signature that proves nothing, and the reason.
_WORTHLESS = {
    "BADSIG": "its signature is wrong: it was changed after it was signed",
    "REVKEYSIG": "it is signed with a key that was revoked",
    "EXPKEYSIG": "it is signed with a key that has expired",
    "EXPSIG": "its signature has expired",
    "NO_PUBKEY": "it is signed with a key that the keyring for it does not have",
}

# OpenPGP's numbers of SHA-256, SHA-384 and SHA-512.
_DIGESTS = ("8", "9", "10")
_WEAK = "its signature is over a checksum that can be forged"
_UNSIGNED = "it is not signed, or not whole"


class BadSignature(Exception):
    """No known key signed the text; the message states the reason."""


def can_verify() -> bool:
    """Return whether this host has the program that checks signatures."""
    return shutil.which(_GPGV) is not None


def verify_inline(
    data: bytes, keyrings: Sequence[Path], keys: frozenset[str]
) -> tuple[bytes, tuple[str, ...]]:
    """Return the signed text, and nothing around it, with the primary keys that signed it.

    A signature counts if its key is in a keyring and its primary fingerprint in ``keys``.
    Raises BadSignature.
    """
    lines = [line.rstrip() for line in data.rstrip().splitlines()]
    # Two messages in one file: what one key signed would vouch for the text of the other.
    if lines[:1] != [_BEGIN] or lines[-1] != _END or lines.count(_BEGIN) + lines.count(_END) != 2:
        raise BadSignature(_UNSIGNED)
    with tempfile.TemporaryDirectory() as folder:
        signed, plain = Path(folder, "signed"), Path(folder, "plain")
        signed.write_bytes(data)
        status = _run_gpgv(keyrings, folder, "--output", str(plain), str(signed))
        text = plain.read_bytes() if plain.exists() else b""
    return text, _signing_keys(status, keys, bool(text))


def verify_detached(
    text: bytes, signature: bytes, keyring: Path, keys: frozenset[str]
) -> tuple[str, ...]:
    """Return the primary keys that signed a text, from its detached signature.

    Raises BadSignature.
    """
    with tempfile.TemporaryDirectory() as folder:
        signed, plain = Path(folder, "signature"), Path(folder, "plain")
        signed.write_bytes(signature)
        plain.write_bytes(text)
        status = _run_gpgv((keyring,), folder, str(signed), str(plain))
    return _signing_keys(status, keys, bool(text))


def _run_gpgv(keyrings: Sequence[Path], folder: str, *arguments: str) -> list[list[str]]:
    """Return the status lines of gpgv on a signature."""
    options = [word for keyring in keyrings for word in ("--keyring", str(keyring))]
    done = subprocess.run(
        [
            *(_GPGV, "--status-fd", "1", "--homedir", folder),
            *options,
            *arguments,
        ],
        capture_output=True,
        check=False,
    )
    status = [line.split() for line in done.stdout.decode("utf-8", "replace").splitlines()]
    return [words[1:] for words in status if words[:1] == ["[GNUPG:]"] and len(words) > 1]


def _signing_keys(status: list[list[str]], keys: frozenset[str], whole: bool) -> tuple[str, ...]:
    if any(words[0] == "BADSIG" for words in status):
        raise BadSignature(_WORTHLESS["BADSIG"])
    found = tuple(dict.fromkeys(_good_keys(status)))
    trusted = tuple(key for key in found if key in keys)
    if trusted and whole:
        return trusted
    if found:
        raise BadSignature(f"it is signed with {found[0]}, which is not a known key")
    reported = {words[0] for words in status}
    if "VALIDSIG" in reported:
        raise BadSignature(_WEAK)
    why = next((why for word, why in _WORTHLESS.items() if word in reported), _UNSIGNED)
    raise BadSignature(why)


def _good_keys(status: list[list[str]]) -> Iterator[str]:
    """Yield primary fingerprints: a VALIDSIG counts only right after the GOODSIG it belongs to.

    gpgv's own option against weak digests would reject old keys, too, for how they sign
    themselves; what is in the keyring is trusted already.
    """
    good = False
    for words in status:
        if words[0] in ("NEWSIG", "ERRSIG", *_WORTHLESS):
            good = False
        elif words[0] == "GOODSIG":
            good = True
        elif words[0] == "VALIDSIG" and good and words[8] in _DIGESTS:
            yield words[-1]


_GPG = "gpg"


class BadKey(Exception):
    """The file is not that one key; the message states the reason."""


def can_read_keys() -> bool:
    """Return whether this host has the program that reads keys."""
    return shutil.which(_GPG) is not None


@contextmanager
def create_keyring(key: bytes, fingerprint: str) -> Iterator[Path]:
    """Yield a keyring with the one key of a file; its primary fingerprint must be the given one.

    The keyring is removed when the block ends. Raises BadKey.
    """
    with tempfile.TemporaryDirectory() as folder:
        if _gpg(folder, "--import", data=key) is None:
            raise BadKey("it is not an OpenPGP key")
        found = _primary_fingerprints(_gpg(folder, "--with-colons", "--list-keys") or b"")
        if found != [fingerprint]:
            fingerprints = ", ".join(found) or "none"
            raise BadKey(f"it contains {fingerprints}, but must contain only {fingerprint}")
        keyring = Path(folder, "keyring.gpg")
        keyring.write_bytes(_gpg(folder, "--export", fingerprint) or b"")
        yield keyring


def read_fingerprint(key: bytes) -> str:
    """Return the primary fingerprint of a file with one key. Raises BadKey."""
    with tempfile.TemporaryDirectory() as folder:
        listed = _gpg(folder, "--with-colons", "--show-keys", data=key)
    found = _primary_fingerprints(listed or b"")
    if len(found) != 1:
        raise BadKey(f"it contains {len(found)} keys, but must contain one")
    return found[0]


def _gpg(folder: str, *arguments: str, data: bytes = b"") -> bytes | None:
    """Return the output of gpg in a temporary home; None where it fails."""
    done = subprocess.run(
        [_GPG, "--homedir", folder, "--batch", "--no-autostart", *arguments],
        input=data,
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


def _primary_fingerprints(listed: bytes) -> list[str]:
    """Yield the fingerprint of each primary key in gpg's list, not those of subkeys."""
    found, primary = [], False
    for line in listed.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if fields[0] in ("pub", "sub"):
            primary = fields[0] == "pub"
        elif fields[0] == "fpr" and primary:
            found.append(fields[9])
    return found
