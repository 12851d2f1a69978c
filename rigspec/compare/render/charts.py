"""Compute the coordinates of the charts of a comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from rigspec.compare.model import Bill, Comparison, CostComparison, PaybackSensitivity
from rigspec.compare.render.formatting import TIMES, format_months, group_thousands

__all__ = [
    "ChartLine",
    "ChartMark",
    "CostChart",
    "Dot",
    "SensitivityChart",
    "SensitivityChartRow",
    "Tick",
    "build_cost_chart",
    "build_sensitivity_chart",
]

# Converts an amount to a coordinate.
Scale = Callable[[Decimal], Decimal]

_STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_LONGEST = 1200
_TWO_YEARS = 24
_TICKS = 5
_LINE = 20
_ROW = 34


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: Decimal
    label: str


@dataclass(frozen=True)
class ChartLine:
    """A straight line in the colour of a machine (``a`` or ``b``)."""

    side: str
    x1: Decimal
    y1: Decimal
    x2: Decimal
    y2: Decimal


@dataclass(frozen=True)
class ChartMark:
    """A point with a label; ``anchor`` is the text-anchor of SVG."""

    x: Decimal
    y: Decimal
    text_x: Decimal
    text_y: Decimal
    anchor: str
    label: str


@dataclass(frozen=True)
class CostChart:
    """The total cost over time. The edges are those of the plot area."""

    width: int
    height: int
    left: Decimal
    right: Decimal
    top: Decimal
    bottom: Decimal
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[ChartLine, ...]
    mark: ChartMark | None


@dataclass(frozen=True)
class Dot:
    """One value of an assumption; ``base`` marks the value of the spec."""

    x: Decimal
    base: bool
    label: str


@dataclass(frozen=True)
class SensitivityChartRow:
    """One assumption: its dots on a line."""

    name: str
    y: Decimal
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class SensitivityChart:
    """The payback time for varied assumptions; ``base`` is None if it never pays off."""

    width: int
    height: int
    left: Decimal
    right: Decimal
    bottom: Decimal
    x_ticks: tuple[Tick, ...]
    rows: tuple[SensitivityChartRow, ...]
    base: Decimal | None


def build_cost_chart(comparison: Comparison, width: int, height: int) -> CostChart | None:
    """Return the chart of the total cost, or None without a common currency."""
    cost = comparison.cost
    bills = {"a": cost.a, "b": cost.b}
    last = _find_last_month(cost)
    ends = {side: bill.compute_total(last) for side, bill in bills.items()}
    units = {figure.unit for figure in ends.values() if figure is not None}
    if None in ends.values() or len(units) != 1:
        return None
    most = max(figure.amount for figure in ends.values() if figure is not None)
    if not most:
        return None
    amounts = _build_ticks(most)
    labels = max(len(tick.label) for tick in amounts)
    left, right = Decimal(16 + 8 * labels), Decimal(width - 18)
    top, bottom = Decimal(16), Decimal(height - 28)

    def x(month: Decimal) -> Decimal:
        return left + (right - left) * month / last

    def y(amount: Decimal) -> Decimal:
        return bottom - (bottom - top) * amount / amounts[-1].at

    lines = tuple(
        ChartLine(side, left, y(_get_start(bills[side])), right, y(figure.amount))
        for side, figure in ends.items()
        if figure is not None
    )
    step = next(s for s in _MONTHS if last / s <= _TICKS + 1)
    return CostChart(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        x_ticks=tuple(Tick(x(Decimal(m)), str(m)) for m in range(0, last + 1, step)),
        y_ticks=tuple(Tick(y(tick.at), tick.label) for tick in amounts),
        lines=lines,
        mark=_build_mark(cost, x, y, (left + right) / 2),
    )


def build_sensitivity_chart(money: CostComparison, width: int) -> SensitivityChart | None:
    """Return the chart of the payback time, or None if no value of it is known."""
    known = [p.months for s in money.sensitivities for p in s.points if p.months is not None]
    most = max(known, default=Decimal(0))
    if not most:
        return None
    ticks = _build_ticks(most)
    left, right = Decimal(88), Decimal(width - 20)
    bottom = Decimal(12 + _ROW * len(money.sensitivities))

    def x(count: Decimal) -> Decimal:
        return left + (right - left) * count / ticks[-1].at

    rows = tuple(
        SensitivityChartRow(line.of, Decimal(12 + _ROW * index + _ROW // 2), _build_dots(line, x))
        for index, line in enumerate(money.sensitivities)
    )
    return SensitivityChart(
        width=width,
        height=int(bottom) + 28,
        left=left,
        right=right,
        bottom=bottom,
        x_ticks=tuple(Tick(x(tick.at), tick.label) for tick in ticks),
        rows=rows,
        base=x(money.payback.months) if money.payback is not None else None,
    )


def _build_dots(line: PaybackSensitivity, x: Scale) -> tuple[Dot, ...]:
    return tuple(
        Dot(
            x(point.months),
            point.factor == 1,
            f"{point.factor.normalize():f} {TIMES}, {point.value}: "
            f"{format_months(point.months)} months",
        )
        for point in line.points
        if point.months is not None
    )


def _build_mark(money: CostComparison, x: Scale, y: Scale, middle: Decimal) -> ChartMark | None:
    payback = money.payback
    if payback is None or payback.months > _LONGEST:
        return None
    paid = payback.price.amount + payback.owned.amount * payback.months
    at = x(payback.months)
    to_the_left = at > middle
    return ChartMark(
        x=at,
        y=y(paid),
        text_x=at - 12 if to_the_left else at + 12,
        text_y=y(paid) - 12 if to_the_left else y(paid) + _LINE,
        anchor="end" if to_the_left else "start",
        label=f"{format_months(payback.months)} months",
    )


def _get_start(bill: Bill) -> Decimal:
    return bill.price.amount if bill.price is not None else Decimal(0)


def _find_last_month(money: CostComparison) -> int:
    """Return 1.6 times the payback time in whole axis steps, or two years without one."""
    if money.payback is None or not money.payback.months:
        return _TWO_YEARS
    wanted = min(money.payback.months * Decimal("1.6"), Decimal(_LONGEST))
    step = next(s for s in _MONTHS if wanted / s <= _TICKS)
    return int((wanted / step).to_integral_value(ROUND_CEILING)) * step


def _build_ticks(most: Decimal) -> tuple[Tick, ...]:
    """Return round amounts from zero to beyond the maximum."""
    power = Decimal(1).scaleb((most / _TICKS).adjusted())
    step = next(step * power for step in _STEPS if step * power * _TICKS >= most)
    count = int((most / step).to_integral_value(ROUND_CEILING))
    return tuple(Tick(step * n, group_thousands(step * n)) for n in range(count + 1))
