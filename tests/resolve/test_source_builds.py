"""Packages that pip compiles, because the package index has no wheel of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resolve.rigs import check

RIG = """
[machine.box]
os = "ubuntu 24.04"
{gpus}

[env.lab]
python = "3.12"
frameworks = {{ torch = "2.9.1" }}
packages = {{ flash-attn = "{request}" }}
"""


@pytest.mark.parametrize("gpus", ['gpus = ["RTX 4090"]', ""])
@pytest.mark.parametrize(
    ("request_", "named"),
    [("2.8.3", "flash-attn 2.8.3"), (">=2.8", "flash-attn >=2.8"), ("*", "flash-attn (newest)")],
)
def test_package_without_wheel_is_noted(
    request_: str, named: str, gpus: str, tmp_path: Path
) -> None:
    report = check(tmp_path, RIG.format(request=request_, gpus=gpus))

    (note,) = (d for d in report.diagnostics if d.code == "RS256")
    assert note.message.startswith(f"pip compiles {named} with nvcc of ")
    assert [source.url for fact in note.facts for source in fact.sources] == ["pkg:pypi/flash-attn"]
