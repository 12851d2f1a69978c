"""Compare the cost of two machines with values that were computed by hand."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from rigspec.compare.cost import CostTerms, ExchangeRate, compare_costs
from rigspec.compare.model import CostComparison
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, load_spec
from tests.compare.comparisons import LAB, SOURCED, build_terms, load_changed

D = Decimal


def compare(spec: LoadedSpec, a: str, b: str, terms: CostTerms | None = None) -> CostComparison:
    matrices = {name: load_required_matrix(spec.rig, name) for name in (a, b)}
    return compare_costs(spec, (a, b), matrices, terms or build_terms())


SCIENCE = load_spec(str(SOURCED))
TWO = load_spec(str(LAB))


def test_cost_of_tower_from_2016_has_payback_within_a_year() -> None:
    found = compare(SCIENCE, "science-3", "p2")
    assert found.payback is not None
    # 5000 USD over 720 h x 0.90 USD less 750 W x 720 h x 0.20 USD/kWh.
    assert found.payback.months == D(5000) / (D(648) - D(108))
    assert found.payback.months < 12
    assert str(found.year) == "6480 USD"
    assert (str(found.a.monthly), str(found.b.monthly)) == ("108 USD", "648 USD")
    assert (str(found.a.compute_total(12)), str(found.b.compute_total(12))) == (
        "6296 USD",
        "7776 USD",
    )


def test_cost_does_not_depend_on_order_of_machines() -> None:
    one, other = compare(SCIENCE, "science-3", "p2"), compare(SCIENCE, "p2", "science-3")
    assert one.payback == other.payback
    assert (one.a, one.b) == (other.b, other.a)
    assert one.sensitivities == other.sensitivities


def test_sensitivity_is_computed_for_each_assumption() -> None:
    found = {line.of: line.points for line in compare(SCIENCE, "science-3", "p2").sensitivities}
    hours, electricity, price = found["hours"], found["electricity"], found["price"]
    assert hours[0].months == D(5000) / (D(324) - D(54))  # half the hours, half of each bill
    assert [point.months for point in hours[2:]] == [None, None]
    assert {point.note for point in hours[2:]} == {"a day has 24 hours"}
    assert [p.months for p in electricity] == [D(5000) / (648 - e) for e in (54, 108, 162, 216)]
    assert [p.months for p in price] == [D(p) / 540 for p in (2500, 5000, 7500, 10000)]
    assert [p.value for p in electricity] == [f"0.{n} USD/kWh" for n in (1, 2, 3, 4)]


def test_cost_uses_hours_and_electricity_of_options() -> None:
    found = compare(SCIENCE, "science-3", "p2", build_terms("12", "0.40 USD/kWh"))
    assert found.payback is not None
    assert (str(found.payback.owned), str(found.payback.rented)) == ("108 USD", "324 USD")
    assert found.payback.months == D(5000) / (324 - 108)
    assert found.assumptions[0].startswith("12 hours per day for both machines (from the option)")
    assert "the 24 hours per day in the spec of science-3 are not used" in found.assumptions
    hours = found.sensitivities[0].points
    assert [point.value for point in hours] == ["6 h", "12 h", "18 h", "24 h"]
    assert all(one.months > two.months for one, two in pairwise(hours) if one.months and two.months)


def test_cost_lists_assumptions() -> None:
    assumptions_text = "\n".join(compare(SCIENCE, "science-3", "p2").assumptions)
    assert "purchase price: 5000 USD" in assumptions_text
    assert "rent of p2: 0.9 USD/h" in assumptions_text
    assert "one p2 (1 GPU) does the work of one science-3 (2 GPUs)" in assumptions_text
    assert "p2: on-demand price of 2023-11-16, Linux us-east-1" in assumptions_text


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("cloud", "old", "no payback time, because both machines are rented"),
        ("tower", "second", "no payback time, because both machines are bought"),
    ],
)
def test_cost_of_two_rented_or_bought_machines_has_no_payback(a: str, b: str, verdict: str) -> None:
    found = compare(TWO, a, b)
    assert (found.payback, found.verdict, found.sensitivities) == (None, verdict, ())
    assert found.a.monthly is not None
    assert found.b.monthly is not None


def test_cost_converts_currencies_only_with_rate() -> None:
    silent = compare(TWO, "second", "old")
    assert silent.payback is None
    assert silent.verdict == "the prices are in EUR and USD, and the exchange rate is unknown"
    assert str(silent.a.price) == "900 EUR"
    comparison = compare(TWO, "second", "old", build_terms(None, None, "EUR=1.25 USD"))
    assert comparison.payback is not None
    # 150 W, 120 h a month, 0.30 EUR/kWh: 5.40 EUR; 0.90 USD/h for as long: 108 USD.
    assert (str(comparison.a.price), str(comparison.a.monthly)) == ("1125 USD", "6.75 USD")
    assert comparison.payback.months == D(1125) / (D(108) - D("6.75"))
    assert "1 EUR = 1.25 USD (from the option)" in comparison.assumptions


def test_cost_does_not_depend_on_order_of_rates() -> None:
    rates = ("GBP=1.20 EUR", "EUR=1.25 USD")
    pounds = load_changed(LAB, ('price = "900 EUR"', 'price = "750 GBP"'))
    one = compare(pounds, "second", "old", build_terms(None, None, *rates))
    other = compare(pounds, "second", "old", build_terms(None, None, *reversed(rates)))
    assert str(one.a.price) == "1125 USD"
    assert (one.a.price, one.payback) == (other.a.price, other.payback)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (("EUR=1.25 USD", "USD=0.8 EUR"), "form a cycle"),
        (("EUR=1.25 USD", "EUR=0.9 GBP"), "duplicate rate for a currency"),
    ],
)
def test_terms_with_invalid_rates_raise_error(rates: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_terms(None, None, *rates)


CARD = 'gpus = [{ model = "GTX 1070" }]'


def test_cost_sums_parts_in_two_currencies_with_rate() -> None:
    priced = CARD.replace(" }", ', price = "400 EUR" }')
    parts = f'{priced}\nother = [{{ model = "rest", price = "500 USD" }}]'
    spec = load_changed(LAB, (CARD, parts), ('price = "900 EUR"\n', ""))
    silent = compare(spec, "second", "old")
    assert silent.a.price is None
    assert (
        silent.a.unknown[0]
        == "price unknown, because its parts have prices in EUR and USD; pass `--rate`"
    )
    comparison = compare(spec, "second", "old", build_terms(None, None, "EUR=1.25 USD"))
    assert str(comparison.a.price) == "1000 USD"


def test_cost_without_watts_is_unknown() -> None:
    unknown = CARD.replace("GTX 1070", "own").replace(" }", ', compute_capability = "6.1" }')
    spec = load_changed(LAB, (CARD, unknown))
    found = compare(spec, "second", "old")
    assert found.a.monthly is None
    assert found.a.unknown == ("power unknown; add `watts` to its parts",)


def test_cost_of_expensive_machine_has_no_payback() -> None:
    dear = load_changed(SOURCED, ("0.20 USD/kWh", "2.00 USD/kWh"))
    found = compare(dear, "science-3", "p2")
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
def test_cost_names_missing_value(gone: list[str], missing: str) -> None:
    less = [(text, text.replace(", watts = 250", "") if "watts" in text else "") for text in gone]
    found = compare(load_changed(SOURCED, *less), "science-3", "p2")
    assert found.payback is None
    assert missing in found.verdict


@pytest.mark.parametrize("text", ["EUR", "EUR=USD", "EUR=1 EUR", "EUR=0 USD", "eur=1 usd", "1=2"])
def test_rate_with_invalid_text_raises_error(text: str) -> None:
    with pytest.raises(ValueError, match="EUR=1"):
        ExchangeRate.parse(text)


def test_rate_with_leading_one_is_parsed() -> None:
    assert str(ExchangeRate.parse("1 EUR = 1.160 USD")) == "1 EUR = 1.16 USD"
