"""The titles of steps and checks are short noun phrases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rigspec.lock.lockfile import read_lock
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT

MAX_LENGTH = 40
LOCKS = sorted(path.name for path in (ROOT / "lockfiles").iterdir() if path.is_dir())


def plans(rig: str) -> Iterator[Plan]:
    spec = load_spec(str(ROOT / "specs" / f"{rig}.toml"))
    lock, digest = read_lock(ROOT / "lockfiles" / rig)
    for machine in lock.machines:
        yield build_plan(spec.rig, lock, machine.resolution.machine, digest)


def is_noun_phrase(title: str) -> bool:
    """Return whether a title has neither a final period nor more than one line."""
    return bool(title) and not title.endswith(".") and title.isprintable()


@pytest.mark.parametrize("rig", LOCKS)
def test_step_titles_of_committed_rigs_are_short_noun_phrases(rig: str) -> None:
    titles = [step.title for plan in plans(rig) for step in plan.steps]
    assert titles
    assert [title for title in titles if len(title) > MAX_LENGTH] == []
    assert [title for title in titles if not is_noun_phrase(title)] == []


def test_lock_folders_have_a_spec() -> None:
    assert [name for name in LOCKS if not Path(ROOT / "specs" / f"{name}.toml").exists()] == []
