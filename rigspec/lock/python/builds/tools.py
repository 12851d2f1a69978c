"""The tools of an environment: pip, setuptools, wheel, and what builds its source archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import Requirement

from rigspec.lock.conda.lock import CondaLock
from rigspec.lock.conda.pip import find_missing_tools
from rigspec.lock.python.builds.separate_builds import (
    SeparateBuild,
    lock_separate_builds,
    split_builds,
)
from rigspec.lock.python.builds.source_builds import (
    SourceBuild,
    build_requirements,
    explain_build_conflict,
    find_builders,
)
from rigspec.lock.python.conflicts import PackageConflict
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.interpreter import explain_pip, list_tools
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import read_pins
from rigspec.resolution import EnvResolution
from rigspec.spec.models.environment import Environment

__all__ = ["SolvedTools", "ToolsSolver"]


@dataclass(frozen=True)
class SolvedTools:
    """The pins of the tools, and the archives that are built with others."""

    requirements: str
    separate: tuple[SeparateBuild, ...] = ()


@dataclass(frozen=True)
class ToolsSolver:
    """Chooses the tools that fit the packages of an environment.

    ``figures`` are those of its interpreter, ``provided`` the pins of conda's distributions.
    ``compile_request`` is a resolver without start-up time.
    """

    spec: Environment
    env: EnvResolution
    figures: Mapping[str, str]
    conda: CondaLock
    provided: Sequence[str]
    request: ResolveRequest
    index: PackageIndex
    compile_request: Callable[[ResolveRequest], str]

    def solve(
        self, packages: str, builds: Sequence[SourceBuild], tool_bounds: Sequence[str]
    ) -> SolvedTools:
        """Return the tools; archives that they do not build get others. Raises LockError."""
        fixed = [build for build in builds if not self._may_build_apart(build)]
        others = [build for build in builds if build not in fixed]
        here, apart = split_builds(others, packages, self.index)
        while True:
            try:
                tools = self._lock_tools(packages, [*fixed, *here], tool_bounds)
            except PackageConflict as error:
                movable = [
                    b for chain in error.collision.chains for b in find_builders(here, chain)
                ]
                if not movable:
                    raise self._explain(error, packages, builds) from None
                here.remove(movable[0])
                apart.append(movable[0])
                continue
            request = replace(self.request, constraints=tuple(self._list_least_tools()))
            separate = lock_separate_builds(
                request, apart, packages, self.index, self.compile_request
            )
            return SolvedTools(tools, separate)

    def _may_build_apart(self, build: SourceBuild) -> bool:
        """Return whether an archive may be built outside of the environment.

        One with wheels for other Pythons is not, if the spec leaves the Python free: such an
        archive is often too old to compile for a newer one.
        """
        return self.spec.manager == "venv" and not (self.spec.has_free_python and build.pythons)

    def _lock_tools(
        self, packages: str, builds: Sequence[SourceBuild], tool_bounds: Sequence[str]
    ) -> str:
        locked = {pin.name: f"{pin.name}=={pin.version}" for pin in read_pins(packages)}
        bounds = {Requirement(line).name: line for line in self._list_bounds()}
        # A tool that a package requires is at the version of that package.
        lines = [locked.get(name, line) for name, line in bounds.items()]
        needed = build_requirements(self.env.name, builds, packages, self.index)
        fixed = (*self.provided, *locked.values(), *tool_bounds)
        constraints = dict.fromkeys((*fixed, *self._list_least_tools()))
        return self.compile_request(
            replace(
                self.request,
                requirements=(*find_missing_tools(self.conda, lines), *needed),
                constraints=tuple(constraints),
                # A day is for the packages, not for the tools that install and build them.
                as_of=None,
                direct=(),
            )
        )

    def _explain(
        self, error: PackageConflict, packages: str, builds: Sequence[SourceBuild]
    ) -> Exception:
        origins = {
            Requirement(line).name: f"rigspec requires {line} for Python {self.env.python}"
            for line in self._list_bounds()
            if Requirement(line).name not in self.spec.packages
        }
        origins |= {pin.name: f"{pin.name}=={pin.version} is locked" for pin in read_pins(packages)}
        pip = explain_pip(self.spec, self.env)
        other = explain_build_conflict(self.env.name, builds, error.collision)
        return other or error.explain_bounds({**origins, "pip": pip})

    def _list_least_tools(self) -> Iterator[str]:
        """Yield the first setuptools that runs on the interpreter, if it is not every one."""
        first = self.figures.get("first_setuptools")
        if first is not None:
            yield f"setuptools>={first}"

    def _list_bounds(self) -> Iterator[str]:
        """Yield the requirements of the tools, as the spec or the interpreter has them."""
        yield f"pip=={self.env.pip}"
        yield from list_tools(self.spec, self.figures, self.env)
