"""Convert diagnostics and repairs to the types of the Language Server Protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from lsprotocol.types import (
    CodeAction,
    CodeActionKind,
    CodeDescription,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    Location,
    Range,
    TextEdit,
    WorkspaceEdit,
)
from lsprotocol.types import Diagnostic as LspDiagnostic

from rigspec.diagnostics.explanations import get_page_url
from rigspec.diagnostics.model import Diagnostic, Repair, Severity, Span
from rigspec.diagnostics.render.text import describe_edits, format_resolution
from rigspec.diagnostics.sanitize import sanitize
from rigspec.lsp.analysis import Analysis, FileKind
from rigspec.lsp.positions import TextPositions
from rigspec.lsp.text_edits import build_changes

__all__ = ["build_code_actions", "convert_diagnostics"]

_SEVERITIES = {
    Severity.ERROR: DiagnosticSeverity.Error,
    Severity.WARNING: DiagnosticSeverity.Warning,
    Severity.NOTE: DiagnosticSeverity.Information,
}
_START = Span("", 1, 1, 1, 2)


def convert_diagnostics(
    analysis: Analysis, positions: TextPositions, uris: Mapping[str, str]
) -> list[LspDiagnostic]:
    """Return the diagnostics of a file; ``uris`` has the address of each open file."""
    return [_convert(diagnostic, analysis, positions, uris) for diagnostic in analysis.diagnostics]


def build_code_actions(
    analysis: Analysis, positions: TextPositions, uris: Mapping[str, str], requested: Range
) -> Iterator[CodeAction]:
    """Yield an action for each repair of the errors in a range that can be written."""
    document = analysis.spec.document if _is_spec(analysis) and analysis.spec else None
    texts = {analysis.file: analysis.text, **analysis.texts}
    for diagnostic in analysis.diagnostics:
        spans = [span for span in diagnostic.spans if span.file == analysis.file]
        if not any(_overlap(positions.to_range(span), requested) for span in spans or [_START]):
            continue
        for number, repair in enumerate(diagnostic.repairs):
            changes = build_changes(repair.edits, document, texts)
            if changes is None:
                continue
            edits: dict[str, list[TextEdit]] = {}
            for change in changes:
                others = TextPositions(texts[change.file], positions.encoding)
                place = positions if change.file == analysis.file else others
                edit = TextEdit(place.range_of(change.start, change.end), change.text)
                edits.setdefault(_to_uri(change.file, uris), []).append(edit)
            yield CodeAction(
                _describe_repair(repair),
                kind=CodeActionKind.QuickFix,
                diagnostics=[_convert(diagnostic, analysis, positions, uris)],
                is_preferred=number == 0 and repair.resolution is not None,
                edit=WorkspaceEdit(changes=edits),
            )


def _is_spec(analysis: Analysis) -> bool:
    return analysis.kind is FileKind.SPEC


def _describe_repair(repair: Repair) -> str:
    edits = describe_edits(repair)
    edits = edits[:1].upper() + edits[1:]
    if repair.resolution is None:
        return sanitize(f"{edits} (fixes this error only)")
    return sanitize(f"{edits} (resolves to {format_resolution(repair.resolution)})")


def _convert(
    diagnostic: Diagnostic,
    analysis: Analysis,
    positions: TextPositions,
    uris: Mapping[str, str],
) -> LspDiagnostic:
    own = [span for span in diagnostic.spans if span.file == analysis.file]
    others = [span for span in diagnostic.spans if span not in own[:1]]
    message = "\n".join((diagnostic.message, *_iterate_notes(diagnostic)))
    url = get_page_url(diagnostic.code)
    return LspDiagnostic(
        range=positions.to_range(own[0] if own else _START),
        message=sanitize(message, keep="\n"),
        severity=_SEVERITIES[diagnostic.severity],
        code=diagnostic.code,
        code_description=CodeDescription(url) if url is not None else None,
        source="rigspec",
        related_information=[
            _build_related(span, analysis, positions, uris) for span in others if span.label
        ],
    )


def _iterate_notes(diagnostic: Diagnostic) -> Iterator[str]:
    for fact in diagnostic.facts:
        if fact.statement != diagnostic.message:
            yield f"fact: {fact.statement}"
    yield from (f"at run time: {text}" for text in diagnostic.runtime_error)
    yield from (f"help: {text}" for text in diagnostic.help)
    yield from (f"repair: {describe_edits(repair)}" for repair in diagnostic.repairs)


def _build_related(
    span: Span, analysis: Analysis, positions: TextPositions, uris: Mapping[str, str]
) -> DiagnosticRelatedInformation:
    place = positions
    if span.file != analysis.file:
        place = TextPositions(analysis.texts.get(span.file, ""), positions.encoding)
    location = Location(_to_uri(span.file, uris), place.to_range(span))
    return DiagnosticRelatedInformation(location, sanitize(span.label))


def _to_uri(file: str, uris: Mapping[str, str]) -> str:
    return uris[file] if file in uris else Path(file).absolute().as_uri()


def _overlap(first: Range, second: Range) -> bool:
    def key(position: object) -> tuple[int, int]:
        return position.line, position.character  # type: ignore[attr-defined]

    return key(first.start) <= key(second.end) and key(second.start) <= key(first.end)
