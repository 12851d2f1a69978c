"""Reads the tables of the matrix: only those that a question needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from rigspec.diagnostics.model import Source
from rigspec.matrix.model import (
    Artifact,
    Availability,
    Condition,
    Matrix,
    Product,
    Release,
    Rule,
    Setting,
    SettingsFile,
)
from rigspec.matrix.table_cache import parsed_table

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = ["build_matrix", "load_matrix", "product_names"]


def load_matrix(products: Iterable[str] | None = None) -> Matrix:
    """The matrix, or the part of it about these products.

    Raises KeyError for a product without a table. A table that is wrong raises too: the matrix
    is tested as a whole before it is published (``rigspec matrix verify``).
    """
    names = product_names() if products is None else tuple(sorted(set(products)))
    return build_matrix({name: _read(name) for name in names})


def build_matrix(tables: Mapping[str, bytes]) -> Matrix:
    """A matrix out of the bytes of its tables, by product."""
    loaded = []
    days = []
    for name in sorted(tables):
        product, day = _product(parsed_table(name, tables[name]))
        loaded.append(product)
        days.append(day)
    return Matrix(max(days, default=dt.date.min), tuple(loaded), tuple(sorted(tables.items())))


@lru_cache(maxsize=1)
def product_names() -> tuple[str, ...]:
    """Every product that has a table, sorted."""
    return tuple(
        sorted(entry.name[:-5] for entry in _folder().iterdir() if entry.name.endswith(".toml"))
    )


def _folder() -> Traversable:
    return files("rigspec.matrix") / "tables"


def _read(name: str) -> bytes:
    if name not in product_names():
        raise KeyError(name)
    return (_folder() / f"{name}.toml").read_bytes()


def _product(table: Mapping[str, Any]) -> tuple[Product, dt.date]:
    name = table["product"]
    sources = {
        key: Source(source["title"], source["url"], dt.date.fromisoformat(source["read"]))
        for key, source in table.get("source", {}).items()
    }
    file = table.get("settings")
    product = Product(
        name=name,
        title=table["title"],
        kind=table["kind"],
        releases=tuple(_release(name, row, sources) for row in table.get("release", ())),
        rules=tuple(_rule(name, row, sources) for row in table.get("rule", ())),
        families=tuple(table.get("families", ())),
        distributions=tuple(sorted(table.get("distributions", {}).items())),
        aliases=tuple(table.get("aliases", ())),
        noise=tuple(table.get("noise", ())),
        follows_newest=tuple(table.get("follows_newest", ())),
        settings_file=SettingsFile(file["path"], file["format"]) if file else None,
        settings=tuple(_setting(row, sources) for row in table.get("setting", ())),
        sources=tuple(sources.values()),
    )
    return product, dt.date.fromisoformat(table["as_of"])


def _release(product: str, row: Mapping[str, Any], sources: Mapping[str, Source]) -> Release:
    return Release(
        product=product,
        family=row.get("family"),
        version=row["version"],
        provides=tuple(_condition(*item) for item in sorted(row.get("provides", {}).items())),
        artifacts=tuple(
            Artifact(file["name"], file["url"], file["sha256"], file.get("size"))
            for file in row.get("artifacts", ())
        ),
        availability=tuple(
            Availability(item["kind"], dt.date.fromisoformat(item["day"]), item["reason"])
            for item in row.get("availability", ())
        ),
        figures=tuple(sorted(row.get("figures", {}).items())),
        sources=tuple(sources[key] for key in row["source"]),
        confidence=row.get("confidence", "high"),
        names=tuple(row.get("names", ())),
    )


def _rule(product: str, row: Mapping[str, Any], sources: Mapping[str, Source]) -> Rule:
    ((component, alternatives),) = row["must"].items()
    return Rule(
        id=row["id"],
        table=f"{product}/{component}",
        code=row["code"],
        when=tuple(_condition(*item) for item in sorted(row["when"].items())),
        must=_condition(component, alternatives),
        statement=row["statement"],
        breaks=row.get("breaks", ""),
        sources=tuple(sources[key] for key in row["source"]),
        confidence=row.get("confidence", "high"),
    )


def _setting(row: Mapping[str, Any], sources: Mapping[str, Source]) -> Setting:
    return Setting(
        key=row["key"],
        versions=row["versions"],
        instead=row["instead"],
        statement=row["statement"],
        sources=tuple(sources[key] for key in row["source"]),
    )


def _condition(component: str, alternatives: str | list[str]) -> Condition:
    if isinstance(alternatives, str):
        return Condition(component, (alternatives,))
    return Condition(component, tuple(alternatives))
