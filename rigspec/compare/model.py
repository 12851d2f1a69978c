"""A comparison as values: what was compared, what differs, and who says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Fact, Source
from rigspec.hardware.cost import Payback
from rigspec.hardware.sourced_value import SourcedValue

__all__ = [
    "Admission",
    "Bill",
    "Caveat",
    "Comparison",
    "Counted",
    "Hardware",
    "Item",
    "Money",
    "Point",
    "Range",
    "Refused",
    "Row",
    "Runs",
    "Sensitivity",
    "Side",
    "Software",
    "Words",
]


@dataclass(frozen=True)
class Side:
    """One of the two machines. ``title`` says in a few words what it is."""

    name: str
    rented: bool
    title: str


# --- software ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One thing of the software, by layer and name, as each machine gets it; None: not at all.

    ``why`` says why it differs, where that can be told.
    """

    layer: str
    name: str
    a: str | None
    b: str | None
    why: str = ""


@dataclass(frozen=True)
class Counted:
    """How many items of a layer are the same on both."""

    layer: str
    same: int
    differ: int


@dataclass(frozen=True)
class Software:
    """What is installed on each, item by item.

    ``basis`` is ``lock`` (the two locks and the two compiled cloud-init files), ``resolution``
    (versions only), or ``none``. ``without`` says what could not be compared, and what to run.
    """

    basis: str
    layers: tuple[Counted, ...]
    differences: tuple[Item, ...]
    lock: str | None = None
    without: tuple[str, ...] = ()

    @property
    def same(self) -> int:
        """How many items are the same on both."""
        return sum(layer.same for layer in self.layers)

    @property
    def equal(self) -> bool:
        """Whether everything was compared, and nothing differs."""
        return self.basis == "lock" and not self.differences and not self.without


# --- hardware ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """Something that is told in words: the model of a GPU. ``key`` is its name for a program."""

    key: str
    name: str
    a: str | None
    b: str | None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Row:
    """A figure of both. ``of`` says of what: one GPU, all GPUs, the machine."""

    key: str
    name: str
    of: str
    a: SourcedValue | None
    b: SourcedValue | None

    @property
    def ratio(self) -> Decimal | None:
        """B by A, where both are known in one unit and the first is no zero."""
        if self.a is None or self.b is None or self.a.unit != self.b.unit or not self.a.amount:
            return None
        return self.b.amount / self.a.amount

    @property
    def known(self) -> bool:
        """Whether anybody tells it of either."""
        return self.a is not None or self.b is not None


@dataclass(frozen=True)
class Hardware:
    """The parts of both. ``notes`` say what a reader of the figures should know."""

    words: tuple[Words, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


# --- money -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bill:
    """What one machine costs. ``read`` is the day of the rent, ``scope`` what it was asked for.

    ``unknown`` names what is missing, and what to write.
    """

    price: SourcedValue | None
    hourly: SourcedValue | None
    monthly: SourcedValue | None
    read: str | None = None
    scope: str | None = None
    unknown: tuple[str, ...] = ()

    def after(self, months: int) -> SourcedValue | None:
        """What has been paid after so many months; None where a part of it is not known."""
        if self.monthly is None or (self.price is None and self.hourly is None):
            return None
        start = self.price.amount if self.price is not None else Decimal(0)
        if self.price is not None and self.price.unit != self.monthly.unit:
            return None
        amount = start + self.monthly.amount * months
        return SourcedValue(amount, self.monthly.unit, "derived", self.monthly.sources)


@dataclass(frozen=True)
class Point:
    """When it has paid for itself if one assumption is ``factor`` times what it is.

    ``months`` is None where it never does, or where the assumption cannot be so: ``note`` says.
    """

    factor: Decimal
    value: str
    months: Decimal | None
    note: str = ""


@dataclass(frozen=True)
class Sensitivity:
    """How the month moves with one assumption."""

    of: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Money:
    """What both cost, and when the bought one has paid for itself.

    ``hours`` are a day, for both. Without a ``payback`` ``verdict`` says why there is none.
    ``year`` is the highest price at which it pays for itself within twelve months. ``assumptions``
    are those that the figures rest on.
    """

    hours: Decimal | None
    a: Bill
    b: Bill
    payback: Payback | None
    verdict: str
    assumptions: tuple[str, ...] = ()
    sensitivities: tuple[Sensitivity, ...] = ()
    year: SourcedValue | None = None


# --- what runs ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refused:
    """Releases that one machine admits and the other refuses, for one reason.

    ``reason`` is the fact that stands nearest; ``facts`` are all that the proof needs, it included.
    """

    releases: tuple[str, ...]
    reason: Fact
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Range:
    """What one machine admits of a product; without releases, nothing."""

    count: int
    newest: str | None
    oldest: str | None


@dataclass(frozen=True)
class Admission:
    """A product on both machines, whatever the rest of the software: which releases can run.

    ``only_a`` are those that only the first admits, with the reason for which the second does not.
    ``asked`` says whether the rig has the product.
    """

    product: str
    title: str
    asked: bool
    a: Range
    b: Range
    only_a: tuple[Refused, ...]
    only_b: tuple[Refused, ...]

    @property
    def differs(self) -> bool:
        """Whether one machine admits a release that the other does not."""
        return bool(self.only_a or self.only_b)


@dataclass(frozen=True)
class Caveat:
    """What is to be said of one of the machines: a copy of ``check``'s own words."""

    machine: str
    diagnostic: Diagnostic


@dataclass(frozen=True)
class Runs:
    """What each can run. ``features`` are what their GPUs can do, as far as somebody tells."""

    features: tuple[Words, ...]
    admissions: tuple[Admission, ...]
    caveats: tuple[Caveat, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything. ``as_of`` is the day that the matrix speaks for."""

    rig: str
    summary: str
    as_of: dt.date
    a: Side
    b: Side
    software: Software
    hardware: Hardware
    money: Money
    runs: Runs

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both machines, in the order they were asked for."""
        return self.a, self.b

    def figures(self) -> Iterator[SourcedValue]:
        """Every figure that is shown of the parts and the prices."""
        for row in self.hardware.rows:
            yield from (figure for figure in (row.a, row.b) if figure is not None)
        for bill in (self.money.a, self.money.b):
            told = (bill.price, bill.hourly, bill.monthly)
            yield from (figure for figure in told if figure is not None)
