"""Check Python environments: the interpreter and all packages."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rigspec.plan.inspection.expectation import (
    Expectation,
    ProbeError,
    compare,
    read_file_attributes,
    run_command,
)
from rigspec.plan.inspection.findings import Finding, Inspection, Status
from rigspec.plan.steps.environment import EnvironmentStep

__all__ = ["check", "find_missing_package_files"]

_COMPLETE = "complete"


def find_missing_package_files(
    step: EnvironmentStep, packages: Mapping[str, Distribution]
) -> Iterator[Finding]:
    """Check that the files of each package exist with the recorded size.

    Packages without a RECORD are skipped. If several packages have the same file, any of their
    sizes is ok.
    """
    records = {name: _read_record(distribution) for name, distribution in packages.items()}
    sizes: dict[str, set[int]] = {}
    for record in records.values():
        for path, size in record.items():
            sizes.setdefault(path, set()).add(size)
    for name in sorted(name for name, record in records.items() if record):
        expectation = Expectation(step.layer, f"{step.name}/{name}", "files", _COMPLETE, step.id)
        yield compare(expectation, partial(_find_changes, step.path, list(records[name]), sizes))


def _read_record(distribution: Distribution) -> dict[str, int]:
    """Return the size of each file; files that the interpreter writes have none."""
    text, metadata = distribution.read_text("RECORD"), getattr(distribution, "_path", None)
    if text is None or metadata is None:
        return {}
    folder = str(Path(metadata).parent)
    rows = (row for row in csv.reader(text.splitlines()) if len(row) == 3 and row[2].isdigit())
    return {os.path.normpath(f"{folder}/{row[0]}"): int(row[2]) for row in rows}


def _find_changes(prefix: str, paths: list[str], sizes: Mapping[str, set[int]]) -> str:
    changed = [path for path in paths if _file_size(path) not in sizes[path]]
    if not changed:
        return _COMPLETE
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"changed or missing: {os.path.relpath(changed[0], prefix)}{more}"


def _file_size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProbeError(f"{path}: {error.strerror}") from None


# Run by the interpreter of the environment (Python 2.7 and newer): its version, prefix and path.
_PROGRAM = (
    "import json, platform, sys; "
    "print(json.dumps([platform.python_version(), sys.prefix, sys.path]))"
)


def check(step: EnvironmentStep, inspection: Inspection) -> Iterator[Finding]:
    """Check the interpreter, all locked packages and their files, and report other packages.

    If the environment is missing, only the interpreter is reported.
    """
    plan = inspection.plan
    python = next(env.python for env in plan.resolution.envs if env.name == step.name)
    interpreter = _check_interpreter(step, python)
    yield interpreter
    if interpreter.status is Status.MISSING:
        return
    pins = {package.name: package.version for package in step.packages}
    conda_packages = {p.name: f"{p.version}-{p.build}" for p in step.conda_packages}
    try:
        records = _read_conda_records(step.path)
        installed = _find_distributions(step)
    except ProbeError as error:
        for name, version in sorted({**conda_packages, **pins}.items()):
            yield _item(step, name, version, None, Status.UNKNOWN, str(error))
        return
    versions = {name: distribution.version for name, distribution in installed.items()}
    yield from _compare_packages(step, pins, versions, "version")
    yield from find_missing_package_files(
        step, {name: installed[name] for name in installed if name in pins}
    )
    if step.explicit is not None:
        yield from _compare_packages(step, conda_packages, records, "build")


def _check_interpreter(step: EnvironmentStep, python: str) -> Finding:
    """Check the version; of a system interpreter, which gets updates, only major and minor."""
    exact = step.explicit is not None
    expected = python if exact else ".".join(python.split(".")[:2])

    def probe() -> str | None:
        if read_file_attributes(step.python, content=False) is None:
            return None
        version = _query_interpreter(step)[0]
        return version if exact else ".".join(version.split(".")[:2])

    return compare(Expectation(step.layer, step.name, "python", expected, step.id), probe)


def _compare_packages(
    step: EnvironmentStep, locked: Mapping[str, str], installed: Mapping[str, str], aspect: str
) -> Iterator[Finding]:
    for name in sorted(locked.keys() | installed.keys()):
        expected, found = locked.get(name), installed.get(name)
        if expected is None:
            status = Status.EXTRA
        elif found is None:
            status = Status.MISSING
        else:
            status = Status.OK if _is_same_version(expected, found) else Status.DIFFERS
        yield _item(step, name, expected, found, status, aspect=aspect)


def _item(
    step: EnvironmentStep,
    name: str,
    expected: str | None,
    found: str | None,
    status: Status,
    reason: str | None = None,
    aspect: str = "version",
) -> Finding:
    name = f"{step.name}/{name}"
    return Finding(step.layer, name, aspect, expected, found, status, step.id, reason)


def _is_same_version(one: str, other: str) -> bool:
    """Return whether two versions are equal, even if written differently (`1.0.0`, `1.0`)."""
    try:
        return one == other or Version(one) == Version(other)
    except InvalidVersion:
        return False


def _read_conda_records(prefix: str) -> dict[str, str]:
    """Return ``version-build`` of every installed conda package."""
    return dict(_split(record.stem) for record in _record_files(prefix))


def _split(package: str) -> tuple[str, str]:
    name, version, build = package.rsplit("-", 2)
    return name, f"{version}-{build}"


def _record_files(prefix: str) -> list[Path]:
    try:
        return sorted((Path(prefix) / "conda-meta").glob("*-*-*.json"))
    except OSError as error:
        raise ProbeError(f"{prefix}: {error.strerror}") from None


def _find_distributions(step: EnvironmentStep) -> dict[str, Distribution]:
    """Return the packages on the interpreter's path that conda did not install."""
    if read_file_attributes(step.python, content=False) is None:
        return {}
    _, prefix, search = _query_interpreter(step)
    folders = [path for path in search if path.startswith(f"{prefix}/") and Path(path).is_dir()]
    conda_files = {path for record in _record_files(prefix) for path in _read_files(record)}
    packages: dict[str, Distribution] = {}
    for distribution in distributions(path=folders):
        name, metadata = distribution.metadata["Name"], getattr(distribution, "_path", None)
        if name is None or (
            metadata is not None and _is_from_conda(Path(metadata), prefix, conda_files)
        ):
            continue
        # The first one on the path is imported.
        packages.setdefault(str(canonicalize_name(name)), distribution)
    return packages


def _is_from_conda(metadata: Path, prefix: str, files: set[str]) -> bool:
    """Return whether the metadata of a package belongs to a conda package."""
    if not files:
        return False
    path = str(metadata.relative_to(prefix))
    return path in files or any(f"{path}/{part}" in files for part in ("METADATA", "PKG-INFO"))


def _read_files(record: Path) -> list[str]:
    try:
        paths = json.loads(record.read_text(encoding="utf-8")).get("files", [])
    except (OSError, ValueError) as error:
        raise ProbeError(f"{record}: {error}") from None
    return [str(path) for path in paths]


def _query_interpreter(step: EnvironmentStep) -> tuple[str, str, list[str]]:
    # -B: do not write bytecode. -E, -s: ignore the environment and packages of the calling user.
    output = run_command((step.python, "-B", "-E", "-s", "-c", _PROGRAM))
    try:
        version, prefix, search = json.loads(output)
    except ValueError:
        raise ProbeError(f"{step.python} printed no result") from None
    return version, prefix, search
