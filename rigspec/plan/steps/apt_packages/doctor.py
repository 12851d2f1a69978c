"""Check the versions and holds of packages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

from rigspec.plan.inspection.expectation import Expectation, compare, run_command
from rigspec.plan.inspection.findings import Finding, Inspection, Status
from rigspec.plan.steps.apt_packages import AptPackagesStep

__all__ = ["check"]

_NOT_HELD = "not held"
_HELD = "held"


def check(step: AptPackagesStep, _: Inspection) -> Iterator[Finding]:
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
