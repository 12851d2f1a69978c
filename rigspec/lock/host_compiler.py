"""The host compiler of nvcc."""

from __future__ import annotations

from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.problem.model import Candidate, matches_any
from rigspec.spec.models.rig import Rig

__all__ = ["find_host_compiler"]

# Series of GCC with a separate package, the newest first, and releases to try in each.
_SERIES = range(30, 4, -1)
_RELEASES = range(6)


def find_host_compiler(rig: Rig, resolution: Resolution, matrix: Matrix) -> int | None:
    """Return the series of GCC to install for nvcc; None where the system's own works.

    It is the newest that works with the toolkit and that the spec, if it sets one, requests.
    """
    machine = rig.machine.get(resolution.machine) if resolution.machine is not None else None
    requested = machine.gcc if machine is not None else None
    works = _works_with(resolution, matrix)
    own = _of_the_system(resolution, matrix)
    if requested is None and (not works or own is None or _has(works, own)):
        return None
    wanted = [must for must in (works, (requested,) if requested is not None else ()) if must]
    for series in _SERIES:
        releases = [f"{series}.{release}.0" for release in _RELEASES]
        if any(all(_has(must, release) for must in wanted) for release in releases):
            return series
    return None


def _works_with(resolution: Resolution, matrix: Matrix) -> tuple[str, ...]:
    """Yield the rules of the matrix on the GCC of this toolkit."""
    for rule in matrix.product("cuda").rules:
        toolkits = [c.alternatives for c in rule.when if c.component == "cuda"]
        if (
            rule.requires.component == "gcc"
            and len(rule.when) == len(toolkits) == 1
            and _has(toolkits[0], resolution.cuda or "")
        ):
            return rule.requires.alternatives
    return ()


def _of_the_system(resolution: Resolution, matrix: Matrix) -> str | None:
    for release in matrix.product("os").releases:
        if release.label == resolution.os:
            provided = {each.component: each.alternatives[0] for each in release.implies}
            own = provided.get("default_gcc")
            return own.removeprefix("==") if own is not None else None
    return None


def _has(alternatives: tuple[str, ...], version: str) -> bool:
    return matches_any(alternatives, Candidate(None, version))
