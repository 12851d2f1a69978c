"""Check the versions and holds of packages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

from rigspec.plan.inspection.expectation import (
    Expectation,
    compare,
    read_text,
    run_command,
)
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.dnf_packages import DnfPackage, DnfPackagesStep

__all__ = ["check"]

_FORM = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n"
_INSTALLED = "installed"
_HELD, _NOT_HELD = "held", "not held"
_HOLDS = "/etc/dnf/plugins/versionlock.list"


def check(step: DnfPackagesStep, _: Inspection) -> Iterator[Finding]:
    """Check the version of each package, the presence of unpinned ones, and each hold."""
    for package in step.packages:
        expected = (package.version or _INSTALLED).removeprefix("0:")
        expectation = Expectation(step.layer, package.name, "version", expected, step.id)
        yield compare(expectation, partial(_find_version, package))
        if package.hold:
            expectation = Expectation(step.layer, package.name, "hold", _HELD, step.id)
            yield compare(expectation, partial(_find_hold, package.name))


def _find_version(package: DnfPackage) -> str | None:
    versions = _list_installed().get(package.name, ())
    if package.version is None:
        return _INSTALLED if versions or _is_provided(package.name) else None
    if not package.is_pinned and any(_has_version(each, package.version) for each in versions):
        return package.version
    return ", ".join(versions) or None


def _has_version(installed: str, version: str) -> bool:
    """Return whether ``EPOCH:VERSION-RELEASE`` is a version, given with or without its release."""
    plain = installed.rpartition(":")[2]
    return version in (plain, plain.rpartition("-")[0])


def _find_hold(name: str) -> str | None:
    """Return whether the plugin of dnf holds the installed version, as `NAME-EPOCH:VERSION.*`."""
    versions = _list_installed().get(name, ())
    if not versions:
        return None
    lines = (read_text(_HOLDS) or "").splitlines()
    entries = {f"{name}-{v if ':' in v else f'0:{v}'}.*" for v in versions}
    return _HELD if entries & set(lines) else _NOT_HELD


def _is_provided(name: str) -> bool:
    command = ("rpm", "-q", "--whatprovides", "--qf", "%{NAME}\\n", name)
    output = run_command(command, fails=True)
    return bool(output) and " " not in output.strip()


@cache
def _list_installed() -> dict[str, tuple[str, ...]]:
    """Return the versions of every installed package, those of an epoch with it."""
    found: dict[str, tuple[str, ...]] = {}
    for line in run_command(("rpm", "-qa", "--qf", _FORM)).splitlines():
        name, _, version = line.partition(" ")
        found[name] = (*found.get(name, ()), version.removeprefix("0:"))
    return found
