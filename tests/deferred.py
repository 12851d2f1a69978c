"""Do not load what most processes of the tests never use."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType

__all__ = ["defer_iri_syntax"]

_NAME = "rfc3987_syntax"


def defer_iri_syntax() -> None:
    """Let jsonschema load its grammars of IRIs at the first IRI: it takes seconds."""
    if _NAME in sys.modules or find_spec(_NAME) is None:
        return
    deferred = ModuleType(_NAME)
    deferred.is_valid_syntax = _is_valid_syntax  # type: ignore[attr-defined]
    sys.modules[_NAME] = deferred


def _is_valid_syntax(term: str, value: str) -> bool:
    if not hasattr(sys.modules[_NAME], "__file__"):
        del sys.modules[_NAME]
    return bool(importlib.import_module(_NAME).is_valid_syntax(term, value))
