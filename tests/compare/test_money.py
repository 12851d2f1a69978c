"""What two machines cost: held against figures that were worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from rigspec.cli.pipeline import matrix_for
from rigspec.compare.cost import Rate, Terms, compared_money
from rigspec.compare.model import Money
from rigspec.spec.loader import LoadedSpec, load_spec
from tests.compare.comparisons import LAB, SOURCED, changed, terms

D = Decimal


def money(spec: LoadedSpec, a: str, b: str, said: Terms | None = None) -> Money:
    matrices = {name: matrix_for(spec, name) for name in (a, b)}
    return compared_money(spec, (a, b), matrices, said or terms())


SCIENCE = load_spec(str(SOURCED))
TWO = load_spec(str(LAB))


def test_a_tower_bought_in_october_2016_pays_for_itself_within_a_year() -> None:
    found = money(SCIENCE, "science-3", "p2")
    assert found.payback is not None
    # 5000 USD over 720 h x 0.90 USD less 750 W x 720 h x 0.20 USD/kWh.
    assert found.payback.months == D(5000) / (D(648) - D(108))
    assert found.payback.months < 12
    assert str(found.year) == "6480 USD"
    assert (str(found.a.monthly), str(found.b.monthly)) == ("108 USD", "648 USD")
    assert (str(found.a.after(12)), str(found.b.after(12))) == ("6296 USD", "7776 USD")


def test_the_order_of_the_machines_changes_no_figure() -> None:
    one, other = money(SCIENCE, "science-3", "p2"), money(SCIENCE, "p2", "science-3")
    assert one.payback == other.payback
    assert (one.a, one.b) == (other.b, other.a)
    assert one.sensitivities == other.sensitivities


def test_how_the_month_moves_is_worked_out_anew_for_each_assumption() -> None:
    found = {line.of: line.points for line in money(SCIENCE, "science-3", "p2").sensitivities}
    hours, electricity, price = found["hours"], found["electricity"], found["price"]
    assert hours[0].months == D(5000) / (D(324) - D(54))  # half the hours, half of each bill
    assert [point.months for point in hours[2:]] == [None, None]
    assert {point.note for point in hours[2:]} == {"a day has 24 hours"}
    assert [p.months for p in electricity] == [D(5000) / (648 - e) for e in (54, 108, 162, 216)]
    assert [p.months for p in price] == [D(p) / 540 for p in (2500, 5000, 7500, 10000)]
    assert [p.value for p in electricity] == [f"0.{n} USD/kWh" for n in (1, 2, 3, 4)]


def test_hours_and_the_price_of_a_kwh_come_from_the_user_if_given() -> None:
    found = money(SCIENCE, "science-3", "p2", terms("12", "0.40 USD/kWh"))
    assert found.payback is not None
    assert (str(found.payback.owned), str(found.payback.rented)) == ("108 USD", "324 USD")
    assert found.payback.months == D(5000) / (324 - 108)
    assert found.assumptions[0].startswith("12 hours a day for both, as given")
    assert "science-3 is said to compute 24 hours a day; that is not used here" in found.assumptions
    hours = found.sensitivities[0].points
    assert [point.value for point in hours] == ["6 h", "12 h", "18 h", "24 h"]
    assert all(one.months > two.months for one, two in pairwise(hours) if one.months and two.months)


def test_what_is_assumed_is_said() -> None:
    told = "\n".join(money(SCIENCE, "science-3", "p2").assumptions)
    assert "5000 USD to buy" in told
    assert "0.9 USD/h to rent p2" in told
    assert "one p2 (1 GPU) does the work of one science-3 (2 GPUs)" in told
    assert "the rent of p2 is on demand, as read on 2023-11-16, Linux us-east-1" in told


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("cloud", "old", "both are rented: there is no price that could pay for itself"),
        ("tower", "second", "both are bought: there is no rent that a price could save"),
    ],
)
def test_two_of_one_kind_have_no_pay_off_and_are_compared(a: str, b: str, verdict: str) -> None:
    found = money(TWO, a, b)
    assert (found.payback, found.verdict, found.sensitivities) == (None, verdict, ())
    assert found.a.monthly is not None
    assert found.b.monthly is not None


def test_currencies_are_converted_at_the_users_rate_and_not_otherwise() -> None:
    silent = money(TWO, "second", "old")
    assert silent.payback is None
    assert silent.verdict == "the prices are in EUR and USD, and no rate between them is given"
    assert str(silent.a.price) == "900 EUR"
    told = money(TWO, "second", "old", terms(None, None, "EUR=1.25 USD"))
    assert told.payback is not None
    # 150 W, 120 h a month, 0.30 EUR/kWh: 5.40 EUR; 0.90 USD/h for as long: 108 USD.
    assert (str(told.a.price), str(told.a.monthly)) == ("1125 USD", "6.75 USD")
    assert told.payback.months == D(1125) / (D(108) - D("6.75"))
    assert "1 EUR = 1.25 USD, as given" in told.assumptions


def test_the_order_of_the_rates_changes_nothing() -> None:
    rates = ("GBP=1.20 EUR", "EUR=1.25 USD")
    pounds = changed(LAB, ('price = "900 EUR"', 'price = "750 GBP"'))
    one = money(pounds, "second", "old", terms(None, None, *rates))
    other = money(pounds, "second", "old", terms(None, None, *reversed(rates)))
    assert str(one.a.price) == "1125 USD"
    assert (one.a.price, one.payback) == (other.a.price, other.payback)


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        (("EUR=1.25 USD", "USD=0.8 EUR"), "in a circle"),
        (("EUR=1.25 USD", "EUR=0.9 GBP"), "one rate for a currency"),
    ],
)
def test_rates_that_lead_nowhere_are_refused(rates: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        terms(None, None, *rates)


CARD = 'gpus = [{ model = "GTX 1070" }]'


def test_parts_in_two_currencies_are_summed_at_the_users_rate() -> None:
    priced = CARD.replace(" }", ', price = "400 EUR" }')
    parts = f'{priced}\nother = [{{ model = "rest", price = "500 USD" }}]'
    spec = changed(LAB, (CARD, parts), ('price = "900 EUR"\n', ""))
    silent = money(spec, "second", "old")
    assert silent.a.price is None
    assert silent.a.unknown[0] == "its price: its parts are told in EUR and USD; give a --rate"
    told = money(spec, "second", "old", terms(None, None, "EUR=1.25 USD"))
    assert str(told.a.price) == "1000 USD"


def test_a_month_that_cannot_be_told_for_want_of_watts_says_so() -> None:
    unknown = CARD.replace("GTX 1070", "own").replace(" }", ', compute_capability = "6.1" }')
    spec = changed(LAB, (CARD, unknown))
    found = money(spec, "second", "old")
    assert found.a.monthly is None
    assert found.a.unknown == ("what it draws: write the `watts` of its parts",)


def test_a_machine_that_costs_more_to_run_never_pays_for_itself() -> None:
    dear = changed(SOURCED, ("0.20 USD/kWh", "2.00 USD/kWh"))
    found = money(dear, "science-3", "p2")
    assert found.payback is None
    assert found.verdict.startswith("never: running science-3 costs 1080 USD a month")
    cheaper = {line.of: line.points for line in found.sensitivities}["electricity"][0]
    assert cheaper.months == D(5000) / (648 - 540)


@pytest.mark.parametrize(
    ("gone", "missing"),
    [
        (['price = "5000 USD"'], "`price`"),
        (['electricity = "0.20 USD/kWh"'], "`electricity`"),
        ([", watts = 250 }]\nkernel", ", watts = 250 }]   #"], "the `watts` of its parts"),
    ],
)
def test_what_is_missing_is_named(gone: list[str], missing: str) -> None:
    less = [(text, text.replace(", watts = 250", "") if "watts" in text else "") for text in gone]
    found = money(changed(SOURCED, *less), "science-3", "p2")
    assert found.payback is None
    assert missing in found.verdict


@pytest.mark.parametrize("text", ["EUR", "EUR=USD", "EUR=1 EUR", "EUR=0 USD", "eur=1 usd", "1=2"])
def test_a_rate_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="EUR=1"):
        Rate.parse(text)


def test_a_rate_may_be_written_with_a_one_in_front() -> None:
    assert str(Rate.parse("1 EUR = 1.160 USD")) == "1 EUR = 1.16 USD"
