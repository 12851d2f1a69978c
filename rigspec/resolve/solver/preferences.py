"""Locked versions as preferences of the next resolution: nothing changes without need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rigspec.resolution import EnvResolution, Resolution
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import Candidate
from rigspec.resolve.problem.requirements import get_env_key
from rigspec.version_specifiers import strip_local_version

__all__ = ["list_locked_preferences"]


def list_locked_preferences(
    builder: ProblemBuilder, resolution: Resolution | None, moving: Iterable[str]
) -> Mapping[str, Candidate]:
    """Return the locked release of each component that still exists.

    ``moving`` are names of components, frameworks or packages that can be upgraded.
    """
    if resolution is None:
        return {}
    free = {name.lower() for name in moving}
    preferred = {}
    for key, name, label in _locked_labels(resolution):
        universe = builder.universes.get(key)
        if universe is None or free & {key, key.rpartition("/")[2], name}:
            continue
        found = next((c for c in universe.candidates if c.label == label), None)
        if found is None:
            # The default build of a release goes by its public version.
            same = (c for c in universe.candidates if strip_local_version(c.label) == label)
            found = next(same, None)
        if found is not None:
            preferred[key] = found
    return preferred


def _locked_labels(resolution: Resolution) -> Iterator[tuple[str, str, str]]:
    """Yield key, name and label of each locked component."""
    yield "os", "os", resolution.os
    for name in ("driver", "cuda"):
        version = getattr(resolution, name)
        if version is not None:
            yield name, name, version
    if resolution.cudnn is not None:
        yield "cudnn", "cudnn", f"{resolution.cudnn}+cuda{resolution.cudnn_cuda}"
    for env in resolution.envs:
        yield from _environment(env)


def _environment(env: EnvResolution) -> Iterator[tuple[str, str, str]]:
    yield get_env_key(env.name, "interpreter"), "interpreter", env.interpreter
    yield get_env_key(env.name, "python"), "python", env.python
    yield get_env_key(env.name, "pip"), "pip", env.pip
    if env.installer is not None:
        yield get_env_key(env.name, "installer"), "installer", env.installer
    for framework, package in zip(env.frameworks, env.distributions, strict=True):
        name = package.name.partition("[")[0]
        key = get_env_key(env.name, framework.name)
        # One of these it is: by its package where the product is several, else by version.
        yield key, name, f"{name} {framework.version}"
        yield key, name, framework.version
