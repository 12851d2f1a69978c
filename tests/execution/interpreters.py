"""Real interpreters of each series, and environments filled from a lock with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unearth import PackageFinder
from uv import find_uv_bin

from rigspec.lock.python.engines.pip_tools import find_interpreter
from tests.execution.roots import CERTIFICATES, PIP_CONFIGURATION, SystemRoot

# The last that makes environments for Python 2.7.
VIRTUALENV = "virtualenv==20.21.1"
INSTALL = ("-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r")


@dataclass(frozen=True)
class Installed:
    """An environment that was filled from a lock; ``root`` is the system that contains it."""

    python: str
    root: SystemRoot | None = None

    def run(self, *arguments: str) -> str:
        if self.root is not None:
            return self.root.run(self.python, *arguments).stdout
        done = subprocess.run(
            [self.python, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def installed_here(series: str, files: Sequence[Path], folder: Path) -> Installed:
    """Install into an environment of an interpreter of this machine."""
    major, minor = (int(part) for part in series.split("."))
    host = find_interpreter((major, minor))
    assert host is not None, f"these tests need a real Python {series}: pyenv install {series}"
    env = folder / "env"
    if major == 2:
        tool = [find_uv_bin(), "tool", "run", "--quiet", "--from", VIRTUALENV, "virtualenv"]
        subprocess.run([*tool, "--quiet", "--python", host, env], check=True)
    else:
        subprocess.run([host, "-m", "venv", env], check=True)
    found = Installed(str(env / "bin" / "python"))
    for file in files:
        found.run(*INSTALL, str(file))
    return found


def installed_in(root: SystemRoot, creator: Sequence[str], files: Sequence[Path]) -> Installed:
    """Install into an environment of the system's own interpreter."""
    root.run(*creator, "/opt/env")
    found = Installed("/opt/env/bin/python", root)
    for file in files:
        shutil.copyfile(file, root.path / "opt" / file.name)
        # An old pip does not read the whole of a pip.conf of today, and knows its index by a
        # name of its own time.
        steered = [f"PIP_CONFIG_FILE={PIP_CONFIGURATION}", f"PIP_CERT={CERTIFICATES}"]
        steered.append(f"PIP_INDEX_URL={PackageFinder().sources[0]['url']}")
        root.run("env", *steered, found.python, *INSTALL, f"/opt/{file.name}")
    return found


def have_space(folder: Path, gibibytes: int) -> None:
    """Fail early where an environment of that size cannot be installed."""
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize / 2**30
    assert free > gibibytes, f"{free:.0f} GiB free, {gibibytes} needed"
