"""Declare the tables of the spec language, and validate them without pydantic where it accepts.

Loading pydantic and building its models takes longer than the rest of a check. So a table validates
its usual values itself, and gives all others to pydantic: whatever it does not recognize, pydantic
accepts or reports. The module `validation.pydantic_models` builds the models from the same
declarations.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_):
        """Return a decorator that changes nothing; type checkers know the real one."""
        return lambda table: table


__all__ = ["MISSING", "Field", "InvalidValue", "Key", "Table", "build_table", "read_keys"]

_T = TypeVar("_T", bound="Table")

# The default of a key that a table must have.
MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()


class InvalidValue(ValueError):
    """A value is not valid; ``kind`` is the type of the error: ``pattern`` or ``version``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Key(NamedTuple):
    """A key of a table: the options of ``Field``, and its annotation."""

    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None
    alias: str | None = None
    description: str | None = None
    annotation: Any = None

    @property
    def is_required(self) -> bool:
        """Return whether a table without the key is invalid."""
        return self.default is MISSING and self.default_factory is None

    def build_default(self) -> Any:
        """Return the value of a key that a table does not have."""
        if self.default_factory is not None:
            return self.default_factory()
        return dict(self.default) if isinstance(self.default, dict) else self.default


def Field(  # noqa: N802 - as pydantic's
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    alias: str | None = None,
    description: str | None = None,
) -> Any:
    """Return the options of a key."""
    return Key(default, default_factory, alias, description)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Table:
    """Base class of all tables: immutable, and an unknown key is an error.

    ``model_fields`` are the keys of the table by attribute, and ``model_fields_set`` the attributes
    that are written in the file.
    """

    __slots__ = ("__dict__", "model_fields_set")

    model_fields: ClassVar[dict[str, Key]] = {}
    model_fields_set: frozenset[str]

    def __init_subclass__(cls) -> None:
        cls.model_fields = read_keys(cls)

    def __init__(self, **values: Any) -> None:
        written = {key.alias or name: name for name, key in self.model_fields.items()}
        built = type(self).model_validate(
            {alias: values[name] for alias, name in written.items() if name in values}
        )
        _fill(self, built.__dict__, built.model_fields_set)

    @classmethod
    def validate_quickly(cls, value: Mapping[str, Any]) -> Self | None:
        """Return the table; None if only pydantic can decide whether it is valid."""
        from rigspec.spec.validation.quick import validate_table

        return validate_table(cls, value)

    @classmethod
    def model_validate(cls, value: Mapping[str, Any]) -> Self:
        """Return the table.

        Raises:
            pydantic.ValidationError: It is not valid.
        """
        table = cls.validate_quickly(value)
        if table is not None:
            return table
        from rigspec.spec.validation.pydantic_models import validate_with_pydantic

        return validate_with_pydantic(cls, value)

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """Return the table with other values, which are not validated."""
        copy = type(self).__new__(type(self))
        _fill(copy, {**self.__dict__, **update}, self.model_fields_set | update.keys())
        return copy

    def model_dump(
        self,
        *,
        exclude_defaults: bool = False,
        exclude_unset: bool = False,
        exclude: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the values for JSON, by the keys of the file.

        Args:
            exclude_defaults: without keys that have their default.
            exclude_unset: without keys that are not written in the file.
            exclude: keys to omit; a table with the keys of a table, `__all__` of each of an array.
        """
        options = {"exclude_defaults": exclude_defaults, "exclude_unset": exclude_unset}
        found = {}
        for name, key in self.model_fields.items():
            value, omitted = self.__dict__[name], (exclude or {}).get(name)
            if omitted is True or (exclude_unset and name not in self.model_fields_set):
                continue
            if exclude_defaults and not key.is_required and value == key.build_default():
                continue
            found[key.alias or name] = _dump(value, omitted, options)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({values})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.__dict__, self.model_fields_set)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from rigspec.spec.validation.pydantic_models import build_core_schema

        return build_core_schema(cls, handler)


def build_table(table: type[_T], values: Mapping[str, Any], written: Iterable[str]) -> _T:
    """Return the table of valid values.

    Raises:
        ValueError: The values do not fit each other: the ``_check`` of the table raises it.
    """
    found = table.__new__(table)
    _fill(found, values, written)
    check = getattr(table, "_check", None)
    if check is not None:
        check(found)
    return found


def read_keys(table: type[Table]) -> dict[str, Key]:
    """Return the keys of a table and of its base classes."""
    keys = dict(table.model_fields)
    for name, annotation in table.__annotations__.items():
        if name.startswith("_") or "ClassVar" in str(annotation):
            continue
        default = getattr(table, name, MISSING) if name in vars(table) else MISSING
        keys[name] = _read_key(default)._replace(annotation=annotation)
        if name in vars(table):
            delattr(table, name)
    return keys


def _read_key(default: Any) -> Key:
    if isinstance(default, Key):
        return default
    if not hasattr(default, "is_required"):
        return Key(default)
    # A field of pydantic: the table is that of another package.
    value = MISSING if default.is_required() or default.default_factory else default.default
    return Key(value, default.default_factory, default.alias, default.description)


def _fill(table: Table, values: Mapping[str, Any], written: Iterable[str]) -> None:
    table.__dict__.update(values)
    object.__setattr__(table, "model_fields_set", frozenset(written))


def _restore(table: type[Table], values: dict[str, Any], written: frozenset[str]) -> Table:
    found = table.__new__(table)
    _fill(found, values, written)
    return found


def _dump(value: Any, omitted: Any, options: Mapping[str, bool]) -> Any:
    if isinstance(value, Table):
        return value.model_dump(**options, exclude=_omit(omitted))
    if isinstance(value, dict):
        kept = {key: (omitted or {}).get(key) for key in value}
        return {
            key: _dump(value[key], inner, options)
            for key, inner in kept.items()
            if inner is not True
        }
    if isinstance(value, tuple):
        each = (omitted or {}).get("__all__")
        return [_dump(item, each, options) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _omit(omitted: Any) -> Mapping[str, Any]:
    return omitted if isinstance(omitted, dict) else dict.fromkeys(omitted or (), True)
