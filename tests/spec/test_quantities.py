"""Quantities with units."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigspec.spec.quantities import EnergyPrice, Length, Money, Size


@given(st.decimals(0, 10**6, places=3), st.sampled_from(["B", "KB", "MiB", "GB", "GiB", "TB"]))
def test_size_round_trips_through_text(amount: Decimal, unit: str) -> None:
    size = Size.parse(f"{amount} {unit}")
    assert Size.parse(str(size)) == Size(amount.normalize(), unit)


@pytest.mark.parametrize(
    ("text", "octets"), [("32 GB", 32 * 10**9), ("16 GiB", 16 * 2**30), ("1.5 KB", 1500)]
)
def test_size_octets_use_powers_of_the_unit(text: str, octets: int) -> None:
    size = Size.parse(text)
    assert isinstance(size, Size)
    assert size.octets == octets


def test_length_is_converted_to_millimetres() -> None:
    length = Length.parse("10.5 in")
    assert isinstance(length, Length)
    assert length.millimetres == Decimal("266.7")


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Size, "32"), (Size, "32 gb"), (Length, "27"), (Money, "5 $"), (EnergyPrice, "0.1 USD")],
)
def test_quantity_without_unit_raises_error(kind: type[Size], text: str) -> None:
    with pytest.raises(ValueError, match="with a unit"):
        kind.parse(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Money, "9999999999999999999999999999 EUR"),
        (Money, "1.0000001 EUR"),
        (EnergyPrice, "99999999999999999999999999999999 EUR/kWh"),
        (EnergyPrice, "1000000 EUR/kWh"),
        (Size, "99999999999999999999999999999999 GB"),
        (Length, "9999999999999 mm"),
    ],
)
def test_quantity_with_too_many_digits_raises_error(kind: type[Size], text: str) -> None:
    with pytest.raises(ValueError, match=r"at most \d+ digits and 6 decimal places"):
        kind.parse(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Money, "999999999999 IDR"),
        (EnergyPrice, "999999.999999 IDR/kWh"),
        (Size, "999999999999999 B"),
    ],
)
def test_quantity_with_maximum_digits_is_parsed(kind: type[Size], text: str) -> None:
    assert str(kind.parse(text)) == text
