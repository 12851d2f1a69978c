"""A lock compared with the spec it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.artifacts import INTERPRETER_TABLES, find_interpreter_archive
from rigspec.lock.model import Lock, LockedMachine
from rigspec.lock.oci.choice import choose_base_image
from rigspec.lock.services import find_service_differences
from rigspec.matrix.images import load_image
from rigspec.matrix.loader import load_matrix
from rigspec.resolution import NO_DRIVER, EnvResolution, Resolution
from rigspec.resolve.problem.base_image import find_image_tag
from rigspec.spec.loader import compute_spec_digest
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig

__all__ = ["find_differences", "find_rig_image_differences"]


def find_differences(
    lock: Lock, rig: Rig, resolutions: Sequence[Resolution]
) -> tuple[Diagnostic, ...]:
    """Return the differences between a lock and its spec; empty if it is up to date.

    An error if a version differs; a warning if the spec has changed but no version has.
    """
    moved = [*_machines(lock, rig, resolutions), *_packages(lock, rig)]
    if moved:
        return (_stale(Severity.ERROR, "the lock is stale: " + "; ".join(moved)),)
    if lock.spec_digest != compute_spec_digest(rig):
        message = "the spec has changed since the lock was made, though no version has"
        return (_stale(Severity.WARNING, message),)
    return ()


def _stale(severity: Severity, message: str) -> Diagnostic:
    return Diagnostic("RS502", severity, message, help=("run `rigspec lock`",))


def _machines(lock: Lock, rig: Rig, resolutions: Sequence[Resolution]) -> Iterator[str]:
    locked = {machine.resolution.machine: machine for machine in lock.machines}
    decided = {resolution.machine: resolution for resolution in resolutions}
    for name in sorted(locked.keys() | decided.keys(), key=str):
        if name not in decided:
            yield f"{_label(name)} is no longer in the spec"
        elif name not in locked:
            yield f"{_label(name)} is not in the lock"
        else:
            yield from _layers(locked[name].resolution, decided[name])
            yield from _interpreters(locked[name], decided[name])
            yield from _driver(locked[name], decided[name])
            yield from find_rig_image_differences(locked[name], rig, decided[name])


def _packages(lock: Lock, rig: Rig) -> Iterator[str]:
    """Packages and services of the system that only the spec or only the lock has."""
    requested = set(rig.system.packages) if rig.system is not None else set()
    for machine in lock.machines:
        locked = {package.name for package in machine.packages if package.part == "system"}
        for name in sorted(requested ^ locked):
            yield f"the package {name} is only in the {'spec' if name in requested else 'lock'}"
        limited = limit_to_machine(rig, machine.resolution.machine)
        yield from find_service_differences(limited, machine)
        yield from _settings(limited, machine)


def _settings(rig: Rig, machine: LockedMachine) -> Iterator[str]:
    """The settings files that only the spec or only the lock has."""
    for env in machine.envs:
        requested = set(rig.env[env.name].config) if env.name in rig.env else set()
        for name in sorted(requested ^ {settings.framework for settings in env.settings}):
            where = "spec" if name in requested else "lock"
            yield f"the settings of {name} in {env.name} are only in the {where}"


def _label(machine: str | None) -> str:
    return f"the machine {machine}" if machine is not None else "a rig without machines"


def _driver(locked: LockedMachine, decided: Resolution) -> Iterator[str]:
    """A driver that is now to be installed otherwise; an older lock does not name its source."""
    if locked.resolution.driver_source is None:
        installed = any(package.part == "driver" for package in locked.packages)
        if decided.driver_source not in (None, NO_DRIVER) and not installed:
            yield f"the driver is not in the lock, but it is installed from {decided.driver_source}"
        return
    for name in ("driver_source", "kernel_modules"):
        before, after = getattr(locked.resolution, name), getattr(decided, name)
        if before != after:
            yield f"{name} is {before or 'absent'} in the lock and resolves to {after or 'absent'}"


def _layers(locked: Resolution, decided: Resolution) -> Iterator[str]:
    for layer in ("os", "arch", "glibc", "driver", "cuda", "cudnn", "cudnn_cuda", "docker"):
        before, after = getattr(locked, layer), getattr(decided, layer)
        if before != after:
            yield f"{layer} is {before or 'absent'} in the lock and resolves to {after or 'absent'}"
    before_envs = {env.name: env for env in locked.envs}
    after_envs = {env.name: env for env in decided.envs}
    for name in sorted(before_envs.keys() | after_envs.keys()):
        if name not in before_envs or name not in after_envs:
            where = "lock" if name in before_envs else "spec"
            yield f"the environment {name} is only in the {where}"
        else:
            yield from _env(before_envs[name], after_envs[name])


def _env(locked: EnvResolution, decided: EnvResolution) -> Iterator[str]:
    for part in ("python", "pip", "installer"):
        before, after = getattr(locked, part), getattr(decided, part)
        if before != after:
            yield f"{part} of {locked.name} is {before} in the lock and resolves to {after}"
    if locked.distributions != decided.distributions:
        pins = [f"{pin.name} {pin.version}" for pin in decided.distributions]
        yield f"the frameworks of {locked.name} resolve to {', '.join(pins) or 'none'}"
    elif locked.constraints != decided.constraints:
        bounds = ", ".join(decided.constraints) or "none"
        yield f"the constraints of the packages of {locked.name} are now {bounds}"
    elif locked.companions != decided.companions:
        companions = ", ".join(decided.companions) or "none"
        yield f"the undeclared packages of the frameworks of {locked.name} are now {companions}"


def _interpreters(locked: LockedMachine, decided: Resolution) -> Iterator[str]:
    """Interpreters from another source, and those whose archive only the matrix has."""
    files = {file.name for file in locked.files}
    interpreters = {env.name: env.interpreter for env in locked.envs}
    for env in decided.envs:
        before, kind = interpreters.get(env.name), env.interpreter
        if before is None:
            continue
        if before.kind != kind:
            yield f"the Python of {env.name} is from {before.kind} in the lock and from {kind} now"
        elif kind in INTERPRETER_TABLES and before.installer not in files:
            tables = load_matrix([INTERPRETER_TABLES[kind]])
            if find_interpreter_archive(tables, kind, env.python, decided.arch) is not None:
                yield f"the archive of Python {env.python} for {env.name} is not in the lock"


def find_rig_image_differences(
    locked: LockedMachine, rig: Rig, decided: Resolution
) -> Iterator[str]:
    """Yield a description of each difference of the base image."""
    before, wanted = _locked_reference(locked), str(choose_base_image(rig, decided))
    if before is not None and before != wanted:
        yield f"the base image is {before} in the lock and {wanted} in the spec"
    elif locked.image is not None and locked.image.pinned_by == "matrix":
        tag = find_image_tag(rig)
        image = load_image(tag) if tag is not None else None
        digest = image.get("digest") if image is not None else None
        if digest != locked.image.digest:
            now = digest or "absent"
            before = locked.image.digest
            yield f"the digest of {wanted} is {before} in the lock and {now} in the matrix"


def _locked_reference(machine: LockedMachine) -> str | None:
    """The locked reference, as the spec wrote it."""
    image = machine.image
    if image is None:
        return None
    return f"{image.reference}@{image.digest}" if image.pinned_by == "spec" else image.reference
