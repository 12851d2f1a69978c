"""Compare the cost of two machines: payback time and its sensitivity to assumptions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from rigspec.compare.model import Bill, CostComparison, PaybackSensitivity, SensitivityPoint
from rigspec.hardware.cost import Cost, Payback, compute_payback, explain_no_payback
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.machine_specs import MachineSpecs, build_machine_specs
from rigspec.hardware.sourced_value import SourcedValue, derive, format_share
from rigspec.matrix.model import Matrix
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.machine import Machine
from rigspec.spec.quantities import EnergyPrice

__all__ = ["FACTORS", "CostTerms", "ExchangeRate", "compare_costs"]

FACTORS = (Decimal("0.5"), Decimal(1), Decimal("1.5"), Decimal(2))
_HOURS_PER_DAY = Decimal(24)
_MONTHS_PER_YEAR = 12
_RATE = re.compile(
    r"\s*(?:1\s*)?(?P<of>[A-Z]{3})\s*=\s*(?P<is>\d{1,9}(?:\.\d{1,12})?)\s*(?P<unit>[A-Z]{3})\s*"
)


@dataclass(frozen=True)
class ExchangeRate:
    """An exchange rate between two currencies, always given by the user."""

    of: str
    amount: Decimal
    unit: str

    @classmethod
    def parse(cls, text: str) -> ExchangeRate:
        """Parse a rate such as `EUR=1.16 USD`.

        Raises:
            ValueError: if the text has another form.

        """
        match = _RATE.fullmatch(text)
        if match is None or match["of"] == match["unit"] or not Decimal(match["is"]):
            raise ValueError("expected a rate between two currencies, such as `EUR=1.16 USD`")
        return cls(match["of"], Decimal(match["is"]), match["unit"])

    def __str__(self) -> str:
        return f"1 {self.of} = {self.amount.normalize():f} {self.unit}"


@dataclass(frozen=True)
class CostTerms:
    """Options of the user that override the spec: hours per day, price of a kWh, rates.

    Raises:
        ValueError: if a currency has two rates, or the rates form a cycle.

    """

    hours: Decimal | None = None
    electricity: EnergyPrice | None = None
    rates: tuple[ExchangeRate, ...] = ()

    def __post_init__(self) -> None:
        """Check that the rates have no duplicates and no cycle."""
        targets = {rate.of: rate.unit for rate in self.rates}
        if len(targets) < len(self.rates):
            raise ValueError("duplicate rate for a currency")
        for start in targets:
            currency, steps = start, 0
            while currency in targets:
                currency, steps = targets[currency], steps + 1
                if steps > len(targets):
                    raise ValueError(f"the exchange rates of {start} form a cycle")


def compare_costs(
    spec: LoadedSpec, names: tuple[str, str], matrices: Mapping[str, Matrix], terms: CostTerms
) -> CostComparison:
    """Compare the cost of both machines at the same hours per day."""
    model = _CostModel(spec, names, matrices, terms)
    costs = [model.compute_cost(name, _UNCHANGED) for name in names]
    bills = (model.build_bill(names[0], costs[0]), model.build_bill(names[1], costs[1]))
    rented_flags = [spec.rig.machine[name].is_rented for name in names]
    if rented_flags[0] == rented_flags[1]:
        verdict = _VERDICTS[rented_flags[0]]
        assumptions = tuple(model.iterate_assumptions())
        return CostComparison(model.hours, bills[0], bills[1], None, verdict, assumptions)
    owned, rented = (names[0], names[1]) if rented_flags[1] else (names[1], names[0])
    outcome = model.compute_outcome(owned, rented, _UNCHANGED)
    return CostComparison(
        hours=model.hours,
        a=bills[0],
        b=bills[1],
        payback=outcome.payback,
        verdict=outcome.reason,
        assumptions=tuple(model.iterate_assumptions(owned, rented, outcome.payback)),
        sensitivities=tuple(model.iterate_sensitivities(owned, rented, outcome)),
        year=_compute_yearly_price(outcome.payback),
    )


_VERDICTS = {
    True: "no payback time, because both machines are rented",
    False: "no payback time, because both machines are bought",
}


@dataclass(frozen=True)
class _Factors:
    """Factors for the assumptions."""

    hours: Decimal = Decimal(1)
    electricity: Decimal = Decimal(1)
    price: Decimal = Decimal(1)


_UNCHANGED = _Factors()


@dataclass(frozen=True)
class _Outcome:
    """The payback time, or the reason why there is none."""

    payback: Payback | None
    reason: str


class _CostModel:
    """The cost of two machines at the same hours per day."""

    def __init__(
        self,
        spec: LoadedSpec,
        names: tuple[str, str],
        matrices: Mapping[str, Matrix],
        terms: CostTerms,
    ) -> None:
        self._spec = spec
        self._names = names
        self._matrices = matrices
        self._terms = terms
        self.hours, self._hours_origin = self._find_hours()

    def _find_hours(self) -> tuple[Decimal | None, str]:
        """Return the hours per day and their origin: option, bought machine, other machine."""
        if self._terms.hours is not None:
            return self._terms.hours, "from the option"
        for name in sorted(self._names, key=lambda name: self._get_machine(name).is_rented):
            hours = self._get_machine(name).hours
            if hours is not None:
                return Decimal(str(hours)), f"from the spec of {name}"
        return None, ""

    def _get_machine(self, name: str) -> Machine:
        return self._spec.rig.machine[name]

    def _apply_factors(self, name: str, factors: _Factors) -> MachineContext:
        """Return the machine with the terms and the factors applied to its spec."""
        table = self._get_machine(name)
        other = next(each for each in self._names if each != name)
        update: dict[str, object] = {"against": other}
        if self.hours is not None:
            hours = self.hours * factors.hours
            update["hours"] = float(hours)
            update["idle_hours"] = min(table.idle_hours, float(_HOURS_PER_DAY - hours))
        electricity = self._terms.electricity or table.electricity
        if electricity is not None:
            amount = electricity.amount * factors.electricity
            update["electricity"] = EnergyPrice(amount, electricity.unit)
        machines = {**self._spec.rig.machine, name: table.model_copy(update=update)}
        rig = self._spec.rig.model_copy(update={"machine": machines})
        return MachineContext(LoadedSpec(rig, self._spec.document), name, self._matrices[name])

    def compute_figures(self, name: str, factors: _Factors) -> MachineSpecs:
        """Return the figures of a machine with the factors applied."""
        machine = self._apply_factors(name, factors)
        return build_machine_specs(machine.spec, name, machine.matrix, self._convert_currency)

    def compute_cost(self, name: str, factors: _Factors) -> Cost:
        """Return the cost of a machine with the factors and the exchange rates applied."""
        cost = self.compute_figures(name, factors).cost
        price = cost.price
        if price is not None and factors.price != 1:
            price = derive(price.amount * factors.price, price.unit, price.note, price)
        return replace(cost, price=price)

    def _convert_currency(self, figure: SourcedValue) -> SourcedValue:
        """Return an amount converted with all rates of its currency, one after the other."""
        currency, slash, rest = figure.unit.partition("/")
        rate = next((rate for rate in self._terms.rates if rate.of == currency), None)
        if rate is None:
            return figure
        note = "; ".join(filter(None, [figure.note, f"{figure} at {rate}"]))
        unit = f"{rate.unit}{slash}{rest}"
        return self._convert_currency(derive(figure.amount * rate.amount, unit, note, figure))

    def build_bill(self, name: str, cost: Cost) -> Bill:
        """Return the known costs of a machine, and which ones are missing."""
        instance = self.compute_figures(name, _UNCHANGED).instance
        return Bill(
            price=cost.price,
            hourly=cost.hourly,
            monthly=cost.monthly,
            read=instance.price_day if instance is not None else None,
            scope=instance.price_scope if instance is not None else None,
            unknown=tuple(self._iterate_missing(name, cost)),
        )

    def _iterate_missing(self, name: str, cost: Cost) -> Iterator[str]:
        if self._get_machine(name).is_rented:
            if cost.hourly is None:
                yield "hourly price unknown"
        else:
            if cost.price is None and len(cost.currencies) > 1:
                currencies = " and ".join(cost.currencies)
                yield f"price unknown, because its parts have prices in {currencies}; pass `--rate`"
            elif cost.price is None:
                yield "price unknown; add `price`"
            electricity = self._terms.electricity or self._get_machine(name).electricity
            if cost.monthly is None and electricity is None:
                yield "electricity price unknown; add `electricity` or pass `--kwh-price`"
            elif cost.monthly is None and self.hours is not None:
                yield "power unknown; add `watts` to its parts"
        if self.hours is None:
            yield "hours per day unknown; add `hours` or pass `--hours`"

    def compute_outcome(self, owned: str, rented: str, factors: _Factors) -> _Outcome:
        """Return the payback time with the factors applied, or why there is none."""
        machine = self._apply_factors(owned, factors)
        costs = self.compute_cost(owned, factors), self.compute_cost(rented, factors)
        result = compute_payback(machine, *costs)
        return _Outcome(result, "" if result is not None else explain_no_payback(machine, *costs))

    def iterate_sensitivities(
        self, owned: str, rented: str, base: _Outcome
    ) -> Iterator[PaybackSensitivity]:
        """Yield the payback time for varied hours, electricity and price, if all are known."""
        if base.payback is None and not base.reason.startswith("never"):
            return
        electricity = self._apply_factors(owned, _UNCHANGED).table.electricity
        price = self.compute_cost(owned, _UNCHANGED).price
        day = SourcedValue(self.hours or Decimal(0), "h", "spec")
        for of, value in (("hours", day), ("electricity", electricity), ("price", price)):
            points = [
                self._build_point(owned, rented, of, f, _format_multiple(value, f)) for f in FACTORS
            ]
            yield PaybackSensitivity(of, tuple(points))

    def _build_point(
        self, owned: str, rented: str, of: str, factor: Decimal, value: str
    ) -> SensitivityPoint:
        if of == "hours" and (self.hours or Decimal(0)) * factor > _HOURS_PER_DAY:
            return SensitivityPoint(factor, value, None, "a day has 24 hours")
        outcome = self.compute_outcome(owned, rented, replace(_UNCHANGED, **{of: factor}))
        months = outcome.payback.months if outcome.payback is not None else None
        return SensitivityPoint(factor, value, months, "" if months is not None else "never")

    def iterate_assumptions(
        self, owned: str = "", rented: str = "", payback: Payback | None = None
    ) -> Iterator[str]:
        """Yield the assumptions behind the figures."""
        if self.hours is not None:
            hours = (
                f"{self.hours.normalize():f} hours per day for both machines ({self._hours_origin})"
            )
            yield f"{hours}; a month has 30 days"
            for name in self._names:
                declared = self._get_machine(name).hours
                if declared is not None and Decimal(str(declared)) != self.hours:
                    yield f"the {declared:g} hours per day in the spec of {name} are not used"
        if payback is not None:
            yield from payback.assumptions
        if owned:
            counts = [self._format_gpu_count(name) for name in (rented, owned)]
            yield f"one {rented} ({counts[0]}) does the work of one {owned} ({counts[1]})"
        yield from (f"{rate} (from the option)" for rate in self._terms.rates)
        for name in self._names:
            instance = self.compute_figures(name, _UNCHANGED).instance
            if instance is not None and instance.price is not None and instance.price_day:
                scope = f", {instance.price_scope}" if instance.price_scope else ""
                yield f"{name}: on-demand price of {instance.price_day}{scope}"

    def _format_gpu_count(self, name: str) -> str:
        count = sum((gpu.count for gpu in self.compute_figures(name, _UNCHANGED).gpus), Decimal(0))
        return f"{format_share(count)} GPU{'' if 0 < count <= 1 else 's'}"


def _format_multiple(amount: EnergyPrice | SourcedValue | None, factor: Decimal) -> str:
    if amount is None:
        return ""
    return f"{(amount.amount * factor).normalize():f} {amount.unit}"


def _compute_yearly_price(payback: Payback | None) -> SourcedValue | None:
    if payback is None:
        return None
    saved = ((payback.rented.amount - payback.owned.amount) * _MONTHS_PER_YEAR).to_integral_value(
        ROUND_FLOOR
    )
    return derive(saved, payback.price.unit, "savings of twelve months", payback.rented)
