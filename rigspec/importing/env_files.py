"""Specs whose environments take their packages from files of other programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.frozen import dataclass
from rigspec.spec.loader import InvalidSpec, LoadedSpec, load_spec, parse_spec
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import Document, ExternalValue, KeyPath

if TYPE_CHECKING:
    from rigspec.importing.merge import Merged
    from rigspec.importing.model import SkippedPart, Statement

__all__ = ["SpecWithFiles", "add_files", "load_spec_with_files"]


@dataclass(frozen=True)
class SpecWithFiles:
    """A spec, and the parts of its files that it does not have."""

    spec: LoadedSpec
    omissions: tuple[SkippedPart, ...] = ()


def load_spec_with_files(path: str, text: str | None = None) -> SpecWithFiles:
    """Load a rig file and the files that its environments name with ``from``.

    ``text`` replaces the content of the rig file.

    Raises:
        InvalidSpec: with every error of the spec, or the file that cannot be read.
    """
    return add_files(load_spec(path) if text is None else parse_spec(path, text))


def add_files(spec: LoadedSpec) -> SpecWithFiles:
    """Add the values of the files that the environments name with ``from``.

    Raises:
        InvalidSpec: if a file cannot be read.
    """
    names = {name: env.from_ for name, env in spec.rig.env.items() if env.from_ is not None}
    if not names:
        return SpecWithFiles(spec)
    values = deepcopy(dict(spec.document.value))
    external: dict[KeyPath, ExternalValue] = {}
    omissions: list[SkippedPart] = []
    folder = Path(spec.document.file).parent
    for name, file in names.items():
        merged = _read(spec.document, name, folder / file, omissions)
        external.update(_add(("env", name), values["env"][name], merged))
    rig = Rig.model_validate(values)
    document = replace(spec.document, value=values, external=external)
    return SpecWithFiles(LoadedSpec(rig, document), tuple(omissions))


def _read(document: Document, env: str, path: Path, omissions: list[SkippedPart]) -> Merged:
    """Read a file and merge its statements.

    Raises:
        InvalidSpec: if the file cannot be read.
    """
    # Imported here: most specs name no file.
    from rigspec.importing.merge import merge
    from rigspec.importing.model import SourceText, Subject, UnreadableFile, omit
    from rigspec.importing.registry import UnknownFormat, read_files, read_text

    text = read_text(path)
    if text is None:
        raise _unreadable(document, env, f"cannot read `{path}`")
    try:
        (file,) = read_files([SourceText(str(path), text)])
    except UnknownFormat:
        raise _unreadable(document, env, f"unknown format: `{path}`") from None
    except UnreadableFile as error:
        raise _unreadable(document, env, f"cannot read {error}") from None
    # Subjects that an environment has; of the others the spec decides.
    admitted = {Subject.PYTHON, Subject.MANAGER, Subject.CHANNEL, Subject.PACKAGE}
    admitted |= {Subject.CONSTRAINT, Subject.AS_OF}
    merged = merge(s for s in file.reading.statements if s.subject in admitted)
    indexes = (s for s in file.reading.statements if s.subject is Subject.INDEX)
    omissions += (
        omit(each.name, f"its index: write `[index.{each.index}]` with `packages`", each.span)
        for each in indexes
    )
    omissions += (*file.reading.omissions, *merged.omissions)
    return merged


def _unreadable(document: Document, env: str, message: str) -> InvalidSpec:
    span = document.span(("env", env, "from"))
    error = Diagnostic("RS010", Severity.ERROR, message, spans=(span,))
    return InvalidSpec((error,), document.text)


def _add(
    path: KeyPath, table: dict[str, Any], merged: Merged
) -> Iterator[tuple[KeyPath, ExternalValue]]:
    """Add what the file has to the table of an environment, and yield the added keys."""
    from rigspec.importing.merge import split_packages
    from rigspec.importing.model import Subject

    for key, subject in (("python", Subject.PYTHON), ("manager", Subject.MANAGER)):
        statement = merged.single.get(subject)
        if statement is not None and key not in table:
            table[key] = statement.value
            yield (*path, key), _external(statement)
    day = merged.single.get(Subject.AS_OF)
    if day is not None and "as_of" not in table:
        table["as_of"] = dt.date.fromisoformat(day.value)
        yield (*path, "as_of"), _external(day)
    if merged.channels and table.get("manager") == "conda" and "channels" not in table:
        table["channels"] = [channel.value for channel in merged.channels]
        for number, channel in enumerate(merged.channels):
            yield (*path, "channels", number), _external(channel)
    own = _own_packages(table)
    for kind, statements in zip(("frameworks", "packages"), split_packages(merged), strict=True):
        for statement in statements:
            if statement.name.lower().replace("_", "-") not in own:
                table.setdefault(kind, {})[statement.name] = statement.request
                yield (*path, kind, statement.name), _external(statement)


def _own_packages(table: Mapping[str, Any]) -> set[str]:
    kinds = (table.get(kind, {}) for kind in ("frameworks", "packages"))
    return {name.lower().replace("_", "-") for kind in kinds for name in kind}


def _external(statement: Statement) -> ExternalValue:
    return ExternalValue(statement.value, statement.span, statement.pattern)
