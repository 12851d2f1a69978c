"""Summarize the specifications of a machine for a report."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Metric
from rigspec.hardware.cost import Cost, Payback
from rigspec.hardware.machine_specs import MachineSpecs
from rigspec.hardware.pcie import Lanes
from rigspec.hardware.power import Power

__all__ = ["format_summary"]

_TO = "\N{EN DASH}"


def format_summary(specs: MachineSpecs) -> tuple[Metric, ...]:
    """Return the known metrics: power, lanes, running cost, payback."""
    metrics: list[Metric] = []
    if specs.power is not None:
        metrics += _summarize_power(specs.power)
    if specs.lanes is not None:
        metrics += _summarize_lanes(specs.lanes)
    metrics += _summarize_cost(specs.cost)
    if specs.payback is not None:
        metrics.append(_summarize_payback(specs.payback))
    elif specs.no_payback.startswith("never"):
        metrics.append(Metric("pays off", specs.no_payback, (), specs.cost.sources))
    return tuple(metrics)


def _summarize_power(power: Power) -> Iterator[Metric]:
    if power.full is None or (power.supply is None and power.unknown_full):
        return
    same = power.idle is not None and power.unknown_idle == power.unknown_full
    text = f"{power.idle.number}{_TO}{power.full}" if same and power.idle else f"{power.full}"
    numbers = [("full_watts", power.full.number)]
    if same and power.idle is not None:
        numbers.insert(0, ("idle_watts", power.idle.number))
    if power.supply is not None and power.headroom is not None:
        text += f" of {power.supply}, {power.headroom} of headroom (spikes not included)"
        numbers += [("supply_watts", power.supply.number)]
        numbers += [("headroom_watts", power.headroom.number)]
    if power.unknown_full:
        text = f"{text}; without {', '.join(power.unknown_full)}"
    yield Metric("power", text, tuple(numbers), power.full.sources)


def _summarize_lanes(lanes: Lanes) -> Iterator[Metric]:
    if lanes.widths is not None and lanes.of_cpu is not None:
        widths = ", ".join(f"x{width}" for width in lanes.widths)
        numbers = (("cpu_lanes", lanes.of_cpu.number), ("gpu_lanes", str(sum(lanes.widths))))
        text = f"{widths} of {lanes.of_cpu}"
        yield Metric("lanes", text, numbers, lanes.of_cpu.sources)


def _summarize_cost(cost: Cost) -> Iterator[Metric]:
    if cost.monthly is not None:
        text = f"{cost.monthly.amount:.2f} {cost.monthly.unit} a month ({cost.monthly.note})"
        numbers = (("monthly", f"{cost.monthly.amount:.2f}"), ("currency", cost.monthly.unit))
        yield Metric("running", text, numbers, cost.monthly.sources)
    elif cost.hourly is not None:
        amount, _, _ = cost.hourly.unit.partition("/")
        numbers = (("hourly", cost.hourly.number), ("currency", amount))
        yield Metric("rent", f"{cost.hourly}", numbers, cost.hourly.sources)


def _summarize_payback(payback: Payback) -> Metric:
    months = f"{payback.months:.1f}"
    text = (
        f"after {months} months against {payback.against}: {payback.price}, then "
        f"{payback.owned} a month instead of {payback.rented}"
    )
    numbers = (
        ("months", months),
        ("price", payback.price.number),
        ("monthly_owned", payback.owned.number),
        ("monthly_rented", payback.rented.number),
        ("currency", payback.price.unit),
        ("assumptions", "; ".join(payback.assumptions)),
    )
    sources = (*payback.owned.sources, *payback.rented.sources)
    return Metric("pays off", text, numbers, tuple(dict.fromkeys(sources)))
