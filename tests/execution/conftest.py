"""Real systems for real installers. What is missing is installed, or the test fails."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.execution.all_step_kinds import Supplies, every_base, every_plan, write_installer
from tests.execution.layers import Layer
from tests.execution.roots import SystemRoot, make_root, skip_syncs
from tests.lock.signed_archive import Keys

KEPT = Path.home() / ".cache" / "rigspec-tests"


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    subprocess.run([ROOT / "scripts" / "install-test-tools"], check=True)


def copied(base: Path, folder: Path) -> SystemRoot:
    """A system of its own for one test, from the one that is made once and kept."""
    copy = folder / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", base, copy], check=True)
    skip_syncs(copy)
    return SystemRoot(copy)


# The folders of a machine: its root, and what overlayfs needs.
MACHINE = ("root", "changes", "work")


@contextmanager
def layered(base: Path, folder: Path) -> Iterator[SystemRoot]:
    """The same without the seconds that a copy takes: changes are in a layer over the base."""
    root, changes, work = (folder / name for name in MACHINE)
    for each in (root, changes, work):
        each.mkdir()
    layers = f"lowerdir={base},upperdir={changes},workdir={work}"
    mount = ["mount", "-t", "overlay", "-o", layers, "overlay", root]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        root.rmdir()
        yield copied(base, folder)
        return
    try:
        skip_syncs(root)
        yield SystemRoot(root)
    finally:
        # An installer that a test killed may have left processes there.
        subprocess.run(["umount", "--lazy", root], check=True)


@pytest.fixture
def debian_11_base() -> Path:
    return make_root("bullseye", KEPT)


@pytest.fixture
def debian_11(debian_11_base: Path, tmp_path: Path) -> Iterator[SystemRoot]:
    with layered(debian_11_base, tmp_path) as root:
        yield root


@pytest.fixture
def debian_12(tmp_path: Path) -> Iterator[SystemRoot]:
    with layered(make_root("bookworm", KEPT), tmp_path) as root:
        yield root


@pytest.fixture
def ubuntu_16(tmp_path: Path) -> Iterator[SystemRoot]:
    # Its first Python 3.5, of before the updates, lacks what SciPy asks of `typing`.
    options = ("--components=main,universe", "--include=ca-certificates")
    base = make_root("xenial", KEPT, *options, updated=("python3-venv",))
    with layered(base, tmp_path) as root:
        yield root


@pytest.fixture
def ubuntu_18(tmp_path: Path) -> Iterator[SystemRoot]:
    options = ("--components=main,universe", "--include=ca-certificates")
    with layered(make_root("bionic", KEPT, *options), tmp_path) as root:
        yield root


@pytest.fixture
def legacy_cpu(rigspec: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Path:
    """specs/legacy-cpu.toml, compiled to every target from its committed lock."""
    out = tmp_path / "out"
    done = rigspec(
        "compile", "specs/legacy-cpu.toml", "--target", "all", "--locked", "-o", str(out)
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder with the installer of a rig of every kind of step, and what it fetches."""
    folder = tmp_path_factory.mktemp("artifact")
    keys = Keys.made(folder)
    (folder / "srv").mkdir()
    write_installer(every_plan(Supplies(folder / "srv", keys)), folder / "rig")
    yield folder
    keys.stop()


@pytest.fixture
def system(artifact: Path, tmp_path: Path) -> Layer:
    """Return a Debian 12 with this installer."""
    layer = Layer.over(every_base(KEPT), tmp_path / "system")
    layer.add(artifact / "srv", "srv")
    layer.add(artifact / "rig", "root/rig")
    return layer
