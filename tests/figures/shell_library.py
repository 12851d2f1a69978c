"""Which commands of the installer's shell library the tests of installers run."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from tests.conftest import ROOT
from tests.execution.shell_trace import TRACED, list_functions
from tests.figures.measurement import Result

__all__ = ["find_missed_commands", "measure_library"]

_LIBRARY = ROOT / "backends/steps/library"
_TESTS = (
    *("execution/test_shell_installer.py", "execution/test_removals.py", "execution/test_users.py"),
    *("execution/test_accounts.py", "execution/test_packages.py", "execution/test_ownership.py"),
    *("execution/test_dnf_packages.py", "execution/test_cloud_installer.py"),
    *("execution/test_installer_faults.py", "backend/test_short_checksums.py"),
)
_COMMANDS = frozenset(
    {"command", "declaration_command", "unset_command", "variable_assignment", "test_command"}
)


def measure_library(count: int, chance: random.Random) -> Result:
    """Run the tests of installers in real systems; the commands that bash never runs are found."""
    with tempfile.TemporaryDirectory() as folder:
        traced = Path(folder, "lines")
        traced.touch()
        tests = [f"tests/{name}" for name in _TESTS]
        options = ("-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not nightly")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=ROOT,
            env={**os.environ, TRACED: str(traced)},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = set(traced.read_text("utf-8").splitlines())
    findings = [f"a test fails: {done.stdout[-1000:]}"] if done.returncode else []
    commands = 0
    for file in sorted(_LIBRARY.glob("*.sh")):
        total, missed = find_missed_commands(file.read_text("utf-8"), lines)
        commands += total
        findings += [f"{file.relative_to(ROOT)}, line {line}: not run" for line in missed]
    return Result(commands, tuple(findings))


def find_missed_commands(text: str, ran: set[str]) -> tuple[int, list[int]]:
    """Return the number of commands, and the lines of those of which no line ran.

    ``ran`` has the lines after the names of their functions, as `shell_trace` writes them.
    """
    lines = ["\t".join(each) for each in list_functions(text)]
    parser = Parser(Language(tree_sitter_bash.language()))
    rows = list(_list_rows(parser.parse(text.encode()).root_node))
    missed = [row + 1 for row, end in rows if not ran.intersection(lines[row : end + 1])]
    return len(rows), missed


def _list_rows(node: Node) -> Iterator[tuple[int, int]]:
    """Yield the first and the last row of each command, those in other commands not included."""
    for child in node.named_children:
        if child.type in _COMMANDS:
            yield child.start_point[0], child.end_point[0]
        else:
            yield from _list_rows(child)
