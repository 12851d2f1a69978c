"""Quantities with their units, as people write them: ``32 GB``, ``450 mm``, ``0.12 USD/kWh``.

An amount has so many digits at most that sums and products of amounts are exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["EnergyPrice", "Length", "Money", "Quantity", "Size"]

_FORM = re.compile(r"(?P<amount>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[A-Za-z]+(?:/[A-Za-z]+)?)")
_PLACES = 6  # after the point


@dataclass(frozen=True)
class Quantity:
    """An amount and its unit, exactly as written; ``str()`` gives the canonical form."""

    amount: Decimal
    unit: str

    units: ClassVar[str] = ""  # a regular expression
    example: ClassVar[str] = ""
    digits: ClassVar[int] = 12  # before the point

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.unit}"

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """The quantity a text stands for. Raises ValueError."""
        match = _FORM.fullmatch(text.strip())
        if match is None or re.fullmatch(cls.units, match["unit"]) is None:
            raise ValueError(f"write an amount with its unit, for example `{cls.example}`")
        whole, _, rest = match["amount"].partition(".")
        if len(whole) > cls.digits or len(rest) > _PLACES:
            raise ValueError(
                f"write at most {cls.digits} digits, and {_PLACES} more after the point"
            )
        return cls(Decimal(match["amount"]), match["unit"])

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls.parse,
            core_schema.str_schema(strict=True),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        amount = rf"[0-9]{{1,{cls.digits}}}(\.[0-9]{{1,{_PLACES}}})?"
        pattern = rf"^\s*{amount} ?({cls.units})\s*$"
        return {"type": "string", "pattern": pattern, "examples": [cls.example]}


class Size(Quantity):
    """Bytes: ``GB`` counts by thousands, ``GiB`` by 1024."""

    units = "[KMGTP]i?B|B"
    digits = 15
    example = "32 GB"

    @property
    def octets(self) -> Decimal:
        """The number of bytes."""
        prefix = self.unit.removesuffix("B").removesuffix("i")
        base = 1024 if "i" in self.unit else 1000
        return self.amount * Decimal(base) ** self._power(prefix)

    @property
    def gib_of_memory(self) -> Decimal:
        """The size of memory in GiB: it is sold by powers of two, and a ``GB`` of it is a GiB."""
        prefix = self.unit.removesuffix("B").removesuffix("i")
        return self.amount * Decimal(1024) ** (self._power(prefix) - 3)

    @staticmethod
    def _power(prefix: str) -> int:
        return "KMGTP".index(prefix) + 1 if prefix else 0


class Length(Quantity):
    """A length in ``mm``, ``cm`` or ``in``."""

    units = "mm|cm|in"
    example = "450 mm"

    @property
    def millimetres(self) -> Decimal:
        """The length in millimetres."""
        return self.amount * {"mm": Decimal(1), "cm": Decimal(10), "in": Decimal("25.4")}[self.unit]


class Money(Quantity):
    """An amount of a currency, named by its ISO 4217 letters."""

    units = "[A-Z]{3}"
    example = "3000 USD"


class EnergyPrice(Quantity):
    """The price of a kilowatt-hour."""

    units = "[A-Z]{3}/kWh"
    digits = 6
    example = "0.12 USD/kWh"
