"""Figures as both the text and the page show them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from rigspec.compare.model import Comparison, Refused, Row, Side
from rigspec.hardware.sourced_value import SourcedValue, count_of

__all__ = [
    "BLANK",
    "TIMES",
    "amount_of",
    "counted",
    "gist",
    "grouped",
    "money",
    "months",
    "only",
    "ratio",
    "releases",
    "rounded",
    "software_line",
]

# What nobody tells.
BLANK = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
_DIGITS = 4
_THOUSAND = 1000
_CENT = Decimal("0.01")


def rounded(amount: Decimal) -> str:
    """To four digits, and no digit before the point lost."""
    if amount == 0 or abs(amount) >= 10 ** (_DIGITS - 1):
        return f"{amount.quantize(Decimal(1), ROUND_HALF_EVEN):f}"
    places = _DIGITS - 1 - amount.adjusted()
    return f"{amount.quantize(Decimal(1).scaleb(-places)).normalize():f}"


def amount_of(figure: SourcedValue) -> str:
    """A figure's amount: to four digits, and a part of a GPU as the fraction that it is."""
    return count_of(figure.amount) if figure.unit == "GPUs" else rounded(figure.amount)


def ratio(row: Row) -> str:
    """How many times what the first has the second has, to two digits or to the whole."""
    found = row.ratio
    if found is None:
        return BLANK
    places = max(0, 1 - found.adjusted()) if found else 0
    return f"{found.quantize(Decimal(1).scaleb(-places)).normalize():f} {TIMES}"


def grouped(amount: Decimal) -> str:
    """Thousands apart, by a space that does not break; cents as they are."""
    whole, point, cents = f"{amount:f}".partition(".")
    return f"{int(whole):,}".replace(",", "\N{NARROW NO-BREAK SPACE}") + point + cents


def money(figure: SourcedValue | None) -> str:
    """An amount to the cent, and from a thousand on without; an hour's price as it is told."""
    if figure is None:
        return BLANK
    if "/" in figure.unit:
        return str(figure)
    whole = figure.amount == figure.amount.to_integral_value() or figure.amount >= _THOUSAND
    return f"{figure.amount.quantize(Decimal(1) if whole else _CENT):f} {figure.unit}"


def months(count: Decimal) -> str:
    """To a tenth of a month."""
    return f"{count:.1f}"


def counted(count: int, word: str) -> str:
    """`1 item`, `2 items`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def releases(found: Sequence[str]) -> str:
    """Releases, which come newest first, as a span, and how many they are."""
    newest, oldest = found[0], found[-1]
    if len(found) == 1:
        return newest
    family, _, version = newest.rpartition(" ")
    same = bool(family) and oldest.startswith(f"{family} ")
    last = version if same else newest
    return f"{oldest} to {last} ({len(found)} releases)"


def software_line(comparison: Comparison) -> str:
    """The answer to whether the software is the same, in a line."""
    software = comparison.software
    if software.basis == "none":
        return "not compared"
    word = "item" if software.basis == "lock" else "version"
    differ = len(software.differences)
    if not differ:
        told = "the same" if software.equal else "the same as far as it was compared"
        return f"{told}: {counted(software.same, word)}"
    verb = "differs" if differ == 1 else "differ"
    same = "is" if software.same == 1 else "are"
    return f"{counted(software.same, word)} {same} the same, {differ} {verb}"


def gist(comparison: Comparison) -> str:
    """The answer to what pays, in a line."""
    money_told = comparison.money
    if money_told.payback is None:
        return money_told.verdict
    owned, rented = _owned(comparison)
    count = months(money_told.payback.months)
    return f"{owned.name} pays for itself after {count} months, against {rented.name}"


def only(groups: tuple[Refused, ...]) -> int:
    """How many releases are in the groups."""
    return sum(len(group.releases) for group in groups)


def _owned(comparison: Comparison) -> tuple[Side, Side]:
    a, b = comparison.sides
    return (a, b) if b.rented else (b, a)
