"""Python environments: the interpreter, and every package that is or should be there."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rigspec.doctor.expectation import Expectation, ProbeError, command, compare, file_attributes
from rigspec.doctor.model import Item, Status
from rigspec.plan.model import Plan
from rigspec.plan.steps import Environment

__all__ = ["environment", "missing_package_files"]

_WHOLE = "all there"


def missing_package_files(
    step: Environment, packages: Mapping[str, Distribution]
) -> Iterator[Item]:
    """Whether each file of a package is there, as long as it came; nothing of one without a record.

    Some packages write to the same place: any of their lengths will do there.
    """
    records = {name: _record(distribution) for name, distribution in packages.items()}
    lengths: dict[str, set[int]] = {}
    for record in records.values():
        for path, length in record.items():
            lengths.setdefault(path, set()).add(length)
    for name in sorted(name for name, record in records.items() if record):
        promise = Expectation(step.layer, f"{step.name}/{name}", "files", _WHOLE, step.id)
        yield compare(promise, partial(_state, step.path, list(records[name]), lengths))


def _record(distribution: Distribution) -> dict[str, int]:
    """Path and length, but of what the interpreter itself writes, which has none."""
    text, metadata = distribution.read_text("RECORD"), getattr(distribution, "_path", None)
    if text is None or metadata is None:
        return {}
    folder = str(Path(metadata).parent)
    rows = (row for row in csv.reader(text.splitlines()) if len(row) == 3 and row[2].isdigit())
    return {os.path.normpath(f"{folder}/{row[0]}"): int(row[2]) for row in rows}


def _state(prefix: str, paths: list[str], lengths: Mapping[str, set[int]]) -> str:
    other = [path for path in paths if _length(path) not in lengths[path]]
    if not other:
        return _WHOLE
    more = f" and {len(other) - 1} more" if len(other) > 1 else ""
    return f"changed or gone: {os.path.relpath(other[0], prefix)}{more}"


def _length(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProbeError(f"{path}: {error.strerror}") from None


# Asked of the environment's own interpreter, Python 2.7 included: which it is, and where it looks.
_QUESTION = (
    "import json, platform, sys; "
    "print(json.dumps([platform.python_version(), sys.prefix, sys.path]))"
)
_PACKAGE = re.compile(r"\w+://\S*/([^/\s]+?)(?:\.conda|\.tar\.bz2)(?:#|$)")
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")


def environment(step: Environment, plan: Plan) -> Iterator[Item]:
    """The interpreter's version, each locked package and its files, and each that no lock knows.

    Of an environment that is not there only the interpreter is told.
    """
    texts = {file.name: file.content for file in plan.payload}
    python = next(env.python for env in plan.resolution.envs if env.name == step.name)
    interpreter = _interpreter(step, python)
    yield interpreter
    if interpreter.status is Status.MISSING:
        return
    pins: dict[str, str] = {}
    for name in (step.tools, step.requirements):
        pins |= _pins(texts[name])
    built = _listed(texts[step.explicit]) if step.explicit is not None else {}
    try:
        records = _records(step.path)
        found = _distributions(step)
    except ProbeError as error:
        for name, version in sorted({**built, **pins}.items()):
            yield _item(step, name, version, None, Status.UNKNOWN, str(error))
        return
    versions = {name: distribution.version for name, distribution in found.items()}
    yield from _compared(step, pins, versions, "version")
    yield from missing_package_files(step, {name: found[name] for name in found if name in pins})
    if step.explicit is not None:
        yield from _compared(step, built, records, "build")


def _interpreter(step: Environment, python: str) -> Item:
    """A system's own interpreter gets updates: what counts is what the packages are made for."""
    exact = step.explicit is not None
    expected = python if exact else ".".join(python.split(".")[:2])

    def look() -> str | None:
        if file_attributes(step.python, content=False) is None:
            return None
        version = _asked(step)[0]
        return version if exact else ".".join(version.split(".")[:2])

    return compare(Expectation(step.layer, step.name, "python", expected, step.id), look)


def _compared(
    step: Environment, locked: Mapping[str, str], found: Mapping[str, str], aspect: str
) -> Iterator[Item]:
    for name in sorted(locked.keys() | found.keys()):
        expected, has = locked.get(name), found.get(name)
        if expected is None:
            status = Status.EXTRA
        elif has is None:
            status = Status.MISSING
        else:
            status = Status.OK if _same(expected, has) else Status.DIFFERS
        yield _item(step, name, expected, has, status, aspect=aspect)


def _item(
    step: Environment,
    name: str,
    expected: str | None,
    found: str | None,
    status: Status,
    reason: str | None = None,
    aspect: str = "version",
) -> Item:
    name = f"{step.name}/{name}"
    return Item(step.layer, name, aspect, expected, found, status, step.id, reason)


def _same(one: str, other: str) -> bool:
    """Metadata may write a version in another way: `1.0.0` is `1.0`."""
    try:
        return one == other or Version(one) == Version(other)
    except InvalidVersion:
        return False


def _pins(requirements: str) -> dict[str, str]:
    found = (_PIN.match(line) for line in requirements.splitlines())
    return {canonicalize_name(pin[1]): pin[2] for pin in found if pin}


def _listed(explicit: str) -> dict[str, str]:
    """Name and ``version-build`` of every package of an explicit list."""
    found = (_PACKAGE.match(line) for line in explicit.splitlines())
    return dict(_split(package[1]) for package in found if package)


def _records(prefix: str) -> dict[str, str]:
    """The same of what stands in the environment: a record a package."""
    return dict(_split(record.stem) for record in _record_files(prefix))


def _split(package: str) -> tuple[str, str]:
    name, version, build = package.rsplit("-", 2)
    return name, f"{version}-{build}"


def _record_files(prefix: str) -> list[Path]:
    try:
        return sorted((Path(prefix) / "conda-meta").glob("*-*-*.json"))
    except OSError as error:
        raise ProbeError(f"{prefix}: {error.strerror}") from None


def _distributions(step: Environment) -> dict[str, Distribution]:
    """Every package that the interpreter would find, less those that conda's records hold."""
    if file_attributes(step.python, content=False) is None:
        return {}
    _, prefix, search = _asked(step)
    folders = [path for path in search if path.startswith(f"{prefix}/") and Path(path).is_dir()]
    others = {path for record in _record_files(prefix) for path in _files(record)}
    found: dict[str, Distribution] = {}
    for distribution in distributions(path=folders):
        name, metadata = distribution.metadata["Name"], getattr(distribution, "_path", None)
        if name is None or (metadata is not None and _owned(Path(metadata), prefix, others)):
            continue
        # The first that is found is the one that is imported.
        found.setdefault(str(canonicalize_name(name)), distribution)
    return found


def _owned(metadata: Path, prefix: str, files: set[str]) -> bool:
    """Whether a package's metadata, a folder or a file, came with a package of conda's."""
    if not files:
        return False
    path = str(metadata.relative_to(prefix))
    return path in files or any(f"{path}/{part}" in files for part in ("METADATA", "PKG-INFO"))


def _files(record: Path) -> list[str]:
    try:
        listed = json.loads(record.read_text(encoding="utf-8")).get("files", [])
    except (OSError, ValueError) as error:
        raise ProbeError(f"{record}: {error}") from None
    return [str(path) for path in listed]


def _asked(step: Environment) -> tuple[str, str, list[str]]:
    # -B: nothing is written beside what is looked at. -E, -s: nothing of the asker's is heard.
    said = command((step.python, "-B", "-E", "-s", "-c", _QUESTION))
    try:
        version, prefix, search = json.loads(said)
    except ValueError:
        raise ProbeError(f"{step.python} does not answer") from None
    return version, prefix, search
