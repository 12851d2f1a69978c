"""One figure of a machine, with who told it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from rigspec.diagnostics.model import Source
from rigspec.matrix.model import Release

__all__ = [
    "SourcedValue",
    "count_of",
    "derived",
    "from_matrix",
    "from_spec",
    "number",
    "rounded",
    "total",
]

_DIGITS = 4
# Nothing is divided into more parts than a GPU.
_LARGEST_PART = 64


@dataclass(frozen=True)
class SourcedValue:
    """An amount in a unit. What nobody tells is ``None`` in place of a figure, never a zero.

    ``origin`` is ``spec`` or ``matrix``, or ``derived`` for what was worked out of others;
    ``note`` says of what, or what goes with it.
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
        """The amount without needless zeros: to four places, a small one to four digits."""
        places = max(_DIGITS, _DIGITS - 1 - self.amount.adjusted()) if self.amount else 0
        return f"{rounded(self.amount, places).normalize():f}"


def count_of(count: Decimal) -> str:
    """How many of something: `2`, and `1/6` of one."""
    return str(Fraction(count).limit_denominator(_LARGEST_PART))


def from_spec(amount: Decimal | int | float | None, unit: str) -> SourcedValue | None:
    """What the spec says itself."""
    return None if amount is None else SourcedValue(Decimal(str(amount)), unit, "spec")


def from_matrix(release: Release | None, name: str, unit: str) -> SourcedValue | None:
    """A figure of a release, where it is one plain number."""
    found = number(release.get(name)) if release is not None else None
    if release is None or found is None:
        return None
    return SourcedValue(found, unit, "matrix", release.sources_of(name))


def derived(amount: Decimal, unit: str, note: str, *of: SourcedValue | None) -> SourcedValue:
    """A figure worked out of others; it has their sources."""
    return SourcedValue(amount, unit, "derived", _sources(of), note)


def rounded(amount: Decimal, places: int) -> Decimal:
    """To so many places after the point, however many digits stand before it."""
    return Decimal(f"{amount:.{places}f}")


def total(parts: tuple[SourcedValue, ...], unit: str, note: str) -> SourcedValue:
    """The sum of figures of one unit."""
    return SourcedValue(
        sum((p.amount for p in parts), Decimal(0)), unit, "derived", _sources(parts), note
    )


def number(text: str | None) -> Decimal | None:
    """The number that a text is; None for ranges and alternatives, which are no one number."""
    if text is None:
        return None
    if (fraction := re.fullmatch(r"(\d+)/(\d+)", text)) is not None:
        return Decimal(fraction[1]) / Decimal(fraction[2])
    return Decimal(text) if re.fullmatch(r"\d+(?:\.\d+)?", text) else None


def _sources(figures: tuple[SourcedValue | None, ...]) -> tuple[Source, ...]:
    return tuple(
        dict.fromkeys(s for figure in figures if figure is not None for s in figure.sources)
    )
