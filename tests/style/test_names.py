"""Names of the product follow STYLE.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from tests.conftest import ROOT
from tests.style.conftest import Modules
from tests.style.rules import nodes_of, product_files

BANNED = frozenset(
    {"told", "tells", "said", "beside", "stands", "anew", "mend", "mends", "mending"}
    | {"nobody", "whoever", "brought", "brings", "bringer", "asked", "unasked", "untold"}
)
# A reader cannot see whether `kept(file)` stores or loads.
PARTICIPLES = frozenset(
    {"added", "admitted", "applied", "asked", "bound", "brought", "built", "called", "carried"}
    | {"changed", "checked", "chosen", "cleaned", "collected", "compared", "compiled", "composed"}
    | {"counted", "covered", "created", "cut", "decided", "declared", "described", "done", "drawn"}
    | {"edited", "encoded", "ended", "escaped", "expanded", "explained", "fetched", "filled"}
    | {"filtered", "fitted", "fixed", "folded", "found", "gathered", "given", "gone", "grouped"}
    | {"had", "held", "installed", "joined", "kept", "known", "left", "listed", "loaded", "locked"}
    | {"lowered", "made", "mapped", "marked", "matched", "meant", "measured", "mended", "merged"}
    | {"mirrored", "moved", "named", "narrowed", "needed", "opened", "ordered", "packed", "paired"}
    | {"parsed", "passed", "picked", "pinned", "placed", "planned", "printed", "put", "quoted"}
    | {"ranked", "recalled", "received", "recorded", "refreshed", "removed", "rendered", "replaced"}
    | {
        "required",
        "resolved",
        "restored",
        "rewritten",
        "rounded",
        "said",
        "seen",
        "sent",
        "set_out",
    }
    | {"settled", "shortened", "shown", "solved", "sorted_out", "split_up", "started", "stated"}
    | {"stored", "stripped", "summed", "taken", "told", "tried", "turned", "unpacked", "updated"}
    | {"used", "validated", "verified", "wanted", "weighed", "worded", "wrapped", "written"}
)


def _words(name: str) -> list[str]:
    """Split a snake-case or camel-case name into lower-case words."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def _names(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield every name that a module defines: functions, classes, parameters, variables, fields."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def _test_files() -> Iterator[Path]:
    for file in sorted((ROOT / "tests").rglob("*.py")):
        if "golden" not in file.relative_to(ROOT).parts:
            yield file


def test_names_have_no_banned_words(modules: Modules) -> None:
    tests = ((file, nodes_of(file)) for file in _test_files())
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file, nodes in chain(modules.items(), tests)
        for line, name in _names(nodes)
        if BANNED & set(_words(name))
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_modules_have_no_banned_words() -> None:
    wrong = [
        file for file in product_files(".py", ".j2", ".toml") if BANNED & set(_words(file.stem))
    ]
    assert not wrong


def test_functions_are_not_past_participles(modules: Modules) -> None:
    wrong = []
    for file, nodes in modules.items():
        for node in nodes:
            if not isinstance(node, ast.FunctionDef) or node.name.strip("_") not in PARTICIPLES:
                continue
            # A property is a value and not an action.
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
            if not any("property" in name for name in decorators):
                wrong.append(f"{file.relative_to(ROOT)}:{node.lineno}: {node.name}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_public_classes_have_unique_names(modules: Modules) -> None:
    places: dict[str, list[str]] = {}
    for file, nodes in modules.items():
        for node in nodes:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                place = f"{file.relative_to(ROOT)}:{node.lineno}"
                places.setdefault(node.name, []).append(place)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_folders_have_at_most_twenty_modules() -> None:
    folders = {file.parent for file in product_files(".py")}
    assert all(len(list(folder.glob("*.py"))) <= 20 for folder in folders)
