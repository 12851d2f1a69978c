"""Open the files of other programs that ``import`` and ``check`` read."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name

from rigspec.cli.console import fail
from rigspec.importing.model import SourceText, UnreadableFile
from rigspec.importing.registry import FORMATS, ImportedFile, UnknownFormat, read_files, read_text

__all__ = ["open_sources"]

_STDIN = Path("-")
_MAX_STDIN = 1 << 22  # characters


def open_sources(
    paths: Sequence[Path],
    stdin: str | None = None,
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    stages: Sequence[str] = (),
) -> tuple[ImportedFile, ...]:
    """Read the files; print an error and exit with status 2 if one cannot be read.

    ``stdin`` is the text of standard input, if it has been read. ``extras`` and ``groups`` are the
    optional dependencies to read as well, ``stages`` those of Dockerfiles to read.
    """
    wanted = {"--extra": extras, "--group": groups, "--stage": stages}
    selected: dict[str, frozenset[str]] = {
        option: frozenset(map(canonicalize_name, names)) for option, names in wanted.items()
    }
    sources = [
        replace(
            _open(path, stdin),
            extras=selected["--extra"],
            groups=selected["--group"],
            stages=selected["--stage"],
        )
        for path in paths
    ]
    try:
        files = read_files(sources)
    except UnknownFormat as error:
        names = ", ".join(each.name for each in FORMATS)
        fail(f"unknown format: {error}", status=2, help_text=f"the formats are {names}")
    except UnreadableFile as error:
        fail(f"cannot read {error}", status=2)
    optional = {each for file in files for each in file.reading.optional}
    for option, chosen in selected.items():
        known = {name for kind, name in optional if kind == option}
        _require_names(option, chosen - known, known)
    return files


def _require_names(option: str, missing: frozenset[str], known: set[str]) -> None:
    if missing:
        kind = {"--extra": "extra", "--group": "dependency group", "--stage": "stage"}[option]
        listed = ", ".join(sorted(known))
        fail(
            f"no file has the {kind} {' or '.join(f'`{name}`' for name in sorted(missing))}",
            status=2,
            help_text=f"the files have: {listed}" if known else "omit the option",
        )


def _open(path: Path, stdin: str | None) -> SourceText:
    if path == _STDIN:
        text = sys.stdin.read(_MAX_STDIN) if stdin is None else stdin
        return SourceText("<stdin>", re.sub(r"\r\n?", "\n", text))
    text = read_text(path)
    if text is None:
        reason = "it is not UTF-8 text" if path.is_file() else "no such file"
        fail(f"cannot read {path}: {reason}", status=2)
    return SourceText(str(path), text)
