"""Validate the usual values of tables, with the results that pydantic would give.

A value that is refused here may be valid: pydantic decides.
"""

from __future__ import annotations

import datetime as dt
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from rigspec.spec.constraints import (
    AfterValidator,
    ArrayAsTuple,
    BeforeValidator,
    Limits,
    StringPattern,
)
from rigspec.spec.quantities import Quantity
from rigspec.spec.tables import MISSING, Table, build_table

__all__ = ["validate_dataclass", "validate_table"]

_T = TypeVar("_T")
_Table = TypeVar("_Table", bound=Table)
_Validator = Callable[[Any], Any]
_COMPILED: dict[Any, _Validator] = {}


class _Refused(ValueError):
    """Pydantic has to decide."""


def validate_table(table: type[_Table], value: Mapping[str, Any]) -> _Table | None:
    """Return the table of these values; None if only pydantic can decide."""
    try:
        found: _Table = _compile_table(table)(value)
    except (ValueError, TypeError):
        return None
    return found


def validate_dataclass(cls: type[_T], value: Mapping[str, Any]) -> _T | None:
    """Return the dataclass of these values; None if only pydantic can decide."""
    try:
        found: _T = _compile_dataclass(cls)(value)
    except (ValueError, TypeError):
        return None
    return found


def _compile_table(table: type[Table]) -> _Validator:
    found = _COMPILED.get(table)
    if found is None:
        found = _COMPILED[table] = _build_table_validator(table)
    return found


def _build_table_validator(table: type[Table]) -> _Validator:
    annotations = {name: key.annotation for name, key in table.model_fields.items()}
    if any(isinstance(annotation, str) for annotation in annotations.values()):
        annotations = typing.get_type_hints(table, include_extras=True)
    keys = {key.alias or name: name for name, key in table.model_fields.items()}
    validators: dict[str, _Validator] = {}

    def validate(value: Any) -> Any:
        if type(value) is not dict:
            raise _Refused
        values: dict[str, Any] = {}
        written = []
        for key, item in value.items():
            name = keys.get(key)
            if name is None:
                raise _Refused
            validator = validators.get(name)
            if validator is None:
                validator = validators[name] = _compile(annotations[name])
            values[name] = validator(item)
            written.append(name)
        ordered = {}
        for name, declared in table.model_fields.items():
            found = values.get(name, MISSING)
            if found is MISSING:
                if declared.is_required:
                    raise _Refused
                found = declared.build_default()
            ordered[name] = found
        return build_table(table, ordered, written)

    return validate


def _compile(annotation: Any) -> _Validator:
    if isinstance(annotation, type) and not get_args(annotation):
        return _compile_class(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        validator = _compile(arguments[0])
        for constraint in annotation.__metadata__:
            validator = _constrain(validator, constraint)
        return validator
    if origin is Literal:
        return _compile_literal(arguments)
    if origin in (Union, types.UnionType):
        return _compile_union(arguments)
    if origin is tuple and arguments[1:] == (...,):
        return _compile_array(_compile(arguments[0]))
    if origin is dict:
        return _compile_mapping(_compile(arguments[0]), _compile(arguments[1]))
    return _refuse


def _compile_class(annotation: type) -> _Validator:
    if issubclass(annotation, Table):
        return lambda value: _compile_table(annotation)(value)
    if issubclass(annotation, Quantity):
        return lambda value: annotation.parse(_validate_exact(str, value))
    if issubclass(annotation, Enum):
        return lambda value: annotation(_validate_exact(str, value))
    if is_dataclass(annotation):
        return lambda value: _compile_dataclass(annotation)(value)
    if annotation is float:
        return _validate_float
    if annotation in (str, int, bool, dt.date, type(None)):
        return lambda value: _validate_exact(annotation, value)
    return _refuse


def _compile_dataclass(annotation: Any) -> _Validator:
    """Return what validates the values of a dataclass; one that is built already is accepted."""
    found = _COMPILED.get(annotation)
    if found is None:
        found = _COMPILED[annotation] = _build_dataclass_validator(annotation)
    return found


def _build_dataclass_validator(annotation: Any) -> _Validator:
    annotations = typing.get_type_hints(annotation)
    validators: dict[str, _Validator] = {}

    def validate(value: Any) -> Any:
        if type(value) is annotation:
            return value
        if type(value) is not dict:
            raise _Refused
        values = {}
        for name, item in value.items():
            validator = validators.get(name)
            if validator is None:
                if name not in annotations:
                    raise _Refused
                validator = validators[name] = _compile(annotations[name])
            values[name] = validator(item)
        try:
            return annotation(**values)
        except TypeError:
            raise _Refused from None

    return validate


def _constrain(validator: _Validator, constraint: Any) -> _Validator:
    if isinstance(constraint, ArrayAsTuple):
        return validator
    if isinstance(constraint, Limits):

        def check(value: Any) -> Any:
            found = validator(value)
            if not constraint.admit(found):
                raise _Refused
            return found

        return check
    if isinstance(constraint, StringPattern):
        return lambda value: constraint.validate(validator(value))
    if isinstance(constraint, AfterValidator):
        return lambda value: constraint.function(validator(value))
    if isinstance(constraint, BeforeValidator):
        return lambda value: validator(constraint.function(value))
    return _refuse


def _compile_literal(values: tuple[Any, ...]) -> _Validator:
    admitted = {(type(value), value) for value in values}

    def validate(value: Any) -> Any:
        if type(value) not in (str, int, bool) or (type(value), value) not in admitted:
            raise _Refused
        return value

    return validate


def _compile_union(options: tuple[Any, ...]) -> _Validator:
    validators = [_compile(option) for option in options]

    def validate(value: Any) -> Any:
        for validator in validators:
            try:
                return validator(value)
            except ValueError:
                continue
        raise _Refused

    return validate


def _compile_array(validator: _Validator) -> _Validator:
    def validate(value: Any) -> Any:
        if type(value) is not list and type(value) is not tuple:
            raise _Refused
        return tuple([validator(item) for item in value])

    return validate


def _compile_mapping(key: _Validator, item: _Validator) -> _Validator:
    def validate(value: Any) -> Any:
        if type(value) is not dict:
            raise _Refused
        return {key(name): item(inner) for name, inner in value.items()}

    return validate


def _validate_exact(expected: type, value: Any) -> Any:
    if type(value) is not expected:
        raise _Refused
    return value


def _validate_float(value: Any) -> float:
    if type(value) is bool or not isinstance(value, int | float):
        raise _Refused
    return float(value)


def _refuse(value: Any) -> Any:
    raise _Refused
