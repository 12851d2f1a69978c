"""Check the versions of packages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

from rigspec.plan.inspection.expectation import Expectation, compare, run_command
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.dnf_packages import DnfPackagesStep

__all__ = ["check"]

_FORM = "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n"
_INSTALLED = "installed"


def check(step: DnfPackagesStep, _: Inspection) -> Iterator[Finding]:
    """Check the version of each package that the lock pins, and the presence of the others."""
    for package in step.packages:
        pinned = package.version is not None
        expected = (package.version or "").removeprefix("0:") if pinned else _INSTALLED
        expectation = Expectation(step.layer, package.name, "version", expected, step.id)
        yield compare(expectation, partial(_find_version, package.name, pinned))


def _find_version(name: str, pinned: bool) -> str | None:
    versions = _list_installed().get(name, ())
    if not pinned:
        return _INSTALLED if versions or _is_provided(name) else None
    return ", ".join(versions) or None


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
