"""How much of a part its tests run, and how many changes of it they notice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.conftest import ROOT
from tests.figures.measurement import Result

__all__ = ["PARTS", "Part", "measure_coverage", "run_mutants"]


@dataclass(frozen=True)
class Part:
    """Files of the package, as patterns, and the tests of each."""

    tests_of: Mapping[str, tuple[str, ...]]

    def list_files(self) -> list[Path]:
        return sorted(file for pattern in self.tests_of for file in ROOT.glob(pattern))

    def list_tests(self, file: Path | None = None) -> list[str]:
        """Return the tests of one file, or of all."""
        found = (
            tests
            for pattern, tests in self.tests_of.items()
            if file is None or file in ROOT.glob(pattern)
        )
        return list(dict.fromkeys(chain.from_iterable(found)))


_LOCK_TESTS = (
    "tests/injection/test_locks.py",
    "tests/lock/test_formats.py",
    "tests/lock/test_quick_validation.py",
    "tests/lock/test_document.py",
)
PARTS = {
    "the resolver": Part(
        {
            "rigspec/resolve/**/*.py": ("tests/resolve",),
            "rigspec/resolve/explain/dependency_edges.py": ("tests/graph/test_graph.py",),
        }
    ),
    "quoting": Part(
        {
            "rigspec/backend/quoting.py": ("tests/injection/test_quoting.py",),
            "rigspec/plan/services/units.py": ("tests/plan/test_programs.py",),
        }
    ),
    "the lock check": Part(
        {"rigspec/lock/lockfile.py": _LOCK_TESTS, "rigspec/lock/migration.py": _LOCK_TESTS}
    ),
}


def measure_coverage(part: Part) -> Callable[[int, random.Random], Result]:
    """Return a measurement of lines and branches: those that no test runs are the findings."""

    def run(count: int, chance: random.Random) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            data, report = f"--data-file={folder}/data", f"{folder}/report.json"
            included = ",".join(str(file) for file in part.list_files())
            coverage = (sys.executable, "-m", "coverage")
            pytest = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *part.list_tests())
            command = [*coverage, "run", "--branch", data, f"--include={included}", *pytest]
            tests = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            subprocess.run(
                [*coverage, "json", "-q", data, "-o", report],
                cwd=ROOT, env={**os.environ, "COLUMNS": "200"}, check=True,
            )  # fmt: skip
            found = json.loads(Path(report).read_text("utf-8"))
        findings = [f"a test fails: {tests.stdout[-1000:]}"] if tests.returncode else []
        for name, file in sorted(found["files"].items()):
            findings += [f"{name}, line {line}: not run" for line in file["missing_lines"]]
            for start, end in file["missing_branches"]:
                findings.append(f"{name}, line {start}: never continues at line {abs(end)}")
        files = {str(file.relative_to(ROOT)) for file in part.list_files() if file.stat().st_size}
        findings += [f"{name}: no test imports it" for name in sorted(files - {*found["files"]})]
        totals = found["totals"]
        return Result(totals["num_statements"] + totals["num_branches"], tuple(findings))

    return run


def run_mutants(part: Part) -> Callable[[int, random.Random], Result]:
    """Return a measurement of mutants: those that no test notices are the findings."""

    tried: set[str] = set()
    limits: dict[tuple[str, ...], float] = {}

    def run(count: int, chance: random.Random) -> Result:
        # The tools of this measurement are not those of the tests.
        from tests.figures.mutants import find_time_limit, is_killed, sample_mutants

        mutants = sample_mutants(part.list_files(), count, chance, tried)
        survivors = []
        for mutant in mutants:
            tests = tuple(part.list_tests(mutant.file))
            if tests not in limits:
                limits[tests] = find_time_limit(mutant.file, tests)
            if not is_killed(mutant, tests, seconds=limits[tests]):
                survivors.append(mutant.title)
        return Result(len(mutants), tuple(survivors))

    return run
