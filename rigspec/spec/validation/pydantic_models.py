"""The pydantic models of tables: for errors, for unusual values and for the JSON Schema."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter, create_model
from pydantic_core import CoreSchema, core_schema

from rigspec.spec.tables import Table, build_table

__all__ = ["build_core_schema", "build_json_schema", "validate_with_pydantic"]

_Table = TypeVar("_Table", bound=Table)
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}

# Words of keys that are not written in lower case in their titles.
_TITLE_WORDS = {
    **{word: word.upper() for word in ("blas", "cpu", "cuda", "gcc", "gpu", "id", "nvblas", "os")},
    **{word: word.upper() for word in ("psu", "ssh", "tls", "url")},
    "cudnn": "cuDNN",
    "gpus": "GPUs",
    "pcie": "PCIe",
    "sha256": "SHA-256",
}


def validate_with_pydantic(table: type[_Table], value: Mapping[str, Any]) -> _Table:
    """Return the table.

    Raises:
        pydantic.ValidationError: It is not valid.
    """
    found: _Table = _get_adapter(table).validate_python(value)
    return found


def build_json_schema(table: type[Table]) -> dict[str, Any]:
    """Return the JSON Schema of a table."""
    return _get_adapter(table).json_schema(by_alias=True, mode="validation")


def build_core_schema(table: type[Table], handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return the schema of pydantic that validates a table and builds it."""

    def convert(found: BaseModel) -> Table:
        values = {name: getattr(found, name) for name in table.model_fields}
        return build_table(table, values, found.model_fields_set)

    return core_schema.no_info_after_validator_function(convert, handler(_build_model(table)))


def _get_adapter(table: type[Table]) -> TypeAdapter[Any]:
    if table not in _ADAPTERS:
        _ADAPTERS[table] = TypeAdapter(table)
    return _ADAPTERS[table]


def _write_title(name: str, field: object) -> str:
    """Return the title of a key in the JSON Schema: ``GPU clearance`` of ``gpu_clearance``."""
    words = [_TITLE_WORDS.get(word, word) for word in name.strip("_").split("_")]
    if words[0] not in _TITLE_WORDS.values():
        words[0] = words[0].capitalize()
    return " ".join(words)


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        defer_build=True,
        hide_input_in_errors=True,
        field_title_generator=_write_title,
    )


def _build_model(table: type[Table]) -> type[BaseModel]:
    annotations = typing.get_type_hints(table, include_extras=True)
    fields: dict[str, Any] = {}
    for name, key in table.model_fields.items():
        options: dict[str, Any] = {"alias": key.alias, "description": key.description}
        if key.default_factory is not None:
            options["default_factory"] = key.default_factory
        elif not key.is_required:
            options["default"] = key.default
        fields[name] = (annotations[name], Field(**options))
    return create_model(
        table.__name__,
        __base__=_Model,
        __module__=table.__module__,
        __doc__=table.__doc__,
        **fields,
    )
