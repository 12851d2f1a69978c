"""Locking again right after a lock: what was just answered is not asked again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.lock import engines
from rigspec.lock.answers import Answers
from rigspec.lock.question import Question
from rigspec.lock.target import TargetInterpreter

PYTHON_310 = TargetInterpreter("3.10.13", (2, 36), "x86_64", "24.0")
UNLOCKED = Question("lab", ("six<1.16",), PYTHON_310)


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    monkeypatch.delenv("RIGSPEC_NO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Answers()


def asked(question: Question, answers: Answers) -> tuple[str, bool]:
    """The answer, and whether an engine was asked: what it says is written down."""
    kept = Path(os.environ["XDG_CACHE_HOME"])
    before = sorted(kept.rglob("*"))
    text = engines.compile_requirements("uv", question, answers)
    return text, sorted(kept.rglob("*")) != before


def test_a_lock_that_holds_what_was_answered_is_not_asked_for_again(answers: Answers) -> None:
    first, new = asked(UNLOCKED, answers)
    assert new
    again, new = asked(replace(UNLOCKED, kept=first), answers)
    assert (again, new) == (first, False)


def test_a_lock_that_holds_something_else_is(answers: Answers) -> None:
    asked(UNLOCKED, answers)
    kept, new = asked(replace(UNLOCKED, kept="six==1.14.0\n"), answers)
    assert new
    assert kept.startswith("six==1.14.0 ")
