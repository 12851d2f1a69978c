"""Steps for Python interpreters and environments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources

from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.plan.layers.apt import package_list_file, package_lists, packages_of
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import VERIFY_PACKAGES, env_path, env_python, installer_path
from rigspec.plan.services.build import service_files
from rigspec.plan.services.jupyter import notebook_files
from rigspec.plan.steps import AptPackages, Environment, Installer, Step
from rigspec.resolution import EnvResolution
from rigspec.spec.models.rig import Rig

__all__ = ["environment_steps", "payload_files"]


def environment_steps(locked: LockedMachine, index: str | None = None) -> Iterator[Step]:
    """Yield the steps that install the interpreters, each once, and the environments.

    ``index`` is the Python index of the spec; without one, pip uses the machine's configuration.
    """
    packages = packages_of(locked, "interpreter")
    if packages:
        yield AptPackages(
            id="interpreters",
            title="Packages: Python interpreters",
            layer="interpreter",
            packages=packages,
            package_list=package_list_file(locked, "interpreter"),
        )
    resolutions = {env.name: env for env in locked.resolution.envs}
    installed: set[str] = set()
    for env in locked.envs:
        resolution = resolutions[env.name]
        if env.interpreter.installer is not None and env.interpreter.installer not in installed:
            installed.add(env.interpreter.installer)
            yield _installer_step(locked, env, resolution)
        yield replace(_environment_step(env, resolution), index=index)


def payload_files(rig: Rig, locked: LockedMachine) -> tuple[PayloadFile, ...]:
    """Return the files that are delivered with an artifact: lists of packages, and programs."""
    files = [*package_lists(locked), *notebook_files(locked), *service_files(rig, locked)]
    if locked.envs:
        program = resources.files("rigspec.plan") / "payload" / VERIFY_PACKAGES
        files.append(PayloadFile(VERIFY_PACKAGES, program.read_text(encoding="utf-8")))
    for env in locked.envs:
        files.append(PayloadFile(f"{env.name}.requirements.txt", env.requirements))
        files.append(PayloadFile(f"{env.name}.tools.txt", env.tools))
        if env.explicit:
            files.append(PayloadFile(f"{env.name}.explicit.txt", env.explicit))
            files.append(PayloadFile(f"{env.name}.conda-lock.yml", env.conda_lock))
    return tuple(files)


def _installer_step(locked: LockedMachine, env: LockedEnv, resolution: EnvResolution) -> Installer:
    name = env.interpreter.installer
    file = next(file for file in locked.files if file.name == name)
    home = installer_path(resolution.installer or file.name)
    return Installer(
        id=_installer_id(resolution),
        title=f"{resolution.installer} (Python {resolution.python})",
        layer="interpreter",
        file=file,
        # -b: batch mode; -p: target directory. All installers of this family have these options.
        arguments=("-b", "-p", home),
        creates=f"{home}/bin/python",
        prefix=home,
    )


def _installer_id(resolution: EnvResolution) -> str:
    return "installer-" + (resolution.installer or "").lower().replace(" ", "-").replace(".", "-")


def _environment_step(env: LockedEnv, resolution: EnvResolution) -> Environment:
    create_command = env.interpreter.creator
    needs: tuple[str, ...] = ("interpreters",) if env.interpreter.packages else ()
    if env.interpreter.installer is not None:
        home = installer_path(resolution.installer or "")
        create_command = (f"{home}/bin/{create_command[0]}", *create_command[1:])
        needs = (_installer_id(resolution),)
    return Environment(
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
        pip=resolution.pip,
        explicit=f"{env.name}.explicit.txt" if env.explicit else None,
    )
