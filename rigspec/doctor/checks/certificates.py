"""Certificates: in force, as strong as the rig asks, and with the key that belongs to them."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator
from functools import partial

from rigspec.doctor.checks.files import attributes_of, private_file
from rigspec.doctor.expectation import (
    Expectation,
    ProbeError,
    command,
    compare,
    file_attributes,
    read_text,
)
from rigspec.doctor.model import Item, Status
from rigspec.plan.steps import Certificate

__all__ = ["certificate"]

_OPENSSL = "/usr/bin/openssl"
_RUN_OUT = "run out"
_IN_FORCE, _PAIR = "in force", "that of the certificate"


def certificate(step: Certificate) -> Iterator[Item]:
    """A certificate and its key: the key for one to read."""
    of_certificate = attributes_of(
        step.layer, step.certificate, step.id, owner="root:root", mode="0644"
    )
    of_key = private_file(step, step.key, step.owner)
    items = [*of_certificate, *of_key]
    yield from items
    gone = {item.name for item in items if item.status is Status.MISSING}
    if step.certificate in gone:
        return
    promise = Expectation(step.layer, step.certificate, "validity", _IN_FORCE, step.id)
    yield compare(promise, partial(_validity, step.certificate))
    promise = Expectation(step.layer, step.certificate, "algorithm", step.algorithm, step.id)
    yield compare(promise, partial(_algorithm, step.certificate))
    if step.key not in gone:
        promise = Expectation(step.layer, step.key, "key", _PAIR, step.id)
        yield compare(promise, partial(_pair, step.certificate, step.key))


def _validity(path: str) -> str:
    said = _openssl("x509", "-noout", "-dates", "-in", path)
    dates = dict(re.findall(r"^(\w+)=(.*)$", said or "", re.MULTILINE))
    if not {"notBefore", "notAfter"} <= dates.keys():
        return "no certificate"
    if ssl.cert_time_to_seconds(dates["notBefore"]) > time.time():
        return f"in force from {dates['notBefore']}"
    over = ssl.cert_time_to_seconds(dates["notAfter"]) <= time.time()
    return f"{_RUN_OUT} on {dates['notAfter']}" if over else _IN_FORCE


def _algorithm(path: str) -> str:
    """As the rig writes it: ``rsa:2048``, ``ecdsa:p256``."""
    said = _openssl("x509", "-noout", "-text", "-in", path) or ""
    curve = re.search(r"NIST CURVE: (\S+)", said)
    if curve is not None:
        return f"ecdsa:{curve[1].lower().replace('-', '')}"
    kind = re.search(r"Public Key Algorithm: (\S+)", said)
    bits = re.search(r"Public-Key: \((\d+) bit\)", said)
    if kind is None or bits is None:
        return "no certificate"
    return f"{kind[1].removesuffix('Encryption')}:{bits[1]}"


def _pair(path: str, key: str) -> str:
    # What may not be read is not seen, and no fault of the key.
    read_text(key)
    public = _openssl("pkey", "-pubout", "-in", key, "-passin", "pass:")
    if public is None:
        return "no key"
    same = public == _openssl("x509", "-noout", "-pubkey", "-in", path)
    return _PAIR if same else "another"


def _openssl(*arguments: str) -> str | None:
    """None where it makes nothing of the file."""
    if file_attributes(_OPENSSL, content=False) is None:
        raise ProbeError(f"{_OPENSSL} is not there")
    try:
        return command((_OPENSSL, *arguments))
    except ProbeError:
        return None
