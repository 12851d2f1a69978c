"""A spec with more environments than Python has frames: no recursion, no quadratic time."""

from __future__ import annotations

import sys
from pathlib import Path

from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.resolve.rigs import check

# Each environment has several open components, so any recursion over them ends in an error.
_COUNT = sys.getrecursionlimit()


def test_more_environments_than_frames_resolve(tmp_path: Path) -> None:
    environments = "".join(f'[env.e{n}]\npython = "3.12"\n' for n in range(_COUNT))

    report = check(tmp_path, f'[machine.box]\nos = "ubuntu 24.04"\n{environments}')

    assert report.resolution is not None
    assert {env.python for env in report.resolution.envs} == {"3.12"}
    assert len(report.resolution.envs) == _COUNT


def test_each_of_many_unknown_keys_is_reported() -> None:
    keys = "".join(f"k{n} = 1\n" for n in range(_COUNT))
    text = f'rig = 1\nname = "box"\n[machine.box]\nos = "ubuntu 24.04"\n{keys}'

    try:
        parse_spec("rig.toml", text)
    except InvalidSpec as error:
        found = [d.spans[0].line for d in error.diagnostics]
    assert found == list(range(5, 5 + _COUNT))
