"""Drawn rigs: what check admits is locked and compiled, and no step is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.drawn.build import build, find_gaps
from tests.drawn.install import import_frameworks, install, list_installable
from tests.drawn.rigs import draw_rig
from tests.resolve.rigs import check_text

_DRAWN = 200
# Their environments are a few hundred megabytes.
_SMALL_ENVIRONMENTS = (90937833498191, 191602589264401, 269648453446519, 12343131709959)
# Few enough for each run of the tests; `test_admitted_rig_is_built` has all of them.
_SAMPLE = (1, 6, 7, 12)
_PER_TEST = 5


@pytest.mark.parametrize("first", range(0, 50, 10))
def test_drawn_rig_is_valid_and_gets_an_answer(first: int) -> None:
    found = [check_text(draw_rig(seed)) for seed in range(first, first + 10)]
    assert {report.status for report in found} <= {"ok", "conflict"}
    for report in found:
        messages = [each.message for each in report.diagnostics]
        assert (report.resolution is None) <= bool(messages)


def test_drawn_rigs_are_possible_and_impossible() -> None:
    found = [check_text(draw_rig(seed)).status for seed in range(30)]
    assert min(found.count("ok"), found.count("conflict")) >= 5


@pytest.mark.parametrize("seed", _SAMPLE)
def test_admitted_rig_without_frameworks_is_built(seed: int) -> None:
    built = build(draw_rig(seed, with_frameworks=False))
    assert built.is_admitted
    assert built.failure == ""
    assert list(find_gaps(built)) == []


@pytest.mark.parametrize(
    "machine",
    [
        'os = "ubuntu 24.04"\ngpus = ["RTX 3090"]\n[cuda]\nprovider = "debian"',
        'os = "rocky 9"\ngpus = ["RTX 4090"]\ndriver = { from = "nvidia" }',
    ],
)
def test_packaged_driver_and_toolkit_have_steps(machine: str) -> None:
    built = build(f'rig = 1\nname = "box"\n[machine.box]\n{machine}\n')
    assert built.is_admitted
    assert list(find_gaps(built)) == []


_SMALL = """
rig = 1
name = "box"
[machine.box]
os = "debian 12"
[env.lab]
python = "3.11"
interpreter = "uv"
packages = { six = "*" }
"""


def test_environment_is_installed_with_its_checksums_only(tmp_path: Path) -> None:
    built = build(_SMALL)
    (step,) = list_installable(built)
    assert install(built, step, tmp_path) == ""
    assert (tmp_path / "env/lib/python3.11/site-packages/six.py").exists()
    assert built.plan is not None
    changed = [
        replace(file, content=re.sub(r"sha256:\w{8}", "sha256:00000000", file.content))
        for file in built.plan.payload
    ]
    built = replace(built, plan=replace(built.plan, payload=tuple(changed)))
    assert "DO NOT MATCH THE HASHES" in install(built, step, tmp_path)


@pytest.mark.nightly
@pytest.mark.e2e(minutes=5)
@pytest.mark.parametrize("first", range(0, _DRAWN, _PER_TEST))
def test_admitted_rig_is_built(first: int) -> None:
    lacking = {}
    for seed in range(first, first + _PER_TEST):
        built = build(draw_rig(seed))
        if built.is_admitted:
            lacking[seed] = list(find_gaps(built)) if built.is_locked else [built.failure]
    assert {seed: gaps for seed, gaps in lacking.items() if gaps} == {}


@pytest.mark.nightly
@pytest.mark.e2e(minutes=2)
@pytest.mark.parametrize("seed", _SMALL_ENVIRONMENTS)
def test_admitted_rig_is_installed_and_its_frameworks_are_imported(
    seed: int, tmp_path: Path
) -> None:
    built = build(draw_rig(seed))
    (step, *_) = list_installable(built)
    imports = list(import_frameworks(built, step, tmp_path))
    assert imports
    assert [each.error for each in imports if each.error] == []
