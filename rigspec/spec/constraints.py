"""Constraints of the values of keys, for `rigspec.spec.validation.quick` and for pydantic."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rigspec.spec.tables import InvalidValue

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["AfterValidator", "ArrayAsTuple", "BeforeValidator", "Limits", "StringPattern"]


class Limits(NamedTuple):
    """Limits of a number, or of the length of a string or an array."""

    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    strict: bool | None = None

    def admit(self, value: Any) -> bool:
        """Return whether a value is within the limits."""
        if self.ge is not None and not value >= self.ge:
            return False
        if self.le is not None and not value <= self.le:
            return False
        if self.min_length is not None and len(value) < self.min_length:
            return False
        return self.max_length is None or len(value) <= self.max_length

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        given = {name: limit for name, limit in self._asdict().items() if limit is not None}
        schema: Any = {**handler(source), **given}
        return schema  # type: ignore[no-any-return]


class ArrayAsTuple:
    """The array of TOML is read as a tuple."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema: Any = {**handler(source), "strict": False}
        return schema  # type: ignore[no-any-return]


class StringPattern(NamedTuple):
    """A regular expression for a string; ``message`` is the error if it does not match."""

    regex: str
    message: str

    def validate(self, text: str) -> str:
        """Return the text. Raises InvalidValue."""
        if _compile(self.regex).fullmatch(text) is None:
            raise InvalidValue("pattern", self.message)
        return text

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return AfterValidator(self.validate).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.regex})$"}


class AfterValidator(NamedTuple):
    """A function that returns the value, or raises InvalidValue."""

    function: Callable[[Any], Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        function = _convert_errors(self.function)
        return core_schema.no_info_after_validator_function(function, handler(source))


class BeforeValidator(NamedTuple):
    """A function that converts what the file has; ``input_type`` is that for the JSON Schema."""

    function: Callable[[Any], Any]
    input_type: Any = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        import pydantic

        given = {"json_schema_input_type": self.input_type} if self.input_type is not None else {}
        validator = pydantic.BeforeValidator(_convert_errors(self.function), **given)
        return validator.__get_pydantic_core_schema__(source, handler)


@cache
def _compile(regex: str) -> re.Pattern[str]:
    return re.compile(regex)


def _convert_errors(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    from pydantic_core import PydanticCustomError

    def validate(value: Any) -> Any:
        try:
            return function(value)
        except InvalidValue as error:
            context = {"message": error.message}
            raise PydanticCustomError(error.kind, "{message}", context) from None

    return validate
