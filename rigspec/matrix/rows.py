"""Build products, releases and rules from the rows of a table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from rigspec.diagnostics.model import Source
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import (
    Artifact,
    Availability,
    Condition,
    DefaultSetting,
    Dependency,
    Extra,
    Listing,
    Product,
    Release,
    Rule,
    Setting,
    SettingsFile,
    UndeclaredDependency,
)
from rigspec.matrix.packages import (
    BuildVariable,
    CompiledPackage,
    CudaLibrary,
    SourceConflict,
    StubPackage,
    SystemDependency,
    UnlistedPackage,
)

__all__ = ["build_product", "build_release", "build_source", "build_sources", "pick_sources"]


def build_product(table: Mapping[str, Any]) -> Product:
    """Return the product of a table."""
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
            Dependency(
                row["framework"],
                row["versions"],
                pick_sources(row["source"], sources),
                row.get("extra", ""),
            )
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
        cuda_libraries=tuple(
            _build_cuda_library(row, sources) for row in table.get("cuda_library", ())
        ),
        stubs=tuple(_build_stub(row, sources) for row in table.get("stub", ())),
        listing=_build_listing(table.get("listing")),
        ignored_words=tuple(table.get("ignored_words", ())),
        ignored_prefixes=tuple(table.get("ignored_prefixes", ())),
        other_makers=tuple(
            (maker, tuple(words)) for maker, words in table.get("other_makers", {}).items()
        ),
        unversioned_packages=tuple(table.get("unversioned_packages", ())),
        settings_file=_build_settings_file(file, sources) if file else None,
        settings=tuple(_build_setting(row, sources) for row in table.get("setting", ())),
        default_settings=tuple(
            _build_default_setting(row, sources) for row in table.get("default_setting", ())
        ),
        source_conflicts=tuple(
            _build_source_conflict(row) for row in table.get("source_conflict", ())
        ),
        sources=tuple(sources.values()),
    )


def _build_listing(row: Mapping[str, Any] | None) -> Listing | None:
    if row is None:
        return None
    versions, without = tuple(row["versions"].split()), tuple(row.get("without", ()))
    return Listing(versions, build_source(row), without)


def build_sources(table: Mapping[str, Any]) -> dict[str, Source]:
    """Return the sources of a table by their keys."""
    return {key: build_source(source) for key, source in table.get("source", {}).items()}


def build_source(row: Mapping[str, Any]) -> Source:
    """Return the source that a row of a table names."""
    return Source(row["title"], row["url"], dt.date.fromisoformat(row["read"]))


def build_release(product: str, row: Mapping[str, Any], sources: Mapping[str, Source]) -> Release:
    """Return a release of a product, with its facts."""
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
        rust=row.get("rust", False),
        framework=row.get("framework", ""),
        dependency=row.get("dependency", ""),
    )


def _build_cuda_library(row: Mapping[str, Any], sources: Mapping[str, Source]) -> CudaLibrary:
    fields = {key: row[key] for key in row if key != "source"}
    return CudaLibrary(**fields, sources=pick_sources(row["source"], sources))


def _build_stub(row: Mapping[str, Any], sources: Mapping[str, Source]) -> StubPackage:
    return StubPackage(
        versions=row["versions"],
        packages=tuple(row["packages"]),
        index=row["index"],
        statement=row["statement"],
        sources=pick_sources(row["source"], sources),
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


def _build_default_setting(row: Mapping[str, Any], sources: Mapping[str, Source]) -> DefaultSetting:
    return DefaultSetting(
        key=row["key"],
        versions=row["versions"],
        needs=row["needs"],
        instead=tuple(row["instead"]),
        variable=row["variable"],
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
