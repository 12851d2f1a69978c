"""The formats that can be imported, and the detection of the format of a file."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rigspec.importing.model import (
    Reading,
    SkippedPart,
    SourceText,
    Statement,
    Subject,
    UnreadableFile,
    join_readings,
    leave_out_secrets,
)

__all__ = ["FORMATS", "Format", "ImportedFile", "UnknownFormat", "detect_format", "read_files"]

# The longest file that is read, in bytes: a uv.lock of 1,000 packages has 3 MiB.
_MAX_BYTES = 32 << 20
_OTHER_SUFFIXES = (".toml", ".yml", ".yaml")


class UnknownFormat(Exception):
    """The file has none of the formats."""


@dataclass(frozen=True)
class Format:
    """A format: its module, and what its file names and contents look like.

    A file name decides before contents do, except for contents that are ``decisive``. A pattern
    that is empty matches nothing.
    """

    name: str
    module: str
    file_name: str = ""
    content: str = ""
    decisive: bool = False


FORMATS = (
    Format("pyproject.toml", "pyproject", r"pyproject\.toml"),
    Format("uv.lock", "uv_lock", r"uv\.lock|.+\.py\.lock"),
    Format("pylock.toml", "pylock", r"pylock(?:\.[^.]+)?\.toml"),
    Format(".python-version", "python_version", r"(?:.*[-_])?\.python-versions?"),
    Format("pixi.toml", "pixi", r"pixi\.toml"),
    Format("script", "script", content=r"(?m)^# /// script$", decisive=True),
    Format(
        "conda-lock.yml",
        "conda_lock",
        r"(?:.*[-.])?conda-lock\.ya?ml",
        r"(?m)\A(?=[\s\S]*^package:\s*$)(?=[\s\S]*^metadata:\s*$)",
    ),
    Format(
        "compose.yaml",
        "compose",
        r"(?:docker-)?compose(?:[.-].*)?\.ya?ml",
        r"(?m)^services:\s*(?:#.*)?$",
    ),
    Format("devcontainer.json", "devcontainer", r"\.?devcontainer\.json"),
    Format("environment.yml", "conda_environment", r"", r"(?m)^dependencies:\s*(?:#.*)?$"),
    Format(
        "conda list",
        "conda_list",
        content=r"(?m)^# packages in environment at |^# Name +Version +Build"
        r"|^# \$ conda create --name <env> --file <this file>",
        decisive=True,
    ),
    Format(
        "Dockerfile",
        "dockerfile",
        r"(?i)(?:Docker|Container)file(?:[._-].*)?|.*\.(?:docker|container)file",
        r"(?m)\A(?:[^\S\n]*(?:#.*)?\n|ARG .*\n)*FROM \S+",
    ),
    Format(
        "torch.utils.collect_env",
        "collect_env",
        content=r"(?m)^PyTorch version[ \t]*:",
        decisive=True,
    ),
    Format(
        "nvidia-smi",
        "nvidia_smi",
        content=r"<nvidia_smi_log|(?m:^[ \t]*\| NVIDIA-SMI )|(?m:^GPU \d+: .+\(UUID: )|NVSMI LOG=",
        decisive=True,
    ),
    Format(
        "requirements.txt",
        "requirements",
        r"(?i).*(?:requirements|constraints|freeze).*\.(?:txt|in|pip)",
        r"(?m)\A(?:[^\S\n]*(?:#.*)?\n)*(?:-e |--?[a-z]|[A-Za-z0-9][\w.-]*(?:\[[\w, -]*\])?\s*"
        r"(?:[=<>~!]=|[<>@;#]|$))",
    ),
)


_REQUIREMENTS = next(form for form in FORMATS if form.module == "requirements")


@dataclass(frozen=True)
class ImportedFile:
    """A file with its format, and its statements with those of the files that it includes."""

    source: SourceText
    format: Format
    reading: Reading
    included: tuple[SourceText, ...] = ()


def detect_format(name: str, text: str) -> Format | None:
    """Return the format of a file by its name, else by its content."""
    base, head = Path(name).name, text[: 1 << 16]
    by_content = (f for f in FORMATS if f.content and re.search(f.content, head))
    by_name = (f for f in FORMATS if f.file_name and re.fullmatch(f.file_name, base))
    found = next((f for f in by_name), None)
    if base.endswith(".toml"):
        return found
    other = next(by_content, None)
    return other if found is None or (other is not None and other.decisive) else found


def read_files(sources: Iterable[SourceText]) -> tuple[ImportedFile, ...]:
    """Read every file.

    Raises:
        UnknownFormat: if a file has none of the formats; its argument is the file.
        UnreadableFile: if a file cannot be parsed; the message starts with its name and line.
    """
    return tuple(_read_file(source) for source in sources)


def _read_file(source: SourceText) -> ImportedFile:
    found = detect_format(source.file, source.text)
    if found is None:
        raise UnknownFormat(source.file)
    included: list[SourceText] = []
    reading = leave_out_secrets(_read(source, found, included, {Path(source.file)}))
    return ImportedFile(source, found, reading, tuple(included))


def _read(source: SourceText, form: Format, included: list[SourceText], seen: set[Path]) -> Reading:
    module = importlib.import_module(f"rigspec.importing.formats.{form.module}")
    try:
        reading: Reading = module.read(source)
    except UnreadableFile as error:
        raise UnreadableFile(f"{source.file}:{error.line}: {error}", error.line) from None
    parts = [replace(reading, includes=())]
    for include in reading.includes:
        path = Path(os.path.normpath(os.path.join(os.path.dirname(source.file), include.path)))
        if path in seen:
            continue
        seen.add(path)
        text = read_text(path)
        if text is None:
            parts.append(Reading(omissions=(_missing(source, include.path),)))
            continue
        nested = SourceText(str(path), text, source.extras, source.groups)
        included.append(nested)
        part = _read(nested, _find_included_format(path, text), included, seen)
        part = replace(part, statements=tuple(map(include.indexes.apply, part.statements)))
        parts.append(_as_constraints(part) if include.is_constraint else part)
    return join_readings(parts)


def _find_included_format(path: Path, text: str) -> Format:
    """Return requirements, or another format that pip, uv or conda installs from by its name."""
    found = detect_format(path.name, text) if path.suffix in _OTHER_SUFFIXES else None
    return found or _REQUIREMENTS


def read_text(path: Path) -> str | None:
    """Return the text of a file, or None if it cannot be read as UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        return data.decode("utf-8-sig").replace("\r\n", "\n") if len(data) <= _MAX_BYTES else None
    except (OSError, ValueError):  # ValueError: not UTF-8, or a path with a NUL
        return None


def _missing(source: SourceText, path: str) -> SkippedPart:
    at = source.text.find(path)
    line = source.text.count("\n", 0, max(at, 0)) + 1
    return source.omission(path, "the file cannot be read", line)


def _as_constraints(reading: Reading) -> Reading:
    def convert(statement: Statement) -> Statement:
        if statement.subject is not Subject.PACKAGE:
            return statement
        return replace(statement, subject=Subject.CONSTRAINT)

    return replace(reading, statements=tuple(map(convert, reading.statements)))
