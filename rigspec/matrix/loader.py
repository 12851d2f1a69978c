"""Reads the tables of the matrix: only those that a question needs."""

from __future__ import annotations

import datetime as dt
import gc
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rigspec.cache.matrix_tables import parsed_table
from rigspec.diagnostics.model import Source
from rigspec.matrix.model import (
    Artifact,
    Availability,
    Condition,
    Extra,
    Matrix,
    Product,
    Release,
    Rule,
    Setting,
    SettingsFile,
    SourceConflict,
    UndeclaredDependency,
    Upload,
)

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = [
    "build_matrix",
    "image_tags",
    "load_image",
    "load_matrix",
    "load_uploads",
    "package_owner",
    "product_names",
    "table_file",
    "uploads_file",
]


def load_matrix(products: Iterable[str] | None = None) -> Matrix:
    """The matrix, or the part of it about these products, read once a process.

    Raises KeyError for a product without a table. A table that is wrong raises too: the matrix
    is tested as a whole before it is published (``rigspec matrix verify``).
    """
    return _part(product_names() if products is None else tuple(sorted(set(products))))


def build_matrix(tables: Mapping[str, bytes]) -> Matrix:
    """A matrix out of the bytes of its tables, by product."""
    return _joined([_loaded(name, tables[name]) for name in sorted(tables)])


def package_owner(package: str) -> tuple[str, str] | None:
    """The product whose package on the Python index this is, and its family there, if it has any.

    ``tensorflow-gpu`` is of ``tensorflow``, and a family of it; ``torch`` is all of ``torch``.
    """
    name = re.sub(r"[-_.]+", "-", package).lower()
    index = _package_index()
    product = index["package"].get(name)
    return None if product is None else (product, name if name in index["families"] else "")


def load_image(tag: str) -> Release | None:
    """What is known of a base image by its tag (``9.0-cudnn7-devel-ubuntu16.04``), if anything.

    Images stand in a table a CUDA release, of which one is read.
    """
    found = re.match(r"\d+\.\d+", tag)
    file = _folder() / "image" / f"{found[0]}.toml" if found else None
    if found is None or file is None or not file.is_file():
        return None
    table = parsed_table(f"image-{found[0]}", file.read_bytes())
    row = next((row for row in table["release"] if row["version"] == tag), None)
    return _release("image", row, _sources(table)) if row is not None else None


def image_tags(tag: str) -> tuple[str, ...]:
    """The known tags of the CUDA release that a tag begins with, else of its major."""
    found = re.match(r"\d+(\.\d+)?", tag)
    names = sorted(entry.name[:-5] for entry in (_folder() / "image").iterdir())
    near = [n for n in names if found and (n == found[0] or n.split(".")[0] == found[0])]
    tables = [(n, (_folder() / "image" / f"{n}.toml").read_bytes()) for n in near]
    return tuple(
        str(row["version"])
        for name, data in tables
        for row in parsed_table(f"image-{name}", data)["release"]
    )


def load_uploads(product: str) -> tuple[Upload, ...]:
    """The days on which the releases of a framework were uploaded, as far as the index tells them.

    They stand in tables of their own, which are read where a spec asks for a day.
    """
    file = _folder() / "uploads" / f"{product}.toml"
    if not file.is_file():
        return ()
    table = parsed_table(f"uploads-{product}", file.read_bytes())
    return tuple(
        Upload(reading["package"], version, dt.date.fromisoformat(day), _source(reading))
        for reading in table["reading"]
        for version, day in reading["uploaded"].items()
    )


@lru_cache(maxsize=64)
def _part(names: tuple[str, ...]) -> Matrix:
    with _collector_paused():
        return _joined([_table(name) for name in names])


@contextmanager
def _collector_paused() -> Iterator[None]:
    """None of what is loaded is garbage: looking for some would take a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_Loaded = tuple[Product, dt.date, bytes]


@lru_cache(maxsize=64)
def _table(name: str) -> _Loaded:
    return _loaded(name, _read(name))


def _loaded(name: str, data: bytes) -> _Loaded:
    product, day = _product(parsed_table(name, data))
    return product, day, data


def _joined(tables: Sequence[_Loaded]) -> Matrix:
    return Matrix(
        max((day for _, day, _ in tables), default=dt.date.min),
        tuple(product for product, _, _ in tables),
        tuple((product.name, data) for product, _, data in tables),
    )


@lru_cache(maxsize=1)
def _package_index() -> Mapping[str, Any]:
    data = (files("rigspec.matrix") / "package_index.toml").read_bytes()
    return parsed_table("package_index", data)


@lru_cache(maxsize=1)
def product_names() -> tuple[str, ...]:
    """Every product that has a table, sorted."""
    return tuple(
        sorted(entry.name[:-5] for entry in _folder().iterdir() if entry.name.endswith(".toml"))
    )


def table_file(product: str) -> Path:
    """Where the table of a product stands, for those who change it."""
    return Path(str(_folder() / f"{product}.toml"))


def uploads_file(product: str) -> Path:
    """Where the upload days of a framework stand, for those who change them."""
    return Path(str(_folder() / "uploads" / f"{product}.toml"))


def _folder() -> Traversable:
    return files("rigspec.matrix") / "tables"


def _read(name: str) -> bytes:
    if name not in product_names():
        raise KeyError(name)
    return (_folder() / f"{name}.toml").read_bytes()


def _product(table: Mapping[str, Any]) -> tuple[Product, dt.date]:
    name = table["product"]
    sources = _sources(table)
    file = table.get("settings")
    product = Product(
        name=name,
        title=table["title"],
        kind=table["kind"],
        releases=tuple(_release(name, row, sources) for row in table.get("release", ())),
        rules=tuple(_rule(name, row, sources) for row in table.get("rule", ())),
        families=tuple(table.get("families", ())),
        extras=tuple(_extra(row) for row in table.get("extra", ())),
        undeclared_dependencies=tuple(
            _undeclared_dependency(row, sources) for row in table.get("undeclared_dependency", ())
        ),
        ignored_words=tuple(table.get("ignored_words", ())),
        unversioned_packages=tuple(table.get("unversioned_packages", ())),
        settings_file=_settings_file(file, sources) if file else None,
        settings=tuple(_setting(row, sources) for row in table.get("setting", ())),
        source_conflicts=tuple(_source_conflict(row) for row in table.get("source_conflict", ())),
        sources=tuple(sources.values()),
    )
    return product, dt.date.fromisoformat(table["as_of"])


def _sources(table: Mapping[str, Any]) -> dict[str, Source]:
    return {key: _source(source) for key, source in table.get("source", {}).items()}


def _source(row: Mapping[str, Any]) -> Source:
    return Source(row["title"], row["url"], dt.date.fromisoformat(row["read"]))


def _release(product: str, row: Mapping[str, Any], sources: Mapping[str, Source]) -> Release:
    return Release(
        product=product,
        family=row.get("family"),
        version=row["version"],
        implies=tuple(_condition(*item) for item in sorted(row.get("implies", {}).items())),
        artifacts=tuple(
            Artifact(file["name"], file["url"], file["sha256"], file.get("size"))
            for file in row.get("artifacts", ())
        ),
        availability=tuple(
            Availability(item["kind"], _day(item.get("day")), item["reason"])
            for item in row.get("availability", ())
        ),
        properties=tuple(sorted(row.get("properties", {}).items())),
        sources=tuple(sources[key] for key in row["source"]),
        confidence=row.get("confidence", "high"),
        names=tuple(row.get("names", ())),
        property_sources=tuple(
            (name, tuple(sources[key] for key in keys))
            for name, keys in sorted(row.get("property_sources", {}).items())
        ),
    )


def _rule(product: str, row: Mapping[str, Any], sources: Mapping[str, Source]) -> Rule:
    ((component, alternatives),) = row["requires"].items()
    return Rule(
        id=row["id"],
        table=f"{product}/{component}",
        code=row["code"],
        when=tuple(_condition(*item) for item in sorted(row["when"].items())),
        requires=_condition(component, alternatives),
        statement=row["statement"],
        failure_message=row.get("failure_message", ""),
        sources=tuple(sources[key] for key in row["source"]),
        confidence=row.get("confidence", "high"),
        severity=row.get("severity", "error"),
    )


def _extra(row: Mapping[str, Any]) -> Extra:
    when = tuple(_condition(*item) for item in sorted(row["when"].items()))
    return Extra(row["name"], row["versions"], when)


def _undeclared_dependency(
    row: Mapping[str, Any], sources: Mapping[str, Source]
) -> UndeclaredDependency:
    return UndeclaredDependency(
        package=row["package"],
        versions=row["versions"],
        when=tuple(_condition(*item) for item in sorted(row["when"].items())),
        statement=row["statement"],
        sources=tuple(sources[key] for key in row["source"]),
    )


def _source_conflict(row: Mapping[str, Any]) -> SourceConflict:
    told = {key: row[key] for key in row if key != "read"}
    return SourceConflict(**told, read=dt.date.fromisoformat(row["read"]))


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text is not None else None


def _setting(row: Mapping[str, Any], sources: Mapping[str, Source]) -> Setting:
    return Setting(
        key=row["key"],
        versions=row["versions"],
        instead=row.get("instead", ""),
        statement=row["statement"],
        sources=tuple(sources[key] for key in row["source"]),
    )


def _settings_file(row: Mapping[str, Any], sources: Mapping[str, Source]) -> SettingsFile:
    return SettingsFile(
        path=row["path"],
        format=row["format"],
        place=row.get("place", "home"),
        variable=row.get("variable"),
        value=row.get("value"),
        statement=row.get("statement", ""),
        sources=tuple(sources[key] for key in row.get("source", ())),
    )


def _condition(component: str, alternatives: str | list[str]) -> Condition:
    if isinstance(alternatives, str):
        return Condition(component, (alternatives,))
    return Condition(component, tuple(alternatives))
