"""The requirements in uv's report of a conflict.

uv explains a conflict as a proof. The premises of its steps are requirements of packages; its
conclusions are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rigspec.lock.python.conflicts import NOT_ON_INDEX, RequiredPackage

__all__ = ["read_requirements"]

_STEP = re.compile(r"\b(?:and )?because (.*?),? we can conclude that .*?\.(?=\s|$)", re.IGNORECASE)
# A package with its extras, and the ranges of versions after it.
_PACKAGE = r"(?:all versions of )?([A-Za-z0-9][\w.-]*?)(?:\[[\w,.-]*\])?"
_RANGE = r"((?:[<>=!~]=?=?[^\s,<>=!~]+,?)*)"
_ITEM = re.compile(rf"^{_PACKAGE}{_RANGE}$")
_REQUIRES = re.compile(rf"^{_PACKAGE}{_RANGE} depends? on (?:both )?(.*)$")
# Why releases cannot be installed.
_ABSENCES = (
    (rf"there (?:is|are) no versions? of {_PACKAGE}{_RANGE}", "no release matches"),
    (rf"{_PACKAGE}{_RANGE} was not found in the package registry", NOT_ON_INDEX),
    (rf"{_PACKAGE}{_RANGE} was yanked.*", "that release was withdrawn"),
    (
        rf"{_PACKAGE}{_RANGE} has no (?:usable )?wheels\b.*",
        "it has no wheel for this Python and platform",
    ),
    (rf"{_PACKAGE}{_RANGE} (?:requires|depends on) Python *([<>=!~].*)", "it needs Python"),
)

_ONLY = re.compile(rf"only {_PACKAGE}{_RANGE} is available")


class _AvailableReleases(RequiredPackage):
    """The releases that an index has: ``absent`` states why others cannot be installed."""


def read_requirements(report: str, constraints: Sequence[str]) -> tuple[RequiredPackage, ...]:
    """Return the requirements that a report uses as premises, in its order.

    ``constraints`` are those of the request: uv attributes them to the packages that they apply to.
    """
    text = " ".join(report.partition("\nhint:")[0].split())
    found: list[RequiredPackage] = []
    for step in _STEP.finditer(text):
        found += _read_premises(step.group(1))
    known = [_read_constraint(line) for line in constraints]
    return tuple(
        next((each for each in known if each.is_equal_range(required)), required)
        for required in _join_absences(found)
    )


def _read_constraint(line: str) -> RequiredPackage:
    constraint = Requirement(line)
    name = canonicalize_name(constraint.name)
    return RequiredPackage(name, (str(constraint.specifier),), is_constraint=True)


def _read_premises(text: str) -> Iterator[RequiredPackage]:
    """Yield the requirements of a step: `a>=1 depends on b<2 and you require a`."""
    requirer: tuple[str, str] | None = None
    listing = False
    for part in _parts(text):
        absence = _read_absence(part)
        if absence is not None:
            yield absence
            listing = False
        elif part.startswith("you require "):
            requirer, listing = None, True
            yield from _read_item(part.removeprefix("you require "), None)
        elif match := _REQUIRES.match(part):
            requirer, listing = (match.group(1), match.group(2)), True
            yield from _read_item(match.group(3), requirer)
        elif listing and _ITEM.match(part):
            yield from _read_item(part, requirer)
        else:
            listing = False


def _parts(text: str) -> list[str]:
    # A list of available versions has no requirements.
    plain = re.sub(rf"only the following versions of {_PACKAGE} (?:is|are) available:.*", "", text)
    return [part.strip(" ,") for part in plain.split(" and ") if part.strip(" ,")]


def _read_item(text: str, requirer: tuple[str, str] | None) -> Iterator[RequiredPackage]:
    name, versions = requirer or (None, "")
    owner = canonicalize_name(name) if name is not None else None
    words = text.removeprefix("one of: ").split()
    items = [match for word in words if (match := _ITEM.match(word))]
    if not items or len(items) != len(words) or owner == canonicalize_name(items[0].group(1)):
        return
    ranges = tuple(item.group(2).strip(",") for item in items if item.group(2))
    yield RequiredPackage(canonicalize_name(items[0].group(1)), ranges, owner, versions.strip(","))


def _read_absence(part: str) -> RequiredPackage | None:
    """Return a statement that releases of a package cannot be installed, without who needs them."""
    if match := _ONLY.fullmatch(part):
        package, versions = canonicalize_name(match.group(1)), match.group(2).strip(",")
        why = f"the index has only {package} {versions.removeprefix('==')}"
        return _AvailableReleases(package, (versions,), "", absent=why)
    for pattern, why in _ABSENCES:
        if match := re.fullmatch(pattern, part):
            name, versions, *more = match.groups()
            ranges = (versions.strip(","),) if versions else ()
            reason = " ".join([why, *more]).strip()
            return RequiredPackage(canonicalize_name(name), ranges, "", absent=reason)
    return None


def _join_absences(found: Sequence[RequiredPackage]) -> Iterator[RequiredPackage]:
    """Yield the requirements; those that name releases which are absent state why."""
    absent = [each for each in found if each.absent]
    for each in found:
        if not each.absent:
            reasons = (
                a.absent
                for a in absent
                if a.name == each.name
                and a.conflicts_with(each) is isinstance(a, _AvailableReleases)
            )
            yield replace(each, absent=next(reasons, ""))
