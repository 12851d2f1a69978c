"""A Python of the time of the frameworks, where the spec leaves it open.

No metadata bounds the Python of an old release without compiled code above: Chainer 4.0 of 2018
would be resolved with the Python of today, which its code does not run on.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from rigspec.matrix.model import Product
from rigspec.matrix.uploads import load_uploads
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import Candidate, Requirement
from rigspec.resolve.solver.sat import Solution
from rigspec.resolve.solver.search import find_newest
from rigspec.version_specifiers import strip_local_version

__all__ = ["find_preferred"]

_PYTHON, _INTERPRETER = "/python", "/interpreter"
# It is taken as it is, wherever it fits.
_SYSTEM = "system"


def find_preferred(
    builder: ProblemBuilder,
    requirements: tuple[Requirement, ...],
    preferred: Mapping[str, Candidate] | None = None,
) -> Solution | None:
    """Return the solution of `find_newest`, with Pythons that existed with the frameworks.

    Without a Python in the spec or in ``preferred``, that is the newest series that was released
    before the newest framework of the environment, else the next one after it.
    """
    solution = find_newest(builder, requirements, preferred)
    if solution is None:
        return None
    fixed = {requirement.component for requirement in requirements} | set(preferred or ())
    keys_of = _group_keys(solution)
    for key in sorted(key for key in solution if key.endswith(_PYTHON) and key not in fixed):
        env = key.removesuffix(_PYTHON)
        if solution[env + _INTERPRETER].version == _SYSTEM:
            continue
        day = _get_newest_upload(builder, keys_of[env], solution)
        if day is not None and _get_first_release(builder, solution[key]) > day:
            kept = [each for each in keys_of[env] if _is_kept(builder, each)]
            solution = _replace_python(builder, requirements, preferred, solution, key, day, kept)
            chosen = Requirement(key, (solution[key].exactly,), None, "", editable=False)
            requirements = (*requirements, chosen)
    return solution


def _replace_python(
    builder: ProblemBuilder,
    requirements: tuple[Requirement, ...],
    preferred: Mapping[str, Candidate] | None,
    solution: Solution,
    key: str,
    day: dt.date,
    kept: Iterable[str],
) -> Solution:
    """Return the solution with a Python of this day that leaves the ``kept`` components."""
    for candidate in _sort_by_day(builder, key, day):
        chosen = Requirement(key, (candidate.exactly,), None, "", editable=False)
        found = find_newest(builder, (*requirements, chosen), preferred)
        if found is not None and all(found.get(each) == solution[each] for each in kept):
            return found
    return solution


def _is_kept(builder: ProblemBuilder, key: str) -> bool:
    product = builder.find_product(key.rpartition("/")[2])
    is_framework = product is not None and product.kind == "framework"
    return is_framework or key.endswith(_INTERPRETER)


def _sort_by_day(builder: ProblemBuilder, key: str, day: dt.date) -> Iterator[Candidate]:
    """Yield the Pythons of before the day, newest first, then the others, oldest first."""
    candidates = builder.universes[key].candidates
    later = [c for c in candidates if _get_first_release(builder, c) > day]
    yield from (c for c in candidates if c not in later)
    yield from reversed(later)


def _get_first_release(builder: ProblemBuilder, python: Candidate) -> dt.date:
    product = builder.find_product("python")
    releases = product.releases if product is not None else ()
    # That of an installer is a series or an older patch release than the table's.
    series = ".".join(python.version.split(".")[:2])
    named = (r.get("first_released") for r in releases if r.get("series") == series)
    return dt.date.fromisoformat(next(named, None) or "0001-01-01")


def _group_keys(solution: Solution) -> Mapping[str, list[str]]:
    """Return the keys of the components of each environment."""
    found = defaultdict(list)
    for key in solution:
        found[key.rpartition("/")[0]].append(key)
    return found


def _get_newest_upload(
    builder: ProblemBuilder, keys: Iterable[str], solution: Solution
) -> dt.date | None:
    """Return the day of the newest framework of an environment; None where none has a known one."""
    days: list[dt.date] = []
    for key in keys:
        name, chosen = key.rpartition("/")[2], solution[key]
        product = builder.find_product(name)
        if product is not None and product.kind == "framework":
            release = (chosen.family or name, strip_local_version(chosen.version))
            days += _list_upload_days(product).get(release, ())
    return max(days, default=None)


def _list_upload_days(product: Product) -> Mapping[tuple[str, str], list[dt.date]]:
    """Return the days on which each release of each package of a product was uploaded."""
    known = product.cache.get("upload_days")
    if isinstance(known, dict):
        return known
    found: dict[tuple[str, str], list[dt.date]] = {}
    for upload in load_uploads(product.name):
        found.setdefault((upload.package, upload.version), []).append(upload.day)
    product.cache["upload_days"] = found
    return found
