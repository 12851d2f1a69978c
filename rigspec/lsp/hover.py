"""Explain the key, the value and the facts at a position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol.types import Hover, MarkupContent, MarkupKind, Position

from rigspec.diagnostics.model import Diagnostic, Fact, Source, Span
from rigspec.diagnostics.sanitize import sanitize
from rigspec.lsp.analysis import Analysis, FileKind
from rigspec.lsp.positions import TextPositions
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Release
from rigspec.matrix.part_lookup import find_part
from rigspec.resolve.explain.why import UnknownComponent, Unsolvable, explain_component
from rigspec.resolve.problem.builder import ProblemBuilder, load_required_matrix
from rigspec.spec.json_schema import describe_key
from rigspec.spec.toml.document import BrokenDocument, Document, KeyPath, read_document

__all__ = ["build_hover"]

# Properties of a part that a reader of a spec looks for.
_PROPERTIES = ("memory", "watts", "length", "cores", "threads", "price", "codename", "kernel")
_PART_KEYS = {"gpus": "gpu", "instance": "instance", "cpu": "cpu", "os": "os"}


def build_hover(analysis: Analysis, positions: TextPositions, position: Position) -> Hover | None:
    """Return the description of a key, or the facts about a value with their sources."""
    line, column = positions.line_and_column(positions.offset_of(position))
    parts: list[str] = []
    document = _read(analysis) if analysis.kind is FileKind.SPEC else None
    found = _find_path(document, line, column) if document is not None else None
    if document is not None and found is not None:
        path, is_key = found
        parts += _describe_key(path) if is_key else _describe_value(path, analysis, document)
    elif analysis.kind is FileKind.SOURCE:
        parts += _explain_source(analysis, line)
    parts += _describe_diagnostics(analysis, line, column)
    text = "\n\n---\n\n".join(dict.fromkeys(filter(None, parts)))
    return Hover(MarkupContent(MarkupKind.Markdown, text)) if text else None


def _read(analysis: Analysis) -> Document:
    try:
        return read_document(analysis.file, analysis.text)
    except BrokenDocument as error:
        return error.document


def _find_path(document: Document, line: int, column: int) -> tuple[KeyPath, bool] | None:
    """Return the path at a position, and whether the position is in its key."""
    here = (line, column)
    candidates: list[tuple[int, KeyPath, bool]] = []
    for path, position in document.positions.items():
        if position.key is not None and position.key[0] <= here <= position.key[1]:
            candidates.append((len(path), path, True))
        elif position.value[0] <= here <= position.value[1]:
            candidates.append((len(path), path, False))
    if not candidates:
        return None
    _, path, is_key = max(candidates, key=lambda item: (item[0], item[2]))
    return path, is_key


# --- keys and values -----------------------------------------------------------------------------


def _describe_key(path: KeyPath) -> Iterator[str]:
    key = describe_key(path)
    if key is None:
        return
    name = ".".join(str(part) for part in path if isinstance(part, str))
    lines = [f"**`{sanitize(name)}`**", key.description]
    if key.values:
        lines.append("Values: " + ", ".join(f"`{_write(value)}`" for value in key.values))
    if isinstance(key.default, str | bool | int | float):
        lines.append(f"Default: `{_write(key.default)}`")
    yield "\n\n".join(filter(None, lines))


def _write(value: str | bool | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _describe_value(path: KeyPath, analysis: Analysis, document: Document) -> Iterator[str]:
    part = _describe_part(path, document)
    if part is not None:
        yield part
    for note in _explain(path, analysis):
        yield _format_diagnostic(note)


def _describe_part(path: KeyPath, document: Document) -> str | None:
    """Return the facts about a card, an instance or a processor."""
    product = next((_PART_KEYS[part] for part in path if part in _PART_KEYS), None)
    value: object = document.value
    for part in path:
        value = value[part] if isinstance(value, dict | list) else None  # type: ignore[index]
    if product is None or not isinstance(value, str) or path[0] != "machine":
        return None
    release = find_part(load_matrix([product]).product(product), value)
    return None if release is None else _format_release(release)


def _format_release(release: Release) -> str:
    lines = [f"**{release.label}**"]
    for condition in release.implies:
        values = " or ".join(text.removeprefix("==") for text in condition.alternatives)
        lines.append(f"- {condition.component.replace('_', ' ')}: {values}")
    for name in _PROPERTIES:
        value = release.get(name)
        if value is not None:
            lines.append(f"- {name}: {value}")
    for item in release.availability:
        day = f" {item.day.isoformat()}" if item.day is not None else ""
        lines.append(f"- {item.kind}{day}: {item.reason}")
    return "\n".join([*lines, "", *_format_sources(release.sources)])


def _explain(path: KeyPath, analysis: Analysis) -> Iterator[Diagnostic]:
    """Yield why each machine has the version of the component that a line requests."""
    spec = analysis.spec
    if spec is None:
        return
    for report in analysis.reports:
        if report.resolution is None:
            continue
        matrix = load_required_matrix(spec.rig, report.machine)
        builder = ProblemBuilder(spec.rig, report.machine, matrix)
        keys = {r.component for r in builder.requirements if r.place == path}
        for key in sorted(keys):
            try:
                yield from explain_component(spec, report.machine, matrix, key)
            except (UnknownComponent, Unsolvable):
                continue


def _explain_source(analysis: Analysis, line: int) -> Iterator[str]:
    """Yield why the imported rig has the version that a line of the file requests."""
    spec = analysis.spec
    if spec is None:
        return
    for path in analysis.paths_by_line.get(line, ()):
        for note in _explain(path, analysis):
            yield _format_diagnostic(note)


# --- diagnostics, facts and sources --------------------------------------------------------------


def _describe_diagnostics(analysis: Analysis, line: int, column: int) -> Iterator[str]:
    for diagnostic in analysis.diagnostics:
        is_here = any(_contains(span, analysis.file, line, column) for span in diagnostic.spans)
        if is_here and (diagnostic.facts or diagnostic.runtime_error):
            yield _format_diagnostic(diagnostic)


def _contains(span: Span, file: str, line: int, column: int) -> bool:
    start, end = (span.line, span.column), (span.end_line, span.end_column)
    return span.file == file and start <= (line, column) <= end


def _format_diagnostic(diagnostic: Diagnostic) -> str:
    lines = [f"**{sanitize(diagnostic.code)}**: {sanitize(diagnostic.message)}"]
    for fact in diagnostic.facts:
        lines += ["", *_format_fact(fact, diagnostic.message)]
    lines += [f"\nAt run time: `{sanitize(text)}`" for text in diagnostic.runtime_error]
    return "\n".join(lines)


def _format_fact(fact: Fact, message: str) -> Iterator[str]:
    confidence = "" if fact.confidence == "high" else f" ({fact.confidence} confidence)"
    if fact.statement != message:
        yield f"{sanitize(fact.statement)}{confidence}\n"
    yield from _format_sources(fact.sources)


def _format_sources(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        title = sanitize(source.title)
        if source.url.startswith("https://"):
            title = f"[{title.replace('[', '(').replace(']', ')')}](<{source.url}>)"
        yield f"- Source: {title}, read {source.read.isoformat()}"
