"""Check certificates: validity, algorithm and key."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from functools import partial

from rigspec.plan.inspection.expectation import (
    Expectation,
    ProbeError,
    compare,
    read_file_attributes,
    read_text,
    run_command,
)
from rigspec.plan.inspection.files import check_attributes, check_private_file
from rigspec.plan.inspection.findings import Finding, Inspection, Status
from rigspec.plan.steps.certificate import CertificateStep

__all__ = ["check"]

_OPENSSL = "/usr/bin/openssl"
_VALID, _MATCHES = "valid", "matches the certificate"


def check(step: CertificateStep, _: Inspection) -> Iterator[Finding]:
    """Check a certificate and its key."""
    certificate_items = check_attributes(
        step.layer, step.certificate, step.id, owner="root:root", mode="0644"
    )
    key_items = check_private_file(step, step.key, step.owner)
    items = [*certificate_items, *key_items]
    yield from items
    missing = {item.name for item in items if item.status is Status.MISSING}
    if step.certificate in missing:
        return
    expectation = Expectation(step.layer, step.certificate, "validity", _VALID, step.id)
    yield compare(expectation, partial(_read_validity, step.certificate))
    expectation = Expectation(step.layer, step.certificate, "algorithm", step.algorithm, step.id)
    yield compare(expectation, partial(_read_algorithm, step.certificate))
    if step.key not in missing:
        expectation = Expectation(step.layer, step.key, "key", _MATCHES, step.id)
        yield compare(expectation, partial(_compare_key, step.certificate, step.key))


def _read_validity(path: str) -> str:
    output = _openssl("x509", "-noout", "-dates", "-in", path)
    dates = dict(re.findall(r"^(\w+)=(.*)$", output or "", re.MULTILINE))
    if not {"notBefore", "notAfter"} <= dates.keys():
        return "not a certificate"
    if ssl.cert_time_to_seconds(dates["notBefore"]) > time.time():
        return f"not valid before {dates['notBefore']}"
    expired = ssl.cert_time_to_seconds(dates["notAfter"]) <= time.time()
    return f"expired on {dates['notAfter']}" if expired else _VALID


def _read_algorithm(path: str) -> str:
    """Return the algorithm as in a spec: ``rsa:2048``, ``ecdsa:p256``."""
    output = _openssl("x509", "-noout", "-text", "-in", path) or ""
    curve = re.search(r"NIST CURVE: (\S+)", output)
    if curve is not None:
        return f"ecdsa:{curve[1].lower().replace('-', '')}"
    kind = re.search(r"Public Key Algorithm: (\S+)", output)
    bits = re.search(r"Public-Key: \((\d+) bit\)", output)
    if kind is None or bits is None:
        return "not a certificate"
    return f"{kind[1].removesuffix('Encryption')}:{bits[1]}"


def _compare_key(path: str, key: str) -> str:
    # Raises ProbeError if the key is not readable: its status is then unknown.
    read_text(key)
    public = _openssl("pkey", "-pubout", "-in", key, "-passin", "pass:")
    if public is None:
        return "not a key"
    same = public == _openssl("x509", "-noout", "-pubkey", "-in", path)
    return _MATCHES if same else "does not match the certificate"


def _openssl(*arguments: str) -> str | None:
    """Return the output of openssl, or None if it cannot parse the file."""
    if read_file_attributes(_OPENSSL, content=False) is None:
        raise ProbeError(f"{_OPENSSL} is not installed")
    try:
        return run_command((_OPENSSL, *arguments))
    except ProbeError:
        return None
