"""The distribution contains every package, and installs and runs outside the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomli

from rigspec.cli.common.extras import EXTRAS
from tests.conftest import ROOT
from tests.documents import blocks_of

# The most that an installation without extras may have.
CORE_PACKAGES, CORE_MEGABYTES = 40, 80


def test_wheel_contains_every_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "rigspec", "backends"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    expected = {
        f"rigspec/{name}" if name.startswith("backends/") else name
        for name in tracked
        if (ROOT / name).exists()
    }
    assert expected <= packed


def test_metadata_has_licence_addresses_and_python_versions(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode("utf-8")
        assert name.replace("METADATA", "licenses/LICENSE") in archive.namelist()
    assert "License-Expression: Apache-2.0" in metadata
    for label in ("Homepage", "Documentation", "Source", "Issues", "Changelog"):
        assert f"Project-URL: {label}, https://" in metadata
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for minor in range(int(project["requires-python"].rpartition(".")[2]), 15):
        assert f"Classifier: Programming Language :: Python :: 3.{minor}\n" in metadata


def _install_commands() -> list[str]:
    return [
        block.text.strip()
        for block in blocks_of(ROOT / "README.md")
        if block.language == "sh" and "install" in block.text
    ]


def test_readme_installs_with_uv_and_pip() -> None:
    assert _install_commands() == [
        'uv tool install "rigspec[all]"',
        'pip install "rigspec[all]"',
    ]


@pytest.mark.parametrize(
    "command",
    [
        'uv tool install "rigspec[all]"',
        pytest.param('pip install "rigspec[all]"', marks=pytest.mark.e2e(minutes=3)),
    ],
)
def test_readme_installation_works_outside_the_checkout(
    command: str, wheel: Path, tmp_path: Path
) -> None:
    assert command in _install_commands()
    venv = tmp_path / "venv"
    options = ["--without-pip"] if command.startswith("uv") else []
    subprocess.run([sys.executable, "-m", "venv", *options, str(venv)], check=True)
    tools = tmp_path / "tools"
    bin_path = tools / "bin" if command.startswith("uv") else venv / "bin"
    environment = {
        **os.environ,
        "PATH": f"{bin_path}:{venv / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        # The wheel is not published: its folder is one more place of packages.
        "UV_FIND_LINKS": _add(os.environ.get("UV_FIND_LINKS"), wheel.parent, ","),
        "PIP_FIND_LINKS": _add(os.environ.get("PIP_FIND_LINKS"), wheel.parent, " "),
        "UV_TOOL_DIR": str(tools),
        "UV_TOOL_BIN_DIR": str(tools / "bin"),
        "PYTHONPATH": "",
    }
    script = f"{command}\nrigspec --version\nrigspec check legacy-cpu.toml\nrigspec explain RS203"
    shutil.copy(ROOT / "specs" / "legacy-cpu.toml", tmp_path)
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tensorflow 1.8.0" in done.stdout
    assert str(ROOT) not in done.stdout
    program = subprocess.run(
        ["bash", "-c", "command -v rigspec"], env=environment, capture_output=True, text=True
    )
    assert program.stdout.strip() == str(bin_path / "rigspec")


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in an environment with the wheel and no extra."""
    venv = tmp_path_factory.mktemp("core") / "venv"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True)
    python = str(venv / "bin" / "python")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, str(wheel)], check=True)
    return venv / "bin" / "rigspec"


def _run_core(core: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        [str(core), *words], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def test_core_is_small(core: Path) -> None:
    site = next(core.parent.parent.glob("lib/python3*/site-packages"))
    packages = list(site.glob("*.dist-info"))
    assert len(packages) <= CORE_PACKAGES, sorted(path.name for path in packages)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size <= CORE_MEGABYTES * 1_000_000


def test_core_answers_checks_explains_imports_and_compiles(core: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "specs" / "legacy-cpu.toml", tmp_path)
    shutil.copytree(ROOT / "lockfiles" / "legacy-cpu", tmp_path / "lock")
    (tmp_path / "requirements.txt").write_text("torch==2.4.1\n", encoding="utf-8")
    for command, status in (
        (("can", "RTX 5090", "torch==2.4"), 1),
        (("can", "RTX 4090", "torch==2.4"), 0),
        (("check", "legacy-cpu.toml"), 0),
        (("why", "legacy-cpu.toml", "tensorflow"), 0),
        (("import", "requirements.txt"), 0),
        (("compile", "legacy-cpu.toml", "--lock", "lock", "--target", "all"), 0),
        (("explain", "RS203"), 0),
        (("graph", "legacy-cpu.toml"), 0),
        (("lock", "legacy-cpu.toml", "--check", "--output", "lock"), 0),
    ):
        done = _run_core(core, tmp_path, *command)
        assert done.returncode == status, (command, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("lock", "legacy-cpu.toml"), "lock"),
        (("fetch", "legacy-cpu.toml"), "lock"),
        (("matrix", "refresh"), "lock"),
        (("lsp",), "lsp"),
        (("compile", "legacy-cpu.toml", "--lock", "lock", "--target", "sbom"), "sbom"),
    ],
)
def test_command_of_missing_extra_names_it(
    command: tuple[str, ...], extra: str, core: Path, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "specs" / "legacy-cpu.toml", tmp_path)
    shutil.copytree(ROOT / "lockfiles" / "legacy-cpu", tmp_path / "lock")
    done = _run_core(core, tmp_path, *command)
    assert done.returncode == 2
    assert f"error: this needs the extra `{extra}` of rigspec" in done.stderr
    assert f'uv tool install "rigspec[{extra}]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_every_dependency_of_an_extra_is_named_by_commands() -> None:
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    modules = {
        "conda-lock": "conda_lock",
        "cyclonedx-python-lib": "cyclonedx",
        "py-rattler": "rattler",
        "python-debian": "debian",
    }
    expected = {
        modules.get(name, name): extra
        for extra in ("lock", "conda", "pip-tools", "lsp", "sbom")
        for name in (re.split("[>=[]", each)[0] for each in project["optional-dependencies"][extra])
        if name != "rigspec"
    }
    assert expected == EXTRAS


def _add(places: str | None, place: Path, separator: str) -> str:
    return f"{places}{separator}{place}" if places else str(place)
