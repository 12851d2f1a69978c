"""The interpreters that are built or fetched for a rig, as downloads."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedFile, Unpinned
from rigspec.matrix.model import Artifact, Matrix
from rigspec.resolution import Resolution
from rigspec.spec.model import Rig

__all__ = ["INTERPRETER", "interpreter_files", "unpinned_interpreters"]

# The `part` of such a download.
INTERPRETER = "interpreter"

_FROM_SOURCE = "pyenv"
_FETCHED = "uv"


def interpreter_files(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedFile]:
    """The source archives of the interpreters that are built on the machine."""
    for version in sorted(_versions(rig, resolution, _FROM_SOURCE)):
        source = _source(matrix, version)
        if source is not None:
            yield LockedFile(
                source.name, source.url, source.sha256, "matrix", source.size, INTERPRETER
            )


def unpinned_interpreters(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[Unpinned]:
    """The interpreters whose bytes nobody has vouched for."""
    for version in sorted(_versions(rig, resolution, _FROM_SOURCE)):
        if _source(matrix, version) is None:
            why = "the matrix has no checksum of its source archive"
            yield Unpinned(f"Python {version}", why, part=INTERPRETER)
    for version in sorted(_versions(rig, resolution, _FETCHED)):
        why = f"{_FETCHED} chooses the build, and the matrix has no checksum of any"
        yield Unpinned(f"Python {version}", why, part=INTERPRETER)


def _versions(rig: Rig, resolution: Resolution, kind: str) -> set[str]:
    return {env.python for env in resolution.envs if rig.env[env.name].interpreter_kind == kind}


def _source(matrix: Matrix, version: str) -> Artifact | None:
    releases = matrix.product("python").releases
    sources = (found.artifacts for found in releases if found.label == version)
    return next((artifacts[0] for artifacts in sources if artifacts), None)
