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


@dataclass(frozen=True, kw_only=True)
class Base:
    """A base class whose fields are given by name."""

    id: str
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Derived(Base):
    """A class with another field, and one that is not given."""

    size: int = 3
    cache: dict[str, str] = field(init=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.cache["id"] = self.id


@dataclasses.dataclass(frozen=True, kw_only=True)
class Extension(Derived):
    """A class of the standard library, as another distribution derives it."""

    unit: str = ""


def test_fields_by_name_defaults_and_factories_are_those_of_the_class() -> None:
    first, second = Derived(id="a"), Derived(id="a", size=3)
    assert first == second
    assert first.cache == {"id": "a"}
    assert first.names is not second.names
    assert repr(first) == "Derived(id='a', names=[], size=3, cache={'id': 'a'})"
    assert pickle.loads(pickle.dumps(first)) == first
    assert dataclasses.replace(first, size=4).size == 4


def test_class_of_standard_library_can_be_derived() -> None:
    found = Extension(id="a", unit="b")
    assert (found.id, found.size, found.unit) == ("a", 3, "b")
    assert found == Extension(id="a", unit="b") != Extension(id="a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.unit = "c"  # type: ignore[misc]


@pytest.mark.parametrize("arguments", [(), (1, 2, "a", "b", "c")])
def test_wrong_number_of_arguments_is_an_error(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="argument"):
        Point(*arguments)
    with pytest.raises(TypeError, match="argument"):
        Derived(*arguments)


def test_field_cannot_be_deleted() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        del Single(1).x
