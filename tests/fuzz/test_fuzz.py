"""A few inputs for each target; `make fuzz` runs each for minutes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.run import SLOW_SECONDS
from tests.fuzz.targets import TARGETS, Target

_ROOT = Path(__file__).resolve().parents[2]
# Fast readers get more inputs, for two seconds each.
_EXAMPLES = {
    "bytes": 200,
    "apt": 100,
    "lock": 20,
    "question": 10,
    "rig": 10,
    "toml": 20,
    "file": 50,
}


@pytest.mark.parametrize("name", TARGETS)
def test_reader_reports_every_input(name: str) -> None:
    target = TARGETS[name]

    @seed(1)
    @settings(
        max_examples=_EXAMPLES.get(name, 20),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def read(data: Any) -> None:
        text = data.draw(target.inputs)
        # The first answer may include the time in which the matrix is loaded.
        assert any(_measure(target, text) < SLOW_SECONDS for _ in range(2))

    read()


def _measure(target: Target, value: Any) -> float:
    start = time.process_time()
    target.run(value)
    return time.process_time() - start


def test_answers_do_not_depend_on_hash_seed() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--answers", "4"],
            env={**os.environ, "PYTHONHASHSEED": number},
            cwd=_ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for number in ("1", "2")
    }
    assert len(answers) == 1
    assert len(answers.pop().splitlines()) == len(TARGETS)
