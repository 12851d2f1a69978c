"""``uv.lock`` with extras, groups, markers and repositories."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.importing.merge import merge
from rigspec.importing.model import SourceText, Subject
from rigspec.importing.registry import read_files
from tests.importing.readings import packages, read, reasons, values

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

COMMIT = "0cf864870cf29f4738d3ade893e6fd13fbd7cdb5"
PYPI = 'source = { registry = "https://pypi.org/simple" }'
LOCK = f"""\
version = 1
requires-python = ">=3.10"

[[package]]
name = "lab"
version = "0.1.0"
source = {{ editable = "." }}
dependencies = [
    {{ name = "client" }},
    {{ name = "moving" }},
    {{ name = "numpy", version = "2.2.6", marker = "python_full_version < '3.11'" }},
    {{ name = "numpy", version = "2.3.5", marker = "python_full_version >= '3.11'" }},
    {{ name = "pywin32", marker = "sys_platform == 'win32'" }},
    {{ name = "requests", extra = ["socks"] }},
    {{ name = "robot" }},
    {{ name = "torch", version = "2.8.0", marker = "extra != 'extra-3-lab-cu128'" }},
    {{ name = "torch", version = "2.8.0+cu128", marker = "extra == 'extra-3-lab-cu128'" }},
]

[package.optional-dependencies]
cu128 = [{{ name = "flash-attn" }}]

[package.dev-dependencies]
dev = [{{ name = "pytest" }}]

[[package]]
name = "torch"
version = "2.8.0"
{PYPI}
resolution-markers = ["extra != 'extra-3-lab-cu128'"]
dependencies = [{{ name = "nvidia-cublas-cu12" }}]

[[package]]
name = "torch"
version = "2.8.0+cu128"
source = {{ registry = "https://download.pytorch.org/whl/cu128" }}
resolution-markers = ["sys_platform == 'linux' and extra == 'extra-3-lab-cu128'"]

[[package]]
name = "numpy"
version = "2.2.6"
{PYPI}

[[package]]
name = "numpy"
version = "2.3.5"
{PYPI}

[[package]]
name = "requests"
version = "2.33.0"
{PYPI}

[package.optional-dependencies]
socks = [{{ name = "pysocks" }}]

[[package]]
name = "robot"
version = "1.0"
source = {{ git = "https://example.org/robot?subdirectory=py%2Frobot&rev=main#{COMMIT}" }}
"""
LOCK += "".join(
    f"""
[[package]]
name = "{name}"
version = "1.0"
{PYPI}
"""
    for name in ("flash-attn", "nvidia-cublas-cu12", "pysocks", "pytest", "pywin32", "unused")
)
LOCK += """
[[package]]
name = "client"
version = "1.0"
source = { editable = "client" }
dependencies = [{ name = "unused" }]

[[package]]
name = "moving"
version = "1.0"
source = { git = "https://example.org/moving#abc" }
"""
BASE = {"requests": "==2.33.0", "pysocks": "==1.0", "unused": "==1.0", "robot": "*"}


@pytest.mark.parametrize(
    ("extras", "groups", "expected"),
    [
        ((), (), {"torch": "==2.8.0", "nvidia-cublas-cu12": "==1.0"}),
        (("cu128",), (), {"torch": "==2.8.0+cu128", "flash-attn": "==1.0"}),
        ((), ("dev",), {"torch": "==2.8.0", "nvidia-cublas-cu12": "==1.0", "pytest": "==1.0"}),
    ],
)
def test_uv_lock_gives_what_the_project_and_its_selected_extras_require(
    extras: tuple[str, ...], groups: tuple[str, ...], expected: dict[str, str]
) -> None:
    source = SourceText("uv.lock", LOCK, frozenset(extras), frozenset(groups))
    (file,) = read_files([source])
    assert packages(file.reading) == BASE | expected
    assert values(file.reading, Subject.PYTHON) == [">=3.10"]


def test_uv_lock_names_the_parts_that_are_not_imported() -> None:
    assert reasons(read("uv.lock", LOCK)) == {
        "cu128": "optional: import it with `--extra cu128`",
        "dev": "optional: import it with `--group dev`",
        "client": "a folder of the project",
        "moving @ git+https://example.org/moving@abc": (
            "from a repository, but not from a commit in full"
        ),
        "numpy": "several versions apply on Linux: 2.2.6, 2.3.5",
    }


def test_uv_lock_gives_the_commit_of_a_package_from_a_repository() -> None:
    (robot,) = (s for s in read("uv.lock", LOCK).statements if s.name == "robot")
    assert robot.commit == f"git+https://example.org/robot@{COMMIT}#subdirectory=py/robot"


def test_uv_lock_of_a_script_gives_all_its_packages() -> None:
    text = LOCK.replace('source = { editable = "." }', PYPI).replace("editable", "url")
    found = packages(read("script.py.lock", text))
    assert {"lab", "pytest", "flash-attn", "pywin32"} <= found.keys()
    assert found["torch"] == "==2.8.0"


def test_import_of_uv_lock_takes_the_extras_of_the_command(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    (tmp_path / "uv.lock").write_text(LOCK, encoding="utf-8")
    done = rigspec("import", tmp_path / "uv.lock", "--extra", "CU128")
    assert 'torch = "==2.8.0+cu128"' in done.stdout
    wrong = rigspec("import", tmp_path / "uv.lock", "--extra", "cpu")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "the files have: cu128" in wrong.stderr


FORKED = f"""\
version = 1
requires-python = ">=3.10"
[[package]]
name = "lab"
source = {{ editable = "." }}
dependencies = [{{ name = "numpy" }}]
[[package]]
name = "numpy"
version = "2.2.6"
{PYPI}
resolution-markers = ["python_full_version < '3.11' and sys_platform == 'linux'"]
[[package]]
name = "numpy"
version = "2.3.5"
{PYPI}
resolution-markers = ["python_full_version >= '3.12'", "python_full_version == '3.11.*'"]
"""


@pytest.mark.parametrize(
    ("python", "expected"), [("3.10", "==2.2.6"), ("3.11", "==2.3.5"), ("3.13", "==2.3.5")]
)
def test_uv_lock_gives_the_version_for_the_python_of_the_project(
    python: str, expected: str
) -> None:
    sources = [SourceText("uv.lock", FORKED), SourceText(".python-version", f"{python}\n")]
    merged = merge(s for file in read_files(sources) for s in file.reading.statements)
    assert merged.packages["numpy"].value == expected
    assert merged.omissions == ()


def test_uv_lock_with_versions_for_several_pythons_names_them() -> None:
    merged = merge(read("uv.lock", FORKED).statements)
    assert merged.packages == {}
    assert [each.text for each in merged.omissions] == ["numpy ==2.2.6", "numpy ==2.3.5"]
