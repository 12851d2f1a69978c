"""Which engine answers a question, and what was answered lately."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rigspec.lock import old_python, pip_tools, uv_engine
from rigspec.lock.answers import Answers
from rigspec.lock.question import Question

__all__ = ["ENGINES", "compile_requirements", "engine_for"]

_COMPILERS: Mapping[str, Callable[[Question], str]] = {
    "uv": uv_engine.compile_requirements,
    "resolvelib": old_python.compile_requirements,
    "pip-tools": pip_tools.compile_requirements,
}
ENGINES = tuple(_COMPILERS)


def engine_for(series: tuple[int, int], asked: str | None) -> str:
    """The engine that was asked for, else the one that knows the interpreter."""
    fitting = "uv" if series >= uv_engine.LEAST_PYTHON else "resolvelib"
    return asked or fitting


def compile_requirements(engine: str, question: Question, answers: Answers) -> str:
    """Hash-pinned requirements in pip-tools' form, sorted by name. Raises LockFailure.

    The same question is not asked again within minutes, but for what is to move.
    """
    found = None if question.moving else answers.recall(engine, question)
    if found is None:
        found = _COMPILERS[engine](question)
        answers.keep(engine, question, found)
    return found
