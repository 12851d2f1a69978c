"""The targets that ``compile`` wrote: the summary for a person, and ``targets.json``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rigspec.backend.discovery import Backend
from rigspec.frozen import dataclass
from rigspec.fs.atomic_tree import OutputFile, TreeError
from rigspec.plan.model import Omission, Plan, group_by_reason

__all__ = ["TARGETS", "Detail", "WrittenTarget", "build_targets_file", "describe_targets"]

# How much to print about what is not included.
Detail = Literal["count", "reasons", "all"]

# The file at the top of the output that lists its targets.
TARGETS = "targets.json"

# The folder of files that the first boot downloads, and the programs that upload them.
_SEED = "seed/"
_UPLOADS = {"gs": ("gcloud", "storage", "cp"), "s3": ("aws", "s3", "cp")}

_WIDTH = 100
_UNITS = ("bytes", "KB", "MB", "GB")


@dataclass(frozen=True)
class WrittenTarget:
    """A target, its files, and what it does not include."""

    name: str
    title: str
    files: tuple[OutputFile, ...]
    omissions: tuple[Omission, ...]
    seed: str | None = None

    @classmethod
    def of(cls, plan: Plan, backend: Backend, files: Sequence[OutputFile]) -> WrittenTarget:
        """Return the target of a backend with the files that it wrote."""
        return cls(
            backend.name, backend.title, tuple(files), backend.omissions(plan), plan.deployment.seed
        )

    def as_dict(self, output: Path) -> dict[str, Any]:
        """Return the JSON value, with paths below the output folder."""
        return {
            "name": self.name,
            "files": [str(output / self.name / file.path) for file in self.files],
            "not_included": [
                {"item": omission.item, "reason": omission.reason} for omission in self.omissions
            ],
        }


def describe_targets(
    targets: Sequence[WrittenTarget],
    output: Path,
    known: frozenset[str],
    detail: Detail,
) -> Iterator[str]:
    """Yield the lines for the terminal.

    What is not included is given as a ``count``, as one line for each of the ``reasons``, or with
    ``all`` items and files. The items in ``known`` were printed already, because they apply to all
    targets.
    """
    has_omissions = False
    for target in targets:
        size = _format_size(sum(len(file.content) for file in target.files))
        count = "1 file" if len(target.files) == 1 else f"{len(target.files)} files"
        line = f"{target.title}: {count} ({size}) in {output / target.name}"
        omissions = [each for each in target.omissions if each.item not in known]
        has_omissions = has_omissions or bool(omissions)
        yield f"{line}, {len(omissions)} not included" if detail == "count" and omissions else line
        yield from _explain_upload(target, output)
        if detail == "all":
            yield from _list_files(target, output)
        if detail != "count":
            yield from _describe_omissions(omissions, is_complete=detail == "all")
    if detail == "count" and has_omissions:
        yield "note: --verbose lists all files, and what is not included with the reason"


def _explain_upload(target: WrittenTarget, output: Path) -> Iterator[str]:
    """Yield the command that uploads the files for the first boot to a bucket."""
    files = [file.path for file in target.files if file.path.startswith(_SEED)]
    program = _UPLOADS.get((target.seed or "").partition(":")[0])
    if files and target.seed is not None and program is not None:
        for path in files:
            words = (*program, str(output / target.name / path), f"{target.seed.rstrip('/')}/")
            yield f"  upload: {shlex.join(words)}"


def _list_files(target: WrittenTarget, output: Path) -> Iterator[str]:
    for file in target.files:
        yield f"  {output / target.name / file.path} ({_format_size(len(file.content))})"


def _describe_omissions(omissions: Iterable[Omission], *, is_complete: bool) -> Iterator[str]:
    for reason, items in group_by_reason(omissions):
        if is_complete:
            yield f"  not included: {reason}"
            yield from (f"    {item}" for item in items)
        else:
            yield _shorten(items, reason)


def build_targets_file(
    output: Path, earlier: Sequence[OutputFile], plan: Plan, targets: Iterable[WrittenTarget]
) -> OutputFile:
    """Return ``targets.json`` for these targets and the other ones that the folder already has.

    Raises:
        TreeError: The earlier file is not one of rigspec.
    """
    found = {each["name"]: each for each in _read_targets(output, earlier)}
    for target in targets:
        value = target.as_dict(Path())
        found[target.name] = {**value, "machine": plan.machine, "lock": plan.lock_digest}
    value = {"schema": 1, "rig": plan.rig, "targets": [found[name] for name in sorted(found)]}
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return OutputFile(TARGETS, text.encode(), 0o644)


def _read_targets(output: Path, earlier: Sequence[OutputFile]) -> Iterator[Mapping[str, Any]]:
    file = next((file for file in earlier if file.path == TARGETS), None)
    if file is None:
        return
    present = {each.path.partition("/")[0] for each in earlier}
    try:
        targets = json.loads(file.content)["targets"]
        yield from (each for each in targets if each["name"] in present)
    except (ValueError, KeyError, TypeError):
        raise TreeError(output, f"contains a {TARGETS} that was edited") from None


def _shorten(items: Sequence[str], reason: str) -> str:
    """Return one line for a reason: as many items as fit, at least one."""
    for shown in range(len(items), 0, -1):
        others = len(items) - shown
        names = ", ".join(items[:shown])
        rest = f" and {others} more" if others else ""
        line = f"  not included: {names}{rest} ({reason})"
        if len(line) <= _WIDTH:
            break
    return line


def _format_size(size: int) -> str:
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}"
