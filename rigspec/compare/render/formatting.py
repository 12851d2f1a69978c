"""Format values for the text and the HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from rigspec.compare.model import Comparison, Side, UnsupportedReleases, ValueRow
from rigspec.hardware.sourced_value import SourcedValue, format_share

__all__ = [
    "BLANK",
    "TIMES",
    "count_releases",
    "format_amount",
    "format_count",
    "format_money",
    "format_months",
    "format_ratio",
    "format_releases",
    "format_software_verdict",
    "format_verdict",
    "group_thousands",
    "round_to_digits",
]

# Shown for an unknown value.
BLANK = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
_DIGITS = 4
_THOUSAND = 1000
_CENT = Decimal("0.01")


def round_to_digits(amount: Decimal) -> str:
    """Return an amount rounded to four digits, but never before the decimal point."""
    if amount == 0 or abs(amount) >= 10 ** (_DIGITS - 1):
        return f"{amount.quantize(Decimal(1), ROUND_HALF_EVEN):f}"
    places = _DIGITS - 1 - amount.adjusted()
    return f"{amount.quantize(Decimal(1).scaleb(-places)).normalize():f}"


def format_amount(figure: SourcedValue) -> str:
    """Return an amount with four digits; parts of a GPU are fractions."""
    return format_share(figure.amount) if figure.unit == "GPUs" else round_to_digits(figure.amount)


def format_ratio(row: ValueRow) -> str:
    """Return the ratio of the second value to the first, with two digits."""
    value = row.ratio
    if value is None:
        return BLANK
    places = max(0, 1 - value.adjusted()) if value else 0
    return f"{value.quantize(Decimal(1).scaleb(-places)).normalize():f} {TIMES}"


def group_thousands(amount: Decimal) -> str:
    """Return an amount with thousands separated by a non-breaking space."""
    whole, point, cents = f"{amount:f}".partition(".")
    return f"{int(whole):,}".replace(",", "\N{NARROW NO-BREAK SPACE}") + point + cents


def format_money(figure: SourcedValue | None) -> str:
    """Return an amount in cents, from a thousand on without them; hourly prices unchanged."""
    if figure is None:
        return BLANK
    if "/" in figure.unit:
        return str(figure)
    whole = figure.amount == figure.amount.to_integral_value() or figure.amount >= _THOUSAND
    return f"{figure.amount.quantize(Decimal(1) if whole else _CENT):f} {figure.unit}"


def format_months(count: Decimal) -> str:
    """Return months with one decimal place."""
    return f"{count:.1f}"


def format_count(count: int, word: str) -> str:
    """Return a count with its noun: `1 item`, `2 items`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def format_releases(found: Sequence[str]) -> str:
    """Return a range of releases (sorted newest first) and their number."""
    newest, oldest = found[0], found[-1]
    if len(found) == 1:
        return newest
    family, _, version = newest.rpartition(" ")
    same = bool(family) and oldest.startswith(f"{family} ")
    last = version if same else newest
    return f"{oldest} to {last} ({len(found)} releases)"


def format_software_verdict(comparison: Comparison) -> str:
    """Return in one line whether the software is the same."""
    software = comparison.software
    if software.basis == "none":
        return "not compared"
    word = "item" if software.basis == "lock" else "version"
    differ = len(software.differences)
    if not differ:
        result = "the same" if software.is_equal else "the same, but not everything was compared"
        return f"{result}: {format_count(software.same, word)}"
    verb = "differs" if differ == 1 else "differ"
    same = "is" if software.same == 1 else "are"
    return f"{format_count(software.same, word)} {same} the same, {differ} {verb}"


def format_verdict(comparison: Comparison) -> str:
    """Return in one line when the bought machine pays off."""
    cost = comparison.cost
    if cost.payback is None:
        return cost.verdict
    owned, rented = _split_by_ownership(comparison)
    count = format_months(cost.payback.months)
    return f"{owned.name} pays off after {count} months, compared with {rented.name}"


def count_releases(groups: tuple[UnsupportedReleases, ...]) -> int:
    """Return the number of releases in the groups."""
    return sum(len(group.releases) for group in groups)


def _split_by_ownership(comparison: Comparison) -> tuple[Side, Side]:
    a, b = comparison.sides
    return (a, b) if b.rented else (b, a)
