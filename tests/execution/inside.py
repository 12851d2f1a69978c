"""rigspec itself inside a Debian 12 that a test has made, by that system's own Python."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import tomli
from filelock import FileLock

from tests.conftest import ROOT
from tests.execution.roots import CERTIFICATES, SystemRoot, make_root

HOME = "/opt/rigspec"
RIGSPEC = f"{HOME}/bin/rigspec"
_PACKAGES = f"{HOME}/lib/python3.11/site-packages"


def put_rigspec(root: Path, cache: Path, scratch: Path) -> None:
    """Put rigspec, as it stands here, below ``/opt/rigspec`` of a system that has Python 3.11."""
    kept = _kept(cache, scratch)
    target = root / HOME.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", kept, target], check=True)
    packages = root / _PACKAGES.lstrip("/")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "rigspec", packages / "rigspec", ignore=ignored)
    shutil.copytree(ROOT / "backends", packages / "rigspec" / "backends", ignore=ignored)
    program = target / "bin" / "rigspec"
    program.write_text(f"#!{HOME}/bin/python\nfrom rigspec.cli.main import main\nmain()\n")
    program.chmod(0o755)


def _kept(cache: Path, scratch: Path) -> Path:
    """What rigspec depends on, installed in a Debian 12 once and kept."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"]
    key = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
    kept = cache / f"rigspec-{key}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f".{kept.name}.lock"):
        if not kept.exists():
            _install(wanted, cache, scratch).rename(kept)
    return kept


def _install(wanted: Sequence[str], cache: Path, scratch: Path) -> Path:
    base = scratch / "builder"
    subprocess.run(["cp", "-a", "--reflink=auto", make_root("bookworm", cache), base], check=True)
    root = SystemRoot(base)
    root.run("apt-get", "update", "-qq")
    quiet = ("apt-get", "install", "-qq", "--yes", "--no-install-recommends")
    root.run("env", "DEBIAN_FRONTEND=noninteractive", *quiet, "python3-venv")
    root.run("python3", "-m", "venv", HOME)
    pip = (f"{HOME}/bin/pip", "--disable-pip-version-check", "install", "--quiet")
    root.run("env", f"PIP_CERT={CERTIFICATES}", *pip, *wanted)
    staged = cache / ".rigspec.partial"
    shutil.rmtree(staged, ignore_errors=True)
    subprocess.run(["cp", "-a", base / HOME.lstrip("/"), staged], check=True)
    shutil.rmtree(base, ignore_errors=True)
    return staged
