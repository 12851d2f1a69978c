"""Mutants of a unit: small changes of its code, each of which a test of the unit should notice.

cosmic-ray finds and makes the changes. Each mutant runs in a fork of this process, which imports
the package again, so that no file changes.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.conftest import ROOT

__all__ = ["Mutant", "find_time_limit", "is_killed", "sample_mutants"]

# A changed loop may never end: the limit is a multiple of what the tests of the unit take.
_MULTIPLE, _LEAST_SECONDS = 4, 120
# Other replacements of an operator are noticed by the same tests as these.
_OPERATORS = (
    *("AddNot", "ExceptionReplacer", "NumberReplacer", "RemoveDecorator", "ZeroIterationForLoop"),
    *("ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceUnaryOperator_Delete_Not"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add"),
    *("ReplaceBinaryOperator_BitAnd_BitOr", "ReplaceBinaryOperator_BitOr_BitAnd"),
    *("ReplaceComparisonOperator_Eq_NotEq", "ReplaceComparisonOperator_NotEq_Eq"),
    *("ReplaceComparisonOperator_Lt_LtE", "ReplaceComparisonOperator_LtE_Lt"),
    *("ReplaceComparisonOperator_Gt_GtE", "ReplaceComparisonOperator_GtE_Gt"),
    *("ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is"),
)


@dataclass(frozen=True)
class Mutant:
    """A module with changed code; ``title`` names the place and the change."""

    title: str
    file: Path
    code: str


def sample_mutants(
    files: Sequence[Path], count: int, chance: random.Random, tried: set[str]
) -> list[Mutant]:
    """Return mutants of the files, drawn from those that were not ``tried``, and add them there."""
    found = [place for file in files for place in _list_places(file)]
    mutants: list[Mutant] = []
    for file, operator, occurrence, line in chance.sample(found, len(found)):
        if len(mutants) == count:
            break
        name = operator.partition("/")[2]
        title = f"{file.relative_to(ROOT)}, line {line}: {name} {occurrence}"
        if title in tried:
            continue
        tried.add(title)
        original = file.read_text("utf-8")
        code = mutate_code(original, get_operator(operator)(), occurrence)
        if code is not None and _without_annotations(code) != _without_annotations(original):
            mutants.append(Mutant(title, file, code))
    return mutants


@cache
def _list_places(file: Path) -> list[tuple[Path, str, int, int]]:
    return list(_find_places(file))


def _find_places(file: Path) -> Iterator[tuple[Path, str, int, int]]:
    """Yield the file, the operator, its occurrence and the line of each possible change."""
    nodes = list(_list_nodes(get_ast(file.read_text("utf-8"))))
    for name in operator_names():
        if name.partition("/")[2] in _OPERATORS:
            operator, occurrence = get_operator(name)(), 0
            for node in nodes:
                for start, _ in operator.mutation_positions(node):
                    yield file, name, occurrence, start[0]
                    occurrence += 1


def _list_nodes(node: object) -> Iterator[object]:
    """Yield the nodes in the order in which cosmic-ray counts occurrences."""
    yield node
    for child in getattr(node, "children", ()):
        yield from _list_nodes(child)


def _without_annotations(code: str) -> str:
    """Return the program; annotations are not evaluated."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def find_time_limit(file: Path, tests: Sequence[str]) -> float:
    """Return the seconds that the tests of a changed file may take.

    Raises RuntimeError if they fail without a change: they would notice every mutant.
    """
    start = time.monotonic()
    if is_killed(Mutant("unchanged", file, file.read_text("utf-8")), tests, seconds=3600):
        raise RuntimeError(f"the tests of {file.name} fail without a change")
    return max(_LEAST_SECONDS, _MULTIPLE * (time.monotonic() - start))


def is_killed(mutant: Mutant, tests: Sequence[str], *, seconds: float) -> bool:
    """Return whether a test fails or does not end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run_tests(mutant, tests)
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status != 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _run_tests(mutant: Mutant, tests: Sequence[str]) -> int:
    os.setpgrp()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("rigspec", "tests"):
            del sys.modules[name]
    sys.meta_path.insert(0, _Finder(mutant))
    with tempfile.TemporaryDirectory() as folder:
        # Answers of a mutant must not be found by others.
        os.environ["XDG_CACHE_HOME"] = folder
        options = ("-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--basetemp", f"{folder}/tests")
        return int(pytest.main([*options, *tests]))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Load the changed code for its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        parts = mutant.file.relative_to(ROOT).with_suffix("").parts
        self._name = ".".join(parts).removesuffix(".__init__")

    def find_spec(
        self, name: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._mutant.file, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.code, self._mutant.file, "exec"), module.__dict__)
