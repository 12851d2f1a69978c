"""The packages of pip in a conda environment: none that conda has at another version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from rigspec.lock.conda.lock import CondaLock
from rigspec.lock.errors import LockError, Place, report_no_solution
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import read_pins
from rigspec.spec.models.environment import Environment

__all__ = ["find_missing_tools", "list_conda_pins", "lock_pip_packages"]


def list_conda_pins(conda: CondaLock, pip: str) -> list[str]:
    """Return the Python distributions that conda provides, as constraints for pip.

    They go by conda's name, which is the index's own but for a few (`pytorch`). A pip of another
    version than ``pip`` is left out: that one alone is replaced.
    """
    versions = _versions(conda)
    return [f"{n}=={v}" for n, v in versions if n != "pip" or v == Version(pip)]


def find_missing_tools(conda: CondaLock, tools: Sequence[str]) -> tuple[str, ...]:
    """Return those of pip, setuptools and wheel that pip has to install: ``pip==21.3.1``."""
    have = dict(_versions(conda))
    return tuple(text for text in tools if not _is_provided(Requirement(text), have))


def lock_pip_packages(
    spec: Environment,
    conda: CondaLock,
    provided: Sequence[str],
    question: ResolveRequest,
    compile_request: Callable[[ResolveRequest], str],
) -> str:
    """Return the locked requirements, given the distributions of conda. Raises LockError.

    If packages of conda conflict with the request, the error names them.
    """
    try:
        return compile_request(replace(question, constraints=(*question.constraints, *provided)))
    except LockError as failure:
        if not provided or failure.status != 1:
            raise
        try:
            alone = compile_request(question)
        except LockError:
            raise failure from None
        collision = _collision(question.env, spec, alone, dict(_versions(conda)))
        raise collision or failure from None


def _is_provided(tool: Requirement, have: Mapping[NormalizedName, Version]) -> bool:
    """Return whether conda provides the tool; pip alone is replaced, to read the lock's pins."""
    version = have.get(canonicalize_name(tool.name))
    if version is None or tool.name != "pip":
        return version is not None
    return version in tool.specifier


def _collision(
    env: str, spec: Environment, alone: str, have: Mapping[NormalizedName, Version]
) -> LockError | None:
    """Return the conflict between pip's choice and conda's; None where there is none."""
    taken = {canonicalize_name(pin.name): pin.version for pin in read_pins(alone)}
    moved = [name for name, version in taken.items() if have.get(name, version) != version]
    if not moved:
        return None
    collisions = [
        f"conda provides {name} {have[name]}, but pip alone would install {taken[name]}"
        for name in moved
    ]
    requested = {canonicalize_name(name): name for name in spec.packages}
    places = [
        Place(("env", env, "packages", requested[name]), f"conda provides {name} {have[name]}")
        for name in moved
        if name in requested
    ]
    frameworks = Place(("env", env, "frameworks"), "pip installs these and their dependencies")
    return report_no_solution(env, "; ".join(collisions), [frameworks, *places])


def _versions(conda: CondaLock) -> Iterator[tuple[NormalizedName, Version]]:
    for name, text in conda.distributions:
        try:
            yield canonicalize_name(name), Version(text)
        except InvalidVersion:
            continue  # conda's own numbering: nothing on the index is called so
