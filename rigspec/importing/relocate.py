"""Move diagnostics of an imported rig to the files that it was imported from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Edit, Repair, Report, Severity, Span
from rigspec.importing.merge import Clash
from rigspec.importing.model import Statement, Subject
from rigspec.importing.spec_writer import ImportedRig
from rigspec.spec.toml.document import Document
from rigspec.version_specifiers import get_extras

__all__ = ["add_clashes", "relocate_external", "relocate_report"]


def relocate_report(report: Report, rig: ImportedRig, files: tuple[str, ...]) -> Report:
    """Return the report with positions and edits in the imported files.

    A diagnostic about a line that no file has gets the start of the first file.
    """
    diagnostics = tuple(_relocate(d, rig, files[0]) for d in report.diagnostics)
    return replace(report, spec=", ".join(files), diagnostics=diagnostics, imported=files)


def add_clashes(report: Report, clashes: Sequence[Clash]) -> Report:
    """Return the report with an error for each contradiction of two lines of the files."""
    if not clashes:
        return report
    errors = tuple(map(_describe_clash, clashes))
    status = "invalid" if report.status == "invalid" else "conflict"
    diagnostics = (*errors, *report.diagnostics)
    return replace(report, status=status, resolution=None, diagnostics=diagnostics)


def _describe_clash(clash: Clash) -> Diagnostic:
    first, other = clash.first, clash.other
    return Diagnostic(
        code="RS230",
        severity=Severity.ERROR,
        message=f"{first.name} {first.request} and {other.request} contradict each other",
        spans=tuple(
            replace(each.span, label=f"requests {each.name} {each.request}")
            for each in (first, other)
        ),
        help=("keep one of the two lines",),
    )


def _relocate(diagnostic: Diagnostic, rig: ImportedRig, first_file: str) -> Diagnostic:
    spans = tuple(
        replace(rig.by_line[span.line].span, label=span.label, masked=span.masked)
        for span in diagnostic.spans
        if span.line in rig.by_line
    )
    if not spans and diagnostic.spans:
        spans = (Span(first_file, 1, 1, 1, 2, diagnostic.spans[0].label),)
    repairs = tuple(_relocate_repair(repair, rig.by_key) for repair in diagnostic.repairs)
    return replace(diagnostic, spans=spans, repairs=repairs)


def _relocate_repair(repair: Repair, by_key: Mapping[str, Statement]) -> Repair:
    return replace(repair, edits=tuple(_relocate_edit(edit, by_key) for edit in repair.edits))


def _relocate_edit(edit: Edit, by_key: Mapping[str, Statement]) -> Edit:
    """Return an edit of the line of the file; that of a key without a line stays."""
    statement = by_key.get(edit.key)
    if statement is None:
        return edit
    place = f"{statement.span.file}:{statement.span.line}"
    after = edit.after
    return Edit(
        place if not statement.name else f"{place} ({statement.name})",
        _restate(statement, statement.value),
        None if after is None else _restate(statement, after),
    )


def relocate_external(report: Report, document: Document) -> Report:
    """Return the report with edits of values that the spec takes from other files."""
    if not document.external:
        return report
    by_key = {
        ".".join(map(str, path)): Statement(
            Subject.PACKAGE, value.text, value.span, str(path[-1]), pattern=value.pattern
        )
        for path, value in document.external.items()
    }
    diagnostics = tuple(
        replace(d, repairs=tuple(_relocate_repair(r, by_key) for r in d.repairs))
        for d in report.diagnostics
    )
    files = tuple(dict.fromkeys(value.span.file for value in document.external.values()))
    return replace(report, diagnostics=diagnostics, imported=files)


def _restate(statement: Statement, value: str) -> str:
    """Write a version request as the file writes it: ``torch==2.6.0``."""
    if statement.pattern == "{}":
        return value
    # The pattern has the extras.
    value = value.removeprefix(get_extras(value))
    if value == "*":
        return statement.pattern.replace("{}", "", 1)
    build, _, rest = value.partition(" ") if value.startswith("+") else ("", "", value)
    if rest[:1].isdigit():
        rest = f"=={rest}"
    return statement.pattern.replace("{}", rest + build if rest.startswith("==") else rest, 1)
