"""Locking again right after a lock: what was just answered is not asked again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.engines import select
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import read_pins
from rigspec.lock.python.target_interpreter import TargetInterpreter
from rigspec.resolution import Pin

PYTHON_310 = TargetInterpreter("3.10.13", (2, 36), "x86_64", "24.0")
UNLOCKED = ResolveRequest("lab", ("six<1.16",), PYTHON_310)


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResolutionCache:
    monkeypatch.delenv("RIGSPEC_NO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return ResolutionCache()


def ask_resolver(question: ResolveRequest, answers: ResolutionCache) -> tuple[str, bool]:
    """The answer, and whether an engine was asked: what it says is written down."""
    kept = Path(os.environ["XDG_CACHE_HOME"])
    before = sorted(kept.rglob("*"))
    text = select.compile_requirements("uv", question, answers)
    return text, sorted(kept.rglob("*")) != before


def test_relock_with_cached_versions_uses_cache(
    answers: ResolutionCache,
) -> None:
    first, new = ask_resolver(UNLOCKED, answers)
    assert new
    again, new = ask_resolver(
        replace(UNLOCKED, kept=tuple(Pin(pin.name, str(pin.version)) for pin in read_pins(first))),
        answers,
    )
    assert (again, new) == (first, False)


def test_relock_with_other_versions_runs_engine(answers: ResolutionCache) -> None:
    ask_resolver(UNLOCKED, answers)
    kept, new = ask_resolver(replace(UNLOCKED, kept=(Pin("six", "1.14.0"),)), answers)
    assert new
    assert kept.startswith("six==1.14.0 ")
