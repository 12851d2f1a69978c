"""Which engine answers a question, and what was answered lately."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

from rigspec.lock import old_python, pip_tools, uv_engine
from rigspec.lock.answers import Answers
from rigspec.lock.question import Question
from rigspec.lock.requirements import pins

__all__ = ["ENGINES", "ENGINE_OF_OURS", "compile_requirements", "engine_for"]

# It reads any sdist, for any interpreter, and runs nothing of either.
ENGINE_OF_OURS = "resolvelib"
_COMPILERS: Mapping[str, Callable[[Question], str]] = {
    "uv": uv_engine.compile_requirements,
    ENGINE_OF_OURS: old_python.compile_requirements,
    "pip-tools": pip_tools.compile_requirements,
}
ENGINES = tuple(_COMPILERS)

# Before about this day sdists were the rule, and requirements what nobody had checked. uv runs the
# setup.py of an sdist in a Python of today, where absl-py 0.2 fails, and passes over wheels whose
# requirements it cannot read: pandas up to 0.24 asks for `pytz (>=2011k)`.
_READ_BY_UV = dt.date(2020, 1, 1)


def engine_for(series: tuple[int, int], as_of: dt.date | None, asked: str | None) -> str:
    """The engine that was asked for, else the one that knows the interpreter and the day."""
    known = series >= uv_engine.LEAST_PYTHON and not (as_of and as_of < _READ_BY_UV)
    return asked or ("uv" if known else ENGINE_OF_OURS)


def compile_requirements(engine: str, question: Question, answers: Answers) -> str:
    """Hash-pinned requirements in pip-tools' form, sorted by name. Raises LockFailure.

    The same question is not asked again within minutes, but for what is to move.
    """
    found = None if question.moving else _recalled(engine, question, answers)
    if found is None:
        found = _COMPILERS[engine](question)
        answers.keep(engine, question, found)
    return found


def _recalled(engine: str, question: Question, answers: Answers) -> str | None:
    """A lock that was just made asks for what it holds: an answer that has it all is the answer."""
    found = answers.recall(engine, question)
    if found is None and question.kept:
        anew = answers.recall(engine, replace(question, kept=""))
        if anew is not None:
            offered = {pin.name: pin.version for pin in pins(anew)}
            found = anew if question.held().items() <= offered.items() else None
    return found
