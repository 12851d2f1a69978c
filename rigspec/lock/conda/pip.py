"""What pip adds to a conda environment: nothing that conda has brought at another version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from rigspec.lock.conda.lock import CondaLock
from rigspec.lock.errors import LockError, Place, no_solution
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import pins
from rigspec.spec.models.environment import Environment

__all__ = ["conda_pins", "lock_pip_packages", "missing_tools"]


def conda_pins(conda: CondaLock, pip: str) -> list[str]:
    """The Python distributions that conda brings, as constraints for pip.

    They go by conda's name, which is the index's own but for a few (`pytorch`). A pip of another
    version than ``pip`` is left out: that one alone is replaced.
    """
    versions = _versions(conda)
    return [f"{n}=={v}" for n, v in versions if n != "pip" or v == Version(pip)]


def missing_tools(conda: CondaLock, tools: Sequence[str]) -> tuple[str, ...]:
    """Those of pip, setuptools and wheel that pip has to install: ``pip==21.3.1``, ``wheel``."""
    have = dict(_versions(conda))
    return tuple(text for text in tools if not _brought(Requirement(text), have))


def lock_pip_packages(
    spec: Environment,
    conda: CondaLock,
    brought: Sequence[str],
    question: ResolveRequest,
    compiled: Callable[[ResolveRequest], str],
) -> str:
    """The answer to a question, given what conda has ``brought``. Raises LockError.

    Where conda's packages are what stands in the way, the failure says which.
    """
    try:
        return compiled(replace(question, constraints=(*question.constraints, *brought)))
    except LockError as failure:
        if not brought or failure.status != 1:
            raise
        try:
            alone = compiled(question)
        except LockError:
            raise failure from None
        collision = _collision(question.env, spec, alone, dict(_versions(conda)))
        raise collision or failure from None


def _brought(tool: Requirement, have: Mapping[NormalizedName, Version]) -> bool:
    """Only pip is replaced: it has to read what the lock pins."""
    version = have.get(canonicalize_name(tool.name))
    if version is None or tool.name != "pip":
        return version is not None
    return version in tool.specifier


def _collision(
    env: str, spec: Environment, alone: str, have: Mapping[NormalizedName, Version]
) -> LockError | None:
    """What pip alone would take and conda has brought otherwise; None where that is nothing."""
    taken = {canonicalize_name(pin.name): pin.version for pin in pins(alone)}
    moved = [name for name, version in taken.items() if have.get(name, version) != version]
    if not moved:
        return None
    told = [
        f"conda brings {name} {have[name]}, and pip alone would take {taken[name]}"
        for name in moved
    ]
    asked = {canonicalize_name(name): name for name in spec.packages}
    places = [
        Place(("env", env, "packages", asked[name]), f"conda brings {name} {have[name]}")
        for name in moved
        if name in asked
    ]
    frameworks = Place(("env", env, "frameworks"), "pip brings these, and what they need")
    return no_solution(env, "; ".join(told), [frameworks, *places])


def _versions(conda: CondaLock) -> Iterator[tuple[NormalizedName, Version]]:
    for name, text in conda.distributions:
        try:
            yield canonicalize_name(name), Version(text)
        except InvalidVersion:
            continue  # conda's own numbering: nothing on the index is called so
