"""Settings of uv in a pyproject.toml that decide versions and indexes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.importing.env_files import load_spec_with_files
from rigspec.importing.model import SourceText, Subject
from rigspec.importing.registry import read_files
from rigspec.importing.spec_writer import write_rig
from rigspec.spec.loader import load_spec, parse_spec
from tests.importing.readings import packages, read, reasons, values

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


def test_pyproject_settings_of_uv_that_decide_versions_are_named() -> None:
    text = """\
[project]
dependencies = ["numpy"]

[tool.uv]
override-dependencies = ["numpy>=2", "setuptools<80"]
exclude-newer = "1 week"
"""
    assert reasons(read("pyproject.toml", text)) == {
        "numpy>=2": "an override of uv: set the version of the package",
        "setuptools<80": "an override of uv: set the version of the package",
        "exclude-newer 1 week": "`as_of` is a whole day: write the one that you mean",
    }


INDEXED = """\
[project]
dependencies = ["tensorrt>=10", "Private_Tool", "six", "hidden"]
[[tool.uv.index]]
name = "NVIDIA"
url = "https://pypi.nvidia.com"
explicit = true
[[tool.uv.index]]
name = "login"
url = "https://me:secret@packages.example.org/simple"
[tool.uv.sources]
tensorrt = { index = "NVIDIA" }
private-tool = { index = "NVIDIA" }
hidden = { index = "login" }
"""


def test_index_of_uv_names_the_packages_that_come_from_it(rigspec: Rigspec, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(INDEXED, encoding="utf-8")
    imported = rigspec("import", tmp_path / "pyproject.toml")
    rig = parse_spec("rig.toml", imported.stdout).rig
    (index,) = rig.index.items()
    assert index[0] == "nvidia"
    assert index[1].url == "https://pypi.nvidia.com"
    assert index[1].packages == ("tensorrt", "Private_Tool")
    assert rig.env["main"].packages["tensorrt"] == ">=10"
    reason = "its index has a password, or an address that a rig cannot have"
    assert f"hidden ({reason})" in imported.stderr
    assert "secret" not in imported.stdout + imported.stderr

    # An environment with `from` has no table for an index: it is named.
    spec = tmp_path / "rig.toml"
    text = 'rig = 1\nname = "box"\n[env.lab]\nfrom = "pyproject.toml"\n'
    spec.write_text(text, encoding="utf-8")
    found = {each.text: each.reason for each in load_spec_with_files(str(spec)).omissions}
    assert found["tensorrt"] == "its index: write `[index.nvidia]` with `packages`"


@pytest.mark.parametrize(
    ("limit", "day"),
    [
        ("2025-06-01", "2025-06-01"),
        ("2025-06-01T00:00:00Z", "2025-05-31"),
        ("2025-03-01T00:00:00+00:00", "2025-02-28"),
        ("2025-06-01T12:00:00Z", None),
        ("2025-06-31", None),
    ],
)
def test_newest_packages_of_uv_are_the_day_of_the_environment(
    limit: str, day: str | None, rigspec: Rigspec, tmp_path: Path
) -> None:
    text = f'[project]\ndependencies = ["six"]\n[tool.uv]\nexclude-newer = "{limit}"\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    imported = rigspec("import", tmp_path / "pyproject.toml")
    (tmp_path / "imported.toml").write_text(imported.stdout, encoding="utf-8")
    found = load_spec(str(tmp_path / "imported.toml")).rig.env["main"].as_of
    assert (found.isoformat() if found is not None else None) == day
    assert ("exclude-newer" in imported.stderr) is (day is None)

    # `from` of an environment reads the same.
    spec = tmp_path / "rig.toml"
    spec.write_text('rig = 1\nname = "box"\n[env.lab]\nfrom = "pyproject.toml"\n', encoding="utf-8")
    rig = load_spec_with_files(str(spec)).spec.rig
    found = rig.env["lab"].as_of
    assert (found.isoformat() if found is not None else None) == day


SOURCES = """\
[project]
name = "lab"
dependencies = [
    "torch==2.9.1", "torchvision", "client", "moving", "wheel-of-ours", "six", "tqdm", "attrs",
]
[project.optional-dependencies]
cpu = ["torch==2.9.1"]
CU128 = ["torch==2.9.1", "torchvision", "gpu-tool"]
[dependency-groups]
train = ["trainer"]
[[tool.uv.index]]
name = "cpu"
url = "https://download.pytorch.org/whl/cpu"
[[tool.uv.index]]
name = "cuda"
url = "https://download.pytorch.org/whl/cu128"
[[tool.uv.index]]
name = "pypi"
url = "https://pypi.org/simple"
[tool.uv.sources]
torch = [{ index = "cpu", extra = "cpu" }, { index = "cuda", extra = "cu128" }]
torchvision = [
    { index = "cuda", extra = "cu128", marker = "sys_platform == 'linux'" },
    { index = "cpu", marker = "sys_platform == 'darwin'" },
]
trainer = { git = "https://example.org/trainer", rev = "main", group = "train" }
client = { workspace = true }
moving = { git = "https://example.org/moving", branch = "main" }
wheel-of-ours = { url = "https://example.org/w.whl" }
six = { index = "pypi" }
tqdm = { index = "absent" }
attrs = { index = "pypi", marker = "sys_platform == 'linux'" }
"""


@pytest.mark.parametrize(
    ("extras", "torch", "torchvision"),
    [
        ((), "==2.9.1", "*"),
        (("cpu",), "+cpu ==2.9.1", "*"),
        (("cu128",), "+cu128 ==2.9.1", "+cu128"),
    ],
)
def test_source_of_uv_applies_to_the_extras_that_are_imported(
    extras: tuple[str, ...], torch: str, torchvision: str
) -> None:
    source = SourceText("pyproject.toml", SOURCES, extras=frozenset(extras))
    (file,) = read_files([source])
    builds = {s.name: s.request for s in file.reading.statements if s.build}
    expected = {"torch": torch, "torchvision": torchvision}
    assert builds == {name: value for name, value in expected.items() if "+" in value}


def test_package_of_a_workspace_or_repository_does_not_come_from_the_index() -> None:
    source = SourceText("pyproject.toml", SOURCES, groups=frozenset({"train"}))
    (file,) = read_files([source])
    assert packages(file.reading).keys() == {"torch", "torchvision", "six", "tqdm", "attrs"}
    assert values(file.reading, Subject.INDEX) == []
    found = reasons(file.reading)
    assert {name: found[name] for name in found if "optional" not in found[name]} == {
        "client": "a member of the project's workspace",
        "moving": "from a repository, but not from a commit in full",
        "trainer": "from a repository, but not from a commit in full",
        "wheel-of-ours": "installed from a URL",
        "tqdm": "the file has no index `absent`",
    }


@pytest.mark.parametrize(
    ("text", "python", "named"),
    [
        ("3.12\n", ["==3.12.*"], {}),
        ("3.11.9", ["==3.11.*"], {}),
        ("# of the project\ncpython-3.12.7-linux-x86_64-gnu  # uv\n", ["==3.12.*"], {}),
        ("3.12\n3.13\n", ["==3.12.*"], {"3.13": "only the first version"}),
        ("pypy3.11\n", [], {"pypy3.11": "not a version of CPython"}),
        ("\n", [], {}),
    ],
)
def test_python_version_gives_the_python_of_the_project(
    text: str, python: list[str], named: dict[str, str]
) -> None:
    reading = read(".python-version", text)
    assert values(reading, Subject.PYTHON) == python
    assert reasons(reading) == named


def test_python_version_decides_the_markers_of_a_project() -> None:
    project = '[project]\nrequires-python = ">=3.10"\n'
    project += "dependencies = [\"six ; python_version >= '3.12'\"]\n"
    sources = [SourceText("pyproject.toml", project), SourceText(".python-version", "3.12\n")]
    rig = write_rig(read_files(sources), "lab")
    assert 'six = "*"' in rig.text
    assert 'python = ">=3.10,==3.12.*"' in rig.text
    assert rig.omissions == ()
