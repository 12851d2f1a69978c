"""A lock that is validated without pydantic is one that pydantic accepts, with the same values."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rigspec.lock.lockfile import read_lock
from rigspec.lock.model import Lock
from rigspec.spec.validation.quick import validate_dataclass
from tests.conftest import ROOT

LOCKS = sorted(file.parent.name for file in (ROOT / "lockfiles").glob("*/rig.lock"))
VALUES = st.sampled_from(
    [None, True, 0, 1, -1, 1.0, "", "1", "x", [], ["x"], [1], [[]], {}, {"name": "x"}, b"x"]
)


@cache
def adapter() -> TypeAdapter[Lock]:
    return TypeAdapter(Lock)


@cache
def read_values(name: str) -> dict[str, Any]:
    """Return the values of a lock as plain dicts and lists."""
    lock, _ = read_lock(ROOT / "lockfiles" / name)
    values: dict[str, Any] = adapter().dump_python(lock, mode="json")
    return values


def list_places(value: Any) -> list[tuple[Any, Any]]:
    """Return each table and array below a value, with each of its keys."""
    keys = list(value) if isinstance(value, dict) else []
    keys = list(range(len(value))) if isinstance(value, list) else keys
    return [(value, key) for key in keys] + [
        place for key in keys for place in list_places(value[key])
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_committed_lock_is_validated_without_pydantic(name: str) -> None:
    found = validate_dataclass(Lock, read_values(name))
    assert found is not None
    assert found == adapter().validate_python(read_values(name))


@settings(deadline=None, max_examples=300)
@given(name=st.sampled_from(LOCKS), data=st.data())
def test_accepted_lock_has_the_values_of_pydantic(name: str, data: st.DataObject) -> None:
    values = copy.deepcopy(read_values(name))
    for _ in range(data.draw(st.integers(1, 2))):
        places = list_places(values)
        table, key = places[data.draw(st.integers(0, len(places) - 1))]
        if isinstance(table, dict) and data.draw(st.booleans()):
            del table[key]
        else:
            table[key] = data.draw(VALUES)
    found = validate_dataclass(Lock, values)
    if found is not None:
        try:
            expected = adapter().validate_python(values)
        except ValidationError:
            pytest.fail("pydantic refuses what is accepted")
        assert found == expected
        assert repr(found) == repr(expected)
