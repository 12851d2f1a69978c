"""The benchmarks run, and the documentation has their table in the form that they write."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "benchmarks"
ROW = re.compile(
    r"\| (?P<task>[^|]+) \| [\d,]+(?:\.\d)? ms \| [\d.]+ (?:of|ms) [^|]+ "
    r"\| (?:(?:at most )?\d+ MB)? \| [^|]* \|"
)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module that measures and writes the table."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr("shutil.which", lambda name: name)
    spec = importlib.util.spec_from_file_location("benchmark_table", FOLDER / "table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_documented_table_has_the_form_that_the_command_writes(table: ModuleType) -> None:
    page = table.PAGE.read_text()
    written = page.partition(table.BEGIN)[2].partition(table.END)[0].strip().splitlines()
    title, _, *head = table.render_table([]).splitlines()
    assert _hide_numbers(written[0]) == _hide_numbers(title)
    assert written[2:4] == head
    rows = [ROW.fullmatch(line) for line in written[4:]]
    tasks = [_hide_numbers(row["task"]) if row else None for row in rows]
    measurable = [_hide_numbers(task) for task in table.list_tasks()]
    # A shorter run has fewer sizes; the numbers are hidden.
    assert list(dict.fromkeys(tasks)) == list(dict.fromkeys(measurable))


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_benchmark_finds_the_modules_that_it_measures(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    assert callable(runpy.run_path(str(script))["main" if script.stem != "rigs" else "enlarge"])


def _hide_numbers(text: str) -> str:
    return re.sub(r"[\d,]+", "0", text)
