"""The releases of packages that the index lists: only these are chosen or offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.matrix.loader import load_matrix
from tests.resolve.rigs import check, errors

RIG = """
[machine.box]
os = "ubuntu 24.04"
gpus = [{{ model = "{gpu}" }}]

[env.lab]
python = "3.12"
frameworks = {{ torch = "{torch}" }}
packages = {{ {packages} }}
{more}
"""


def resolve_torch(
    folder: Path, packages: str, *, torch: str = "*", gpu: str = "RTX 4090", more: str = ""
) -> str:
    """Return the version of torch, or the codes of the errors."""
    rig = RIG.format(gpu=gpu, torch=torch, packages=packages, more=more)
    report = check(folder, rig)
    if report.resolution is None:
        return " ".join(errors(report))
    (env,) = report.resolution.envs
    return next(pin.version for pin in env.frameworks if pin.name == "torch")


@pytest.mark.parametrize("request_", ["0.20", "==0.20.*", ">=0.20,<0.21", "~=0.20.0", "0.20.1"])
def test_series_of_a_package_takes_the_framework_that_its_releases_require(
    request_: str, tmp_path: Path
) -> None:
    assert resolve_torch(tmp_path, f'vllm = "{request_}"') == "2.11.0"


def test_free_package_takes_the_framework_that_its_newest_release_requires(tmp_path: Path) -> None:
    newest = load_matrix(["package:vllm"]).product("package:vllm").listing
    assert newest is not None
    exact = resolve_torch(tmp_path, f'vllm = "=={newest.versions[-1]}"')
    assert resolve_torch(tmp_path, 'vllm = "*"') == exact


def test_series_without_wheels_for_the_python_is_a_conflict(tmp_path: Path) -> None:
    """All releases of spconv-cu120 have wheels for Python 3.11 and older only."""
    assert resolve_torch(tmp_path, 'spconv-cu120 = "*"') == "RS207"


def test_series_whose_framework_has_no_code_for_the_card_takes_a_build_that_has(
    tmp_path: Path,
) -> None:
    assert resolve_torch(tmp_path, 'vllm = "0.9"', gpu="RTX 5090") == "2.7.0+cu128"


@pytest.mark.parametrize("request_", [">=99", "0.20.99"])
def test_release_that_is_not_listed_is_not_refused(request_: str, tmp_path: Path) -> None:
    assert resolve_torch(tmp_path, f'vllm = "{request_}"', torch="2.15") == "2.15.0"


def test_release_of_a_further_index_is_not_refused(tmp_path: Path) -> None:
    more = '[index.own]\nurl = "https://wheels.example.com/simple"\n'
    assert resolve_torch(tmp_path, 'vllm = "0.20"', torch="2.15") == "RS217"
    assert resolve_torch(tmp_path, 'vllm = "0.20"', torch="2.15", more=more) == "2.15.0"
