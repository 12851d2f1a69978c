"""Render diagnostics as a code quality report, which GitLab shows in merge requests.

Format: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.diagnostics.render.text import describe_edits
from rigspec.diagnostics.sanitize import sanitize_json

__all__ = ["render_gitlab"]

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render_gitlab(reports: Iterable[Report]) -> str:
    """Return one JSON array with an item for each diagnostic."""
    items = list(_build_items(reports))
    return sanitize_json(json.dumps(items, indent=2, ensure_ascii=False))


def _build_items(reports: Iterable[Report]) -> Iterator[dict[str, Any]]:
    seen: Counter[tuple[str, str, str]] = Counter()
    for report in reports:
        for diagnostic in report.diagnostics:
            span = diagnostic.spans[0] if diagnostic.spans else None
            path = PurePath(span.file if span is not None else report.spec).as_posix()
            key = (diagnostic.code, path, diagnostic.message)
            seen[key] += 1
            yield {
                "check_name": diagnostic.code,
                "description": "\n".join(_iterate_description(diagnostic)),
                "fingerprint": _compute_fingerprint(*key, str(seen[key])),
                "severity": _SEVERITIES[diagnostic.severity],
                "location": {
                    "path": path,
                    "lines": {
                        "begin": span.line if span is not None else 1,
                        "end": span.end_line if span is not None else 1,
                    },
                },
            }


def _iterate_description(diagnostic: Diagnostic) -> Iterator[str]:
    yield diagnostic.message
    yield from diagnostic.help
    yield from (f"repair: {describe_edits(repair)}" for repair in diagnostic.repairs[:1])


def _compute_fingerprint(*parts: str) -> str:
    """Return a digest that stays the same when lines of the file move."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
