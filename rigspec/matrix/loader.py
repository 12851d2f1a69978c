"""Load the tables of the matrix, and only those that are needed."""

from __future__ import annotations

import datetime as dt
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

import rigspec.diagnostics.model as diagnostics_model
import rigspec.matrix.model as matrix_model
from rigspec.cache.matrix_tables import load_objects
from rigspec.diagnostics.model import Source
from rigspec.garbage_collection import pause_garbage_collection
from rigspec.matrix import part_lookup
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import (
    Artifact,
    Availability,
    BuildVariable,
    CompiledPackage,
    Condition,
    Dependency,
    Extra,
    Listing,
    Matrix,
    Product,
    Release,
    Rule,
    Setting,
    SettingsFile,
    SourceConflict,
    SystemDependency,
    UndeclaredDependency,
    UnlistedPackage,
    compute_digest,
)
from rigspec.package_files import locate_package_file

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # Python 3.11 and newer

__all__ = [
    "build_matrix",
    "build_source",
    "compute_matrix_digest",
    "find_package_owner",
    "get_table_path",
    "list_package_names",
    "list_product_names",
    "load_matrix",
    "pick_sources",
]

# More than the keys before the first TOML table of any file.
_HEAD_BYTES = 8192


def load_matrix(products: Iterable[str] | None = None) -> Matrix:
    """Return the matrix, or the part of it about ``products``. Each table is read only once.

    An invalid table raises as well: `rigspec matrix verify` checks all tables before a release.

    Raises:
        KeyError: A product has no table.
    """
    return _load_part(list_product_names() if products is None else tuple(sorted(set(products))))


def build_matrix(tables: Mapping[str, bytes]) -> Matrix:
    """Build a matrix from the bytes of its tables, by product."""
    return _join([_parse_product(name, tables[name]) for name in sorted(tables)])


def compute_matrix_digest() -> str:
    """Return the digest of the whole matrix, without parsing it."""
    return compute_digest((name, _table_entry(name).read_bytes()) for name in list_product_names())


def find_package_owner(package: str) -> tuple[str, str] | None:
    """Return the product and the family of a package on the Python index, if it has one.

    ``tensorflow-gpu`` is a family of ``tensorflow``; ``torch`` is a product without families.
    """
    return _load_package_index().get(re.sub(r"[-_.]+", "-", package).lower())


def list_package_names() -> tuple[str, ...]:
    """Return the names of all packages of frameworks on the Python index, sorted."""
    return tuple(sorted(_load_package_index()))


@lru_cache(maxsize=1)
def list_product_names() -> tuple[str, ...]:
    """Return the names of all products that have a table, sorted: `torch`, `package:vllm`."""
    packages = (
        f"{PACKAGE_PREFIX}{name}" for name in _iterate_tables(get_tables_folder() / "package")
    )
    return tuple(sorted((*_iterate_tables(get_tables_folder()), *packages)))


def get_table_path(product: str) -> Path:
    """Return the path of a product's table."""
    return Path(str(_table_entry(product)))


@lru_cache(maxsize=64)
def _load_part(names: tuple[str, ...]) -> Matrix:
    with pause_garbage_collection():
        return _join([_load_product(name) for name in names])


_Loaded = tuple[Product, dt.date, bytes]


@lru_cache(maxsize=64)
def _load_product(name: str) -> _Loaded:
    if name not in list_product_names():
        raise KeyError(name)
    return _parse_product(name, _table_entry(name).read_bytes())


def _parse_product(name: str, data: bytes) -> _Loaded:
    key = name.replace(":", "-")
    product, day = load_objects(key, data, _compute_code_checksum(), _build_table)
    return product, day, data


def _build_table(table: Mapping[str, Any]) -> tuple[Product, dt.date]:
    product = _build_product(table)
    if product.kind in part_lookup.KINDS:
        # Stored with the product: normalizing all names takes as long as reading them.
        part_lookup.index_names(product)
    return product, dt.date.fromisoformat(table["as_of"])


@lru_cache(maxsize=1)
def _compute_code_checksum() -> int:
    """Return a checksum of the modules that decide what a product holds."""
    checksum = 0
    modules = (matrix_model, diagnostics_model, part_lookup)
    for file in (__file__, *(str(module.__file__) for module in modules)):
        checksum = zlib.crc32(locate_package_file(file, Path(file).name).read_bytes(), checksum)
    return checksum


def _join(tables: Sequence[_Loaded]) -> Matrix:
    return Matrix(
        max((day for _, day, _ in tables), default=dt.date.min),
        tuple(product for product, _, _ in tables),
        tuple((product.name, data) for product, _, data in tables),
    )


@lru_cache(maxsize=1)
def _load_package_index() -> Mapping[str, tuple[str, str]]:
    """Return the product and family of every package of a framework.

    Only the head of each file is read, the keys before its first TOML table: parsing whole
    tables would take most of the time of a check.
    """
    folder = get_tables_folder()
    index: dict[str, tuple[str, str]] = {}
    for name in _iterate_tables(folder):
        with (folder / f"{name}.toml").open("rb") as file:
            head = file.read(_HEAD_BYTES).partition(b"\n[")[0]
        if b'"framework"' in head:
            table = tomli.loads(head.decode())
            families = table.get("families", ())
            index.update({family: (name, family) for family in families} or {name: (name, "")})
            for alias, package in table.get("aliases", {}).items():
                index[alias] = (name, package if package in families else "")
    return index


def _table_entry(product: str) -> Traversable:
    package = product.removeprefix(PACKAGE_PREFIX)
    folder = get_tables_folder() if package == product else get_tables_folder() / "package"
    return folder / f"{package}.toml"


def _iterate_tables(folder: Traversable) -> Iterator[str]:
    return (entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))


@lru_cache(maxsize=1)
def get_tables_folder() -> Traversable:
    """Return the folder of all tables."""
    return locate_package_file(__file__, "tables")


def _build_product(table: Mapping[str, Any]) -> Product:
    name = table["product"]
    sources = build_sources(table)
    file = table.get("settings")
    return Product(
        name=name,
        title=table["title"],
        kind=table["kind"],
        releases=tuple(build_release(name, row, sources) for row in table.get("release", ())),
        rules=tuple(_build_rule(name, row, sources) for row in table.get("rule", ())),
        families=tuple(table.get("families", ())),
        extras=tuple(_build_extra(row) for row in table.get("extra", ())),
        dependencies=tuple(
            Dependency(row["framework"], row["versions"], pick_sources(row["source"], sources))
            for row in table.get("dependency", ())
        ),
        undeclared_dependencies=tuple(
            _build_undeclared_dependency(row, sources)
            for row in table.get("undeclared_dependency", ())
        ),
        system_dependencies=tuple(
            _build_system_dependency(row, sources) for row in table.get("system_dependency", ())
        ),
        build_variables=tuple(
            _build_variable(row, sources) for row in table.get("build_variable", ())
        ),
        unlisted_packages=tuple(
            _build_unlisted_package(row, sources) for row in table.get("unlisted_package", ())
        ),
        carrier=table.get("carrier"),
        only_conda=table.get("only_conda", False),
        has_gpu_code=table.get("has_gpu_code", False),
        source_builds=tuple(
            _build_source_build(row, sources) for row in table.get("source_build", ())
        ),
        listing=_build_listing(table.get("listing")),
        ignored_words=tuple(table.get("ignored_words", ())),
        ignored_prefixes=tuple(table.get("ignored_prefixes", ())),
        other_makers=tuple(
            (maker, tuple(words)) for maker, words in table.get("other_makers", {}).items()
        ),
        unversioned_packages=tuple(table.get("unversioned_packages", ())),
        settings_file=_build_settings_file(file, sources) if file else None,
        settings=tuple(_build_setting(row, sources) for row in table.get("setting", ())),
        source_conflicts=tuple(
            _build_source_conflict(row) for row in table.get("source_conflict", ())
        ),
        sources=tuple(sources.values()),
    )


def _build_listing(row: Mapping[str, Any] | None) -> Listing | None:
    return Listing(tuple(row["versions"].split()), build_source(row)) if row is not None else None


def build_sources(table: Mapping[str, Any]) -> dict[str, Source]:
    return {key: build_source(source) for key, source in table.get("source", {}).items()}


def build_source(row: Mapping[str, Any]) -> Source:
    """Return the source that a row of a table names."""
    return Source(row["title"], row["url"], dt.date.fromisoformat(row["read"]))


def build_release(product: str, row: Mapping[str, Any], sources: Mapping[str, Source]) -> Release:
    # Thousands of rows have none of these keys: an empty tuple costs less than a generator.
    implies, properties = row.get("implies"), row.get("properties")
    artifacts, availability = row.get("artifacts"), row.get("availability")
    own_sources = row.get("property_sources")
    return Release(
        product=product,
        family=row.get("family"),
        version=row["version"],
        implies=_build_conditions(implies) if implies else (),
        artifacts=tuple(map(_build_artifact, artifacts)) if artifacts else (),
        availability=tuple(map(_build_availability, availability)) if availability else (),
        properties=tuple(sorted(properties.items())) if properties else (),
        sources=pick_sources(row["source"], sources),
        confidence=row.get("confidence", "high"),
        names=tuple(row.get("names", ())),
        property_sources=tuple(
            (name, pick_sources(keys, sources)) for name, keys in sorted(own_sources.items())
        )
        if own_sources
        else (),
    )


def _build_artifact(row: Mapping[str, Any]) -> Artifact:
    return Artifact(row["name"], row["url"], row["sha256"], row.get("size"), row.get("arch"))


def _build_availability(row: Mapping[str, Any]) -> Availability:
    day = row.get("day")
    return Availability(
        row["kind"], dt.date.fromisoformat(day) if day is not None else None, row["reason"]
    )


def pick_sources(keys: Sequence[str], sources: Mapping[str, Source]) -> tuple[Source, ...]:
    """Return the sources with these keys."""
    return tuple([sources[key] for key in keys])


def _build_rule(product: str, row: Mapping[str, Any], sources: Mapping[str, Source]) -> Rule:
    ((component, alternatives),) = row["requires"].items()
    return Rule(
        id=row["id"],
        table=f"{product.removeprefix(PACKAGE_PREFIX)}/{component}",
        code=row["code"],
        when=_build_conditions(row["when"]),
        requires=_build_condition(component, alternatives),
        statement=row["statement"],
        failure_message=row.get("failure_message", ""),
        sources=pick_sources(row["source"], sources),
        confidence=row.get("confidence", "high"),
        severity=row.get("severity", "error"),
    )


def _build_extra(row: Mapping[str, Any]) -> Extra:
    return Extra(row["name"], row["versions"], _build_conditions(row["when"]))


def _build_undeclared_dependency(
    row: Mapping[str, Any], sources: Mapping[str, Source]
) -> UndeclaredDependency:
    return UndeclaredDependency(
        package=row["package"],
        versions=row["versions"],
        when=_build_conditions(row["when"]),
        statement=row["statement"],
        sources=pick_sources(row["source"], sources),
    )


def _build_unlisted_package(
    row: Mapping[str, Any], sources: Mapping[str, Source]
) -> UnlistedPackage:
    values = {key: value for key, value in row.items() if key != "source"}
    return UnlistedPackage(**values, sources=pick_sources(row["source"], sources))


def _build_system_dependency(
    row: Mapping[str, Any], sources: Mapping[str, Source]
) -> SystemDependency:
    return SystemDependency(
        packages=tuple(row["packages"]),
        versions=row["versions"],
        needs=tuple(row["needs"]),
        statement=row["statement"],
        sources=pick_sources(row["source"], sources),
    )


def _build_variable(row: Mapping[str, Any], sources: Mapping[str, Source]) -> BuildVariable:
    fields = {key: row[key] for key in row if key != "source"}
    return BuildVariable(**fields, sources=pick_sources(row["source"], sources))


def _build_source_build(row: Mapping[str, Any], sources: Mapping[str, Source]) -> CompiledPackage:
    return CompiledPackage(
        versions=row["versions"],
        statement=row["statement"],
        sources=pick_sources(row["source"], sources),
        pythons=row.get("pythons"),
        toolkit=row.get("toolkit", ""),
    )


def _build_source_conflict(row: Mapping[str, Any]) -> SourceConflict:
    fields = {key: row[key] for key in row if key != "read"}
    return SourceConflict(**fields, read=dt.date.fromisoformat(row["read"]))


def _build_setting(row: Mapping[str, Any], sources: Mapping[str, Source]) -> Setting:
    return Setting(
        key=row["key"],
        versions=row["versions"],
        instead=row.get("instead", ""),
        statement=row["statement"],
        sources=pick_sources(row["source"], sources),
    )


def _build_settings_file(row: Mapping[str, Any], sources: Mapping[str, Source]) -> SettingsFile:
    return SettingsFile(
        path=row["path"],
        format=row["format"],
        place=row.get("place", "home"),
        variable=row.get("variable"),
        value=row.get("value"),
        statement=row.get("statement", ""),
        sources=pick_sources(row.get("source", ()), sources),
    )


def _build_conditions(row: Mapping[str, str | list[str]]) -> tuple[Condition, ...]:
    return tuple([_build_condition(*item) for item in sorted(row.items())])


def _build_condition(component: str, alternatives: str | list[str]) -> Condition:
    if isinstance(alternatives, str):
        return Condition(component, (alternatives,))
    return Condition(component, tuple(alternatives))
