"""Frameworks that need a GPU on a machine that declares none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Severity
from tests.resolve.rigs import check


def rig(framework: str, version: str = "*", gpus: str = "") -> str:
    return (
        f'[machine.box]\nos = "ubuntu 24.04"\n{gpus}[env.lab]\npython = "3.10"\n'
        f'frameworks = {{ {framework} = "{version}" }}\n'
    )


@pytest.mark.parametrize("framework", ["cupy", "cupy-cuda12x", "cupy-cuda11x"])
def test_framework_that_needs_a_gpu_without_one_is_refused(framework: str, tmp_path: Path) -> None:
    report = check(tmp_path, rig(framework))
    (error,) = (d for d in report.diagnostics if d.severity is Severity.ERROR)

    assert error.message.endswith("cannot be installed on this rig: it requires a GPU")
    assert error.help == ("declare the GPU with `gpus` in `[machine.NAME]`",)
    assert [span.line for span in error.spans] == [7]
    assert all(fact.sources for fact in error.facts)


def test_framework_that_needs_a_gpu_with_one_resolves(tmp_path: Path) -> None:
    report = check(tmp_path, rig("cupy", gpus='gpus = ["RTX 3090"]\n'))

    assert report.resolution is not None
