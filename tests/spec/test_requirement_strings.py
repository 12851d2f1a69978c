"""Whole requirements, as people copy them, in place of a version."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.python.environment_request import list_plain_requirements
from rigspec.matrix.loader import load_matrix
from rigspec.spec.loader import InvalidSpec, load_spec, parse_spec
from tests.resolve.rigs import check, errors

WHEEL = (
    "https://download.pytorch.org/whl/cu126/"
    "torch-2.8.0%2Bcu126-cp312-cp312-manylinux_2_28_x86_64.whl"
)


def parse_packages(lines: str) -> dict[str, str]:
    return (
        parse_spec("rig.toml", f'rig = 1\nname = "a"\n[env.lab.packages]\n{lines}\n')
        .rig.env["lab"]
        .packages
    )


@pytest.mark.parametrize(
    ("line", "request_text"),
    [
        ("jax = 'jax[cuda13]==0.8.0'", "[cuda13]==0.8.0"),
        ("jax = '[cuda13]==0.8.0'", "[cuda13]==0.8.0"),
        ("torch = 'torch==2.8.0'", "==2.8.0"),
        ("torch = '>=2.4; python_version < \"3.13\"'", ">=2.4"),
        ("torch = '==2.8.0 ; sys_platform == \"linux\"'", "==2.8.0"),
        (f"torch = '{WHEEL}'", "==2.8.0+cu126"),
        (f"torch = 'torch @ {WHEEL}'", "==2.8.0+cu126"),
        ("Flask_Cors = 'flask-cors'", "*"),
        ("torch = 'v2.8.0'", "v2.8.0"),
    ],
)
def test_requirement_is_read_as_its_version(line: str, request_text: str) -> None:
    assert list(parse_packages(line).values()) == [request_text]


@pytest.mark.parametrize(
    "value",
    [
        "jax==0.8.0",
        '==2.8.0; sys_platform == "win32"',
        "https://example.org/archive.zip",
        "https://example.org/jax-0.8.0-py3-none-any.whl",
        "git+https://example.org/torch.git",
        "torch[==2",
        "===2.x",
        "torch===latest",
    ],
)
def test_requirement_without_a_version_of_the_package_is_an_error(value: str) -> None:
    with pytest.raises(InvalidSpec) as failure:
        parse_packages(f"torch = '{value}'")
    assert [error.code for error in failure.value.diagnostics] == ["RS004"]


def test_requirement_decides_the_build(tmp_path: Path) -> None:
    text = '[machine.box]\nos = "ubuntu 24.04"\ndriver = "580"\ngpus = ["H100"]\n[env.lab]\n'
    report = check(tmp_path, f"{text}packages = {{ torch = '{WHEEL}' }}\n")
    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.envs[0].frameworks[0].version == "2.8.0+cu126"


def test_extras_reach_the_resolver_of_packages(tmp_path: Path) -> None:
    text = "[machine.box]\n[env.lab]\npackages = { uvicorn = 'uvicorn[standard]>=0.30' }\n"
    resolution = check(tmp_path, text).resolution
    assert resolution is not None
    rig = load_spec(str(tmp_path / "rig.toml")).rig
    (env,) = resolution.envs
    found = list(list_plain_requirements(rig, resolution, env, load_matrix()))
    assert found == ["uvicorn[standard]>=0.30"]
