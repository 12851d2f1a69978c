"""Each regular expression takes linear time, so that no text stops a command or an editor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rigspec.importing.registry import FORMATS
from rigspec.spec.json_schema import render_json_schema
from tests.fuzz.patterns import find_slow_text, list_patterns
from tests.fuzz.schema import list_schema_patterns

_PACKAGE = Path(__file__).resolve().parents[2] / "rigspec"
_FILES = sorted(file for file in _PACKAGE.rglob("*.py") if "re." in file.read_text())
# Patterns of other programs' output on this machine, which is short.
_LOCAL = {"host/recording.py", "host/parsers.py"}


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.relative_to(_PACKAGE)))
def test_patterns_of_module_take_linear_time(file: Path) -> None:
    if str(file.relative_to(_PACKAGE)) in _LOCAL:
        return
    for pattern, flags, methods in list_patterns(file):
        assert find_slow_text(pattern, flags, methods) is None, pattern


def test_patterns_of_file_formats_take_linear_time() -> None:
    for form in FORMATS:
        for pattern, method in ((form.content, "search"), (form.file_name, "fullmatch")):
            if pattern:
                assert find_slow_text(pattern, 0, [method]) is None, pattern


def test_patterns_of_schema_take_linear_time() -> None:
    """An editor runs these patterns on every keystroke."""
    patterns = sorted(list_schema_patterns(json.loads(render_json_schema())))
    assert len(patterns) > 20
    for pattern in patterns:
        assert find_slow_text(pattern, 0, ["search"]) is None, pattern


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"\s+x", r"^(?:a|a.)*$", r"[a-z]+\d", r"x\s*\s*y"])
def test_slow_pattern_is_found(pattern: str) -> None:
    assert find_slow_text(pattern, 0, ["search"]) is not None
