"""``rigspec schema``: print the JSON Schema of the spec language."""

from __future__ import annotations

import typer

from rigspec.diagnostics.explanations import list_codes
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.loader import find_package_owner, list_package_names, load_matrix
from rigspec.spec.json_schema import CODES, FRAMEWORKS, KNOWN_NAMES, render_json_schema

__all__ = ["schema"]


def schema() -> None:
    """Print the JSON Schema of the spec language.

    Editors and other tools use it for completion and validation.
    """
    names = {
        product.name: [release.label for release in product.releases]
        for product in load_matrix(KNOWN_NAMES).products
    }
    names[FRAMEWORKS] = [name for name in list_package_names() if _is_framework(name)]
    names[CODES] = list(list_codes())
    typer.echo(render_json_schema(names))


def _is_framework(package: str) -> bool:
    owner = find_package_owner(package)
    return owner is not None and not owner[0].startswith(PACKAGE_PREFIX)
