"""Tables that are validated without pydantic are those that pydantic builds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rigspec.spec.loader import load_spec
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import BrokenDocument, read_document
from rigspec.spec.validation.pydantic_models import validate_with_pydantic
from tests.conftest import ROOT
from tests.fuzz import strategies

SPECS = sorted((ROOT / "specs").rglob("*.toml")) + sorted((ROOT / "examples").rglob("rig.toml"))
# Values at the limits of types, and of kinds that TOML has and pydantic converts or refuses.
SCALARS = st.sampled_from(
    (
        *(True, False, 0, 1, 64, 65, -1, 24, 0.0, 1.5, 24.5, float("nan"), float("inf"), None),
        *("", " ", "x", "1.0", ">=1", "*", "450 mm", "3000 USD", "32 GB", "ubuntu 22.04", "none"),
        *("nvidia", "conda", "uv", "x16", "https://example.org/a", "[extra]==1.0", "a" * 5000),
    )
)


def assert_same(value: dict[str, Any]) -> None:
    quick = Rig.validate_quickly(value)
    if quick is None:
        return
    slow = validate_with_pydantic(Rig, value)
    # NaN does not equal NaN, and True equals 1.
    assert repr(quick) == repr(slow)
    for options in ({"exclude_unset": True}, {"exclude_defaults": True}):
        assert repr(quick.model_dump(**options)) == repr(slow.model_dump(**options))


def read(text: str) -> dict[str, Any]:
    try:
        return dict(read_document("rig.toml", text).value)
    except BrokenDocument as error:
        return dict(error.document.value)


@settings(deadline=None, max_examples=100)
@given(text=st.one_of(strategies.rigs(), strategies.specs_from_schema()))
def test_drawn_rigs_are_those_of_pydantic(text: str) -> None:
    assert_same(read(text))


@settings(deadline=None, max_examples=150)
@given(data=st.data(), file=st.sampled_from(SPECS))
def test_rigs_with_one_other_value_are_those_of_pydantic(data: st.DataObject, file: Path) -> None:
    value = read(file.read_text())
    place: Any = value
    keys = [data.draw(st.sampled_from(sorted(place)))]
    while isinstance(place[keys[-1]], dict | list) and place[keys[-1]] and data.draw(st.booleans()):
        place = place[keys[-1]]
        options = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        keys.append(data.draw(st.sampled_from(options)))
    assume(keys)
    old = place[keys[-1]]
    place[keys[-1]] = data.draw(
        st.one_of(SCALARS, st.just([old]), st.lists(SCALARS, max_size=2), st.just({"version": old}))
    )
    assert_same(value)


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_valid_specs_are_validated_without_pydantic(file: Path) -> None:
    value = load_spec(str(file)).document.value
    assert Rig.validate_quickly(value) is not None
    assert_same(dict(value))


def test_value_that_only_pydantic_accepts_is_valid() -> None:
    value = {"rig": 1, "name": "box", "machine": {"tower": {"hours": "8"}}}
    assert Rig.validate_quickly(value) is None
    assert Rig.model_validate(value).machine["tower"].hours == 8.0


def test_table_is_immutable() -> None:
    rig = Rig.model_validate({"rig": 1, "name": "box"})
    with pytest.raises(AttributeError):
        rig.name = "other"  # type: ignore[misc]


def test_invalid_table_raises_the_error_of_pydantic() -> None:
    with pytest.raises(ValidationError) as raised:
        Rig.model_validate({"rig": 1, "name": "Box"})
    assert [error["loc"] for error in raised.value.errors()] == [("name",)]
