"""The modules of the product, parsed once for the tests of a file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.style.rules import nodes_of, product_files

Modules = dict[Path, tuple[ast.AST, ...]]


@pytest.fixture(scope="module")
def modules() -> Modules:
    return {file: nodes_of(file) for file in product_files(".py")}
