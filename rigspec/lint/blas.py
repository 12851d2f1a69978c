"""Lint the BLAS libraries: NumPy's in each environment, NVBLAS and the one it falls back to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

import tomli

from rigspec.diagnostics.model import Diagnostic, Fact, Severity, Source
from rigspec.matrix.model import Matrix
from rigspec.package_files import locate_package_file
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import parse_alternative

__all__ = ["find_fallback", "find_nvblas_library", "lint_blas", "lint_nvblas"]


def find_nvblas_library(cuda: str) -> str:
    """Return the name of the NVBLAS library in this toolkit."""
    row = next(row for row in _table()["library"] if _admits(row["cuda"], cuda))
    major, minor, *_ = cuda.split(".")
    return str(row["name"]).replace("{major}", major).replace("{minor}", minor)


def find_fallback(os: str, packages: Mapping[str, str], system: Collection[str]) -> str | None:
    """Return the path of the CPU BLAS library, if there is one.

    The path is relative to the environment with these ``packages`` if one of them includes the
    library, else it is the absolute path of a library of the ``system`` packages.
    """
    for row in _table()["package"]:
        version = packages.get(row["name"])
        if version is not None and _admits(row["versions"], version):
            return str(row["library"])
    rows = (row for row in _table()["system"] if os in row["os"] and row["name"] in system)
    return next((str(row["library"]) for row in rows), None)


def lint_blas(spec: LoadedSpec, matrix: Matrix) -> Iterator[Diagnostic]:
    """Report a BLAS library that the packages of an environment cannot use."""
    for name, env in sorted(spec.rig.env.items()):
        if env.blas is None or env.manager == "conda":
            continue
        release = next(r for r in matrix.product("blas").releases if r.version == env.blas)
        obstacle = release.get("wheels_lack")
        if obstacle is not None:
            yield Diagnostic(
                code="RS238",
                severity=Severity.ERROR,
                message=f"pip cannot change the BLAS library of NumPy in `{name}`",
                spans=(spec.document.span(("env", name, "blas"), label=f"requests {env.blas}"),),
                facts=(Fact(f"blas/{env.blas}", obstacle, release.sources),),
                help=(
                    'set `manager = "conda"` and `channels` to create the environment with conda',
                ),
            )


def lint_nvblas(spec: LoadedSpec, resolution: Resolution | None) -> Iterator[Diagnostic]:
    """Report each environment without a BLAS library that NVBLAS can fall back to."""
    rig = spec.rig
    if rig.cuda is None or not rig.cuda.nvblas or resolution is None:
        return
    system = rig.system.packages if rig.system is not None else ()
    names = {row["name"] for row in _table()["package"]}
    os = next((row for row in _table()["system"] if resolution.os in row["os"]), None)
    source = _source("nvblas")
    path: KeyPath = ("cuda", "nvblas")
    if resolution.cuda is None or resolution.cuda_provider in ("conda", "wheels"):
        yield Diagnostic(
            code="RS239",
            severity=Severity.ERROR,
            message="NVBLAS requires a system CUDA toolkit, but this rig has none",
            spans=(spec.document.span(path, label="requests NVBLAS"),),
            help=("set `toolkit` and remove `provider`, or remove `nvblas`",),
        )
        return
    yield from _lint_bypassing_packages(spec)
    for name, env in sorted(rig.env.items()):
        if names & {package.lower() for package in env.packages}:
            continue
        if os is not None and os["name"] in system:
            continue
        options = [
            f'add `{package} = "*"` to the packages of `{name}`' for package in sorted(names)
        ]
        options += [f'add "{os["name"]}" to `[system] packages`'] if os is not None else []
        yield Diagnostic(
            code="RS239",
            severity=Severity.ERROR,
            message=f"no CPU BLAS library in `{name}` for NVBLAS to fall back to",
            spans=(
                spec.document.span(path, label="requests NVBLAS"),
                spec.document.span(("env", name), of="key", label="has no CPU BLAS library"),
            ),
            facts=(
                Fact(
                    "nvblas/fallback",
                    "NVBLAS runs large matrix products on the GPU and passes all other calls to a "
                    "CPU BLAS library, which its configuration must name",
                    (source,),
                ),
            ),
            help=("; or ".join(options),),
        )


def _lint_bypassing_packages(spec: LoadedSpec) -> Iterator[Diagnostic]:
    """Report each requested package with calls that bypass NVBLAS."""
    for row in _table()["passes"]:
        for name, env in sorted(spec.rig.env.items()):
            if row["package"] in {package.lower() for package in env.packages}:
                path = ("env", name, "packages", row["package"])
                yield Diagnostic(
                    code="RS241",
                    severity=Severity.NOTE,
                    message=f"NVBLAS does not accelerate `{row['package']}` itself",
                    spans=(
                        spec.document.span(("cuda", "nvblas"), label="requests NVBLAS"),
                        spec.document.span(path, of="key", label="calls a different library"),
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
    return tomli.loads(locate_package_file(__file__, "blas.toml").read_text(encoding="utf-8"))
