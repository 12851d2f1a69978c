"""Steps for Python interpreters and environments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources

from rigspec.lock.conda.explicit_list import format_explicit_list
from rigspec.lock.model import LockedBuild, LockedEnv, LockedMachine
from rigspec.lock.python.requirements_file import format_requirements
from rigspec.plan.layers.apt import build_package_lists, build_package_step
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import (
    VERIFY_PACKAGES,
    build_files,
    env_path,
    env_python,
    installer_path,
    interpreter_path,
)
from rigspec.plan.services.build import build_service_files
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import (
    ArchiveStep,
    EnvironmentStep,
    InstallerStep,
    PackageBuildStep,
    SourceBuildStep,
    SourceRename,
    Step,
)
from rigspec.resolution import EnvResolution

__all__ = ["build_environment_steps", "build_payload_files"]

# The C of these series, configure script included, is older than what GCC 14 accepts:
# https://gcc.gnu.org/gcc-14/porting_to.html
_OLD_C = frozenset({"2.7", "3.4", "3.5", "3.6", "3.7", "3.8"})
_C_FLAGS = (
    "-Wno-error=implicit-function-declaration",
    "-Wno-error=implicit-int",
    "-Wno-error=incompatible-pointer-types",
    "-Wno-error=int-conversion",
)

# Their allocator aligns memory to 8 bytes, but GCC 11 and newer vectorize code for 16. The import
# of ctypes crashes: https://github.com/pyenv/pyenv/pull/2630. pyenv patches the allocator.
_UNALIGNED = frozenset({"3.4", "3.5", "3.6"})
_UNALIGNED_FLAGS = ("-fno-tree-vectorize", "-fno-tree-slp-vectorize")

# The C library declares `sinpi`, too, since glibc 2.41. Python 2.7.17 and 3.7.3 renamed theirs, but
# these series did not: https://github.com/python/cpython/issues/80287.
_SINPI = frozenset({"3.5", "3.6"})
_SINPI_RENAME = SourceRename("Modules/mathmodule.c", "sinpi", "m_sinpi")


def build_environment_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[Step]:
    """Yield the steps that install the interpreters, each once, and the environments.

    Without a Python index in the spec, pip uses the machine's configuration.
    """
    for part, name, title in (
        ("interpreter", "interpreters", "Packages: Python interpreters"),
        ("library", "libraries", "Packages: needed by Python packages"),
    ):
        yield from build_package_step(locked, part, id=name, title=title, layer="interpreter")
    resolutions = {env.name: env for env in locked.resolution.envs}
    indexes = {name: env.extra_indexes for name, env in rig.environments.items()}
    installed: set[str] = set()
    for env in locked.envs:
        resolution = resolutions[env.name]
        if env.interpreter.installer is not None and env.interpreter.installer not in installed:
            installed.add(env.interpreter.installer)
            yield _interpreter_step(locked, env, resolution)
        steps: tuple[EnvironmentStep | PackageBuildStep, ...] = (
            _environment_step(env, resolution),
            *_package_build_steps(env, resolution),
        )
        for step in steps:
            yield replace(
                step,
                index=rig.mirrors.pypi,
                extra_indexes=indexes.get(env.name, ()),
            )


def build_payload_files(rig: RigSettings, locked: LockedMachine) -> tuple[PayloadFile, ...]:
    """Return the files that are delivered with an artifact: lists of packages, and programs."""
    files = [
        *build_package_lists(locked),
        *build_service_files(rig, locked),
    ]
    if locked.envs:
        program = resources.files("rigspec.plan") / "payload" / VERIFY_PACKAGES
        files.append(PayloadFile(VERIFY_PACKAGES, program.read_text(encoding="utf-8")))
    for env in locked.envs:
        wheels = [package for package in env.packages if not package.from_source]
        files.append(PayloadFile(f"{env.name}.requirements.txt", format_requirements(wheels)))
        files.append(PayloadFile(f"{env.name}.tools.txt", format_requirements(env.tools)))
        if env.sources:
            files.append(PayloadFile(f"{env.name}.sources.txt", format_requirements(env.sources)))
        for number, build in enumerate(env.builds, 1):
            tools, sources = build_files(env.name, number)
            files.append(PayloadFile(tools, format_requirements(build.tools)))
            files.append(PayloadFile(sources, format_requirements(env.list_sources(build))))
        if env.conda is not None:
            text = format_explicit_list(env.conda)
            files.append(PayloadFile(f"{env.name}.explicit.txt", text))
            files.append(PayloadFile(f"{env.name}.conda-lock.yml", env.conda_lock))
    return tuple(files)


def _interpreter_step(locked: LockedMachine, env: LockedEnv, resolution: EnvResolution) -> Step:
    name = env.interpreter.installer
    file = next(file for file in locked.files if file.name == name)
    home, series = _interpreter_home(env, resolution), _series(resolution)
    step_id, title = _interpreter_id(env, resolution), f"Python {resolution.python}"
    if env.interpreter.kind == "uv":
        return ArchiveStep(
            id=step_id,
            title=f"{title} (standalone build)",
            layer="interpreter",
            file=file,
            to=home,
            strip=1,
            creates=f"{home}/bin/python{series}",
            exclusive=True,
        )
    if env.interpreter.kind == "pyenv":
        return SourceBuildStep(
            id=step_id,
            title=f"{title} (built from source)",
            layer="interpreter",
            needs=("interpreters",) if env.interpreter.packages else (),
            file=file,
            configure=_configure_arguments(home, series),
            c_flags=_list_c_flags(series),
            rename=_SINPI_RENAME if series in _SINPI else None,
            prefix=home,
            creates=f"{home}/bin/python{series}",
            check_command=(f"{home}/bin/python{series}", "-c", f"import {_modules(series)}"),
        )
    return InstallerStep(
        id=step_id,
        title=f"{resolution.installer} (Python {resolution.python})",
        layer="interpreter",
        file=file,
        # -b: batch mode; -p: target directory. All installers of this family have these options.
        arguments=("-b", "-p", home),
        creates=f"{home}/bin/python",
        prefix=home,
    )


def _list_c_flags(series: str) -> tuple[str, ...]:
    flags = _UNALIGNED_FLAGS if series in _UNALIGNED else ()
    return (*flags, *_C_FLAGS) if series in _OLD_C else flags


def _configure_arguments(home: str, series: str) -> tuple[str, ...]:
    """As pyenv's python-build does: https://github.com/pyenv/pyenv, plugins/python-build."""
    # Wheels for Python 2.7 on Linux (cp27mu) are for wide Unicode.
    wide = ("--enable-unicode=ucs4",) if series == "2.7" else ()
    return (f"--prefix={home}", f"--libdir={home}/lib", "--with-ensurepip=install", *wide)


def _modules(series: str) -> str:
    """The modules that configure leaves out without a word if a library is missing."""
    modern = () if series == "2.7" else ("lzma",)
    return ", ".join(("bz2", "ctypes", "curses", *modern, "readline", "sqlite3", "ssl", "zlib"))


def _series(resolution: EnvResolution) -> str:
    return ".".join(resolution.python.split(".")[:2])


def _interpreter_home(env: LockedEnv, resolution: EnvResolution) -> str:
    if resolution.installer is not None:
        return installer_path(resolution.installer)
    return interpreter_path(env.interpreter.kind, resolution.python)


def _interpreter_id(env: LockedEnv, resolution: EnvResolution) -> str:
    if resolution.installer is not None:
        return "installer-" + resolution.installer.lower().replace(" ", "-").replace(".", "-")
    return f"python-{resolution.python.replace('.', '-')}-{env.interpreter.kind}"


def _environment_step(env: LockedEnv, resolution: EnvResolution) -> EnvironmentStep:
    create_command, bootstrap = env.interpreter.creator, None
    needs: tuple[str, ...] = ("interpreters",) if env.interpreter.packages else ()
    if env.interpreter.installer is not None:
        program = f"{_interpreter_home(env, resolution)}/bin/{create_command[0]}"
        bootstrap = program if create_command[1:] == ("-m", "virtualenv") else None
        create_command = (program, *create_command[1:])
        needs = (_interpreter_id(env, resolution),)
    return EnvironmentStep(
        id=f"env-{env.name.replace('_', '-')}",
        title=f"Python environment {env.name}",
        layer="env",
        needs=needs,
        name=env.name,
        path=env_path(env.name),
        create_command=create_command,
        python=env_python(env.name),
        requirements=f"{env.name}.requirements.txt",
        tools=f"{env.name}.tools.txt",
        sources=f"{env.name}.sources.txt" if env.sources else None,
        build_variables=env.build_variables,
        pip=resolution.pip,
        explicit=f"{env.name}.explicit.txt" if env.conda is not None else None,
        bootstrap=bootstrap,
        packages=(*env.tools, *env.packages),
        conda_packages=env.conda_packages,
    )


def _package_build_steps(env: LockedEnv, resolution: EnvResolution) -> Iterator[PackageBuildStep]:
    whole = _environment_step(env, resolution)
    for number, build in enumerate(env.builds, 1):
        tools, sources = build_files(env.name, number)
        yield PackageBuildStep(
            id=f"{whole.id}-build-{number}",
            title=_title_of_build(build),
            layer="env",
            needs=(whole.id,),
            name=f"{env.name}.build-{number}",
            path=whole.path,
            python=whole.python,
            create_command=whole.create_command,
            tools=tools,
            sources=sources,
            build_variables=env.build_variables,
            packages=build.tools,
        )


def _title_of_build(build: LockedBuild) -> str:
    first, *others = build.sources
    return f"Build: {first} and {len(others)} more" if others else f"Build: {first}"
