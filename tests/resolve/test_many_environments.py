"""A spec with more environments than Python has frames: no recursion, no quadratic time."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import FrameType

import pytest

from rigspec.check import check_machine
from rigspec.diagnostics.model import Report, Severity
from rigspec.diagnostics.render.text import render_text
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.resolve.rigs import check, check_text

# Each environment has several open components, so any recursion over them ends in an error.
_COUNT = sys.getrecursionlimit()


def test_more_environments_than_frames_resolve(tmp_path: Path) -> None:
    environments = "".join(f'[env.e{n}]\npython = "3.12"\n' for n in range(_COUNT))

    report = check(tmp_path, f'[machine.box]\nos = "ubuntu 24.04"\n{environments}')

    assert report.resolution is not None
    assert {env.python for env in report.resolution.envs} == {"3.12"}
    assert len(report.resolution.envs) == _COUNT


def _measure_environments(count: int) -> float:
    """Return the CPU seconds of a check in which the driver excludes builds of each environment."""
    machine = '[machine.box]\nos = "ubuntu 22.04"\ngpus = ["RTX 4090"]\ndriver = "550"\n'
    environments = "".join(
        f'[env.e{n}]\npython = "3.12"\npackages = {{ torch = "*" }}\n' for n in range(count)
    )
    start = time.process_time()
    report = check_text(f'rig = 1\nname = "box"\n{machine}{environments}')
    taken = time.process_time() - start
    assert report.resolution is not None
    assert len({env.frameworks for env in report.resolution.envs}) == 1
    return taken


def test_environments_whose_newest_builds_are_excluded_take_linear_time() -> None:
    _measure_environments(1)  # loads the matrix
    few, many = _measure_environments(60), _measure_environments(600)
    assert many < 25 * few


def _list_errors(report: Report) -> list[str]:
    return [d.message for d in report.diagnostics if d.severity is Severity.ERROR]


def _measure_conflicts(count: int, machine: str, env: str) -> tuple[float, list[str]]:
    """Return the CPU seconds of a check of equal environments, and its errors."""
    environments = "".join(f"[env.e{n}]\n{env}\n" for n in range(count))
    start = time.process_time()
    report = check_text(f'rig = 1\nname = "box"\n[machine.box]\n{machine}\n{environments}')
    return time.process_time() - start, _list_errors(report)


@pytest.mark.parametrize(
    ("machine", "env", "message", "is_shared"),
    [
        (
            'os = "ubuntu 24.04"',
            'python = "3.12"\nframeworks = { tensorflow = "1.8" }',
            "Python 3.12 and TensorFlow 1.8 are incompatible",
            False,
        ),
        (
            'os = "ubuntu 24.04"\ngpus = ["RTX 5090"]',
            'python = "3.8"\nframeworks = { mxnet = "*" }',
            "RTX 5090 and MXNet are incompatible",
            True,
        ),
    ],
)
def test_many_environments_that_conflict_are_reported_in_quadratic_time_at_most(
    machine: str, env: str, message: str, *, is_shared: bool
) -> None:
    few, errors = _measure_conflicts(10, machine, env)
    assert errors == [message] * (1 if is_shared else 10)

    many, errors = _measure_conflicts(80, machine, env)

    assert errors == [message] * (1 if is_shared else 80)
    # The repairs of each conflict are searched in the formula of all environments.
    assert many < 64 * few


def test_conflicts_between_environments_are_found_after_those_within_one() -> None:
    text = """\
rig = 1
name = "box"
[machine.box]
os = "ubuntu 18.04"
gpus = ["GTX 1080 Ti"]
[cuda]
toolkit = "*"
[env.a]
python = "3.7"
frameworks = { tensorflow = "1.15" }
[env.b]
python = "3.7"
frameworks = { tensorflow = "2.4" }
[env.c]
python = "3.12"
frameworks = { tensorflow = "1.8" }
"""
    assert _list_errors(check_text(text)) == [
        "Python 3.12 and TensorFlow 1.8 are incompatible",
        "TensorFlow 1.15 and TensorFlow 2.4 are incompatible",
    ]


def test_each_of_many_unknown_keys_is_reported() -> None:
    keys = "".join(f"k{n} = 1\n" for n in range(_COUNT))
    text = f'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 24.04"\n{keys}'

    try:
        parse_spec("rig.toml", text)
    except InvalidSpec as error:
        found = [d.spans[0].line for d in error.diagnostics]
    assert found == list(range(5, 5 + _COUNT))


def _count_calls(machines: int) -> int:
    """Count the calls of functions of rigspec for a check of machines with a warning each."""
    lines = "".join(
        f'[machine.m{n}]\nos = "ubuntu 22.04"\ngpus = ["RTX 4090"]\ndriver = "550"\n'
        for n in range(machines)
    )
    text = f'rig = 1\nname = "box"\n{lines}'
    spec = parse_spec("rig.toml", text)
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        for name in spec.rig.machine:
            report = check_machine(spec, name, load_required_matrix(spec.rig, name))
            assert "RS303" in render_text(report, {"rig.toml": text})
    finally:
        sys.setprofile(None)
    return calls


def test_work_grows_linearly_with_machines_that_have_warnings() -> None:
    _count_calls(2)  # tables and patterns are loaded once
    few, many = _count_calls(20), _count_calls(160)
    assert many < 10 * few
