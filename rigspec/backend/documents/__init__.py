"""Outputs whose content is more than the steps: documents of a library, values for a template.

Each is a module of this package with two functions. ``list_omissions(plan)`` yields the items that
it does not include besides the steps that the manifest excludes. The other one has the plan and
the step of ``each``, else None: ``write_document(plan, step)`` returns the text of an output with
``document``, ``build_values(plan, step)`` the value of ``values`` in the template of an output, or
None if the output is not written.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from rigspec.frozen import dataclass
from rigspec.plan.model import Omission, Plan
from rigspec.plan.steps import Step

__all__ = [
    "DOCUMENTS",
    "VALUES",
    "build_values",
    "find_missing_library",
    "list_document_omissions",
    "render_document",
]


@dataclass(frozen=True)
class _Document:
    """``module`` is one of this package, ``library`` a module of an extra that it imports."""

    module: str
    library: str | None = None


DOCUMENTS = {
    "cyclonedx": _Document("cyclonedx_bom", library="cyclonedx"),
}
VALUES = {
    "pixi": _Document("pixi_project"),
    "uv": _Document("uv_project"),
}
_ALL = {**DOCUMENTS, **VALUES}


def render_document(name: str, plan: Plan, step: Step | None) -> str:
    """Return the text of a document.

    Raises:
        ModuleNotFoundError: Its library is not installed.

    """
    return str(_load(name).write_document(plan, step))


def build_values(name: str, plan: Plan, step: Step | None) -> object | None:
    """Return the values for a template; None if the output is not written."""
    value: object | None = _load(name).build_values(plan, step)
    return value


def list_document_omissions(name: str, plan: Plan) -> Iterator[Omission]:
    """Yield the items that a document, or a template with its values, does not include."""
    yield from _load(name).list_omissions(plan)


def find_missing_library(name: str) -> str | None:
    """Return the module that a document needs and that is not installed."""
    library = _ALL[name].library
    return library if library is not None and find_spec(library) is None else None


def _load(name: str) -> Any:
    return import_module(f"{__name__}.{_ALL[name].module}")
