"""Conda environments: solved in process for the target, never for this host."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigspec.lock.failures import index_failure, no_solution
from rigspec.resolution import Resolution

__all__ = ["CondaLock", "conda_specs", "solve_conda"]

_LIMIT_S = 600
_PLATFORMS = {"x86_64": "linux-64"}
_TROUBLE = ("failed to fetch", "error sending request", "could not", "no such file", "not found in")


@dataclass(frozen=True)
class CondaLock:
    """What a solve gives: conda-lock's own file, and the explicit list that conda reads."""

    conda_lock: str
    explicit: str


def conda_specs(python: str, packages: Mapping[str, str]) -> tuple[str, ...]:
    """Match specs, strictly written: ``tensorflow 1.8.*`` and not ``tensorflow 1.8``."""
    wanted = {"python": python, **packages}
    return tuple(f"{name} {_strict(text)}".strip() for name, text in sorted(wanted.items()))


def solve_conda(
    env: str, specs: Sequence[str], channels: Sequence[str], resolution: Resolution
) -> CondaLock:
    """Solve for the resolution's platform and virtual packages. Raises LockFailure."""
    platform = _PLATFORMS[resolution.arch]
    question = {
        "specs": list(specs),
        "channels": list(channels),
        "platform": platform,
        "virtual": _virtual_packages(resolution),
    }
    done = subprocess.run(
        [sys.executable, "-m", "rigspec.lock.conda_solver"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode != 0 or not done.stdout.strip():
        raise index_failure(f"the channels of `{env}`", done.stderr[-400:] or "the solver died")
    answer = json.loads(done.stdout)
    if "error" in answer:
        words = str(answer["error"])
        if any(trouble in words.lower() for trouble in _TROUBLE):
            raise index_failure(f"the channels of `{env}`", words)
        raise no_solution(env, words)
    packages = answer["packages"]
    for package in packages:
        if not package["sha256"]:
            raise index_failure(f"{package['name']}", "its channel states no sha256 for it")
    return CondaLock(_conda_lock(packages, channels, platform, specs), _explicit(packages))


def _virtual_packages(resolution: Resolution) -> list[tuple[str, str]]:
    found = [("__unix", "0"), ("__linux", "0")]
    if resolution.glibc is not None:
        found.append(("__glibc", resolution.glibc))
    if resolution.cuda is not None:
        found.append(("__cuda", ".".join(resolution.cuda.split(".")[:2])))
    return found


def _strict(text: str) -> str:
    if text == "*":
        return ""
    return f"{text}.*" if text.replace(".", "").isdigit() else text


def _explicit(packages: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"{package['url']}#sha256:{package['sha256']}\n" for package in packages]
    return "@EXPLICIT\n" + "".join(lines)


def _conda_lock(
    packages: Sequence[Mapping[str, Any]],
    channels: Sequence[str],
    platform: str,
    specs: Sequence[str],
) -> str:
    from hashlib import sha256

    from conda_lock.lockfile import write_conda_lock_file
    from conda_lock.lockfile.v1.models import HashModel, LockMeta
    from conda_lock.lockfile.v2prelim.models import LockedDependency, Lockfile
    from conda_lock.models.channel import Channel

    meta = LockMeta(
        content_hash={platform: sha256("\n".join(specs).encode()).hexdigest()},
        channels=[Channel(url=channel, used_env_vars=()) for channel in channels],
        platforms=[platform],
        sources=["rig.toml"],
    )
    locked = [
        LockedDependency(
            name=package["name"],
            version=package["version"],
            manager="conda",
            platform=platform,
            dependencies=_dependencies(package["depends"]),
            url=package["url"],
            hash=HashModel(sha256=package["sha256"], md5=package["md5"]),
            categories={"main"},
        )
        for package in packages
    ]
    with tempfile.TemporaryDirectory(prefix="rigspec-") as folder:
        path = Path(folder) / "conda-lock.yml"
        write_conda_lock_file(
            Lockfile(package=locked, metadata=meta), path, None, include_help_text=False
        )
        return path.read_text(encoding="utf-8")


def _dependencies(depends: Sequence[str]) -> dict[str, str]:
    split = (text.partition(" ") for text in depends)
    return {name: version for name, _, version in split if not name.startswith("__")}
