"""Load a rig file and validate it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.frozen import dataclass
from rigspec.spec.models.machine import PARTS_AND_PRICES
from rigspec.spec.models.rig import Index, Rig, select_rig_model
from rigspec.spec.toml.document import BrokenDocument, Document, read_document
from rigspec.spec.toml.limits import MAX_SPEC_BYTES

__all__ = ["InvalidSpec", "LoadedSpec", "compute_spec_digest", "load_spec", "parse_spec"]

_MISSING_KEY = "RS006"
_UNKNOWN_KEY = "RS002"


@dataclass(frozen=True)
class LoadedSpec:
    """A valid rig and the document it was parsed from."""

    rig: Rig
    document: Document


class InvalidSpec(Exception):
    """The spec is invalid. ``text`` is None if the file cannot be read.

    ``rest`` is the spec without its invalid keys, if it can be checked without them.
    """

    def __init__(
        self,
        diagnostics: tuple[Diagnostic, ...],
        text: str | None,
        rest: LoadedSpec | None = None,
    ) -> None:
        super().__init__(f"{len(diagnostics)} errors")
        self.diagnostics = diagnostics
        self.text = text
        self.rest = rest


def load_spec(path: str) -> LoadedSpec:
    """Load a rig file.

    Raises:
        InvalidSpec: with every error of the file.

    """
    return parse_spec(path, _read(path))


def parse_spec(path: str, text: str) -> LoadedSpec:
    """Parse the text of a rig file; ``path`` is only used in diagnostics.

    Raises:
        InvalidSpec: with every error of the text.

    """
    syntax_errors: tuple[Diagnostic, ...] = ()
    try:
        document = read_document(path, text)
    except BrokenDocument as error:
        syntax_errors, document = error.diagnostics, error.document
    rig, errors = _validate(document)
    if syntax_errors:
        # A missing key may be on a line that cannot be parsed, and later lines of its table are
        # read as those of another.
        first = min((span.line for each in syntax_errors for span in each.spans), default=0)
        errors = tuple(
            error
            for error in errors
            if error.code != _MISSING_KEY
            and not (error.code == _UNKNOWN_KEY and _starts_after(error, first))
        )
    if syntax_errors or errors or rig is None:
        found = tuple(_redact((*syntax_errors, *errors), text))
        rest = _find_rest(document, found) if not syntax_errors and rig is None else None
        raise InvalidSpec(_sort_by_position(found), text, rest)
    return LoadedSpec(rig, document)


def _find_rest(document: Document, errors: tuple[Diagnostic, ...]) -> LoadedSpec | None:
    """Return the spec without its invalid keys; None where one may contain a secret."""
    from rigspec.spec.partial import drop_invalid_values

    if any(span.masked for error in errors for span in error.spans):
        return None
    rig = drop_invalid_values(document)
    return LoadedSpec(rig, document) if rig is not None else None


def _starts_after(error: Diagnostic, line: int) -> bool:
    return bool(error.spans) and error.spans[0].line > line


def compute_spec_digest(rig: Rig) -> str:
    """Return the sha256 of the parts of a rig that decide what is installed.

    Comments, order and layout of the file do not count, nor the addresses of mirrors and indexes,
    the parts and prices of machines, and the settings of `rigspec check`.
    """
    import json

    excluded: dict[str, Any] = {
        "check": True,
        "index": {name: _get_excluded(index) for name, index in rig.index.items()},
        "mirrors": True,
        "machine": dict.fromkeys(rig.machine, PARTS_AND_PRICES),
    }
    content = rig.model_dump(exclude_defaults=True, exclude=excluded)
    if not content.get("index"):
        content.pop("index", None)
    for env in content.get("env", {}).values():
        if env.get("interpreter") == "system":
            del env["interpreter"]
    for machine in content.get("machine", {}).values():
        if isinstance(machine.get("cpu"), dict):
            machine["cpu"] = _reduce_cpu(machine["cpu"])
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _get_excluded(index: Index) -> Any:
    """Return the part of an index that decides nothing; which packages it has decides."""
    return {"url"} if index.packages else True


def _reduce_cpu(cpu: dict[str, Any]) -> Any:
    """Return the part of a processor that versions depend on; a name equals a table of it."""
    relevant = {key: cpu[key] for key in ("model", "features") if key in cpu}
    return relevant["model"] if relevant.keys() == {"model"} else relevant


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SPEC_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidSpec((_build_read_error(path, reason),), None) from None
    if len(data) > MAX_SPEC_BYTES:
        reason = f"it is larger than {MAX_SPEC_BYTES >> 20} MiB"
        raise InvalidSpec((_build_read_error(path, reason),), None)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"byte {error.start} (line {line}) is not UTF-8; TOML is always UTF-8"
        raise InvalidSpec((_build_read_error(path, reason),), None) from None
    if text.startswith("\ufeff"):
        reason = "it starts with a byte order mark; remove it"
        raise InvalidSpec((_build_read_error(path, reason),), None)
    return text


def _build_read_error(path: str, reason: str) -> Diagnostic:
    span = Span(path, 1, 1, 1, 2)
    return Diagnostic("RS010", Severity.ERROR, f"cannot read `{path}`: {reason}", spans=(span,))


def _validate(document: Document) -> tuple[Rig | None, tuple[Diagnostic, ...]]:
    errors: tuple[Diagnostic, ...] = ()
    model, failed = select_rig_model(document.value)
    rig = model.validate_quickly(document.value)
    if rig is None:
        # Imported here because a valid rig needs none of it; `check` starts faster.
        from rigspec.spec.validation.errors import validate_or_convert_errors

        rig, errors = validate_or_convert_errors(model, document)
    errors += tuple(_build_service_error(document, name, failed[name]) for name in failed)
    from rigspec.spec.secret_scan import find_forbidden_strings

    if rig is not None:
        from rigspec.spec.validators import validate_rig

        errors += tuple(validate_rig(rig, document))
    return rig, _drop_secrets(errors, tuple(find_forbidden_strings(document)), document)


def _build_service_error(document: Document, name: str, reason: str) -> Diagnostic:
    span = document.span(("service", name), of="key")
    message = f"the service `{name}` is not available: {reason}"
    return Diagnostic(_UNKNOWN_KEY, Severity.ERROR, message, spans=(span,))


def _drop_secrets(
    errors: tuple[Diagnostic, ...], forbidden: tuple[Diagnostic, ...], document: Document
) -> tuple[Diagnostic, ...]:
    """Return all errors, without those that would print a possible secret."""
    masked = [span for error in forbidden for span in error.spans if span.masked]
    positions = {(span.line, span.column) for span in masked}
    secrets = {document.text_at(span).strip("\"'") for span in masked} - {""}

    def prints_secret(error: Diagnostic) -> bool:
        text = "\n".join((error.message, *error.help, *(span.label for span in error.spans)))
        at_secret = any((span.line, span.column) in positions for span in error.spans)
        return at_secret or any(secret in text for secret in secrets)

    return (*(error for error in errors if not prints_secret(error)), *forbidden)


def _redact(diagnostics: Iterable[Diagnostic], text: str) -> Iterator[Diagnostic]:
    """Replace what the text has in places of secrets wherever an error quotes it."""
    from rigspec.secrets.redaction import list_redacted_values

    values = [value for value in list_redacted_values(text) if value.strip()]
    for error in diagnostics:
        quoted = [v for v in values if any(v in t for t in (error.message, *error.help))]
        if not quoted:
            yield error
        else:
            pattern = re.compile("|".join(map(re.escape, quoted)))
            message = pattern.sub("•••", error.message)
            yield replace(
                error, message=message, help=tuple(pattern.sub("•••", h) for h in error.help)
            )


def _sort_by_position(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    def position(diagnostic: Diagnostic) -> tuple[Any, ...]:
        span = diagnostic.spans[0]
        return (span.line, span.column, diagnostic.code, diagnostic.message)

    return tuple(sorted(dict.fromkeys(diagnostics), key=position))
