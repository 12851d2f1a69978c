"""Explain a failed conda solve: the fewest conflicting lines, and the packages involved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from rattler.exceptions import SolverError

from rigspec.lock.conda.conflict_reasons import ConflictExplainer
from rigspec.lock.conda.repodata import Attempt
from rigspec.lock.conda.request import CondaConflict, RequestedSpec, Unknown
from rigspec.lock.errors import remove_addresses

__all__ = ["explain_conflict", "find_unknown_packages"]

_WORDS = 300


def find_unknown_packages(
    lines: Sequence[RequestedSpec], names: Collection[str]
) -> CondaConflict | None:
    """Return the lines that name a package which no channel has; None where there are none."""
    requested = {line: line.spec.partition(" ")[0] for line in lines if not line.bound}
    unknown = tuple(
        Unknown(line, tuple(get_close_matches(name, sorted(names), n=3, cutoff=0.6)))
        for line, name in requested.items()
        if name.lower() not in names
    )
    return CondaConflict((), (), unknown=unknown) if unknown else None


async def explain_conflict(
    lines: Sequence[RequestedSpec], attempt: Attempt, words: str
) -> CondaConflict:
    """Return the smallest unsatisfiable part of a request, found by deletion.

    ``words`` are the solver's own, for when there is nothing better.
    """
    question = attempt.offers.question
    dated = question.until is not None and await _fails(attempt, lines, dated=False) is None
    strict = len(question.channels) > 1 and (
        await _fails(attempt, lines, strict=False, dated=dated) is None
    )
    left = list(lines)
    # What installs nothing goes first: a reason that can do without it is the plainer one.
    for line in sorted(lines, key=lambda line: not line.bound):
        fewer = [other for other in left if other is not line]
        message = await _fails(attempt, fewer, strict=strict, dated=dated)
        if message is not None:
            left, words = fewer, message
    reasons = ConflictExplainer(attempt.offers, left, strict=strict, dated=dated)
    found = await reasons.sentences()
    return CondaConflict(
        tuple(left),
        found or (_shorten(remove_addresses(words)),),
        by_priority=strict,
        by_day=dated,
    )


async def _fails(
    attempt: Attempt, lines: Sequence[RequestedSpec], *, strict: bool = True, dated: bool = True
) -> str | None:
    """Return the solver's message where there is no solution."""
    try:
        await attempt.solved(lines, strict=strict, dated=dated)
    except SolverError as error:
        return str(error)
    return None


def _shorten(words: str) -> str:
    # The solver's tree comes without its line breaks: its branches are drawn in the words.
    message = " ".join(word for word in words.split() if word.strip("├└│─"))
    message = message.removeprefix("Cannot solve the request because of: ").strip()
    return message if len(message) <= _WORDS else f"{message[:_WORDS].rsplit(' ', 1)[0]} …"
