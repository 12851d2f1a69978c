"""Conda environments, solved for the target and never for this host."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter

from rigspec.lock.conda.channels import CondaChannel
from rigspec.lock.conda.lockfile import build_conda_files
from rigspec.lock.conda.request import CondaConflict, CondaPackage, CondaRequest, CondaResult
from rigspec.lock.errors import (
    LockError,
    Place,
    index_failure,
    report_no_solution,
    report_unknown_package,
)
from rigspec.lock.model import LockedConda
from rigspec.net.limits import scale_limit

__all__ = ["CondaLock", "solve_conda"]

_LIMIT_S = 600


@dataclass(frozen=True)
class CondaLock:
    """The result of a solve: conda-lock's own file, the packages as conda installs them, the exact
    interpreter, and name and version of the other Python distributions.
    """

    conda_lock: str = ""
    conda: LockedConda | None = None
    python: str = ""
    distributions: tuple[tuple[str, str], ...] = ()


def solve_conda(env: str, question: CondaRequest, channels: Sequence[CondaChannel]) -> CondaLock:
    """Solve an environment, and check the result against the channels. Raises LockError."""
    answer = _run_solver(env, question)
    if answer.trouble is not None:
        raise index_failure(_channel(env, answer.trouble.channel), answer.trouble.why)
    if answer.conflict is not None:
        raise _conflict(env, answer.conflict)
    for package in answer.packages:
        _check(package, channels)
    files = build_conda_files(env, answer.packages, question, channels)
    versions = {package.name: package.version for package in answer.packages}
    return CondaLock(
        files.conda_lock,
        files.conda,
        versions.get("python", ""),
        tuple((p.name, p.version) for p in answer.packages if p.python),
    )


def _run_solver(env: str, question: CondaRequest) -> CondaResult:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "rigspec.lock.conda.solver_process"],
            input=TypeAdapter(CondaRequest).dump_json(question),
            capture_output=True,
            timeout=scale_limit(_LIMIT_S),
            check=False,
        )
    except subprocess.TimeoutExpired:
        names = [name for name, _ in question.channels]
        only = names[0] if len(names) == 1 else None
        raise index_failure(
            _channel(env, only), f"no result after {scale_limit(_LIMIT_S):g} s"
        ) from None
    if done.returncode != 0 or not done.stdout:
        output = done.stderr.decode("utf-8", "replace")[-400:]
        raise index_failure(_channel(env, None), output or "the solver crashed")
    return TypeAdapter(CondaResult).validate_json(done.stdout)


def _channel(env: str, name: str | None) -> str:
    return f"the channel `{name}`" if name is not None else f"a channel of `{env}`"


def _conflict(env: str, conflict: CondaConflict) -> LockError:
    table = ("env", env)
    if conflict.unknown:
        places = []
        for unknown in conflict.unknown:
            name = unknown.line.spec.partition(" ")[0]
            near = f"; nearest: {', '.join(unknown.near)}" if unknown.near else ""
            places.append(
                Place((*table, *unknown.line.path), f"no channel has `{name}`{near}", "key")
            )
        places.append(Place((*table, "channels"), "looked for here"))
        return report_unknown_package(
            env, [u.line.spec.partition(" ")[0] for u in conflict.unknown], places
        )
    places = [Place((*table, *line.path), line.label) for line in conflict.lines if line.path]
    if conflict.by_priority:
        places.append(Place((*table, "channels"), "the first channel that has a package decides"))
    if conflict.by_day:
        places.append(Place((*table, "as_of"), "nothing newer is taken"))
    matrix = [f"the matrix requires {line.spec}" for line in conflict.lines if not line.path]
    why = "; ".join((*conflict.reasons, *matrix))
    return report_no_solution(env, why, places, own_words=True)


def _check(package: CondaPackage, channels: Sequence[CondaChannel]) -> None:
    """Raise LockError unless both checksums are stated and, in a local channel, correct."""
    within = [channel for channel in channels if package.url.startswith(channel.address + "/")]
    where = f"the channel `{within[0].name}`" if within else "a channel"
    label = f"{package.name} {package.version} of {where}"
    if package.sha256 is None or package.md5 is None:
        missing = "sha256" if package.sha256 is None else "md5"
        raise index_failure(label, f"the channel states no {missing} for it")
    parts = urlsplit(package.url)
    if parts.scheme != "file":
        return  # checked when it is downloaded
    try:
        data = Path(unquote(parts.path)).read_bytes()
    except OSError as error:
        raise index_failure(label, (error.strerror or "it cannot be read").lower()) from None
    if hashlib.sha256(data).hexdigest() != package.sha256:
        raise index_failure(label, "its bytes do not match the channel's own sha256")
