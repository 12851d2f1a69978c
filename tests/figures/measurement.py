"""A figure: so many attempts, with the findings."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Measurement", "Result"]


@dataclass(frozen=True)
class Result:
    """The number of attempts, and a line for each finding."""

    done: int
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """``run`` makes at least one attempt; ``full`` is the number at scale 1."""

    title: str
    full: int
    run: Callable[[int, random.Random], Result]

    def measure(self, scale: float, seed: int) -> Result:
        return self.run(max(1, round(self.full * scale)), random.Random(seed))
