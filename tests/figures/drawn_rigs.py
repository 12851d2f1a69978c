"""Drawn rigs that check admits: built by every target, and a sample installed and imported."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.drawn.build import Built, build, find_gaps
from tests.drawn.install import import_frameworks, list_installable
from tests.drawn.rigs import draw_rig
from tests.figures.measurement import Result

__all__ = ["build_rigs", "install_rigs"]

Measure = Callable[[int, random.Random], Result]


def build_rigs() -> Measure:
    """Return a measurement of admitted rigs: a lock that fails or a missing step is a finding.

    A rig with packages of an index that this machine cannot reach is no attempt.
    """
    tally: Counter[str] = Counter()

    def run(count: int, chance: random.Random) -> Result:
        findings = []
        for seed, built in _draw_admitted(count, chance, tally):
            if not built.is_locked:
                findings.append(f"draw_rig({seed}): {built.failure}")
            elif built.lock is None:
                tally["reported by check as not lockable"] += 1
            else:
                tally["locked and compiled"] += 1
            findings += [f"draw_rig({seed}): {gap}" for gap in find_gaps(built)]
        print(f"  {_describe(tally)}", flush=True)
        return Result(count, tuple(findings))

    return run


def install_rigs() -> Measure:
    """Return a measurement of imports: an environment or a framework that fails is a finding.

    A framework that needs a library of the driver or the toolkit is no attempt: this machine need
    not have them.
    """
    tally: Counter[str] = Counter()

    def run(count: int, chance: random.Random) -> Result:
        done, findings = 0, []
        while done < count:
            ((seed, built),) = _draw_admitted(1, chance, tally)
            steps = list(list_installable(built))
            tally["without an environment for this machine"] += not steps
            for step in steps:
                with tempfile.TemporaryDirectory() as folder:
                    imports = list(import_frameworks(built, step, Path(folder)))
                lacking = any(each.lacks_cuda for each in imports)
                tally["installed, import needs CUDA" if lacking else "installed"] += 1
                done += not lacking
                findings += [
                    f"draw_rig({seed}), {each.env}: import {each.framework}: {each.error}"
                    for each in imports
                    if each.error and not each.lacks_cuda
                ]
        print(f"  {_describe(tally)}", flush=True)
        return Result(done, tuple(findings))

    return run


def _draw_admitted(
    count: int, chance: random.Random, tally: Counter[str]
) -> Iterator[tuple[int, Built]]:
    while count:
        seed = chance.getrandbits(48)
        built = build(draw_rig(seed))
        tally["drawn"] += 1
        if not built.is_admitted:
            tally["refused"] += 1
        elif built.is_unreachable:
            tally["not reached"] += 1
        else:
            count -= 1
            yield seed, built


def _describe(tally: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in tally.items())
