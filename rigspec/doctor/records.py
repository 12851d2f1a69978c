"""The files of an environment's packages, held against the record that each brought along."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import Distribution
from pathlib import Path

from rigspec.doctor.host import Expectation, ProbeError, compare
from rigspec.doctor.model import Item
from rigspec.plan.steps import Environment

__all__ = ["missing_package_files"]

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
        promise = Expectation(step.part, f"{step.name}/{name}", "files", _WHOLE, step.id)
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
