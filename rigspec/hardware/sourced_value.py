"""A value with its unit and sources."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from rigspec.diagnostics.model import Source
from rigspec.frozen import dataclass
from rigspec.matrix.model import Release

__all__ = [
    "SourcedValue",
    "add_up",
    "derive",
    "format_share",
    "parse_number",
    "read_matrix_value",
    "read_spec_value",
    "round_to",
]

_DIGITS = 4
# A GPU is divided into fewer parts than this.
_MAX_DENOMINATOR = 64


@dataclass(frozen=True)
class SourcedValue:
    """An amount in a unit. An unknown value is ``None`` instead, never zero.

    ``origin`` is ``spec``, ``matrix``, or ``derived`` if it was computed from other values, which
    ``note`` describes.
    """

    amount: Decimal
    unit: str
    origin: str
    sources: tuple[Source, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        return f"{self.number} {self.unit}"

    @property
    def number(self) -> str:
        """The amount without trailing zeros, to four places, or to four digits if it is small."""
        places = max(_DIGITS, _DIGITS - 1 - self.amount.adjusted()) if self.amount else 0
        return f"{round_to(self.amount, places).normalize():f}"


def format_share(count: Decimal) -> str:
    """Format a count, which may be a fraction: `2`, `1/6`."""
    return str(Fraction(count).limit_denominator(_MAX_DENOMINATOR))


def read_spec_value(amount: Decimal | int | float | None, unit: str) -> SourcedValue | None:
    """Return a value of the spec."""
    return None if amount is None else SourcedValue(Decimal(str(amount)), unit, "spec")


def read_matrix_value(release: Release | None, name: str, unit: str) -> SourcedValue | None:
    """Return a property of a release if it is a single number."""
    amount = parse_number(release.get(name)) if release is not None else None
    if release is None or amount is None:
        return None
    return SourcedValue(amount, unit, "matrix", release.sources_of(name))


def derive(amount: Decimal, unit: str, note: str, *of: SourcedValue | None) -> SourcedValue:
    """Return a value computed from others, with their sources."""
    return SourcedValue(amount, unit, "derived", _merge_sources(of), note)


def round_to(amount: Decimal, places: int) -> Decimal:
    """Round to a number of decimal places, at any magnitude."""
    return Decimal(f"{amount:.{places}f}")


def add_up(parts: tuple[SourcedValue, ...], unit: str, note: str) -> SourcedValue:
    """Return the sum of values with the same unit."""
    return SourcedValue(
        sum((p.amount for p in parts), Decimal(0)), unit, "derived", _merge_sources(parts), note
    )


def parse_number(text: str | None) -> Decimal | None:
    """Parse a number or a fraction; ``None`` for ranges and alternatives."""
    if text is None:
        return None
    if (fraction := re.fullmatch(r"(\d+)/(\d+)", text)) is not None:
        return Decimal(fraction[1]) / Decimal(fraction[2])
    return Decimal(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


def _merge_sources(figures: tuple[SourcedValue | None, ...]) -> tuple[Source, ...]:
    return tuple(
        dict.fromkeys(s for figure in figures if figure is not None for s in figure.sources)
    )
