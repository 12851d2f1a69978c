"""The valid part of a spec with errors, so that the rest of it can be checked as well."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from rigspec.spec.models.rig import Rig, select_rig_model
from rigspec.spec.toml.document import Document, KeyPath

if TYPE_CHECKING:
    from rigspec.spec.loader import LoadedSpec

__all__ = ["drop_invalid_values", "drop_values"]

# A bound for errors that move from key to key.
_ROUNDS = 50


def drop_invalid_values(document: Document) -> Rig | None:
    """Return the rig without the keys that are unknown or have an invalid value.

    None if an item of an array is invalid, or if nothing of the rig remains.
    """
    from pydantic import ValidationError

    from rigspec.spec.validation.errors import list_error_paths

    value = deepcopy(dict(document.value))
    model, _ = select_rig_model(value)
    dropped: tuple[KeyPath, ...] = ()
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(value)
        except ValidationError as error:
            paths = tuple(map(_find_dropped, list_error_paths(error, value)))
        # An item of an array stays, so its error does.
        if paths == dropped or not all(path and _delete(value, path) for path in paths):
            return None
        dropped = paths
    return None


def _find_dropped(path: KeyPath) -> KeyPath:
    """Return the key to drop: without its ``machines``, a table would be on all of them."""
    return path[:-1] if path[-1:] == ("machines",) else path


def drop_values(spec: LoadedSpec, paths: Iterable[KeyPath]) -> LoadedSpec | None:
    """Return the spec without these keys; None if it is not valid without them.

    The document stays as it is, for the positions of diagnostics.
    """
    from pydantic import ValidationError

    from rigspec.spec.loader import LoadedSpec

    value = deepcopy(dict(spec.document.value))
    if not all(_delete(value, path) for path in paths):
        return None
    try:
        return LoadedSpec(type(spec.rig).model_validate(value), spec.document)
    except ValidationError:
        return None


def _delete(value: Any, path: KeyPath) -> bool:
    """Delete a key, and return whether it could be; the items of an array keep their places."""
    *parents, last = path
    for part in parents:
        if not isinstance(value, dict) or part not in value:
            return True  # a table that contains it is gone
        value = value[part]
    if not isinstance(value, dict):
        return False
    value.pop(last, None)
    return True
