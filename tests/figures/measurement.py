"""A figure: so many attempts, with the findings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Measurement", "Result"]


@dataclass(frozen=True)
class Result:
    """The number of attempts, and a line for each finding."""

    done: int
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """``run`` makes at least one attempt; ``full`` is the number at scale 1.

    A long run has ``parts``, each with a seed: one that is interrupted has the result of those that
    are complete. ``allowed`` is the share of findings that passes. ``full`` is 0 if the number of
    attempts does not depend on the scale.
    """

    title: str
    full: int
    run: Callable[[int, random.Random], Result]
    parts: int = 1
    allowed: float = 0.0

    def measure(self, scale: float, seed: int) -> Iterator[Result]:
        """Yield the result so far after each part."""
        count = max(1, round(self.full * scale))
        parts = min(self.parts, count)
        result = Result(0)
        for part in range(parts):
            share = count * (part + 1) // parts - count * part // parts
            found = self.run(share, random.Random(seed if part == 0 else f"{seed}.{part}"))
            result = Result(result.done + found.done, result.findings + found.findings)
            yield result
