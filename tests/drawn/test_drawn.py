"""Drawn rigs: what check admits is locked and compiled, and no step is missing."""

from __future__ import annotations

import pytest

from tests.drawn.build import build, find_gaps
from tests.drawn.rigs import draw_rig
from tests.resolve.rigs import check_text

_DRAWN = 200
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
