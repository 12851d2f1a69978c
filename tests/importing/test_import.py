"""Files of other programs, imported and checked."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.importing.merge import merge
from rigspec.importing.model import SourceText, Subject
from rigspec.importing.registry import detect_format, read_files
from rigspec.importing.spec_writer import write_rig
from rigspec.spec.loader import parse_spec
from tests.importing.readings import packages, read, reasons, source_at, values
from tests.importing.test_dockerfile import DOCKERFILE
from tests.secrets.planted import PLANTED

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


REQUIREMENTS = """\
# the stack
--index-url https://download.pytorch.org/whl/cu124
torch==2.5.1 ; python_version >= "3.8" \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
torchvision[scipy]==0.20.1  # images
numpy<2
pywin32 ; sys_platform == "win32"
importlib-metadata ; python_version < "3.10"
git+https://user:hunter2hunter2@example.org/a/b.git#egg=b
-e .
"""


def test_requirements_file_gives_packages_with_the_build_of_the_index() -> None:
    reading = read("requirements.txt", REQUIREMENTS)
    assert packages(reading) == {
        "torch": "+cu124 ==2.5.1",
        "torchvision": "==0.20.1",
        "numpy": "<2",
    }
    spans = source_at(REQUIREMENTS, reading)
    assert spans[0].startswith("torch==2.5.1")
    assert spans[2] == "numpy<2"


def test_requirements_file_names_parts_that_are_not_imported() -> None:
    reading = read("requirements.txt", REQUIREMENTS)
    merged = merge(reading.statements)
    assert reasons(reading)["-e ."] == "an editable install"
    assert [o.text for o in merged.omissions] == ["importlib-metadata *"]
    assert not any("hunter2" in omission.text for omission in reading.omissions)


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("torch==2.5.1", "+cu124 ==2.5.1"),
        ("torch==2.5.1+cu121", "==2.5.1+cu121"),
        ("torch>=2.5", ">=2.5"),
    ],
)
def test_extra_index_decides_the_build_of_an_exact_version_only(
    requirement: str, expected: str
) -> None:
    text = f"--extra-index-url https://download.pytorch.org/whl/cu124\n{requirement}\n"
    assert packages(read("requirements.txt", text)) == {"torch": expected}


def test_included_and_constraint_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("torch\n")
    (tmp_path / "pins.txt").write_text("torch==2.5.1\nunused==1\n")
    main = tmp_path / "requirements.txt"
    main.write_text("-r base.txt\n-c pins.txt\n-r missing.txt\n")
    reading = read(str(main), main.read_text())
    assert packages(reading) == {"torch": "==2.5.1"}
    assert reasons(reading) == {"missing.txt": "the file cannot be read"}


PYPROJECT = """\
[project]
name = "lab"
requires-python = ">=3.10"
dependencies = [
  "torch>=2.5,<2.6",
  "trainer",
]
[project.optional-dependencies]
docs = ["sphinx"]
[tool.uv.sources]
torch = [{ index = "pytorch-cu124", marker = "sys_platform == 'linux'" }]
trainer = { git = "https://example.org/trainer.git" }
[[tool.uv.index]]
name = "pytorch-cu124"
url = "https://download.pytorch.org/whl/cu124"
explicit = true
"""


def test_pyproject_uses_sources_of_uv() -> None:
    reading = read("pyproject.toml", PYPROJECT)
    assert packages(reading) == {"torch": "+cu124 <2.6,>=2.5"}
    assert values(reading, Subject.PYTHON) == [">=3.10"]
    assert reasons(reading) == {
        "docs": "optional: import it with `--extra docs`",
        "trainer": "from a repository, but not from a commit in full",
    }


def test_pyproject_of_poetry_converts_carets() -> None:
    text = """\
[tool.poetry.dependencies]
python = "^3.10"
torch = { version = "^2.5", source = "cu124" }
numpy = "~1.26"
lab = { git = "https://example.org/lab.git" }
[[tool.poetry.source]]
name = "cu124"
url = "https://download.pytorch.org/whl/cu124"
"""
    reading = read("pyproject.toml", text)
    assert packages(reading) == {"torch": "+cu124 >=2.5,<3.0", "numpy": ">=1.26,<1.27"}
    assert values(reading, Subject.PYTHON) == [">=3.10,<4.0"]
    assert list(reasons(reading)) == ["lab"]


ENVIRONMENT = """\
name: lab
channels:
  - pytorch
  - nvidia
  - nodefaults
dependencies:
  - python=3.10
  - pytorch==2.4.0=py3.10_cuda12.1_cudnn9.1.0_0
  - pytorch-cuda=12.1
  - conda-forge::numpy>=1.26,<2
  - pip
  - pip:
      - transformers==4.44.0
      - -e .
"""


def test_conda_environment_gives_conda_and_pip_packages() -> None:
    reading = read("environment.yml", ENVIRONMENT)
    assert packages(reading) == {
        "pytorch": "+cuda12.1 ==2.4.0",
        "pytorch-cuda": "==12.1.*",
        "numpy": ">=1.26,<2",
        "transformers": "==4.44.0",
    }
    assert values(reading, Subject.CHANNEL) == ["pytorch", "nvidia", "conda-forge"]
    assert values(reading, Subject.PYTHON) == ["==3.10.*"]
    pip = next(s for s in reading.statements if s.name == "transformers")
    assert (pip.span.line, pip.span.column) == (13, 9)


def test_conda_toolkit_without_conda_pytorch_is_a_toolkit() -> None:
    text = "dependencies:\n  - cudatoolkit=11.2\n  - cudnn=8.1\n  - pip:\n    - tensorflow==2.10\n"
    reading = read("environment.yml", text)
    assert packages(reading) == {"tensorflow": "==2.10"}
    assert values(reading, Subject.CUDA) == ["==11.2.*"]
    assert values(reading, Subject.CUDNN) == ["==8.1.*"]


def test_check_of_conda_environment_finds_the_build_of_its_toolkit(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    file = tmp_path / "environment.yml"
    file.write_text(
        "channels: [pytorch]\ndependencies:\n  - python=3.9\n  - pytorch=1.11.0\n"
        "  - cudatoolkit=11.3\n"
    )
    done = rigspec("check", str(file))
    assert done.returncode == 0
    assert "pytorch 1.11.0 is the build for CUDA 11.3 of the channel pytorch" in done.stderr
    assert "in the wheels" not in done.stdout


COLLECT_ENV = """\
PyTorch version: 2.4.1+cu121
CUDA used to build PyTorch: 12.1
OS: Ubuntu 22.04.4 LTS (x86_64)
Python version: 3.10.12 (main, Sep 11 2024, 15:47:36) [GCC 11.4.0] (64-bit runtime)
GPU models and configuration: 
GPU 0: NVIDIA GeForce RTX 3090
GPU 1: NVIDIA GeForce RTX 3090

Nvidia driver version: 535.183.01

[pip3] numpy==1.26.4
[pip3] torch==2.4.1+cu121
[pip3] triton==3.0.0
[conda] mkl 2023.1.0 h213fc3f_46344
"""  # noqa: W291 - the program writes the space


def test_collect_env_gives_machine_and_packages() -> None:
    reading = read("report.txt", COLLECT_ENV)
    assert values(reading, Subject.OS) == ["ubuntu 22.04"]
    assert values(reading, Subject.DRIVER) == ["535.183.01"]
    assert values(reading, Subject.GPU) == ["NVIDIA GeForce RTX 3090"] * 2
    assert values(reading, Subject.PYTHON) == ["==3.10.*"]
    assert packages(reading) == {
        "torch": "==2.4.1+cu121",
        "numpy": "==1.26.4",
        "triton": "==3.0.0",
    }


def test_nvidia_smi_xml_gives_driver_and_cards() -> None:
    text = (
        '<?xml version="1.0" ?>\n<nvidia_smi_log>\n<driver_version>535.1</driver_version>\n'
        "<gpu><product_name>Tesla T4</product_name></gpu>\n</nvidia_smi_log>\n"
    )
    reading = read("smi.xml", text)
    assert source_at(text, reading) == ["535.1", "Tesla T4"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("freeze.txt", "numpy==1.26.4\ntorch==2.4.1\n", "requirements.txt"),
        ("dev.txt", "# tools\n\npytest\n", "requirements.txt"),
        ("Dockerfile.gpu", "FROM x\n", "Dockerfile"),
        ("env.yaml", "name: x\ndependencies:\n  - python\n", "environment.yml"),
        ("rig.toml", 'rig = 1\nname = "x"\n', None),
        ("notes.md", "# Notes\nSome prose about torch.\n", None),
    ],
)
def test_detect_format_uses_name_then_content(name: str, text: str, expected: str | None) -> None:
    found = detect_format(name, text)
    assert (found.name if found is not None else None) == expected


def test_several_files_make_one_valid_rig() -> None:
    sources = [
        SourceText("Dockerfile", DOCKERFILE),
        SourceText("report.txt", COLLECT_ENV),
        SourceText("requirements.txt", REQUIREMENTS),
    ]
    rig = write_rig(read_files(sources), "lab")
    spec = parse_spec("rig.toml", rig.text)
    assert spec.rig.machine["host"].os == "ubuntu 22.04"
    torch = spec.rig.env["main"].frameworks["torch"]
    assert torch == "+cu121 ==2.1.0"
    others = [(clash.other.span.file, clash.other.request) for clash in rig.clashes]
    assert others == [("report.txt", "==2.4.1+cu121"), ("requirements.txt", "+cu124 ==2.5.1")]
    lines = rig.text.split("\n")
    for number, statement in rig.by_line.items():
        assert f"# {statement.span.file}:{statement.span.line}" in lines[number - 1]


def test_check_reports_two_versions_of_a_package_at_their_lines(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11\nRUN pip install torch==2.7.1\n")
    (tmp_path / "requirements.txt").write_text("numpy\ntorch==2.8.0\n")
    files = [str(tmp_path / name) for name in ("Dockerfile", "requirements.txt")]
    done = rigspec("check", *files, "--format", "json")
    assert done.returncode == 1
    (result,) = json.loads(done.stdout)["results"]
    error = result["diagnostics"][0]
    assert (error["code"], error["severity"]) == ("RS230", "error")
    assert [(s["file"], s["line"]) for s in error["spans"]] == [(files[0], 2), (files[1], 2)]
    imported = rigspec("import", *files)
    assert f"not imported: {files[1]}:2: torch ==2.8.0 (torch is ==2.7.1" in imported.stderr


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("torch==2.7.1", "torch>=2.6", 0),
        ("torch==2.7.1", "torch>=2.8", 1),
        ("torch==2.7", "torch==2.7.0", 0),
        ("torch==2.4.1", "torch==2.4.1+cu121", 0),
        ("torch==2.4.1+cu118", "torch==2.4.1+cu121", 1),
        ("black==23.1", "black==24.1", 1),
        ("black", "black==24.1", 0),
    ],
)
def test_check_of_two_requirements_of_a_package(
    first: str, second: str, status: int, rigspec: Rigspec, tmp_path: Path
) -> None:
    files = []
    for number, line in enumerate((first, second)):
        file = tmp_path / f"requirements-{number}.txt"
        file.write_text(f"{line}\n")
        files.append(str(file))
    assert rigspec("check", *files).returncode == status


def test_check_without_a_gpu_in_the_files_admits_builds_for_gpus(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("jax==0.4.26\njaxlib==0.4.26+cuda12.cudnn89\n")
    assert rigspec("check", str(file)).returncode == 0


def test_check_reports_conflict_at_its_line_of_requirements(
    rigspec: Rigspec, tmp_path: Path
) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(
        "numpy\n--index-url https://download.pytorch.org/whl/cu124\n"
        "torch==2.5.1+cu124\ntorchvision==0.19.1\n"
    )
    done = rigspec("check", str(file), "--format", "json")
    assert done.returncode == 1
    (result,) = json.loads(done.stdout)["results"]
    error = result["diagnostics"][0]
    assert error["code"] == "RS217"
    assert [(s["file"], s["line"]) for s in error["spans"]] == [(str(file), 3), (str(file), 4)]
    edit = error["repairs"][0]["edits"][0]
    assert edit == {
        "key": f"{file}:4 (torchvision)",
        "from": "torchvision==0.19.1",
        "to": "torchvision==0.20.1",
    }
    text = rigspec("check", str(file))
    assert "torch==2.5.1+cu124" in text.stderr


def test_import_writes_spec_that_check_accepts(rigspec: Rigspec, tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_text(COLLECT_ENV)
    rig = tmp_path / "rig.toml"
    done = rigspec("import", str(report), "-o", str(rig))
    assert done.returncode == 0, done.stderr
    assert rigspec("check", str(rig)).returncode == 0
    again = rigspec("import", str(report), "-o", str(rig))
    assert again.returncode == 2
    assert "already exists" in again.stderr


def test_import_of_unknown_format_lists_formats(rigspec: Rigspec, tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("# Notes\nSome prose about torch.\n")
    done = rigspec("import", str(file))
    assert done.returncode == 2
    assert "unknown format" in done.stderr
    assert "environment.yml" in done.stderr


@pytest.mark.parametrize("kind", ["github", "hugging face", "gitlab", "npm"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", "FROM debian:12\nRUN pip install six {}\n"),
        ("requirements.txt", "six\n{}\n"),
        ("environment.yml", "name: a\ndependencies:\n  - six\n  - {}\n"),
    ],
)
def test_import_leaves_out_a_package_in_the_form_of_a_secret(
    name: str, text: str, kind: str, rigspec: Rigspec, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_text(text.replace("{}", PLANTED[kind]), encoding="utf-8")
    done = rigspec("import", str(file))
    assert done.returncode == 0, done.stderr
    assert "six" in done.stdout
    assert PLANTED[kind] not in done.stdout + done.stderr
    assert "the form of a secret" in done.stderr


def test_dockerfile_python_of_the_environment_replaces_that_of_the_image() -> None:
    reading = read("Dockerfile", "FROM python:3.7-slim\nRUN uv venv --python 3.11.9 /.venv\n")
    assert values(reading, Subject.PYTHON) == ["==3.11.*"]
    assert reasons(reading) == {"Python ==3.7.*": "line 2 replaces it"}


@pytest.mark.parametrize(("required", "agrees"), [(">=3.10", True), (">=3.12,<3.13", False)])
def test_check_of_two_contradicting_pythons_reports_both_lines(
    required: str, agrees: bool, rigspec: Rigspec, tmp_path: Path
) -> None:
    (tmp_path / ".python-version").write_text("3.11\n", encoding="utf-8")
    project = f'[project]\nrequires-python = "{required}"\ndependencies = ["six"]\n'
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    files = (tmp_path / "pyproject.toml", tmp_path / ".python-version")
    done = rigspec("check", *files)
    assert done.returncode == (0 if agrees else 1)
    assert ("error[RS230]" in done.stderr) is not agrees
    spec = rigspec("import", *files).stdout
    assert ('python = "==3.11.*"' in spec) is not agrees
