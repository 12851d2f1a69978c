"""Check the signing key and the source line of a repository."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator

from rigspec.plan.inspection.expectation import Expectation, compare, read_text, run_command
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.apt_repository import AptRepositoryStep
from rigspec.plan.steps.apt_source.doctor import read_addresses

__all__ = ["check"]


def check(step: AptRepositoryStep, _: Inspection) -> Iterator[Finding]:
    """Check the signing key and the source line of a repository."""
    keyring = f"/etc/apt/keyrings/{step.name}.gpg"
    expectation = Expectation(step.layer, step.name, "key", step.key_fingerprint, step.id)
    yield compare(expectation, lambda: _read_fingerprints(keyring))
    list_file = f"/etc/apt/sources.list.d/{step.name}.list"
    address = " ".join((step.url, step.suite, *step.components))
    expectation = Expectation(step.layer, step.name, "source", address, step.id)
    yield compare(
        expectation,
        lambda: _configured_elsewhere(step.url, list_file, address) or read_addresses(list_file),
    )


def _read_fingerprints(keyring: str) -> str | None:
    if read_text(keyring) is None:
        return None
    # A temporary home directory: the keys and trust of the calling user are not used or changed.
    with tempfile.TemporaryDirectory() as home:
        arguments = ("gpg", "--homedir", home, "--batch", "--with-colons", "--show-keys", keyring)
        listing = run_command(arguments)
    primary = re.findall(r"^pub:.*\n(?:(?!pub:|sub:).*\n)*?fpr:+([0-9A-F]+):", listing, re.M)
    return ", ".join(primary)


def _configured_elsewhere(url: str, list_file: str, address: str) -> str | None:
    """Return the address if another file configures the repository, as the comment states."""
    pattern = rf"# {re.escape(url)} is (?:configured )?in (/\S+?),? with "
    match = re.match(pattern, read_text(list_file) or "")
    return address if match and url in (read_text(match[1]) or "") else None
