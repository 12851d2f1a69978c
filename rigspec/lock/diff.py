"""The difference between two locks, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rigspec.lock.model import Lock, LockedEnv, LockedMachine

__all__ = ["lock_diff"]

# As much of a digest as a reader compares.
_SHORT = len("sha256:") + 12


def lock_diff(before: Lock, after: Lock) -> tuple[str, ...]:
    """Return a line for each layer, package and file that was added, removed or changed."""
    old = {machine.resolution.machine: machine for machine in before.machines}
    new = {machine.resolution.machine: machine for machine in after.machines}
    lines: list[str] = []
    for name in sorted(old.keys() | new.keys(), key=str):
        place = f"{name}: " if name is not None and len(new) > 1 else ""
        if name not in old or name not in new:
            lines.append(f"{'+' if name in new else '-'} machine {name}")
        else:
            lines += [f"{line[:2]}{place}{line[2:]}" for line in _machine(old[name], new[name])]
    return tuple(lines)


def _machine(before: LockedMachine, after: LockedMachine) -> Iterator[str]:
    layers = ("os", "driver", "cuda", "cudnn", "docker")
    old = {name: getattr(before.resolution, name) for name in layers}
    new = {name: getattr(after.resolution, name) for name in layers}
    yield from _diff_lines(_present(old), _present(new), "")
    yield from _diff_lines(_image(before), _image(after), "base image ")
    yield from _diff_lines(_files(before), _files(after), "file of ")
    yield from _diff_lines(_packages(before), _packages(after), "package ")
    old_envs = {env.name: env for env in before.envs}
    new_envs = {env.name: env for env in after.envs}
    for name in sorted(old_envs.keys() | new_envs.keys()):
        if name in old_envs and name in new_envs:
            yield from _diff_lines(_pins(old_envs[name]), _pins(new_envs[name]), f"{name}: ")
            old_conda, new_conda = _conda(old_envs[name], new_envs[name])
            yield from _diff_lines(old_conda, new_conda, f"{name}: conda's ")
        else:
            yield f"{'+' if name in new_envs else '-'} environment {name}"


def _present(layers: Mapping[str, str | None]) -> dict[str, str]:
    return {name: version for name, version in layers.items() if version is not None}


def _image(machine: LockedMachine) -> dict[str, str]:
    image = machine.image
    if image is None or image.digest is None:
        return {}
    return {image.reference: image.digest[:_SHORT]}


def _files(machine: LockedMachine) -> dict[str, str]:
    """Return the files with their digests: a server may send other bytes under the same name."""
    return {file.part: f"{file.name} {f'sha256:{file.sha256}'[:_SHORT]}" for file in machine.files}


def _packages(machine: LockedMachine) -> dict[str, str]:
    return {package.name: package.version or "unpinned" for package in machine.packages}


def _pins(env: LockedEnv) -> dict[str, str]:
    return {package.name: package.version for package in (*env.tools, *env.packages)}


def _conda(before: LockedEnv, after: LockedEnv) -> tuple[dict[str, str], dict[str, str]]:
    """Return the versions of conda's packages, with the build where only that differs."""
    old, new = _list_builds(before), _list_builds(after)
    same = {name for name in old.keys() & new.keys() if old[name][0] == new[name][0]}
    versions = [
        {name: " ".join(found) if name in same else found[0] for name, found in packages.items()}
        for packages in (old, new)
    ]
    return versions[0], versions[1]


def _list_builds(env: LockedEnv) -> dict[str, tuple[str, str]]:
    return {package.name: (package.version, package.build) for package in env.conda_packages}


def _diff_lines(before: Mapping[str, str], after: Mapping[str, str], place: str) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            yield f"+ {place}{name} {new}"
        elif new is None:
            yield f"- {place}{name} {old}"
        elif old != new:
            yield f"~ {place}{name} {old} → {new}"
