"""Source archives in a locked environment: their build requirements and compilers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.errors import LockError, Place, report_no_solution
from rigspec.lock.model import Unpinned
from rigspec.lock.python.conflicts import Collision, RequiredPackage
from rigspec.lock.python.index.metadata import FileMetadata
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.index.sdist import CPU_FALLBACK
from rigspec.lock.python.request import TOOLS
from rigspec.lock.python.requirements_file import HashedPin, read_pins
from rigspec.lock.system_dependencies import COMPILERS, PYTHON_HEADERS, find_needed_packages
from rigspec.matrix.model import Matrix
from rigspec.matrix.packages import RUST_COMPILERS
from rigspec.resolution import (
    EnvResolution,
    Resolution,
    has_other_cuda,
    suggest_same_cuda,
)
from rigspec.resolve.problem.base_image import has_unknown_image, suggest_image_with_compiler
from rigspec.spec.models.rig import Rig

__all__ = [
    "CHOOSES_NUMPY",
    "SourceBuild",
    "build_requirements",
    "explain_build_conflict",
    "find_builders",
    "find_source_builds",
    "find_tool_bounds",
    "list_build_requirements",
    "list_open_crates",
    "note_unknown_libraries",
    "require_build_needs",
    "suggest_pythons",
]

# Packages of the system that include a compiler of C and C++.
_TORCH = "torch"
_C_COMPILERS = frozenset({"build-essential", "gcc", "g++", "clang", "gcc-c++", "gcc-toolset-12"})
_FORTRAN_COMPILERS = frozenset({"gfortran", "gcc-gfortran"})
# It only chooses a NumPy to build with: here that is the one of the environment.
CHOOSES_NUMPY = "oldest-supported-numpy"


@dataclass(frozen=True)
class SourceBuild:
    """A pin that exists only as a source archive, with what builds it.

    ``has_wheels`` is true if the index has wheels of it for other interpreters or platforms,
    ``pythons`` are those with a wheel for the target's platform, oldest first.
    """

    pin: HashedPin
    metadata: FileMetadata
    has_wheels: bool = True
    pythons: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.pin.name} {self.pin.version}"


def find_source_builds(index: PackageIndex, text: str) -> tuple[SourceBuild, ...]:
    """Return the pins of a result that the environment's pip has to build. Raises LockError."""
    found = ((pin, index.source_metadata(pin)) for pin in read_pins(text))
    return tuple(
        SourceBuild(pin, metadata, index.has_wheels(pin), index.list_wheel_pythons(pin))
        for pin, metadata in found
        if metadata is not None
    )


def find_tool_bounds(
    builds: Iterable[SourceBuild], text: str, index: PackageIndex
) -> tuple[str, ...]:
    """Return the build requirements that locked tools do not satisfy, sorted.

    A package such as torch requires setuptools, and the same setuptools builds the archives.
    """
    locked = {pin.name: pin.version for pin in read_pins(text) if pin.name in TOOLS}
    return tuple(
        sorted(
            f"{canonicalize_name(needed.name)}{needed.specifier}"
            for build in builds
            for needed in build.metadata.built_with
            if (version := locked.get(canonicalize_name(needed.name))) is not None
            and index.applies(needed)
            and not needed.specifier.contains(version, prereleases=True)
        )
    )


def list_build_requirements(
    build: SourceBuild, index: PackageIndex
) -> Iterator[tuple[str, Requirement]]:
    """Yield the build requirements of an archive for the target, by canonical name."""
    for needed in build.metadata.built_with:
        name = canonicalize_name(needed.name)
        if index.applies(needed) and name != CHOOSES_NUMPY:
            yield name, needed


def build_requirements(
    env: str, builds: Iterable[SourceBuild], text: str, index: PackageIndex
) -> tuple[str, ...]:
    """Return the build requirements that the environment itself does not install, sorted.

    Raises:
        LockError: The environment has a build requirement at a version that does not build.

    """
    locked = {pin.name: pin.version for pin in read_pins(text)}
    lines = set()
    for build in builds:
        for name, needed in list_build_requirements(build, index):
            version = locked.get(name)
            if version is None or name in TOOLS:
                lines.add(f"{name}{_extras(needed)}{needed.specifier}")
            elif not needed.specifier.contains(version, prereleases=True):
                why = f"{build.label} is built with {needed}, but the environment has {version}"
                raise report_no_solution(env, why)
    return tuple(sorted(lines))


def explain_build_conflict(
    env: str, builds: Sequence[SourceBuild], collision: Collision
) -> LockError | None:
    """Return the error of two source archives that are built with different versions of a tool.

    None if the collision is another one.
    """
    parts = []
    for chain in collision.chains:
        builders = find_builders(builds, chain)
        if not builders:
            return None
        parts.append(f"{builders[0].label} is built with {chain[-1]}")
    tool = collision.chains[0][-1].name
    return report_no_solution(env, f"{', and '.join(parts)}: an environment has one {tool}")


def find_builders(
    builds: Iterable[SourceBuild], chain: Sequence[RequiredPackage]
) -> list[SourceBuild]:
    """Return the archives that are built with the requirement of a collision."""
    return [build for build in builds if len(chain) == 1 and _is_built_with(build, chain[0])]


def _is_built_with(build: SourceBuild, required: RequiredPackage) -> bool:
    wanted = [SpecifierSet(text) for text in required.versions]
    return any(
        canonicalize_name(needed.name) == required.name and [needed.specifier] == wanted
        for needed in build.metadata.built_with
    )


def require_build_needs(
    rig: Rig,
    resolution: Resolution,
    matrix: Matrix,
    env: EnvResolution,
    builds: Sequence[SourceBuild],
    find_requirer: Callable[[str], HashedPin | None],
) -> tuple[str, ...]:
    """Return the needs of the source archives that further packages of the system meet.

    ``find_requirer`` returns the package of the spec that requires a dependency, if there is one.

    Raises:
        LockError: An archive needs a compiler that neither the rig nor these packages install, or
            another toolkit, is a stub, which downloads a wheel instead of a build, or computes its
            build requirements.

    """
    unmet = _list_unmet(rig, env, builds)
    met = tuple(need for need in unmet if find_needed_packages(resolution, matrix, need))
    for build in builds:
        if build.metadata.is_stub:
            raise _report_stub(build, _places(rig, env.name, build, find_requirer))
        if build.metadata.computes_requirements:
            places = _places(rig, env.name, build, find_requirer)
            raise _report_computed_requirements(env.name, build, places)
        if _is_torch_extension(build) and has_other_cuda(resolution, env):
            places = _places(rig, env.name, build, find_requirer)
            raise _report_other_cuda(resolution, env, build, places)
        missing = list(_missing(build, rig, resolution, env, met))
        if missing:
            names = " and ".join(name for name, _ in missing)
            raise LockError(
                Diagnostic(
                    code="RS507",
                    severity=Severity.ERROR,
                    message=f"{build.label} has no wheel for this environment, and its build "
                    f"needs {names}: the installation would fail",
                    help=(*(help_ for _, help_ in missing), *suggest_pythons(build, env.name)),
                ),
                1,
                _places(rig, env.name, build, find_requirer),
                on_every_python=not build.has_wheels,
            )
    return met


def suggest_pythons(build: SourceBuild, env: str) -> Iterator[str]:
    """Yield an advice to use a Python that has a wheel of the archive, if there is one."""
    if build.pythons:
        yield (
            f'or set `python` of `{env}` to "{build.pythons[-1]}": {build.label} has wheels '
            f"for Python {', '.join(build.pythons)}"
        )


def _list_unmet(rig: Rig, env: EnvResolution, builds: Sequence[SourceBuild]) -> tuple[str, ...]:
    """Return the needs of the source archives that packages of the rig do not meet."""
    if not any(build.metadata.languages for build in builds):
        return ()
    packages = _list_packages(rig)
    needs = [] if packages & _C_COMPILERS else [COMPILERS]
    if env.interpreter == "system" and not any(map(_has_headers, packages)):
        needs.append(PYTHON_HEADERS)
    return tuple(needs)


def _is_torch_extension(build: SourceBuild) -> bool:
    """Return whether an archive has CUDA code that PyTorch compiles."""
    required = (*build.metadata.built_with, *build.metadata.runs_with)
    return "cuda" in build.metadata.languages and any(each.name == _TORCH for each in required)


def _report_other_cuda(
    resolution: Resolution, env: EnvResolution, build: SourceBuild, places: Sequence[Place]
) -> LockError:
    toolkit = ".".join((resolution.cuda or "").split(".")[:2])
    diagnostic = Diagnostic(
        code="RS507",
        severity=Severity.ERROR,
        message=f"{build.label} has no wheel for `{env.name}`, and its build needs a toolkit of "
        f"CUDA {env.cuda}, for which {_TORCH} is built: the toolkit is CUDA {toolkit}, so the "
        "installation would fail",
        components=("cuda", build.pin.name),
        runtime_error=(
            f"The detected CUDA version ({toolkit}) mismatches the version that was used to "
            f"compile PyTorch ({env.cuda})",
        ),
        help=suggest_same_cuda(_TORCH, resolution, env),
    )
    # An older Python may have an older PyTorch for the toolkit: both would surprise.
    return LockError(diagnostic, 1, places, on_every_python=True)


def _report_computed_requirements(
    env: str, build: SourceBuild, places: Sequence[Place]
) -> LockError:
    name = build.pin.name
    diagnostic = Diagnostic(
        code="RS507",
        severity=Severity.ERROR,
        message=f"{build.label} has no wheel for `{env}`, and its setup.py computes the packages "
        "that build it: no lock can pin them",
        help=(
            f"request a version of `{name}` with a wheel",
            f'or name a wheel that you built: `{name} = {{ url = "https://…", sha256 = "…" }}`',
        ),
    )
    return LockError(diagnostic, 1, places)


def _report_stub(build: SourceBuild, places: Sequence[Place]) -> LockError:
    diagnostic = Diagnostic(
        code="RS507",
        severity=Severity.ERROR,
        message=f"{build.label} is a stub: its build downloads a wheel from NVIDIA's index, which "
        "the lock cannot pin",
        help=(
            f'name that wheel: `{build.pin.name} = {{ url = "https://…", sha256 = "…" }}`',
            "or add `[index.NAME]` with the `url` of an index that has its wheels, and "
            f'`packages = ["{build.pin.name}"]`',
        ),
    )
    return LockError(diagnostic, 1, places)


def list_open_crates(builds: Iterable[SourceBuild]) -> Iterator[Unpinned]:
    """Yield the crates that cargo chooses while pip builds an archive."""
    for build in builds:
        if build.metadata.has_open_crates:
            yield Unpinned(
                f"crates of {build.label}",
                "its archive has no Cargo.lock, so its build downloads the newest that fit",
            )


def note_unknown_libraries(env: str, builds: Iterable[SourceBuild]) -> Iterator[Diagnostic]:
    """Yield a note if archives are compiled: they do not list the libraries that they need."""
    names = ", ".join(build.label for build in builds if build.metadata.languages)
    if names:
        yield Diagnostic(
            code="RS507",
            severity=Severity.NOTE,
            message=f"not checked: libraries of the system that `{env}` needs to compile {names}",
            help=("add the packages with their headers to `system.packages` if there are any",),
        )


def _missing(
    build: SourceBuild,
    rig: Rig,
    resolution: Resolution,
    env: EnvResolution,
    met: Collection[str],
) -> Iterator[tuple[str, str]]:
    languages, packages = build.metadata.languages, _list_packages(rig)
    needs = set(_list_unmet(rig, env, (build,))).difference(met)
    if COMPILERS in needs:
        yield "a C compiler", 'add "build-essential" to `system.packages`'
    if "fortran" in languages and not packages & _FORTRAN_COMPILERS:
        yield "a Fortran compiler", 'add "gfortran" to `system.packages`'
    if "rust" in languages and not packages & RUST_COMPILERS:
        yield "a Rust compiler", 'add "cargo" to `system.packages`'
    has_gpu = resolution.accelerator == "gpu"
    image = suggest_image_with_compiler(rig)
    has_nvcc = image is None and (resolution.cuda is not None or has_unknown_image(rig))
    if "cuda" in languages and (has_gpu or CPU_FALLBACK not in languages) and not has_nvcc:
        # An extension is compiled with the CUDA of its framework.
        version = f'`toolkit = "{env.cuda}"`' if env.cuda is not None else "a `toolkit`"
        help_ = f"add `[cuda]` with {version}"
        if image is not None:
            help_ = f'set `base` of `[container]` to "{image}", which has nvcc'
        yield "the CUDA toolkit", help_
    if PYTHON_HEADERS in needs:
        yield "the headers of Python", 'add "python3-dev" to `system.packages`'


def _list_packages(rig: Rig) -> frozenset[str]:
    return frozenset(rig.system.packages if rig.system is not None else ())


def _has_headers(package: str) -> bool:
    return package.startswith("python") and "-dev" in package


def _places(
    rig: Rig, env: str, build: SourceBuild, find_requirer: Callable[[str], HashedPin | None]
) -> list[Place]:
    """Return the line of the spec that leads to an archive."""
    names: dict[str, str] = {canonicalize_name(name): name for name in rig.env[env].packages}
    name, label = build.pin.name, "built from source"
    if name not in names:
        requirer = find_requirer(name)
        if requirer is None:
            return []
        name = requirer.name
        label = f"{name} {requirer.version} requires {build.label}, which is built from source"
    return [Place(("env", env, "packages", names[name]), label)]


def _extras(requirement: Requirement) -> str:
    return f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
