"""The result of a comparison: compared items, differences and their sources."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Fact, Source
from rigspec.hardware.cost import Payback
from rigspec.hardware.sourced_value import SourcedValue

__all__ = [
    "Bill",
    "Comparison",
    "CompatibilityComparison",
    "CostComparison",
    "DifferentItem",
    "HardwareComparison",
    "LayerCount",
    "MachineNote",
    "PaybackSensitivity",
    "ProductSupport",
    "ReleaseRange",
    "SensitivityPoint",
    "Side",
    "SoftwareComparison",
    "TextRow",
    "UnsupportedReleases",
    "ValueRow",
]


@dataclass(frozen=True)
class Side:
    """One of the two machines. ``title`` is a short description."""

    name: str
    rented: bool
    title: str


# --- software ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DifferentItem:
    """A software item that differs; None on a machine without it.

    ``reason`` explains the difference, if known.
    """

    layer: str
    name: str
    a: str | None
    b: str | None
    reason: str = ""


@dataclass(frozen=True)
class LayerCount:
    """The number of equal and of different items in a layer."""

    layer: str
    same: int
    differ: int


@dataclass(frozen=True)
class SoftwareComparison:
    """The comparison of the installed software.

    Attributes:
        basis: ``lock`` (locks and compiled cloud-init files), ``resolution`` (versions only) or
            ``none``.
        not_compared: what could not be compared, and how to change that.

    """

    basis: str
    layers: tuple[LayerCount, ...]
    differences: tuple[DifferentItem, ...]
    lock: str | None = None
    not_compared: tuple[str, ...] = ()

    @property
    def same(self) -> int:
        """Return the number of equal items."""
        return sum(layer.same for layer in self.layers)

    @property
    def is_equal(self) -> bool:
        """Return whether everything was compared and nothing differs."""
        return self.basis == "lock" and not self.differences and not self.not_compared


# --- hardware ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextRow:
    """A text of both machines, such as the GPU model. ``key`` is its name in JSON."""

    key: str
    name: str
    a: str | None
    b: str | None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class ValueRow:
    """A value of both machines. ``of`` is its scope: one GPU, all GPUs or the machine."""

    key: str
    name: str
    of: str
    a: SourcedValue | None
    b: SourcedValue | None

    @property
    def ratio(self) -> Decimal | None:
        """Return B divided by A, if both have the same unit and A is not zero."""
        if self.a is None or self.b is None or self.a.unit != self.b.unit or not self.a.amount:
            return None
        return self.b.amount / self.a.amount

    @property
    def is_known(self) -> bool:
        """Return whether the value of at least one machine is known."""
        return self.a is not None or self.b is not None


@dataclass(frozen=True)
class HardwareComparison:
    """The comparison of the hardware. ``notes`` qualify the values."""

    texts: tuple[TextRow, ...]
    rows: tuple[ValueRow, ...]
    notes: tuple[str, ...] = ()


# --- cost --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bill:
    """The cost of one machine.

    Attributes:
        read: the day on which the hourly price was read.
        scope: the conditions of the hourly price.
        unknown: missing values, and how to add them.

    """

    price: SourcedValue | None
    hourly: SourcedValue | None
    monthly: SourcedValue | None
    read: str | None = None
    scope: str | None = None
    unknown: tuple[str, ...] = ()

    def compute_total(self, months: int) -> SourcedValue | None:
        """Return the total cost after some months, or None if a part of it is unknown."""
        if self.monthly is None or (self.price is None and self.hourly is None):
            return None
        start = self.price.amount if self.price is not None else Decimal(0)
        if self.price is not None and self.price.unit != self.monthly.unit:
            return None
        amount = start + self.monthly.amount * months
        return SourcedValue(amount, self.monthly.unit, "derived", self.monthly.sources)


@dataclass(frozen=True)
class SensitivityPoint:
    """The payback time with one assumption multiplied by ``factor``.

    ``months`` is None if it never pays off or the value is impossible; ``note`` gives the reason.
    """

    factor: Decimal
    value: str
    months: Decimal | None
    note: str = ""


@dataclass(frozen=True)
class PaybackSensitivity:
    """The payback time for several values of one assumption."""

    of: str
    points: tuple[SensitivityPoint, ...]


@dataclass(frozen=True)
class CostComparison:
    """The comparison of the cost.

    Attributes:
        hours: hours per day of both machines.
        verdict: the reason if there is no ``payback``.
        year: the maximum price for a payback time of twelve months.
        assumptions: the assumptions behind the values.

    """

    hours: Decimal | None
    a: Bill
    b: Bill
    payback: Payback | None
    verdict: str
    assumptions: tuple[str, ...] = ()
    sensitivities: tuple[PaybackSensitivity, ...] = ()
    year: SourcedValue | None = None


# --- compatibility -----------------------------------------------------------------------------


@dataclass(frozen=True)
class UnsupportedReleases:
    """Releases that only one machine supports, with one reason.

    ``reason`` is the most relevant fact; ``facts`` are all facts of the proof.
    """

    releases: tuple[str, ...]
    reason: Fact
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class ReleaseRange:
    """The releases of a product that a machine supports; all None without releases."""

    count: int
    newest: str | None
    oldest: str | None


@dataclass(frozen=True)
class ProductSupport:
    """The releases of a product that both machines support, regardless of other software.

    Attributes:
        requested: whether the rig requests the product.
        only_a: releases that only the first machine supports, with the reasons.
        only_b: releases that only the second machine supports, with the reasons.

    """

    product: str
    title: str
    requested: bool
    a: ReleaseRange
    b: ReleaseRange
    only_a: tuple[UnsupportedReleases, ...]
    only_b: tuple[UnsupportedReleases, ...]

    @property
    def is_different(self) -> bool:
        """Return whether a release is supported by only one of the machines."""
        return bool(self.only_a or self.only_b)


@dataclass(frozen=True)
class MachineNote:
    """A diagnostic about the parts of one machine."""

    machine: str
    diagnostic: Diagnostic


@dataclass(frozen=True)
class CompatibilityComparison:
    """The comparison of GPU features and supported releases."""

    features: tuple[TextRow, ...]
    products: tuple[ProductSupport, ...]
    notes: tuple[MachineNote, ...]


@dataclass(frozen=True)
class Comparison:
    """A complete comparison. ``as_of`` is the day of the matrix."""

    rig: str
    summary: str
    as_of: dt.date
    a: Side
    b: Side
    software: SoftwareComparison
    hardware: HardwareComparison
    cost: CostComparison
    compatibility: CompatibilityComparison

    @property
    def sides(self) -> tuple[Side, Side]:
        """Return both machines in the requested order."""
        return self.a, self.b

    def iterate_values(self) -> Iterator[SourcedValue]:
        """Yield every value of the hardware and the cost."""
        for row in self.hardware.rows:
            yield from (figure for figure in (row.a, row.b) if figure is not None)
        for bill in (self.cost.a, self.cost.b):
            values = (bill.price, bill.hourly, bill.monthly)
            yield from (figure for figure in values if figure is not None)
