"""The system's own layer: what machine this is, its package sources and its packages."""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

from rigspec.doctor.expectation import Expectation, command, compare, read_text
from rigspec.doctor.model import Item, Status
from rigspec.plan.steps import AptPackages, AptRepository, AptSource, Platform

__all__ = ["packages", "platform_items", "repository", "source"]

_NOT_HELD = "not held"
_HELD = "held"


def platform_items(step: Platform) -> Iterator[Item]:
    """Distribution, release and architecture."""
    expected = f"{step.distribution} {step.release}"
    yield compare(Expectation(step.layer, "os", "release", expected, step.id), _release)
    yield compare(Expectation(step.layer, "arch", "machine", step.arch, step.id), platform.machine)


def packages(step: AptPackages) -> Iterator[Item]:
    """Every package with its version, and the hold of those that must not move."""
    for package in step.packages:
        version = partial(_version, package.name)
        expected = package.version or "installed"
        item = compare(Expectation(step.layer, package.name, "version", expected, step.id), version)
        if package.version is None and item.status is Status.DIFFERS:
            # The lock leaves it open: any version will do.
            item = replace(item, status=Status.OK)
        yield item
        if package.hold:
            promise = Expectation(step.layer, package.name, "hold", _HELD, step.id)
            yield compare(promise, partial(_hold, package.name))


def repository(step: AptRepository) -> Iterator[Item]:
    """The key that signs a repository, and the line that names it."""
    keyring = f"/etc/apt/keyrings/{step.name}.gpg"
    promise = Expectation(step.layer, step.name, "key", step.key_fingerprint, step.id)
    yield compare(promise, lambda: _fingerprints(keyring))
    listed = f"/etc/apt/sources.list.d/{step.name}.list"
    address = " ".join((step.url, step.suite, *step.components))
    promise = Expectation(step.layer, step.name, "source", address, step.id)
    yield compare(promise, lambda: _elsewhere(step.url, listed, address) or _addresses(listed))


def source(step: AptSource) -> Iterator[Item]:
    """The lines of the distribution's own archive."""
    listed = f"/etc/apt/sources.list.d/{step.name}.list"
    expected = "; ".join(_address(entry) for entry in step.entries)
    yield compare(
        Expectation(step.layer, step.name, "source", expected, step.id), lambda: _addresses(listed)
    )


def _version(name: str) -> str | None:
    found = _installed().get(name)
    return None if found is None else found[1]


def _hold(name: str) -> str | None:
    found = _installed().get(name)
    return None if found is None else found[0]


@cache
def _installed() -> dict[str, tuple[str, str]]:
    """Every installed package: whether it is held, and its version."""
    lines = command(("dpkg-query", "-W", "-f", "${Package} ${Status} ${Version}\\n"))
    found = {}
    for line in lines.splitlines():
        name, want, *state, version = line.split(" ")
        if state == ["ok", "installed"]:
            found[name] = (_HELD if want == "hold" else _NOT_HELD, version)
    return found


def _release() -> str | None:
    text = read_text("/etc/os-release")
    if text is None:
        return None
    # VERSION_ID is what a rig names; a distribution that has no releases has none.
    found = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', text, re.MULTILINE))
    return " ".join(found[key] for key in ("ID", "VERSION_ID") if key in found)


def _fingerprints(keyring: str) -> str | None:
    if read_text(keyring) is None:
        return None
    # A home of its own: the asker's keys and trust have no say, and are not touched.
    with tempfile.TemporaryDirectory() as home:
        words = ("gpg", "--homedir", home, "--batch", "--with-colons", "--show-keys", keyring)
        listing = command(words)
    primary = re.findall(r"^pub:.*\n(?:(?!pub:|sub:).*\n)*?fpr:+([0-9A-F]+):", listing, re.M)
    return ", ".join(primary)


def _addresses(listed: str) -> str | None:
    text = read_text(listed)
    if text is None:
        return None
    lines = [line for line in text.splitlines() if line.startswith("deb ")]
    return "; ".join(_address(line) for line in lines)


def _elsewhere(url: str, listed: str, address: str) -> str | None:
    """The address, if the file says that another one has it, and that one does."""
    pattern = rf"# {re.escape(url)} is (?:configured )?in (/\S+?),? with "
    match = re.match(pattern, read_text(listed) or "")
    return address if match and url in (read_text(match[1]) or "") else None


def _address(line: str) -> str:
    """A source without its options: they say how apt reads it, not what stands there."""
    return re.sub(r"^deb (?:\[[^\]]*\] )?", "", line).strip()
