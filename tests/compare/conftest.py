"""Comparisons that several tests look at: each takes seconds."""

from __future__ import annotations

import pytest

from rigspec.compare.model import Comparison
from tests.compare.comparisons import LAB, comparison
from tests.compare.comparisons import sourced as sourced_comparison


@pytest.fixture(scope="session")
def sourced() -> Comparison:
    return sourced_comparison()


@pytest.fixture(scope="session")
def lab() -> Comparison:
    return comparison(LAB, "tower", "cloud")
