"""What two machines cost, when the bought one has paid for itself, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from rigspec.compare.model import Bill, Money, Point, Sensitivity
from rigspec.hardware.cost import Cost, Payback, no_payback, payback
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.machine_specs import MachineSpecs, machine_figures
from rigspec.hardware.sourced_value import SourcedValue, count_of, derived
from rigspec.matrix.model import Matrix
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.machine import Machine
from rigspec.spec.quantities import EnergyPrice

__all__ = ["FACTORS", "Rate", "Terms", "compared_money", "is_rented"]

FACTORS = (Decimal("0.5"), Decimal(1), Decimal("1.5"), Decimal(2))
_DAY = Decimal(24)
_YEAR = 12
_RATE = re.compile(
    r"\s*(?:1\s*)?(?P<of>[A-Z]{3})\s*=\s*(?P<is>\d{1,9}(?:\.\d{1,12})?)\s*(?P<unit>[A-Z]{3})\s*"
)


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency is in another: never taken from anywhere but the user."""

    of: str
    amount: Decimal
    unit: str

    @classmethod
    def parse(cls, text: str) -> Rate:
        """`EUR=1.16 USD`. Raises ValueError."""
        told = _RATE.fullmatch(text)
        if told is None or told["of"] == told["unit"] or not Decimal(told["is"]):
            raise ValueError("write what one unit is in the other currency: `EUR=1.16 USD`")
        return cls(told["of"], Decimal(told["is"]), told["unit"])

    def __str__(self) -> str:
        return f"1 {self.of} = {self.amount.normalize():f} {self.unit}"


@dataclass(frozen=True)
class Terms:
    """What the user says of both machines, in place of the spec: hours a day, price of a kWh.

    Raises ValueError for rates that lead from one currency to two, or back to itself.
    """

    hours: Decimal | None = None
    electricity: EnergyPrice | None = None
    rates: tuple[Rate, ...] = ()

    def __post_init__(self) -> None:
        """Each currency must come to an end, whatever the order of the rates."""
        leads = {rate.of: rate.unit for rate in self.rates}
        if len(leads) < len(self.rates):
            raise ValueError("give one rate for a currency")
        for start in leads:
            currency, steps = start, 0
            while currency in leads:
                currency, steps = leads[currency], steps + 1
                if steps > len(leads):
                    raise ValueError(f"the rates lead from {start} in a circle: leave one out")


def is_rented(machine: Machine) -> bool:
    """Whether a machine is paid for by the hour."""
    return machine.kind == "cloud" or machine.instance is not None


def compared_money(
    spec: LoadedSpec, names: tuple[str, str], matrices: Mapping[str, Matrix], terms: Terms
) -> Money:
    """What both cost at the same hours a day."""
    question = _Question(spec, names, matrices, terms)
    found = [question.cost(name, _AS_TOLD) for name in names]
    bills = (question.bill(names[0], found[0]), question.bill(names[1], found[1]))
    ways = [is_rented(spec.rig.machine[name]) for name in names]
    if ways[0] == ways[1]:
        verdict = _VERDICTS[ways[0]]
        told = tuple(question.assumptions())
        return Money(question.hours, bills[0], bills[1], None, verdict, told)
    owned, rented = (names[0], names[1]) if ways[1] else (names[1], names[0])
    outcome = question.outcome(owned, rented, _AS_TOLD)
    told = tuple(question.assumptions(owned, rented, outcome.found))
    return Money(
        hours=question.hours,
        a=bills[0],
        b=bills[1],
        payback=outcome.found,
        verdict=outcome.why,
        assumptions=told,
        sensitivities=tuple(question.sensitivities(owned, rented, outcome)),
        year=_within_a_year(outcome.found),
    )


_VERDICTS = {
    True: "both are rented: there is no price that could pay for itself",
    False: "both are bought: there is no rent that a price could save",
}


@dataclass(frozen=True)
class _Change:
    """How many times what they are the assumptions shall be."""

    hours: Decimal = Decimal(1)
    electricity: Decimal = Decimal(1)
    price: Decimal = Decimal(1)


_AS_TOLD = _Change()


@dataclass(frozen=True)
class _Outcome:
    """A month, or why there is none."""

    found: Payback | None
    why: str


class _Question:
    """Two machines at the same hours, as the spec and the terms say."""

    def __init__(
        self,
        spec: LoadedSpec,
        names: tuple[str, str],
        matrices: Mapping[str, Matrix],
        terms: Terms,
    ) -> None:
        self._spec = spec
        self._names = names
        self._matrices = matrices
        self._terms = terms
        self.hours, self._hours_of = self._hours()

    def _hours(self) -> tuple[Decimal | None, str]:
        """Hours a day, and who says so: the user, the bought machine, else the other."""
        if self._terms.hours is not None:
            return self._terms.hours, "as given"
        for name in sorted(self._names, key=lambda name: is_rented(self._machine(name))):
            told = self._machine(name).hours
            if told is not None:
                return Decimal(str(told)), f"as {name} is said to"
        return None, ""

    def _machine(self, name: str) -> Machine:
        return self._spec.rig.machine[name]

    def _declared(self, name: str, change: _Change) -> MachineContext:
        """The machine with the terms, and the change, in place of what its spec says."""
        table = self._machine(name)
        other = next(each for each in self._names if each != name)
        update: dict[str, object] = {"against": other}
        if self.hours is not None:
            hours = self.hours * change.hours
            update["hours"] = float(hours)
            update["idle_hours"] = min(table.idle_hours, float(_DAY - hours))
        electricity = self._terms.electricity or table.electricity
        if electricity is not None:
            amount = electricity.amount * change.electricity
            update["electricity"] = EnergyPrice(amount, electricity.unit)
        machines = {**self._spec.rig.machine, name: table.model_copy(update=update)}
        rig = self._spec.rig.model_copy(update={"machine": machines})
        return MachineContext(LoadedSpec(rig, self._spec.document), name, self._matrices[name])

    def figures(self, name: str, change: _Change) -> MachineSpecs:
        """The figures of a machine under a change."""
        machine = self._declared(name, change)
        return machine_figures(machine.spec, name, machine.matrix, self._exchanged)

    def cost(self, name: str, change: _Change) -> Cost:
        """What it costs under a change, in one currency if the user gave the rates."""
        cost = self.figures(name, change).cost
        price = cost.price
        if price is not None and change.price != 1:
            price = derived(price.amount * change.price, price.unit, price.note, price)
        return replace(cost, price=price)

    def _exchanged(self, figure: SourcedValue) -> SourcedValue:
        """An amount at every rate that leads on from its currency, one after the other."""
        currency, slash, rest = figure.unit.partition("/")
        rate = next((rate for rate in self._terms.rates if rate.of == currency), None)
        if rate is None:
            return figure
        note = "; ".join(filter(None, [figure.note, f"{figure} at {rate}"]))
        unit = f"{rate.unit}{slash}{rest}"
        return self._exchanged(derived(figure.amount * rate.amount, unit, note, figure))

    def bill(self, name: str, cost: Cost) -> Bill:
        """What is told of its cost, and what is missing."""
        instance = self.figures(name, _AS_TOLD).instance
        return Bill(
            price=cost.price,
            hourly=cost.hourly,
            monthly=cost.monthly,
            read=instance.price_day if instance is not None else None,
            scope=instance.price_scope if instance is not None else None,
            unknown=tuple(self._missing(name, cost)),
        )

    def _missing(self, name: str, cost: Cost) -> Iterator[str]:
        if is_rented(self._machine(name)):
            if cost.hourly is None:
                yield "its rent: nobody tells the matrix what it costs an hour"
        else:
            if cost.price is None and len(cost.currencies) > 1:
                told = " and ".join(cost.currencies)
                yield f"its price: its parts are told in {told}; give a --rate"
            elif cost.price is None:
                yield "its price: write `price`"
            electricity = self._terms.electricity or self._machine(name).electricity
            if cost.monthly is None and electricity is None:
                yield "the price of a kWh: write `electricity`, or give --kwh-price"
            elif cost.monthly is None and self.hours is not None:
                yield "what it draws: write the `watts` of its parts"
        if self.hours is None:
            yield "how long it computes: write `hours`, or give --hours"

    def outcome(self, owned: str, rented: str, change: _Change) -> _Outcome:
        """When it has paid for itself under a change, or why it never does."""
        machine = self._declared(owned, change)
        costs = self.cost(owned, change), self.cost(rented, change)
        found = payback(machine, *costs)
        return _Outcome(found, "" if found is not None else no_payback(machine, *costs))

    def sensitivities(self, owned: str, rented: str, base: _Outcome) -> Iterator[Sensitivity]:
        """The month as hours, electricity and price move, where all of them are known."""
        if base.found is None and not base.why.startswith("never"):
            return
        electricity = self._declared(owned, _AS_TOLD).table.electricity
        price = self.cost(owned, _AS_TOLD).price
        day = SourcedValue(self.hours or Decimal(0), "h", "spec")
        for of, told in (("hours", day), ("electricity", electricity), ("price", price)):
            points = [self._point(owned, rented, of, f, _times(told, f)) for f in FACTORS]
            yield Sensitivity(of, tuple(points))

    def _point(self, owned: str, rented: str, of: str, factor: Decimal, value: str) -> Point:
        if of == "hours" and (self.hours or Decimal(0)) * factor > _DAY:
            return Point(factor, value, None, "a day has 24 hours")
        outcome = self.outcome(owned, rented, replace(_AS_TOLD, **{of: factor}))
        months = outcome.found.months if outcome.found is not None else None
        return Point(factor, value, months, "" if months is not None else "never")

    def assumptions(
        self, owned: str = "", rented: str = "", found: Payback | None = None
    ) -> Iterator[str]:
        """What the figures rest on, in the words that the reader is to judge."""
        if self.hours is not None:
            day = f"{self.hours.normalize():f} hours a day for both, {self._hours_of}"
            yield f"{day}; a month has 30 days"
            for name in self._names:
                own = self._machine(name).hours
                if own is not None and Decimal(str(own)) != self.hours:
                    yield f"{name} is said to compute {own:g} hours a day; that is not used here"
        if found is not None:
            yield from found.assumptions
        if owned:
            counts = [self._gpus(name) for name in (rented, owned)]
            yield f"one {rented} ({counts[0]}) does the work of one {owned} ({counts[1]})"
        yield from (f"{rate}, as given" for rate in self._terms.rates)
        for name in self._names:
            instance = self.figures(name, _AS_TOLD).instance
            if instance is not None and instance.price is not None and instance.price_day:
                scope = f", {instance.price_scope}" if instance.price_scope else ""
                yield f"the rent of {name} is on demand, as read on {instance.price_day}{scope}"

    def _gpus(self, name: str) -> str:
        count = sum((gpu.count for gpu in self.figures(name, _AS_TOLD).gpus), Decimal(0))
        return f"{count_of(count)} GPU{'' if 0 < count <= 1 else 's'}"


def _times(amount: EnergyPrice | SourcedValue | None, factor: Decimal) -> str:
    if amount is None:
        return ""
    return f"{(amount.amount * factor).normalize():f} {amount.unit}"


def _within_a_year(found: Payback | None) -> SourcedValue | None:
    if found is None:
        return None
    saved = ((found.rented.amount - found.owned.amount) * _YEAR).to_integral_value(ROUND_FLOOR)
    return derived(saved, found.price.unit, "twelve months of what is saved", found.rented)
