"""A package with a new service and a new kind of step, installed in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "extension"
METADATA = "Metadata-Version: 2.1\nName: rigspec-banner\nVersion: 1.4\n"
ENTRY_POINTS = """
[rigspec.services]
banner = rigspec_banner

[rigspec.steps]
symlink = rigspec_symlink
"""
SPEC = """
rig = 1
name = "lab"

[machine.box]
os = "debian 12"
arch = "x86_64"

[machine.other]
os = "ubuntu 22.04"
arch = "x86_64"

[service.banner]
text = "Welcome to the lab"
"""


@dataclass(frozen=True)
class Lab:
    """A folder with a spec, and the folder that the package is installed in."""

    folder: Path
    site: Path

    @property
    def environment(self) -> dict[str, str]:
        cache = str(self.folder / "cache")
        return {**os.environ, "PYTHONPATH": str(self.site), "XDG_CACHE_HOME": cache}

    def run(self, *arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rigspec", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def install(self, name: str, entry_points: str = ENTRY_POINTS) -> None:
        info = self.site / f"{name.replace('-', '_')}-1.4.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(METADATA.replace("rigspec-banner", name), encoding="utf-8")
        (info / "entry_points.txt").write_text(entry_points, encoding="utf-8")

    def uninstall(self) -> None:
        shutil.rmtree(self.site)


def make_lab(folder: Path) -> Lab:
    lab = Lab(folder, folder / "site")
    shutil.copytree(FILES, lab.site, ignore=shutil.ignore_patterns("__pycache__"))
    lab.install("rigspec-banner")
    (folder / "rig.toml").write_text(SPEC, encoding="utf-8")
    return lab


def lock_lab(folder: Path) -> None:
    make_lab(folder).run("lock", "rig.toml")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path)


@pytest.fixture
def locked_lab(lab: Lab, once: Callable[[str, Callable[[Path], None]], Path]) -> Lab:
    """A lab with its lock, which has no path of the folder that it was made in."""
    shutil.copytree(once("locked-lab", lock_lab), lab.folder, dirs_exist_ok=True)
    return lab


Compile = Callable[[str], Path]


@pytest.fixture
def compile_lab(locked_lab: Lab) -> Compile:
    def compile_target(target: str) -> Path:
        options = ("--machine", "box", "--locked", "--target", target, "-o", "out")
        locked_lab.run("compile", "rig.toml", *options)
        return locked_lab.folder / "out" / target

    return compile_target
