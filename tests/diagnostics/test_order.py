"""The order of errors: the one that a user would meet first comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.order import Stage, find_stage
from tests.resolve.rigs import check, errors

TWO = """
[machine.box]
os = "ubuntu 22.04"
gpus = ["RTX 5090"]
[env.first]
python = "3.11"
frameworks = { torch = "2.4.1" }
[env.second]
python = "3.12"
frameworks = { tensorflow = "2.10" }
"""


def test_error_of_installation_comes_before_error_of_gpu(tmp_path: Path) -> None:
    # torch 2.4.1 has no code for the card; tensorflow 2.10 has no wheel for Python 3.12.
    report = check(tmp_path, TWO)

    assert errors(report) == ["RS207", "RS220"]


def test_repair_of_all_errors_is_that_of_the_last(tmp_path: Path) -> None:
    report = check(tmp_path, TWO)
    first, last = (d for d in report.diagnostics if d.severity.value == "error")

    assert all(repair.resolution is None for repair in first.repairs)
    assert last.repairs[-1].resolution is not None


@pytest.mark.parametrize(
    ("code", "message", "stage"),
    [
        ("RS004", "", Stage.SPEC),
        ("RS214", "", Stage.SPEC),
        ("RS206", "No devices were found", Stage.SYSTEM),
        ("RS216", "E: Unable to locate package", Stage.SYSTEM),
        ("RS207", "Could not find a version that satisfies the requirement", Stage.PACKAGES),
        ("RS211", "No matching distribution found", Stage.PACKAGES),
        ("RS217", "ERROR: ResolutionImpossible", Stage.PACKAGES),
        ("RS231", "", Stage.START),
        ("RS211", "OSError: /lib/libm.so.6: version `GLIBC_2.29' not found", Stage.IMPORT),
        ("RS217", "ImportError: undefined symbol", Stage.IMPORT),
        ("RS202", "libcudnn.so.9: cannot open shared object file", Stage.IMPORT),
        ("RS204", "CUDA driver version is insufficient", Stage.GPU),
        ("RS220", "CUDA error: no kernel image is available", Stage.GPU),
        ("RS104", "", Stage.OTHER),
    ],
)
def test_stage_of_error(code: str, message: str, stage: Stage) -> None:
    assert find_stage(code, (message,) if message else ()) is stage
