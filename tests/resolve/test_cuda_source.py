"""Where CUDA comes from if the spec has no `[cuda]` table."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.artifacts import list_downloads
from rigspec.lock.nvidia_repository import list_third_party_packages
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Condition
from rigspec.spec.loader import load_spec
from rigspec.version_specifiers import parse_alternative
from tests.resolve.rigs import check, errors


def rig(os: str, gpu: str, python: str, framework: str, interpreter: str = "uv") -> str:
    return f'''
[machine.box]
os = "{os}"
gpus = [{{ model = "{gpu}" }}]
[env.lab]
interpreter = "{interpreter}"
python = "{python}"
frameworks = {{ {framework} }}
'''


@pytest.mark.parametrize("version", ["*", "2.17", ">=2.16"])
def test_tensorflow_without_toolkit_has_cuda_in_its_wheels(version: str, tmp_path: Path) -> None:
    report = check(tmp_path, rig("ubuntu 22.04", "RTX 3090", "3.11", f'tensorflow = "{version}"'))
    assert errors(report) == []
    assert report.resolution is not None
    assert (report.resolution.cuda, report.resolution.cudnn) == (None, None)
    (env,) = report.resolution.envs
    assert env.distributions[0].name == "tensorflow[and-cuda]"
    assert env.cuda is not None


def test_tensorflow_without_cuda_wheels_has_the_toolkit_installed(tmp_path: Path) -> None:
    text = rig("ubuntu 16.04", "GTX 1080", "3.6", 'tensorflow = "1.8"', "pyenv")
    report = check(tmp_path, text)
    assert errors(report) == []
    found, matrix = report.resolution, load_matrix()
    assert found is not None
    assert (found.cuda, found.cuda_provider) == ("9.0.176", "nvidia")
    spec = load_spec(str(tmp_path / "rig.toml")).rig
    names = [package.name for package in list_third_party_packages(spec, found, matrix)]
    assert names == ["cuda-drivers", "cuda-toolkit-9-0"]
    assert [file.part for file in list_downloads(spec, found, matrix)] == ["cudnn", "interpreter"]


def test_torch_installs_no_toolkit(tmp_path: Path) -> None:
    report = check(tmp_path, rig("ubuntu 24.04", "RTX 5090", "3.12", 'torch = "*"'))
    assert errors(report) == []
    assert report.resolution is not None
    assert (report.resolution.cuda, report.resolution.cuda_provider) == (None, None)


@pytest.mark.parametrize(
    ("frameworks", "toolkit"),
    [
        ('{ jax = "0.8.0" }', False),
        ('{ jax = "0.4.30" }', False),
        ('{ jax = "0.4.20" }', True),
        ('{ jax = "0.8.0", cupy = "13.4" }', True),
        ('{ torch = "2.8.0" }', False),
    ],
)
def test_toolkit_that_no_release_needs_is_not_installed(
    frameworks: str, toolkit: bool, tmp_path: Path
) -> None:
    report = check(
        tmp_path, f'[machine.box]\ngpus = ["RTX 4090"]\n[env.lab]\nframeworks = {frameworks}\n'
    )

    assert report.resolution is not None, errors(report)
    assert (report.resolution.cuda is not None) == toolkit
    assert (report.resolution.cudnn is None) or toolkit


_DISTRIBUTION = """
[machine.box]
os = "{}"
gpus = ["RTX 4090"]
driver = "none"
[cuda]
toolkit = "{}"
provider = "debian"
"""


@pytest.mark.parametrize(
    ("os", "shipped", "other"),
    [
        ("ubuntu 22.04", "11.5", "11.8"),
        ("ubuntu 24.04", "12.0", "12.4"),
        ("ubuntu 26.04", "12.4", "12.0"),
        ("debian 12", "11.8", "12.4"),
    ],
)
def test_toolkit_of_distribution_is_the_one_that_it_ships(
    os: str, shipped: str, other: str, tmp_path: Path
) -> None:
    assert errors(check(tmp_path, _DISTRIBUTION.format(os, shipped))) == []
    assert errors(check(tmp_path, _DISTRIBUTION.format(os, other))) == ["RS216"]


@pytest.mark.parametrize("os", ["ubuntu 20.04", "ubuntu 25.10", "debian 10", "rocky 9"])
def test_toolkit_of_distribution_without_known_packages_is_refused(os: str, tmp_path: Path) -> None:
    assert errors(check(tmp_path, _DISTRIBUTION.format(os, "*"))) == ["RS216"]


def test_systems_with_packaged_toolkit_are_those_of_the_archives() -> None:
    matrix = load_matrix()
    (rule,) = (r for r in matrix.product("os").rules if r.id == "distribution-cuda/os")

    packaged = {r.label for r in matrix.product("archive").releases if r.get("cuda_packages")}

    assert set(rule.requires.alternatives) == packaged


def test_runfile_of_unknown_address_is_refused(tmp_path: Path) -> None:
    text = _DISTRIBUTION.replace('"debian"', '"runfile"')
    assert errors(check(tmp_path, text.format("ubuntu 22.04", "13.5"))) == ["RS216"]
    report = check(tmp_path, text.format("ubuntu 22.04", ">=13"))
    assert report.resolution is not None
    assert report.resolution.cuda == "13.3.0"


def test_runfiles_that_are_admitted_have_an_address() -> None:
    product = load_matrix().product("cuda")
    (rule,) = (r for r in product.rules if r.id == "cuda/runfile")

    admitted = {r.version for r in product.releases if _is_admitted(rule.requires, r.version)}

    assert admitted == {release.version for release in product.releases if release.artifacts}


def _is_admitted(condition: Condition, version: str) -> bool:
    requests = map(parse_alternative, condition.alternatives)
    return any(each.versions is not None and version in each.versions for each in requests)


@pytest.mark.parametrize("framework", ['tensorflow = "*"', 'jax = "*"'])
def test_cuda_from_wheels_gives_way_to_a_framework_that_needs_a_toolkit(
    framework: str, tmp_path: Path
) -> None:
    text = rig("ubuntu 24.04", "RTX 4090", "3.12", framework)
    other = '[env.old]\npython = "3.12"\ninterpreter = "uv"\nframeworks = { cupy = "13.6" }\n'

    report = check(tmp_path, text + other)

    assert errors(report) == []
    assert report.resolution is not None
    assert report.resolution.cuda is not None
    pins = [pin for env in report.resolution.envs for pin in env.distributions]
    (cupy,) = (pin for pin in pins if pin.name.startswith("cupy"))
    assert cupy.name == f"cupy-cuda{report.resolution.cuda.partition('.')[0]}x"
