"""The choice of an engine, with the cache of its results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.engines import pip_tools, resolvelib, uv
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import read_pins

__all__ = ["BUILTIN_ENGINE", "ENGINES", "choose_engines", "compile_requirements"]

# It reads any sdist, for any interpreter, and runs nothing of either.
BUILTIN_ENGINE = "resolvelib"
_COMPILERS: Mapping[str, Callable[[ResolveRequest], str]] = {
    "uv": uv.compile_requirements,
    BUILTIN_ENGINE: resolvelib.compile_requirements,
    "pip-tools": pip_tools.compile_requirements,
}
ENGINES = tuple(_COMPILERS)

# Before about this day sdists were the rule, and requirements were not validated. uv runs the
# setup.py of an sdist in a Python of today, where absl-py 0.2 fails, and skips wheels with
# requirements it cannot read: pandas up to 0.24 requires `pytz (>=2011k)`.
_READ_BY_UV = dt.date(2020, 1, 1)


def choose_engines(
    series: tuple[int, int],
    as_of: dt.date | None,
    requested: str | None,
    previous: str | None = None,
) -> tuple[str, ...]:
    """Return the engines to try, in order: the requested one alone, else those that may work.

    Once the ``previous`` lock needed the built-in engine, the next one is made with it, too.
    """
    if requested is not None:
        return (requested,)
    readable = series >= uv.LEAST_PYTHON and not (as_of and as_of < _READ_BY_UV)
    if previous == BUILTIN_ENGINE or not readable:
        return (BUILTIN_ENGINE,)
    return ("uv", BUILTIN_ENGINE)


def compile_requirements(engine: str, request: ResolveRequest, cache: ResolutionCache) -> str:
    """Return hash-pinned requirements in pip-tools' form, sorted by name.

    A result of the last minutes is reused, except for what is to move.

    Raises:
        EngineLimit: The engine cannot read a package.
        LockError: There is no solution, or the index failed.

    """
    found = None if request.moving else _recall(engine, request, cache)
    if found is None:
        found = _COMPILERS[engine](request)
        cache.keep(engine, request, found)
    return found


def _recall(engine: str, request: ResolveRequest, cache: ResolutionCache) -> str | None:
    """Return a cached result, also one without preferences that has all preferred versions."""
    found = cache.recall(engine, request)
    if found is None and request.kept:
        unbiased = cache.recall(engine, replace(request, kept=()))
        if unbiased is not None:
            offered = {pin.name: pin.version for pin in read_pins(unbiased)}
            found = unbiased if request.preferred_versions().items() <= offered.items() else None
    return found
