"""The choice of an engine, with the cache of its results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.engines import pip_tools, resolvelib, uv
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import pins

__all__ = ["BUILTIN_ENGINE", "ENGINES", "compile_requirements", "engine_for"]

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
# requirements it cannot read: pandas up to 0.24 asks for `pytz (>=2011k)`.
_READ_BY_UV = dt.date(2020, 1, 1)


def engine_for(series: tuple[int, int], as_of: dt.date | None, asked: str | None) -> str:
    """Return the requested engine, else the one that supports the interpreter and the day."""
    known = series >= uv.LEAST_PYTHON and not (as_of and as_of < _READ_BY_UV)
    return asked or ("uv" if known else BUILTIN_ENGINE)


def compile_requirements(engine: str, question: ResolveRequest, answers: ResolutionCache) -> str:
    """Hash-pinned requirements in pip-tools' form, sorted by name. Raises LockError.

    The same question is not asked again within minutes, but for what is to move.
    """
    found = None if question.moving else _recall(engine, question, answers)
    if found is None:
        found = _COMPILERS[engine](question)
        answers.keep(engine, question, found)
    return found


def _recall(engine: str, question: ResolveRequest, answers: ResolutionCache) -> str | None:
    """Return a cached result, also one without preferences that has all preferred versions."""
    found = answers.recall(engine, question)
    if found is None and question.kept:
        unbiased = answers.recall(engine, replace(question, kept=""))
        if unbiased is not None:
            offered = {pin.name: pin.version for pin in pins(unbiased)}
            found = unbiased if question.preferred_versions().items() <= offered.items() else None
    return found
