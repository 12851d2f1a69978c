"""Give a target inputs at random, for a time or for a number."""

from __future__ import annotations

import gc
import random
import resource
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import Target

__all__ = ["SLOW_SECONDS", "Tally", "build_reader", "read_at_random"]

# The CPU time that a single input may take.
SLOW_SECONDS = 2.0
# The MiB by which a single input may raise the highest memory of the process.
_LARGE_MIB = 256
_MOST_FAILURES = 5
# New objects after which garbage is collected: some ten inputs.
_GARBAGE = 50_000


@dataclass
class Tally:
    """The number of inputs, and each input that fails with its error."""

    inputs: int = 0
    failures: list[str] = field(default_factory=list)


def build_reader(target: Target, tally: Tally) -> Any:
    """Return a hypothesis test that reads one input. It raises if the input fails."""

    @settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def read(data: Any) -> None:
        text = data.draw(target.inputs)
        tally.inputs += 1
        least = _measure_peak()
        try:
            taken = _measure_seconds(target, text)
        except Exception as error:
            tally.failures.append(f"{type(error).__name__}: {text!r}")
            raise
        # The first input loads the matrix, and a pause of the machine is not repeated.
        if taken > SLOW_SECONDS and tally.inputs > 1:
            taken = _measure_seconds(target, text)
            if taken > SLOW_SECONDS:
                tally.failures.append(f"{taken:.1f} s: {text!r}")
                raise AssertionError(f"slow: {taken:.1f} s")
        grown = _measure_peak() - least
        if grown > _LARGE_MIB and tally.inputs > 1:
            tally.failures.append(f"{grown} MiB: {text!r}")
            raise AssertionError(f"large: {grown} MiB")

    return read


def _measure_seconds(target: Target, text: Any) -> float:
    start = time.process_time()
    target.run(text)
    return time.process_time() - start


def _measure_peak() -> int:
    """Return the highest memory that this process has had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def read_at_random(
    target: Target, chance: random.Random, *, seconds: float = 0, inputs: int = 0
) -> Tally:
    """Read inputs until the time or the number is reached; stop after some failures."""
    # The command line, which some targets load, disables it.
    gc.set_threshold(_GARBAGE)
    gc.enable()
    tally = Tally()
    read = build_reader(target, tally).hypothesis.fuzz_one_input
    end = time.monotonic() + seconds
    while len(tally.failures) < _MOST_FAILURES and (
        tally.inputs < inputs or time.monotonic() < end
    ):
        try:
            read(chance.randbytes(4000))
        except Exception:
            traceback.print_exc(limit=-4)
    return tally
