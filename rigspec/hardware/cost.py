"""Cost of a machine: purchase, a month of running, and payback time.

A month has 30 days, or 720 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity, Source
from rigspec.frozen import dataclass
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.power import Power, compute_efficiency
from rigspec.hardware.sourced_value import SourcedValue, derive, read_spec_value, round_to

__all__ = [
    "DAYS_A_MONTH",
    "Cost",
    "Exchange",
    "Payback",
    "compute_cost",
    "compute_energy_cost",
    "compute_payback",
    "compute_rent",
    "explain_no_payback",
    "keep_currency",
    "lint_budget",
]

DAYS_A_MONTH = Decimal(30)

# Converts an amount, or an amount per hour, to another currency.
Exchange = Callable[[SourcedValue], SourcedValue]


@dataclass(frozen=True)
class Cost:
    """The cost of a machine.

    ``parts`` is the sum of the prices, unless they are in several ``currencies``; ``unpriced``
    lists parts without a price. ``monthly`` is the cost of running or renting the machine for the
    hours of the spec; its note describes the computation.
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
        """The sources of the running cost."""
        return self.monthly.sources if self.monthly is not None else ()

    @property
    def mixed(self) -> tuple[str, ...]:
        """Amounts that cannot be compared because their currencies differ."""
        known = [f for f in (self.price, self.parts, self.budget) if f is not None]
        amounts = tuple(dict.fromkeys(map(str, known)))
        return amounts if len({value.unit for value in known}) > 1 else ()


@dataclass(frozen=True)
class Payback:
    """The time after which an owned machine costs less than a rented one, and the assumptions.

    ``owned`` and ``rented`` are the monthly costs at the same hours.
    """

    months: Decimal
    against: str
    price: SourcedValue
    owned: SourcedValue
    rented: SourcedValue
    assumptions: tuple[str, ...]


def compute_energy_cost(
    watts: Decimal, hours: Decimal, price: Decimal, share: Decimal = Decimal(1)
) -> Decimal:
    """Return the price of the energy; ``share`` is the efficiency of the power supply."""
    return watts * hours / 1000 / share * price


def compute_rent(hourly: Decimal, hours: Decimal) -> Decimal:
    """Return the rent for these hours."""
    return hourly * hours


def keep_currency(value: SourcedValue) -> SourcedValue:
    """Return the amount in its own currency."""
    return value


def compute_cost(
    machine: MachineContext,
    power: Power | None,
    hourly: SourcedValue | None,
    exchange: Exchange = keep_currency,
) -> Cost:
    """Compute the known costs of a machine, converted by ``exchange``."""
    table = machine.table
    declared, unpriced = _find_prices(machine)
    prices = tuple(exchange(value) for value in declared)
    units = tuple(dict.fromkeys(value.unit for value in prices))
    parts = None
    if len(units) == 1:
        amount = sum((value.amount for value in prices), Decimal(0))
        parts = derive(amount, units[0], "parts with a price", *prices)
    price = (
        exchange(SourcedValue(table.price.amount, table.price.unit, "spec"))
        if table.price
        else None
    )
    monthly = (
        _compute_monthly_rent(machine, hourly)
        if hourly is not None
        else _compute_running_cost(machine, power)
    )
    return Cost(
        price=price or (parts if parts is not None and not unpriced else None),
        budget=read_spec_value(table.budget.amount, table.budget.unit) if table.budget else None,
        parts=parts,
        unpriced=unpriced,
        currencies=units,
        hourly=exchange(hourly) if hourly is not None else None,
        monthly=exchange(monthly) if monthly is not None else None,
    )


def compute_payback(machine: MachineContext, owned: Cost, rented: Cost) -> Payback | None:
    """Compute the payback time of buying instead of renting.

    Returns ``None`` if renting costs no more per month, a price is unknown, or currencies differ.
    """
    if owned.price is None or owned.monthly is None or rented.hourly is None:
        return None
    hours = machine.table.hours
    currency = rented.hourly.unit.partition("/")[0]
    if hours is None or {owned.price.unit, owned.monthly.unit} != {currency}:
        return None
    month = DAYS_A_MONTH * Decimal(str(hours))
    bill = derive(
        compute_rent(rented.hourly.amount, month), currency, f"{month:f} h", rented.hourly
    )
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
            f"purchase price: {owned.price}",
            f"running cost: {owned.monthly} a month ({owned.monthly.note})",
            f"rent of {machine.table.against}: {rented.hourly}, for the same {hours:g} hours a day",
            "no cost of space, repairs, labour, storage and traffic; no resale value",
        ),
    )


def explain_no_payback(machine: MachineContext, owned: Cost, rented: Cost) -> str:
    """Return the reason why ``compute_payback`` returns ``None``."""
    against = machine.table.against or ""
    if owned.price is None:
        parts = f" (or that of {', '.join(owned.unpriced)})" if owned.unpriced else ""
        return f"the price of {machine.name} is unknown: add its `price`{parts}"
    if rented.hourly is None:
        return f"the hourly price of {against} is unknown"
    if machine.table.hours is None:
        return f"the daily use of {machine.name} is unknown: add its `hours`"
    if owned.monthly is None:
        missing = (
            "`electricity`" if machine.table.electricity is None else "the `watts` of its parts"
        )
        return f"the running cost of {machine.name} is unknown: add {missing}"
    currency = rented.hourly.unit.partition("/")[0]
    if {owned.price.unit, owned.monthly.unit} != {currency}:
        units = dict.fromkeys([owned.price.unit, owned.monthly.unit, currency])
        return f"the prices are in {' and '.join(units)}, and the exchange rate is unknown"
    bill = compute_rent(rented.hourly.amount, DAYS_A_MONTH * Decimal(str(machine.table.hours)))
    return (
        f"never: running {machine.name} costs {owned.monthly} a month, renting {against} "
        f"{bill.normalize():f} {currency}"
    )


def lint_budget(machine: MachineContext, cost: Cost) -> Iterator[Diagnostic]:
    """Report a price above the budget, or parts above the price."""
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


def _compute_running_cost(machine: MachineContext, power: Power | None) -> SourcedValue | None:
    table = machine.table
    if power is None or power.full is None or table.electricity is None or table.hours is None:
        return None
    price = table.electricity.amount
    full, share = _compute_energy(power, power.full, table.hours, price)
    notes = [f"{power.full} for {table.hours:g} h a day at {table.electricity}"]
    notes.append(share.note if share is not None else "without losses of the power supply")
    if power.unknown_full:
        notes.append(f"without {', '.join(power.unknown_full)}")
    idle = Decimal(0)
    if table.idle_hours and power.idle is not None:
        idle, at_rest = _compute_energy(power, power.idle, table.idle_hours, price)
        notes.append(f"idle {power.idle} for {table.idle_hours:g} h")
        notes += [f"idle without {part}" for part in _list_omissions(power, share, at_rest)]
    elif table.idle_hours:
        notes.append(f"{table.idle_hours:g} h idle not counted: no part has `idle_watts`")
    currency = table.electricity.unit.partition("/")[0]
    return derive(round_to(full + idle, 2), currency, "; ".join(notes), power.full, share)


def _compute_energy(
    power: Power, watts: SourcedValue, hours: float, price: Decimal
) -> tuple[Decimal, SourcedValue | None]:
    """Return the monthly cost of a draw, and the efficiency of the power supply."""
    share = compute_efficiency(power, watts.amount)
    month = Decimal(str(hours)) * DAYS_A_MONTH
    return compute_energy_cost(
        watts.amount, month, price, share.amount if share else Decimal(1)
    ), share


def _list_omissions(
    power: Power, share: SourcedValue | None, at_rest: SourcedValue | None
) -> Iterator[str]:
    """Yield the parts of the idle cost that are unknown."""
    if power.unknown_idle:
        yield ", ".join(power.unknown_idle)
    if at_rest is None and share is not None:
        yield "losses of the power supply (efficiency at this load unknown)"


def _compute_monthly_rent(machine: MachineContext, hourly: SourcedValue) -> SourcedValue | None:
    if machine.table.hours is None:
        return None
    month = DAYS_A_MONTH * Decimal(str(machine.table.hours))
    note = f"{hourly} for {machine.table.hours:g} h a day"
    return derive(compute_rent(hourly.amount, month), hourly.unit.partition("/")[0], note, hourly)


def _find_prices(machine: MachineContext) -> tuple[tuple[SourcedValue, ...], tuple[str, ...]]:
    table = machine.table
    single = (
        ("processor", machine.own_cpu, table.cpu is not None),
        ("board", table.motherboard, table.motherboard is not None),
        ("memory", table.memory, table.memory is not None),
        ("supply", table.psu, table.psu is not None),
        ("case", table.case, table.case is not None),
    )
    entries = [
        (name, part.price if part is not None else None, 1)
        for name, part, is_declared in single
        if is_declared
    ]
    entries += [(gpu.model, gpu.price, gpu.count) for gpu in table.gpus]
    entries += [(f"{disk.kind} of {disk.size}", disk.price, disk.count) for disk in table.storage]
    entries += [(part.model, part.price, part.count) for part in table.other]
    known = (read_spec_value(p.amount * count, p.unit) for _, p, count in entries if p is not None)
    prices = tuple(value for value in known if value is not None)
    return prices, tuple(name for name, price, _ in entries if price is None)
