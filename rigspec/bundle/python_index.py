"""The Python packages of a lock, as a simple repository (PEP 503)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from urllib.parse import quote

from rigspec.bundle.model import (
    BundleFile,
    BundlePart,
    GeneratedFile,
    MissingItem,
    ServedIndex,
    write_verified,
)
from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.lock.python.index.build_indexes import list_build_indexes, list_indexed_builds
from rigspec.lock.python.index.package_index import IndexedFile, PackageIndex
from rigspec.lock.python.requirements_file import HashedPin
from rigspec.lock.python.target_interpreter import TargetInterpreter, describe_target_interpreter
from rigspec.spec.models.rig import Rig
from rigspec.spec.package_sources import list_named_indexes
from rigspec.version_specifiers import build_of

__all__ = ["fetch_pypi_part"]

_FOLDER = "pypi"


@dataclass(frozen=True)
class _EnvironmentPin:
    """A pin of one environment, and the index as its interpreter sees it."""

    pin: HashedPin
    env: str
    index: PackageIndex


def fetch_pypi_part(rig: Rig, machines: Sequence[LockedMachine], index: str | None) -> BundlePart:
    """Return the file that each environment's pip would install for each pin.

    Raises:
        LockError: The index failed.

    """
    from concurrent.futures import ThreadPoolExecutor

    environment_pins = [
        pin for machine in machines for pin in _environment_pins(rig, machine, index)
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda a: a.index.file_of(a.pin), environment_pins))
    files: dict[str, tuple[str, IndexedFile]] = {}
    missing = []
    for a, file in zip(environment_pins, found, strict=True):
        if file is None:
            why = f"the index has no file that the environment `{a.env}` can install"
            missing.append(MissingItem(f"{a.pin.name} {a.pin.version}", why))
        else:
            files[file.name] = (a.pin.name, file)
    bundle_files = tuple(
        BundleFile(f"{_FOLDER}/{name}/{file.name}", file.sha256, partial(_fetch, file))
        for name, file in files.values()
    )
    mirrors = (("pypi", _FOLDER),) if files else ()
    pages, unavailable = tuple(_pages(files)), tuple(dict.fromkeys(missing))
    return BundlePart(bundle_files, pages, unavailable, mirrors, _served_indexes(rig, machines))


def _served_indexes(rig: Rig, machines: Sequence[LockedMachine]) -> tuple[ServedIndex, ...]:
    """Return the indexes of the spec that the lock has packages of."""
    builds = {
        build_of(pin.version)
        for machine in machines
        for env in machine.resolution.envs
        for build in list_indexed_builds(rig.env[env.name], env)
        for pin in env.frameworks
        if pin.name == build.framework
    }
    packages = {
        package.name
        for machine in machines
        for env in machine.envs
        for package in (*env.packages, *env.tools)
    }
    named = {each.name for each in list_named_indexes(rig) if any(map(each.names, packages))}
    return tuple(
        ServedIndex(name, _FOLDER, tuple(rig.index[name].packages) if name in named else ())
        for name in sorted(builds | named)
    )


def _environment_pins(
    rig: Rig, machine: LockedMachine, index: str | None
) -> Iterator[_EnvironmentPin]:
    resolutions = {resolution.name: resolution for resolution in machine.resolution.envs}
    for env in machine.envs:
        extra = list_build_indexes(rig, resolutions[env.name])
        index_of_env = PackageIndex(
            _target(machine, env), index, extra=extra, named=list_named_indexes(rig)
        )
        tools = (package for build in env.builds for package in build.tools)
        # An environment and its builds have many packages in common.
        listed = dict.fromkeys((*env.tools, *env.packages, *tools))
        for package in (package for package in listed if package.url is None):
            yield _EnvironmentPin(HashedPin.of(package), env.name, index_of_env)


def _target(machine: LockedMachine, env: LockedEnv) -> TargetInterpreter:
    resolutions = {resolution.name: resolution for resolution in machine.resolution.envs}
    return describe_target_interpreter(machine.resolution, resolutions[env.name], None)


def _fetch(file: IndexedFile, to: Path) -> None:
    with write_verified(to, file.sha256) as write:
        write(file.blocks())


def _pages(files: Mapping[str, tuple[str, IndexedFile]]) -> Iterator[GeneratedFile]:
    by_package: dict[str, list[IndexedFile]] = {}
    for name, file in files.values():
        by_package.setdefault(name, []).append(file)
    for name, own in sorted(by_package.items()):
        links = [_link(file) for file in sorted(own, key=lambda file: file.name)]
        yield GeneratedFile(f"{_FOLDER}/{name}/index.html", _page(links))
    links = [f'<a href="{name}/">{name}</a>' for name in sorted(by_package)]
    if links:
        yield GeneratedFile(f"{_FOLDER}/index.html", _page(links))


def _link(file: IndexedFile) -> str:
    requires = file.requires_python
    python = f' data-requires-python="{escape(requires)}"' if requires is not None else ""
    return f'<a href="{quote(file.name)}#sha256={file.sha256}"{python}>{escape(file.name)}</a>'


def _page(links: Iterable[str]) -> bytes:
    body = "".join(f"{link}<br>\n" for link in links)
    return f"<!DOCTYPE html>\n<html><body>\n{body}</body></html>\n".encode()
