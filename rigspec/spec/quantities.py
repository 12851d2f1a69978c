"""Quantities with a unit: ``32 GB``, ``450 mm``, ``0.12 USD/kWh``.

The number of digits is limited so that sums and products of amounts are exact.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

from rigspec.frozen import dataclass

__all__ = ["EnergyPrice", "Length", "Money", "Quantity", "Size"]

_PATTERN = re.compile(r"(?P<amount>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[A-Za-z]+(?:/[A-Za-z]+)?)")
_DECIMAL_PLACES = 6


@dataclass(frozen=True)
class Quantity:
    """An amount and a unit as written; ``str()`` returns the canonical form."""

    amount: Decimal
    unit: str

    units: ClassVar[str] = ""  # a regular expression
    example: ClassVar[str] = ""
    digits: ClassVar[int] = 12  # before the decimal point

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.unit}"

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """Parse a quantity.

        Raises:
            ValueError: if the text is not an amount with a known unit.

        """
        match = _PATTERN.fullmatch(text.strip())
        if match is None or re.fullmatch(cls.units, match["unit"]) is None:
            raise ValueError(f"expected an amount with a unit, such as `{cls.example}`")
        whole, _, rest = match["amount"].partition(".")
        if len(whole) > cls.digits or len(rest) > _DECIMAL_PLACES:
            raise ValueError(
                f"expected at most {cls.digits} digits and {_DECIMAL_PLACES} decimal places"
            )
        return cls(Decimal(match["amount"]), match["unit"])

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            cls.parse,
            core_schema.str_schema(strict=True),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        amount = rf"[0-9]{{1,{cls.digits}}}(\.[0-9]{{1,{_DECIMAL_PLACES}}})?"
        pattern = rf"^\s*{amount} ?({cls.units})\s*$"
        return {"type": "string", "pattern": pattern, "examples": [cls.example]}


class Size(Quantity):
    """A size in bytes: ``GB`` is a power of 1000, ``GiB`` of 1024."""

    units = "[KMGTP]i?B|B"
    digits = 15
    example = "32 GB"

    @property
    def octets(self) -> Decimal:
        """Return the number of bytes."""
        prefix = self.unit.removesuffix("B").removesuffix("i")
        base = 1024 if "i" in self.unit else 1000
        return self.amount * Decimal(base) ** self._exponent(prefix)

    @property
    def gib_of_memory(self) -> Decimal:
        """Return the size of memory in GiB; a ``GB`` of memory is sold as a GiB."""
        prefix = self.unit.removesuffix("B").removesuffix("i")
        return self.amount * Decimal(1024) ** (self._exponent(prefix) - 3)

    @staticmethod
    def _exponent(prefix: str) -> int:
        return "KMGTP".index(prefix) + 1 if prefix else 0


class Length(Quantity):
    """A length in ``mm``, ``cm`` or ``in``."""

    units = "mm|cm|in"
    example = "450 mm"

    @property
    def millimetres(self) -> Decimal:
        """Return the length in millimetres."""
        return self.amount * {"mm": Decimal(1), "cm": Decimal(10), "in": Decimal("25.4")}[self.unit]


class Money(Quantity):
    """An amount of money with an ISO 4217 currency code."""

    units = "[A-Z]{3}"
    example = "3000 USD"


class EnergyPrice(Quantity):
    """The price of a kilowatt-hour."""

    units = "[A-Z]{3}/kWh"
    digits = 6
    example = "0.12 USD/kWh"
