"""A rig file, read and held against the language."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.spec.models.machine import PARTS_AND_PRICES
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import BrokenDocument, Document, read_document

__all__ = ["InvalidSpec", "LoadedSpec", "load_spec", "parse_spec", "spec_digest"]


@dataclass(frozen=True)
class LoadedSpec:
    """A valid rig, and the document that it was read from."""

    rig: Rig
    document: Document


class InvalidSpec(Exception):
    """The file is no rig; ``diagnostics`` name every mistake. ``text`` is None if unreadable."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], text: str | None) -> None:
        super().__init__(f"{len(diagnostics)} errors")
        self.diagnostics = diagnostics
        self.text = text


def load_spec(path: str) -> LoadedSpec:
    """Read a rig file. Raises InvalidSpec with all its mistakes at once."""
    return parse_spec(path, _read(path))


def parse_spec(path: str, text: str) -> LoadedSpec:
    """The rig that a text describes; ``path`` is the name it goes by. Raises InvalidSpec."""
    broken: tuple[Diagnostic, ...] = ()
    try:
        document = read_document(path, text)
    except BrokenDocument as error:
        broken, document = error.diagnostics, error.document
    rig, mistakes = _validated(document)
    if broken or mistakes or rig is None:
        raise InvalidSpec(_in_order((*broken, *mistakes)), text)
    return LoadedSpec(rig, document)


def spec_digest(rig: Rig) -> str:
    """The sha256 of what a rig means: comments, order and layout of its file do not count, nor
    where it is fetched from, nor what its machines are built of and cost.
    """
    import json

    left_out: dict[str, Any] = {
        "mirrors": True,
        "machine": dict.fromkeys(rig.machine, PARTS_AND_PRICES),
    }
    meaning = rig.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=left_out)
    for machine in meaning.get("machine", {}).values():
        if isinstance(machine.get("cpu"), dict):
            machine["cpu"] = _without_figures(machine["cpu"])
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _without_figures(cpu: dict[str, Any]) -> Any:
    """A processor as far as versions depend on it: its name alone is as good as a table of it."""
    kept = {key: cpu[key] for key in ("model", "features") if key in cpu}
    return kept["model"] if kept.keys() == {"model"} else kept


def _read(path: str) -> str:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise InvalidSpec((_unreadable(path, why),), None) from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        why = f"byte {error.start} (line {line}) is not UTF-8; TOML is always UTF-8"
        raise InvalidSpec((_unreadable(path, why),), None) from None
    if text.startswith("\ufeff"):
        raise InvalidSpec((_unreadable(path, "it begins with a byte order mark; remove it"),), None)
    return text


def _unreadable(path: str, why: str) -> Diagnostic:
    span = Span(path, 1, 1, 1, 2)
    return Diagnostic("RS010", Severity.ERROR, f"cannot read `{path}`: {why}", spans=(span,))


def _validated(document: Document) -> tuple[Rig | None, tuple[Diagnostic, ...]]:
    # Imported here: a rig without mistakes needs none of these words.
    rig: Rig | None = None
    mistakes: tuple[Diagnostic, ...] = ()
    try:
        rig = Rig.model_validate(document.value)
    except ValidationError as error:
        from rigspec.spec.validation_errors import validation_diagnostics

        mistakes = validation_diagnostics(error, document)
    from rigspec.spec.secret_scan import forbidden_strings

    if rig is not None:
        from rigspec.spec.validators import (
            dangling_references,
            driver_container_mistakes,
            groups_of_accounts,
            hours_exceed_day,
            shared_ports,
            system_accounts,
        )

        mistakes += (*dangling_references(rig, document), *shared_ports(rig, document))
        mistakes += (*driver_container_mistakes(rig, document), *hours_exceed_day(rig, document))
        mistakes += (*system_accounts(rig, document), *groups_of_accounts(rig, document))
    return rig, _unless_secret(mistakes, tuple(forbidden_strings(document)), document)


def _unless_secret(
    mistakes: tuple[Diagnostic, ...], unsafe: tuple[Diagnostic, ...], document: Document
) -> tuple[Diagnostic, ...]:
    """All of them; of what looks like a secret nothing else is said, since it would repeat it."""
    masked = [span for found in unsafe for span in found.spans if span.masked]
    hidden = {(span.line, span.column) for span in masked}
    texts = {document.at(span).strip("\"'") for span in masked} - {""}

    def repeats(mistake: Diagnostic) -> bool:
        said = "\n".join((mistake.message, *mistake.help, *(span.label for span in mistake.spans)))
        places = {(span.line, span.column) for span in mistake.spans}
        return bool(places & hidden) or any(text in said for text in texts)

    return (*(mistake for mistake in mistakes if not repeats(mistake)), *unsafe)


def _in_order(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    def place(diagnostic: Diagnostic) -> tuple[Any, ...]:
        span = diagnostic.spans[0]
        return (span.line, span.column, diagnostic.code, diagnostic.message)

    return tuple(sorted(dict.fromkeys(diagnostics), key=place))
