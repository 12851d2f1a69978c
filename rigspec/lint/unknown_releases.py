"""List versions of a machine that name no known release, where no rule contradicts them."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.domains import choose_representative_versions
from rigspec.resolve.problem.model import Candidate, KeyPath, matches_any
from rigspec.resolve.problem.requirements import list_gpus
from rigspec.resolve.problem.rule_index import get_rule_index
from rigspec.spec.models.machine import Machine
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import get_version_key, parse_alternative

__all__ = ["list_unknown_releases"]


def list_unknown_releases(
    rig: Rig, machine: str | None, matrix: Matrix
) -> Iterator[tuple[str, KeyPath]]:
    """Yield the name and the key of each version that no release of the matrix satisfies."""
    if machine is None:
        return
    declared = rig.machine[machine]
    if declared.gcc is not None and not _is_known_compiler(declared.gcc, matrix):
        yield f"GCC {declared.gcc}", ("machine", machine, "gcc")
    yield from _unknown_capabilities(declared, ("machine", machine), matrix)


def _unknown_capabilities(
    machine: Machine, path: KeyPath, matrix: Matrix
) -> Iterator[tuple[str, KeyPath]]:
    for gpu in list_gpus(machine):
        requested = gpu.compute_capability
        if requested is not None and not _is_known_capability(requested, matrix):
            yield (
                f"compute capability {requested}",
                (*path, *gpu.path, "compute_capability"),
            )


def _is_known_capability(requested: str, matrix: Matrix) -> bool:
    known = get_rule_index(matrix).mentions("compute_capability")
    return any(_has(requested, version) for version in known)


def _is_known_compiler(requested: str, matrix: Matrix) -> bool:
    """Return whether a release from the oldest default of a system to the newest rule fits."""
    index = get_rule_index(matrix)
    defaults, supported = index.mentions("default_gcc"), tuple(index.mentions("gcc"))
    if not defaults:
        return False
    oldest = min(map(get_version_key, defaults))
    return any(
        candidate.version in defaults
        or (get_version_key(candidate.version) >= oldest and matches_any(supported, candidate))
        for candidate in choose_representative_versions((requested, *defaults, *supported))
        if parse_alternative(requested).admits(None, candidate.version)
    )


def _has(requested: str, version: str) -> bool:
    return matches_any((requested,), Candidate(None, version))
