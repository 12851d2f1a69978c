"""NVBLAS: which library it is, and the BLAS of the CPU that it falls back to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import tomli

from rigspec.diagnostics.model import Diagnostic, Fact, Severity, Source
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative

__all__ = ["fallback", "nvblas_advice", "nvblas_library"]


def nvblas_library(cuda: str) -> str:
    """The library's name in this toolkit."""
    row = next(row for row in _table()["library"] if _admits(row["cuda"], cuda))
    major, minor, *_ = cuda.split(".")
    return str(row["name"]).replace("{major}", major).replace("{minor}", minor)


def fallback(os: str, packages: Mapping[str, str], system: Collection[str]) -> str | None:
    """The BLAS of the CPU: below the environment whose ``packages`` these are, where it brings one
    (no slash in front), else the system's.
    """
    for row in _table()["package"]:
        version = packages.get(row["name"])
        if version is not None and _admits(row["versions"], version):
            return str(row["library"])
    rows = (row for row in _table()["system"] if os in row["os"] and row["name"] in system)
    return next((str(row["library"]) for row in rows), None)


def nvblas_advice(spec: LoadedSpec, resolution: Resolution | None) -> Iterator[Diagnostic]:
    """An error for each environment that has no BLAS for NVBLAS to fall back to."""
    rig = spec.rig
    if rig.cuda is None or not rig.cuda.nvblas or resolution is None:
        return
    system = rig.system.packages if rig.system is not None else ()
    names = {row["name"] for row in _table()["package"]}
    os = next((row for row in _table()["system"] if resolution.os in row["os"]), None)
    source = _source("nvblas")
    path: KeyPath = ("cuda", "nvblas")
    if resolution.cuda is None or rig.cuda.provider in ("conda", "wheels"):
        yield Diagnostic(
            code="RS239",
            severity=Severity.ERROR,
            message="NVBLAS is part of a toolkit of the system, and this rig has none",
            spans=(spec.document.span(path, label="asks for NVBLAS"),),
            help=("name a `toolkit` and leave `provider` out, or leave `nvblas` out",),
        )
        return
    yield from _passed_by(spec)
    for name, env in sorted(rig.env.items()):
        if names & {package.lower() for package in env.packages}:
            continue
        if os is not None and os["name"] in system:
            continue
        ways = [f'add `{package} = "*"` to the packages of `{name}`' for package in sorted(names)]
        ways += [f'add "{os["name"]}" to `[system] packages`'] if os is not None else []
        yield Diagnostic(
            code="RS239",
            severity=Severity.ERROR,
            message=f"NVBLAS has nothing to fall back to in `{name}`",
            spans=(
                spec.document.span(path, label="asks for NVBLAS"),
                spec.document.span(("env", name), of="key", label="has no BLAS of the CPU"),
            ),
            facts=(
                Fact(
                    "nvblas/fallback",
                    "NVBLAS does the large products of matrices and hands all else to a BLAS of "
                    "the CPU that its configuration must name",
                    (source,),
                ),
            ),
            help=("; or ".join(ways),),
        )


def _passed_by(spec: LoadedSpec) -> Iterator[Diagnostic]:
    """A note for each package that does not come by, and that its owner may count on."""
    for row in _table()["passes"]:
        for name, env in sorted(spec.rig.env.items()):
            if row["package"] in {package.lower() for package in env.packages}:
                path = ("env", name, "packages", row["package"])
                yield Diagnostic(
                    code="RS241",
                    severity=Severity.NOTE,
                    message=f"NVBLAS does nothing for `{row['package']}` itself",
                    spans=(
                        spec.document.span(("cuda", "nvblas"), label="asks for NVBLAS"),
                        spec.document.span(path, of="key", label="calls another library"),
                    ),
                    facts=(
                        Fact(
                            f"nvblas/{row['package']}",
                            row["statement"],
                            tuple(_source(source) for source in row["source"]),
                        ),
                    ),
                    help=(row["help"],),
                )


def _admits(versions: str, version: str) -> bool:
    return parse_alternative(versions).admits(None, version)


def _source(name: str) -> Source:
    row = _table()["source"][name]
    day = row["read"]
    return Source(row["title"], row["url"], day if isinstance(day, dt.date) else dt.date.min)


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return tomli.loads((files("rigspec.lint") / "blas.toml").read_text(encoding="utf-8"))
