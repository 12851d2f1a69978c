"""Documents that a library or Python writes, for targets whose format no template suits.

A manifest names one with ``document``. Each is a module of this package with two functions:
``write_document(plan, step)`` returns the text, which is blank if there is nothing to write, and
``list_omissions(plan)`` yields what it does not include besides the steps that the manifest
excludes. ``step`` is that of ``each``, else None.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from rigspec.plan.model import Omission, Plan
from rigspec.plan.steps import Step

__all__ = ["DOCUMENTS", "find_missing_library", "list_document_omissions", "render_document"]


@dataclass(frozen=True)
class _Document:
    """``module`` is one of this package, ``library`` a module of an extra that it imports."""

    module: str
    library: str | None = None


DOCUMENTS = {
    "cyclonedx": _Document("cyclonedx_bom", library="cyclonedx"),
}


def render_document(name: str, plan: Plan, step: Step | None) -> str:
    """Return the text of a document.

    Raises:
        ModuleNotFoundError: Its library is not installed.

    """
    return str(_load(name).write_document(plan, step))


def list_document_omissions(name: str, plan: Plan) -> Iterator[Omission]:
    """Yield the items that a document does not include."""
    yield from _load(name).list_omissions(plan)


def find_missing_library(name: str) -> str | None:
    """Return the module that a document needs and that is not installed."""
    library = DOCUMENTS[name].library
    return library if library is not None and find_spec(library) is None else None


def _load(name: str) -> Any:
    return import_module(f"{__name__}.{DOCUMENTS[name].module}")
