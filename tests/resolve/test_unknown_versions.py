"""Versions that no table has."""

from __future__ import annotations

import pytest

from tests.resolve.rigs import check_text

SPEC = """
rig = 1
name = "box"
[machine.box]
os = "ubuntu 24.04"
gpus = ["RTX 4090"]
[cuda]
toolkit = "{toolkit}"
"""


@pytest.mark.parametrize(("toolkit", "is_newer"), [("99.1", True), ("12.7", False)])
def test_version_newer_than_its_table_may_be_in_a_newer_release(
    toolkit: str, is_newer: bool
) -> None:
    (error,) = check_text(SPEC.format(toolkit=toolkit)).diagnostics
    assert error.code == "RS214"
    advice = f"upgrade rigspec if CUDA {toolkit} was released after "
    assert any(line.startswith(advice) for line in error.help) == is_newer
