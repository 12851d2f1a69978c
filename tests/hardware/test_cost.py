"""What machines cost: the parts, the hours in which they compute and rest, the rent beside them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.hardware.figures import diagnose, figures, machine, report, rig

D = Decimal


def test_prices_of_parts_are_summed_and_compared_with_budget() -> None:
    text = (
        'cpu = { model = "Intel Core i5-7500", price = "200 USD" }\n'
        'gpus = [{ model = "GTX 1070", count = 2, price = "400 USD" }]\nbudget = "900 USD"\n'
    )
    found = figures(machine(text))
    assert str(found.cost.parts) == "1000 USD"
    assert str(found.cost.price) == "1000 USD"  # every part has one
    assert (
        diagnose(machine(text))["RS112"].message == "1000 USD is 100 USD over the budget of 900 USD"
    )
    assert "RS112" not in diagnose(machine(text.replace("900 USD", "900 EUR")))
    some = machine(text.replace(', price = "200 USD"', ""))
    assert figures(some).cost.price is None
    assert figures(some).cost.unpriced == ("processor",)


MONEY = (
    'gpus = [{ model = "GTX 1070", price = "400 USD" }]\npsu = { watts = 500, price = "80 EUR" }\n'
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'price = "3000 EUR"\nbudget = "2000 USD"\n',
            "3000 EUR and 2000 USD in different currencies",
        ),
        ('budget = "2000 USD"\n' + MONEY, "prices of the parts, in EUR and USD"),
    ],
)
def test_prices_in_several_currencies_are_not_checked(text: str, words: str) -> None:
    note = diagnose(machine(text))["RS109"]
    assert words in note.message
    assert "amounts in one currency" in note.help[0]
    assert "RS109" not in diagnose(machine(text.replace("EUR", "USD")))


AGAINST = "\n[machine.b]\nos = 'ubuntu 16.04'\ninstance = 'aws g4dn.xlarge'\n"
OWNED = (
    'gpus = [{ model = "GTX 1070" }]\nprice = "3000 USD"\nelectricity = "0.30 USD/kWh"\n'
    'hours = 8\nagainst = "b"\n'
)


def test_payback_that_is_impossible_has_a_reason() -> None:
    assert report(machine(OWNED + AGAINST)).metrics[-1].text.startswith("after ")
    never = {m.name: m for m in report(machine(OWNED.replace("0.30", "30") + AGAINST)).metrics}
    assert never["pays off"].text.startswith("never: running tower costs 1080 USD a month, renting")
    for before, after, why in (
        ("3000 USD", "3000 EUR", "the prices are in EUR and USD, and the exchange rate is unknown"),
        ("hours = 8\n", "", "add its `hours`"),
        ('price = "3000 USD"\n', "", "add its `price`"),
    ):
        note = diagnose(machine(OWNED.replace(before, after) + AGAINST))["RS109"]
        assert "payback time (" in note.message
        assert why in note.message


def test_amounts_in_different_currencies_are_not_compared() -> None:
    euros = rig("sourced", ("5000 USD", "5000 EUR"))
    assert figures(euros, "science-3").payback is None


IDLE = (
    'cpu = { model = "X", watts = 100, idle_watts = 20 }\n'
    'gpus = [{ model = "Own", compute_capability = "8.6", watts = 300, idle_watts = 10 }]\n'
    'other = [{ model = "fan", watts = 100 }]\npsu = { watts = 1000, efficiency = "80+ gold" }\n'
    'electricity = "0.10 EUR/kWh"\nhours = 10\nidle_hours = 14\n'
)


def test_idle_cost_names_what_it_excludes() -> None:
    cost = figures(machine(IDLE)).cost.monthly
    assert cost is not None
    # 500 W at 90 % for 300 h, 30 W for 420 h.
    assert cost.amount == round(D(500) * 300 / 1000 / D("0.90") / 10 + D(30) * 420 / 10000, 2)
    assert cost.note == (
        "500 W for 10 h a day at 0.1 EUR/kWh; 80 PLUS Gold at 50 % load and 115 V; "
        "idle 30 W for 14 h; idle without fan; "
        "idle without losses of the power supply (efficiency at this load unknown)"
    )
    whole = figures(machine(IDLE.replace("idle_watts = 10", "idle_watts = 180"))).cost.monthly
    assert whole is not None
    assert "losses" not in whole.note


def test_idle_cost_that_is_unknown_is_not_included() -> None:
    text = IDLE.replace(", idle_watts = 20", "").replace(", idle_watts = 10", "")
    cost = figures(machine(text)).cost.monthly
    assert cost is not None
    assert cost.note.endswith("; 14 h idle not counted: no part has `idle_watts`")
    assert "idle" not in getattr(
        figures(machine(IDLE.replace("idle_hours = 14", ""))).cost.monthly, "note", "idle"
    )


@pytest.mark.parametrize(
    ("gone", "missing"),
    [("hours = 10\n", "`hours`"), ('electricity = "0.10 EUR/kWh"\n', "`electricity`")],
)
def test_running_cost_that_is_unknown_names_missing_value(gone: str, missing: str) -> None:
    note = diagnose(machine(IDLE.replace(gone, "", 1)))["RS109"]
    assert "running cost" in note.message
    assert missing in note.help[0]
