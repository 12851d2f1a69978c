"""Check the platform, apt sources and packages."""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

from rigspec.doctor.expectation import Expectation, compare, read_text, run_command
from rigspec.doctor.model import Item, Status
from rigspec.plan.steps import AptPackagesStep, AptRepositoryStep, AptSourceStep, PlatformStep

__all__ = ["check_packages", "check_platform", "check_repository", "check_source"]

_NOT_HELD = "not held"
_HELD = "held"


def check_platform(step: PlatformStep) -> Iterator[Item]:
    """Check distribution, release and architecture."""
    expected = f"{step.distribution} {step.release}"
    yield compare(Expectation(step.layer, "os", "release", expected, step.id), _read_release)
    yield compare(Expectation(step.layer, "arch", "machine", step.arch, step.id), platform.machine)


def check_packages(step: AptPackagesStep) -> Iterator[Item]:
    """Check the version of each package, and its hold if it has one."""
    for package in step.packages:
        version = partial(_find_version, package.name)
        expected = package.version or "installed"
        item = compare(Expectation(step.layer, package.name, "version", expected, step.id), version)
        if package.version is None and item.status is Status.DIFFERS:
            # The lock does not pin it: any version is ok.
            item = replace(item, status=Status.OK)
        yield item
        if package.hold:
            expectation = Expectation(step.layer, package.name, "hold", _HELD, step.id)
            yield compare(expectation, partial(_find_hold, package.name))


def check_repository(step: AptRepositoryStep) -> Iterator[Item]:
    """Check the signing key and the source line of a repository."""
    keyring = f"/etc/apt/keyrings/{step.name}.gpg"
    expectation = Expectation(step.layer, step.name, "key", step.key_fingerprint, step.id)
    yield compare(expectation, lambda: _read_fingerprints(keyring))
    list_file = f"/etc/apt/sources.list.d/{step.name}.list"
    address = " ".join((step.url, step.suite, *step.components))
    expectation = Expectation(step.layer, step.name, "source", address, step.id)
    yield compare(
        expectation,
        lambda: _configured_elsewhere(step.url, list_file, address) or _read_addresses(list_file),
    )


def check_source(step: AptSourceStep) -> Iterator[Item]:
    """Check the source lines of the distribution's archive."""
    list_file = f"/etc/apt/sources.list.d/{step.name}.list"
    expected = "; ".join(_strip_options(entry) for entry in step.entries)
    yield compare(
        Expectation(step.layer, step.name, "source", expected, step.id),
        lambda: _read_addresses(list_file),
    )


def _find_version(name: str) -> str | None:
    package = _installed_packages().get(name)
    return None if package is None else package[1]


def _find_hold(name: str) -> str | None:
    package = _installed_packages().get(name)
    return None if package is None else package[0]


@cache
def _installed_packages() -> dict[str, tuple[str, str]]:
    """Return the hold state and version of every installed package."""
    lines = run_command(("dpkg-query", "-W", "-f", "${Package} ${Status} ${Version}\\n"))
    packages = {}
    for line in lines.splitlines():
        name, want, *state, version = line.split(" ")
        if state == ["ok", "installed"]:
            packages[name] = (_HELD if want == "hold" else _NOT_HELD, version)
    return packages


def _read_release() -> str | None:
    text = read_text("/etc/os-release")
    if text is None:
        return None
    # VERSION_ID is the release in a spec; a rolling distribution has none.
    values = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', text, re.MULTILINE))
    return " ".join(values[key] for key in ("ID", "VERSION_ID") if key in values)


def _read_fingerprints(keyring: str) -> str | None:
    if read_text(keyring) is None:
        return None
    # A temporary home directory: the keys and trust of the calling user are not used or changed.
    with tempfile.TemporaryDirectory() as home:
        arguments = ("gpg", "--homedir", home, "--batch", "--with-colons", "--show-keys", keyring)
        listing = run_command(arguments)
    primary = re.findall(r"^pub:.*\n(?:(?!pub:|sub:).*\n)*?fpr:+([0-9A-F]+):", listing, re.M)
    return ", ".join(primary)


def _read_addresses(list_file: str) -> str | None:
    text = read_text(list_file)
    if text is None:
        return None
    lines = [line for line in text.splitlines() if line.startswith("deb ")]
    return "; ".join(_strip_options(line) for line in lines)


def _configured_elsewhere(url: str, list_file: str, address: str) -> str | None:
    """Return the address if another file configures the repository, as the comment states."""
    pattern = rf"# {re.escape(url)} is (?:configured )?in (/\S+?),? with "
    match = re.match(pattern, read_text(list_file) or "")
    return address if match and url in (read_text(match[1]) or "") else None


def _strip_options(line: str) -> str:
    """Return a source line without its options."""
    return re.sub(r"^deb (?:\[[^\]]*\] )?", "", line).strip()
