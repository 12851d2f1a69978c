"""What the rigs' committed locks name can be had, with its hashes, by pip in a real interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.execution.interpreters import have_space, installed_here, installed_in
from tests.execution.roots import SystemRoot

pytestmark = [pytest.mark.e2e(minutes=3), pytest.mark.nightly]

ENVIRONMENTS = (
    ("submarine/tower/py2", "2.7"),
    ("submarine/tower/py3", "3.6"),
    ("argentina/tower/nets", "3.6"),
    ("dl-server/tower/fastai", "3.6"),
    ("deep-al/tower/keras", "3.6"),
    ("deep-al/tower/fastai", "3.7"),
    ("legacy-cpu/box/tf18", "2.7"),
)


def files_of(environment: str) -> tuple[Path, Path]:
    """The tools and the requirements."""
    stem = ROOT / "lockfiles" / environment
    tools, requirements = (
        stem.with_name(f"{stem.name}.{k}.txt") for k in ("tools", "requirements")
    )
    return tools, requirements


@pytest.mark.parametrize(("environment", "series"), ENVIRONMENTS)
def test_rig_locks_every_file_is_available(environment: str, series: str, tmp_path: Path) -> None:
    have_space(tmp_path, 4)
    tools, requirements = files_of(environment)
    env = installed_here(series, [tools], tmp_path)
    files = tmp_path / "files"
    words = ("-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps", "--no-cache-dir")
    env.run(*words, "--dest", str(files), "--requirement", str(requirements))
    pinned = sum("==" in line for line in requirements.read_text().splitlines())
    assert len(list(files.iterdir())) == pinned


def test_rig_locks_sourced_installs_on_ubuntu_python_3_5(ubuntu_16: SystemRoot) -> None:
    files = files_of("sourced/science-3/science")
    env = installed_in(ubuntu_16, ("python3.5", "-m", "venv"), files)
    output = env.run("-c", "import numpy, scipy, notebook; print(numpy.ones(3).sum())")
    assert output.strip() == "3.0"
