"""What every framework's table says of its wheels: releases, Pythons, pip, C library, CUDA."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matrix_rows import Row, Sources, full_day, release, rule, runs, span_of, weakest
from packaging.version import Version

__all__ = [
    "UNSAID",
    "Line",
    "cpu_only",
    "pip_for",
    "releases",
    "unsaid_cuda",
    "wheel_rules",
]

# The oldest C library and the oldest pip that the matrix knows: what asks for less asks nothing.
_OLDEST_GLIBC = (2, 17)
_OLDEST_PIP = (9, 0, 1)

# A GPU build whose CUDA the facts leave blank.
UNSAID = "unsaid"


@dataclass(frozen=True)
class Line:
    """One package's releases: the product they belong to, and the family if there are several."""

    product: str
    package: str
    family: str = ""

    def when(self, specifier: str) -> dict[str, object]:
        """The condition that means these releases of this package."""
        return {self.product: f"{self.family} {specifier}".strip()}


def releases(rows: Sequence[Row], sources: Sources, family: str = "") -> Iterator[str]:
    for row in sorted(rows, key=lambda row: Version(row["version"])):
        yanked = row.get("yanked", "")
        reason = f"yanked from the package index{'' if yanked == 'yanked' else f': {yanked}'}"
        day = row.get("release_date", "")
        yield release(
            row["version"],
            family=family,
            availability=[("yanked", "", reason)] if yanked else [],
            figures={"released": day} if full_day(day) else {},
            source=sources.of(row),
            of=row["confidence"],
        )


def wheel_rules(rows: Sequence[Row], line: Line, sources: Sources) -> Iterator[str]:
    """Python, pip and C library, out of the tags of the wheels."""
    told = [{**row, "pythons": _pythons(row)} for row in rows]
    for run in runs(told, "pythons"):
        yield _python_rule(run, line, sources)
    for run in runs(rows, "min_pip_for_tag") if "min_pip_for_tag" in rows[0] else ():
        id_, specifier, words = span_of(run)
        least, tags = run[0]["min_pip_for_tag"], _tag(run[0]["platform_tags"])
        if Version(least).release > _OLDEST_PIP:
            yield rule(
                f"{line.package}-{id_}/pip",
                when=line.when(specifier),
                must={"pip": f">={least}"},
                code="RS210",
                statement=f"{line.package} {words} has {tags} wheels, which pip reads from {least} "
                "on",
                breaks="No matching distribution found",
                source=[_wheels(sources, run), "manylinux"],
                of=weakest(run),
            )
    for run in runs(rows, "min_glibc") if "min_glibc" in rows[0] else ():
        id_, specifier, words = span_of(run)
        least = run[0]["min_glibc"]
        if Version(least).release > _OLDEST_GLIBC:
            yield rule(
                f"{line.package}-{id_}/glibc",
                when=line.when(specifier),
                must={"glibc": f">={least}"},
                code="RS211",
                statement=f"{line.package} {words} has wheels for glibc {least} and newer",
                breaks="No matching distribution found",
                source=[_wheels(sources, run), "manylinux"],
                of=weakest(run),
            )


def _pythons(row: Row) -> str:
    """The Pythons a release is for: series joined by blanks, or a specifier, or nothing known."""
    tags = row.get("linux_x86_64_python_tags") or row.get("python_tags") or ""
    series = [f"{tag[2]}.{tag[3:]}" for tag in tags.split() if re.fullmatch(r"cp\d+", tag)]
    known = [s for s in series if s not in ("3.3", "3.15")]
    if known:
        return " ".join(known)
    asked = row.get("requires_python", "")
    if asked:
        return asked.replace(" ", "")
    return ">=3" if tags == "py3" else ""


def _python_rule(run: Sequence[Row], line: Line, sources: Sources) -> str:
    id_, specifier, words = span_of(run)
    told = run[0]["pythons"]
    series = told.split() if told[0].isdigit() else []
    listed = ", ".join(series)
    return rule(
        f"{line.package}-{id_}/python",
        when=line.when(specifier),
        must={"python": series or told},
        code="RS207",
        statement=f"{line.package} {words} has wheels for Python {listed}"
        if series
        else f"{line.package} {words} asks for Python {told}",
        breaks="Could not find a version that satisfies the requirement",
        source=[_wheels(sources, run)],
        of=weakest(run),
    )


def cpu_only(rows: Sequence[Row], line: Line, sources: Sources) -> Iterator[str]:
    for run in runs(rows, "gpu_build"):
        if run[0]["gpu_build"] == "no":
            id_, specifier, words = span_of(run)
            yield rule(
                f"{line.package}-{id_}/accelerator",
                when=line.when(specifier),
                must={"accelerator": "cpu"},
                code="RS219",
                statement=f"the package {line.package} {words} is built for the CPU only; the GPU "
                f"build of these releases is {line.package}-gpu",
                breaks="nothing: it computes on the CPU without a word",
                source=["wheels"],
                of=weakest(run),
            )


def _wheels(sources: Sources, run: Sequence[Row]) -> str:
    """The source that speaks of the package index."""
    found = sources.of(run[0])
    return next((key for key in ("wheels", "index") if key in found), found[0])


def _tag(tags: str) -> str:
    return " and ".join(tag.removesuffix("_x86_64") for tag in tags.split())


def unsaid_cuda(run: Sequence[Row], line: Line, severity: str, source: str) -> str:
    """A GPU build of which nobody says what it is built for is not taken for one that fits."""
    id_, specifier, words = span_of(run)
    return rule(
        f"{line.package}-{id_}/accelerator",
        when=line.when(specifier),
        must={"accelerator": "cpu"},
        code="RS229",
        statement=f"no source says which CUDA {line.package} {words} is built for",
        severity=severity,
        source=[source],
        of="low",
    )


def pip_for(tags: str) -> str:
    """The oldest pip that reads one of the tags (Python Packaging User Guide)."""
    least = {"manylinux1": "8.1", "manylinux2010": "19.0", "manylinux2014": "19.3"}
    found = [least.get(tag.split("_")[0], "20.3") for tag in tags.split() if tag != "any"]
    return min(found, key=Version, default="")
