"""What a machine costs: to buy, to run for a month, and when it has paid for itself.

A month has 30 days, as people count who multiply 24 hours by it: 720 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity, Source
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.power import Power, efficiency
from rigspec.hardware.sourced_value import SourcedValue, derived, from_spec, rounded

__all__ = [
    "DAYS_A_MONTH",
    "Cost",
    "Exchange",
    "Payback",
    "as_told",
    "budget_advice",
    "cost_of",
    "energy_cost",
    "no_payback",
    "payback",
    "rent",
]

DAYS_A_MONTH = Decimal(30)

# An amount, or an amount an hour, in the currency that it is to be told in.
Exchange = Callable[[SourcedValue], SourcedValue]


@dataclass(frozen=True)
class Cost:
    """``parts`` is the sum of the prices of parts, ``unpriced`` those without one; ``currencies``
    are theirs, and of several there is no sum.

    ``monthly`` is what running it costs, or renting it: at the hours that the spec tells, else
    unknown. Its note says what it was worked out of.
    """

    price: SourcedValue | None
    budget: SourcedValue | None
    parts: SourcedValue | None
    unpriced: tuple[str, ...]
    currencies: tuple[str, ...]
    hourly: SourcedValue | None
    monthly: SourcedValue | None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Who told what it costs to run."""
        return self.monthly.sources if self.monthly is not None else ()

    @property
    def mixed(self) -> tuple[str, ...]:
        """Amounts that would be held against each other, were they in one currency."""
        found = [f for f in (self.price, self.parts, self.budget) if f is not None]
        told = tuple(dict.fromkeys(map(str, found)))
        return told if len({figure.unit for figure in found}) > 1 else ()


@dataclass(frozen=True)
class Payback:
    """When a bought machine has cost less than a rented one, and under which assumptions.

    ``owned`` and ``rented`` are what each costs a month at the same hours.
    """

    months: Decimal
    against: str
    price: SourcedValue
    owned: SourcedValue
    rented: SourcedValue
    assumptions: tuple[str, ...]


def energy_cost(
    watts: Decimal, hours: Decimal, price: Decimal, share: Decimal = Decimal(1)
) -> Decimal:
    """The price of running at these watts for these hours; ``share`` is the supply's efficiency."""
    return watts * hours / 1000 / share * price


def rent(hourly: Decimal, hours: Decimal) -> Decimal:
    """The price of a rented machine for these hours, paid for while it computes."""
    return hourly * hours


def as_told(figure: SourcedValue) -> SourcedValue:
    """No exchange: an amount stays in its currency."""
    return figure


def cost_of(
    machine: MachineContext,
    power: Power | None,
    hourly: SourcedValue | None,
    exchange: Exchange = as_told,
) -> Cost:
    """What the machine costs, as far as the spec and the matrix tell, each amount exchanged."""
    table = machine.table
    told, unpriced = _prices(machine)
    prices = tuple(exchange(figure) for figure in told)
    units = tuple(dict.fromkeys(figure.unit for figure in prices))
    parts = None
    if len(units) == 1:
        amount = sum((figure.amount for figure in prices), Decimal(0))
        parts = derived(amount, units[0], "the parts that have a price", *prices)
    price = (
        exchange(SourcedValue(table.price.amount, table.price.unit, "spec"))
        if table.price
        else None
    )
    monthly = _rented(machine, hourly) if hourly is not None else _run(machine, power)
    return Cost(
        price=price or (parts if parts is not None and not unpriced else None),
        budget=from_spec(table.budget.amount, table.budget.unit) if table.budget else None,
        parts=parts,
        unpriced=unpriced,
        currencies=units,
        hourly=exchange(hourly) if hourly is not None else None,
        monthly=exchange(monthly) if monthly is not None else None,
    )


def payback(machine: MachineContext, owned: Cost, rented: Cost) -> Payback | None:
    """When buying has paid for itself: never in time (None) where renting costs no more a month.

    None, too, where a price is not told or the currencies differ.
    """
    if owned.price is None or owned.monthly is None or rented.hourly is None:
        return None
    hours = machine.table.hours
    currency = rented.hourly.unit.partition("/")[0]
    if hours is None or {owned.price.unit, owned.monthly.unit} != {currency}:
        return None
    month = DAYS_A_MONTH * Decimal(str(hours))
    bill = derived(rent(rented.hourly.amount, month), currency, f"{month:f} h", rented.hourly)
    saved = bill.amount - owned.monthly.amount
    if saved <= 0:
        return None
    return Payback(
        months=owned.price.amount / saved,
        against=machine.table.against or "",
        price=owned.price,
        owned=owned.monthly,
        rented=bill,
        assumptions=(
            f"{owned.price} to buy",
            f"{owned.monthly} a month to run: {owned.monthly.note}",
            f"{rented.hourly} to rent {machine.table.against}, for the same {hours:g} hours a day",
            "nothing for room, repairs, work, storage and traffic; nothing left when it is sold",
        ),
    )


def no_payback(machine: MachineContext, owned: Cost, rented: Cost) -> str:
    """Why ``payback`` knows no month: what is not told, or that renting costs no more."""
    against = machine.table.against or ""
    if owned.price is None:
        parts = f" (or that of {', '.join(owned.unpriced)})" if owned.unpriced else ""
        return f"what {machine.name} costs is not told: write its `price`{parts}"
    if rented.hourly is None:
        return f"what {against} costs an hour is not known"
    if machine.table.hours is None:
        return f"how long {machine.name} computes is not told: write its `hours` a day"
    if owned.monthly is None:
        missing = (
            "`electricity`" if machine.table.electricity is None else "the `watts` of its parts"
        )
        return f"what {machine.name} costs to run is not known: write {missing}"
    currency = rented.hourly.unit.partition("/")[0]
    if {owned.price.unit, owned.monthly.unit} != {currency}:
        told = dict.fromkeys([owned.price.unit, owned.monthly.unit, currency])
        return f"the prices are in {' and '.join(told)}, and no rate between them is given"
    bill = rent(rented.hourly.amount, DAYS_A_MONTH * Decimal(str(machine.table.hours)))
    return (
        f"never: running {machine.name} costs {owned.monthly} a month, and renting {against} "
        f"{bill.normalize():f} {currency}"
    )


def budget_advice(machine: MachineContext, cost: Cost) -> Iterator[Diagnostic]:
    """A warning for a price above the budget, or above what the machine is said to cost."""
    for name, limit in (("budget", cost.budget), ("price", cost.price)):
        spent = cost.parts if name == "price" else cost.price or cost.parts
        if limit is None or spent is None or limit is spent:
            continue
        if spent.unit == limit.unit and spent.amount > limit.amount:
            over = spent.amount - limit.amount
            yield machine.diagnostic(
                "RS112",
                Severity.WARNING,
                f"{spent} is {over.normalize():f} {limit.unit} over the {name} of {limit}",
                machine.span(name),
            )


def _run(machine: MachineContext, power: Power | None) -> SourcedValue | None:
    table = machine.table
    if power is None or power.full is None or table.electricity is None or table.hours is None:
        return None
    price = table.electricity.amount
    full, share = _energy(power, power.full, table.hours, price)
    told = [f"{power.full} for {table.hours:g} h a day at {table.electricity}"]
    told.append(share.note if share is not None else "without the supply's own losses")
    if power.unknown_full:
        told.append(f"without {', '.join(power.unknown_full)}")
    idle = Decimal(0)
    if table.idle_hours and power.idle is not None:
        idle, at_rest = _energy(power, power.idle, table.idle_hours, price)
        told.append(f"idle {power.idle} for {table.idle_hours:g} h")
        told += [f"idle without {part}" for part in _left_out(power, share, at_rest)]
    elif table.idle_hours:
        told.append(f"{table.idle_hours:g} h idle not counted: no part has `idle_watts`")
    currency = table.electricity.unit.partition("/")[0]
    return derived(rounded(full + idle, 2), currency, "; ".join(told), power.full, share)


def _energy(
    power: Power, watts: SourcedValue, hours: float, price: Decimal
) -> tuple[Decimal, SourcedValue | None]:
    """What a month at these watts costs, and the supply's efficiency at them."""
    share = efficiency(power, watts.amount)
    month = Decimal(str(hours)) * DAYS_A_MONTH
    return energy_cost(watts.amount, month, price, share.amount if share else Decimal(1)), share


def _left_out(
    power: Power, share: SourcedValue | None, at_rest: SourcedValue | None
) -> Iterator[str]:
    """What the cost of idle hours is without, that of the others being told."""
    if power.unknown_idle:
        yield ", ".join(power.unknown_idle)
    if at_rest is None and share is not None:
        yield "the supply's own losses: no grade promises anything at so small a load"


def _rented(machine: MachineContext, hourly: SourcedValue) -> SourcedValue | None:
    if machine.table.hours is None:
        return None
    month = DAYS_A_MONTH * Decimal(str(machine.table.hours))
    note = f"{hourly} for {machine.table.hours:g} h a day"
    return derived(rent(hourly.amount, month), hourly.unit.partition("/")[0], note, hourly)


def _prices(machine: MachineContext) -> tuple[tuple[SourcedValue, ...], tuple[str, ...]]:
    table = machine.table
    single = (
        ("processor", machine.own_cpu, table.cpu is not None),
        ("board", table.motherboard, table.motherboard is not None),
        ("memory", table.memory, table.memory is not None),
        ("supply", table.psu, table.psu is not None),
        ("case", table.case, table.case is not None),
    )
    asked = [
        (name, part.price if part is not None else None, 1) for name, part, there in single if there
    ]
    asked += [(gpu.model, gpu.price, gpu.count) for gpu in table.gpus]
    asked += [(f"{disk.kind} of {disk.size}", disk.price, disk.count) for disk in table.storage]
    asked += [(part.model, part.price, part.count) for part in table.other]
    known = (from_spec(p.amount * count, p.unit) for _, p, count in asked if p is not None)
    prices = tuple(figure for figure in known if figure is not None)
    return prices, tuple(name for name, price, _ in asked if price is None)
