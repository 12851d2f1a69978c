"""The frozen dataclass of rigspec behaves like that of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import field
from typing import Any

import pytest

from rigspec.frozen import dataclass


@dataclass(frozen=True)
class Point:
    """A point."""

    x: int
    y: tuple[int, ...] = ()
    note: str = field(default="", compare=False)
    secret: str = field(default="", repr=False, hash=False)


@dataclass(frozen=True)
class Single:
    """A class with one field."""

    x: int


class Child(Single):
    """A class with the fields of its parent."""


Expected: Any = dataclasses.make_dataclass(
    "Point",
    [
        ("x", int),
        ("y", tuple, ()),
        ("note", str, field(default="", compare=False)),
        ("secret", str, field(default="", repr=False, hash=False)),
    ],
    frozen=True,
)
VALUES = ((1,), (1, (2,)), (1, (2,), "a"), (1, (2,), "b"), (1, (2,), "b", "s"), (2,))


def test_comparison_hash_and_text_are_those_of_the_standard_library() -> None:
    for one in VALUES:
        assert repr(Point(*one)) == repr(Expected(*one))
        assert hash(Point(*one)) == hash(Expected(*one))
        for other in VALUES:
            assert (Point(*one) == Point(*other)) == (Expected(*one) == Expected(*other))
    assert hash(Single(1)) == hash((1,))
    assert Single(1) == Single(1) != Single(2)


def test_objects_of_different_classes_are_not_equal() -> None:
    assert Single(1) != Child(1)
    assert Single(1) != 1
    assert repr(Child(1)) == "Child(x=1)"


def test_object_is_frozen_and_can_be_copied() -> None:
    point = Point(1, (2,), secret="s")
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    assert dataclasses.replace(point, x=3) == Point(3, (2,), secret="s")
    assert copy.deepcopy(point) == pickle.loads(pickle.dumps(point)) == point


def test_own_methods_and_other_options_are_kept() -> None:
    @dataclass(frozen=True)
    class Named:
        name: str

        def __repr__(self) -> str:
            return self.name

    @dataclass(frozen=True, order=True)
    class Ordered:
        number: int

    assert repr(Named("box")) == "box"
    assert Named("box") == Named("box")
    assert Ordered(1) < Ordered(2)
