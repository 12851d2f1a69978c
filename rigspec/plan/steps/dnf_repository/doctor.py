"""Check the signing key and the declaration of a dnf repository."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from configparser import ConfigParser, Error

from rigspec.plan.inspection.expectation import Expectation, compare, read_text
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.dnf_repository import DnfRepositoryStep

__all__ = ["check"]


def check(step: DnfRepositoryStep, _: Inspection) -> Iterator[Finding]:
    """Check the checksum of the key, if it is locked, and the settings of the repository."""
    if step.key_sha256 is not None:
        expectation = Expectation(step.layer, step.name, "key", step.key_sha256, step.id)
        yield compare(expectation, lambda: _hash_file(step.key_path))
    settings = {
        "baseurl": step.url,
        "enabled": "1",
        "gpgcheck": "1",
        "repo_gpgcheck": str(int(step.signed_index)),
        "gpgkey": f"file://{step.key_path}",
        **({"module_hotfixes": "1"} if step.module_hotfixes else {}),
    }
    expected = "; ".join(f"{name}={value}" for name, value in settings.items())
    expectation = Expectation(step.layer, step.name, "repository", expected, step.id)
    yield compare(expectation, lambda: _read_settings(step, tuple(settings)))


def _hash_file(path: str) -> str | None:
    text = read_text(path)
    return hashlib.sha256(text.encode()).hexdigest() if text is not None else None


def _read_settings(step: DnfRepositoryStep, names: tuple[str, ...]) -> str | None:
    """Return the settings of the repository that are compared, or None without the file."""
    text = read_text(step.path)
    if text is None:
        return None
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
        section = parser[f"rig-{step.name}"]
    except (Error, KeyError):
        return "unreadable"
    return "; ".join(f"{name}={section[name]}" for name in names if name in section)
