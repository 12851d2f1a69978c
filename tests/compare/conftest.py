"""Comparisons that several tests use; each takes seconds."""

from __future__ import annotations

import pytest

from rigspec.compare.model import Comparison
from tests.compare.comparisons import LAB, compare, compare_sourced


@pytest.fixture(scope="session")
def sourced() -> Comparison:
    return compare_sourced()


@pytest.fixture(scope="session")
def lab() -> Comparison:
    return compare(LAB, "tower", "cloud")
