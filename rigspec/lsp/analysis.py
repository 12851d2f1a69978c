"""Check the text of an editor: a spec, or a file that ``rigspec import`` reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from rigspec.check import check_machine, list_errors
from rigspec.check_sources import check_imported_files
from rigspec.diagnostics.model import Diagnostic, Report, Severity, Span
from rigspec.importing.env_files import add_files
from rigspec.importing.model import SourceText, UnreadableFile
from rigspec.importing.registry import detect_format, read_files, read_text
from rigspec.importing.spec_writer import ImportedRig
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, LoadedSpec, parse_spec
from rigspec.spec.toml.document import KeyPath

__all__ = ["Analysis", "FileKind", "analyze", "detect_kind"]

_SPEC_NAME = re.compile(r"(?:.*[.-])?rig\.toml")
_SPEC_TEXT = re.compile(r"(?m)^[ \t]*rig[ \t]*=[ \t]*\d")
_LINE_OF_FILE = re.compile(r"(?s).*?:(\d+): (.*)")


class FileKind(str, Enum):
    """The kind of a file that the server reads."""

    SPEC = "spec"
    SOURCE = "source"


@dataclass(frozen=True)
class Analysis:
    """The result of a check of one text.

    Attributes:
        kind: the kind of the file.
        file: its path.
        text: its content.
        diagnostics: the findings of all machines, each once.
        spec: the rig, if it is valid; for a source it is the rig that was imported from it.
        reports: the result of each machine.
        paths_by_line: for a source, the keys of the rig that a line of the file became.
        texts: the content of each other file that the rig takes values from.
    """

    kind: FileKind
    file: str
    text: str
    diagnostics: tuple[Diagnostic, ...] = ()
    spec: LoadedSpec | None = None
    reports: tuple[Report, ...] = ()
    paths_by_line: Mapping[int, tuple[KeyPath, ...]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def detect_kind(file: str, text: str) -> FileKind | None:
    """Return the kind of a file; None if it is neither a spec nor a file to import."""
    name = Path(file).name
    if name.endswith(".toml") and (_SPEC_NAME.fullmatch(name) or _SPEC_TEXT.search(text)):
        return FileKind.SPEC
    return FileKind.SOURCE if detect_format(name, text) is not None else None


def analyze(file: str, text: str) -> Analysis | None:
    """Check a text; ``file`` is its path. Return None for a file of another kind."""
    kind = detect_kind(file, text)
    if kind is None:
        return None
    return _analyze_spec(file, text) if kind is FileKind.SPEC else _analyze_source(file, text)


def _analyze_spec(file: str, text: str) -> Analysis:
    try:
        spec = add_files(parse_spec(file, text)).spec
    except InvalidSpec as error:
        found = dict.fromkeys([*error.diagnostics, *_list_other_errors(error.rest)])
        return Analysis(FileKind.SPEC, file, text, tuple(found))
    reports = tuple(
        check_machine(spec, name, load_required_matrix(spec.rig, name))
        for name in _list_machines(spec)
    )
    others = {name: read_text(Path(name)) or "" for r in reports for name in r.imported}
    return Analysis(FileKind.SPEC, file, text, tuple(_join(reports)), spec, reports, texts=others)


def _analyze_source(file: str, text: str) -> Analysis:
    source = SourceText(file, text.removeprefix("\ufeff"))
    try:
        files = read_files([source])
    except UnreadableFile as error:
        return Analysis(FileKind.SOURCE, file, text, (_build_read_error(file, error),))
    checked = check_imported_files(files)
    paths = _find_paths_by_line(file, checked.rig, checked.spec) if checked.spec else {}
    return Analysis(
        FileKind.SOURCE,
        file,
        text,
        checked.report.diagnostics,
        checked.spec,
        (checked.report,),
        paths,
        {source.file: source.text for each in files for source in each.included},
    )


def _find_paths_by_line(
    file: str, rig: ImportedRig, spec: LoadedSpec
) -> dict[int, tuple[KeyPath, ...]]:
    found: dict[int, tuple[KeyPath, ...]] = {}
    for path, position in spec.document.positions.items():
        statement = rig.by_line.get(position.value[0][0])
        if statement is not None and statement.span.file == file:
            line = statement.span.line
            found[line] = (*found.get(line, ()), path)
    return found


def _list_machines(spec: LoadedSpec) -> tuple[str | None, ...]:
    return tuple(spec.rig.machine) or (None,)


def _list_other_errors(spec: LoadedSpec | None) -> Iterator[Diagnostic]:
    """Yield the errors of the valid part of an invalid spec."""
    for name in _list_machines(spec) if spec is not None else ():
        if spec is not None:
            yield from list_errors(spec, name, load_required_matrix(spec.rig, name))


def _join(reports: Iterable[Report]) -> Iterator[Diagnostic]:
    """Yield each diagnostic once; machines of one rig share most of them."""
    seen: set[tuple[str, str, tuple[Span, ...]]] = set()
    for report in reports:
        for diagnostic in report.diagnostics:
            key = (diagnostic.code, diagnostic.message, diagnostic.spans)
            if key not in seen:
                seen.add(key)
                yield diagnostic


def _build_read_error(file: str, error: UnreadableFile) -> Diagnostic:
    match = _LINE_OF_FILE.fullmatch(str(error))
    line, message = (int(match[1]), match[2]) if match else (error.line, str(error))
    span = Span(file, line, 1, line, 2)
    return Diagnostic("RS010", Severity.ERROR, f"cannot read the file: {message}", spans=(span,))
